"""Parts of objects that were read from the remote, kept for the next read: `cache/` of the home.

All processes of a home share it. It may be removed at any time, it is never counted as a local
copy, and nothing in it is trusted: each reader verifies what it reads, so a file that was
torn by a power loss, or changed by hand, is only fetched again. Files get their names by rename,
when they are complete, so a process that is killed leaves nothing but a temporary file.

It never fails: on a full disk, or in a home that can only be read, nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

from radops.errors import RadopsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from radops.backends.folder.backend import FolderBackend
    from radops.format.digest import Digest

CACHE: Final = "cache"

DEFAULT_LIMIT: Final = 10_000_000_000
"""Bytes: room for the columns of some large tables, and little beside a data set."""

# A process looks at the size of the whole cache each time that it has written this share of the
# limit, so several processes together exceed it by little.
_LOOK_EVERY = 16
# How far below the limit the oldest parts are removed, so that not every write removes some.
_LOW_WATER = 0.9

# A part's time of use is written again only after this, to spare a write for each read.
_USE_SECONDS = 60.0

# After a write that failed, none is tried for so long: a full disk stays full for a while.
_REST_SECONDS = 30.0


class RangeCache:
    """Keeps parts of objects in files of their own. Thread-safe, and safe between processes.

    Args:
        backend: The folder backend over `<home>/storage`.
    """

    def __init__(self, backend: FolderBackend) -> None:
        self._backend = backend
        self._root = backend.root / CACHE
        self._limit = DEFAULT_LIMIT
        self._written: int | None = None
        self._rests_until = 0.0

    def use_limit(self, limit: int | None) -> None:
        """Set how many bytes all parts take at most: 0 keeps none, None is the default."""
        self._limit = DEFAULT_LIMIT if limit is None else limit

    def get(self, digest: Digest, part: str) -> bytes | None:
        """Return a part of an object, unverified; None if it is not here.

        Args:
            digest: The object.
            part: Which part, as in `put`.
        """
        path = f"{self._backend.root}/{_key(digest, part)}"
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - one of very many
                data = file.read()
                if time.time() - os.fstat(file.fileno()).st_mtime > _USE_SECONDS:
                    with contextlib.suppress(OSError):
                        os.utime(path)
        except OSError:
            return None
        return data

    def put(self, parts: Sequence[tuple[Digest, str, bytes]]) -> None:
        """Keep parts of objects, if there is room; the longest unused ones make room for them.

        Args:
            parts: Digest of the object, which part of it, and the bytes.
        """
        size = sum(len(data) for _, _, data in parts)
        if size > self._limit // 2 or time.monotonic() < self._rests_until:
            return
        try:
            self._backend.without_durability().put(
                [(_key(digest, part), data) for digest, part, data in parts]
            )
        except (RadopsError, OSError):
            self._rests_until = time.monotonic() + _REST_SECONDS
            return
        written, self._written = self._written, (self._written or 0) + size
        if written is None or written + size > self._limit // _LOOK_EVERY:
            self._written = 0
            self._make_room()

    def drop(self, digest: Digest, part: str) -> None:
        """Remove a part that was found to be wrong."""
        with contextlib.suppress(OSError):
            os.unlink(f"{self._backend.root}/{_key(digest, part)}")  # noqa: PTH108 - as above

    def drop_all(self, digests: Iterable[Digest]) -> int:
        """Remove all parts of some objects; return how many bytes that were."""
        names: dict[str, set[str]] = {}
        for digest in digests:
            folder, _, name = digest.path.partition("/")
            names.setdefault(folder, set()).add(name)
        removed = 0
        for folder, wanted in names.items():
            found = self._in(f"{self._root}/{folder}")
            removed += _remove([o for o in found if _digits_of(o[2]) in wanted])
        return removed

    def is_empty(self) -> bool:
        """Return whether nothing is kept."""
        return next(self._all(), None) is None

    def size(self) -> int:
        """Return how many bytes are kept."""
        return sum(size for _, size, _ in self._all())

    def clear(self, *, older_than: float | None = None, dry_run: bool = False) -> int:
        """Remove what is kept, and return how many bytes that were.

        Args:
            older_than: Only what was not used for so many seconds.
            dry_run: Only count.
        """
        last = float("inf") if older_than is None else time.time() - older_than
        chosen = [one for one in self._all() if one[0] <= last]
        return sum(size for _, size, _ in chosen) if dry_run else _remove(chosen)

    def _make_room(self) -> None:
        kept = sorted(self._all())
        surplus = sum(size for _, size, _ in kept) - self._limit
        if surplus <= 0:
            return
        surplus += int(self._limit * (1 - _LOW_WATER))
        for one in kept:
            if surplus <= 0:
                return
            surplus -= _remove([one])

    def _all(self) -> Iterator[tuple[float, int, str]]:
        """Yield time of the last use, size and path of each part."""
        return self._in(str(self._root))

    @staticmethod
    def _in(folder: str) -> Iterator[tuple[float, int, str]]:
        todo = [folder]
        while todo:
            with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                        continue
                    with contextlib.suppress(OSError):  # others remove them meanwhile
                        status = entry.stat(follow_symlinks=False)
                        yield status.st_mtime, status.st_size, entry.path


def _key(digest: Digest, part: str) -> str:
    return f"{CACHE}/{digest.path}.{part}"


def _digits_of(path: str) -> str:
    """Return the part of a digest that the name of a part begins with."""
    return path.rpartition("/")[2].partition(".")[0]


def _remove(parts: Iterable[tuple[float, int, str]]) -> int:
    """Remove files; return the bytes of those that this removed."""
    removed = 0
    for _, size, path in parts:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - one of very many
            removed += size
    return removed
