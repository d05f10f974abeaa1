"""Objects on the local disk: finding them, verifying them, moving bad ones out of the way."""

from __future__ import annotations

import contextlib
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from radops import native
from radops.errors import CorruptObjectError, FileChangedError, LocalStorageError
from radops.format.outline import BLOCK_SIZE, check_outline
from radops.repository import layout
from radops.repository.objects.catalog import Catalog, Stamp, Usage
from radops.repository.objects.disk_errors import disk_errors, wrap
from radops.repository.objects.range_cache import RangeCache
from radops.repository.objects.trash import take_back
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.backends.folder.backend import FolderBackend
    from radops.format.digest import Digest

CATALOG = "catalog.sqlite"
QUARANTINE = "quarantine"

# Objects that a process remembers in memory as good, some 400 bytes each.
_MOST_PROVEN = 100_000

# Temporary files of another host, whose processes we cannot see, are left alone this long.
_STALE_SECONDS = 7 * 24 * 3600


Look: TypeAlias = tuple[int, int, int, int] | OSError | None
"""Size, mtime and ctime in nanoseconds, and inode of a regular file; None if it is absent."""


class ProvenObjects:
    """The objects of one home, as readers use them.

    Args:
        backend: The folder backend over `<home>/storage`.
    """

    def __init__(self, backend: FolderBackend) -> None:
        self.backend = backend
        self.root = backend.root
        self.catalog = Catalog(self.root / CATALOG, group=backend.is_group)
        self.usage = Usage(self.catalog)
        self.range_cache = RangeCache(backend)
        self._proven: dict[Digest, Stamp] = {}
        self._swept = False

    def temporary(self) -> Path:
        """Return a fresh path in `tmp/`; there is no file yet."""
        return self.temporaries(1)[0]

    def temporaries(self, count: int) -> list[Path]:
        """Return fresh paths in `tmp/`; there are no files yet."""
        if not self._swept:
            self._swept = True
            self.backend.remove_stale(_STALE_SECONDS)
        return self.backend.new_temporaries(count)

    def free(self) -> float:
        """Return how many bytes the disk has room for; no limit if it cannot say."""
        import shutil  # noqa: PLC0415 - slow to import, and most commands do without

        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return math.inf

    def object_path(self, digest: Digest) -> Path:
        """Return where the object's bytes are, or would be."""
        return self.root / layout.object_key(digest)

    def has(self, digest: Digest, size: int) -> bool:
        """Return whether an object of that digest and size is here, without reading it."""
        try:
            status = os.stat(f"{self.root}/{layout.object_key(digest)}")  # noqa: PTH116 - quick
        except OSError:
            return False
        return status.st_size == size

    def is_here(self, digest: Digest, size: int) -> bool:
        """Like `has`, and bring the object back if the collector has put it into the trash."""
        return self.has(digest, size) or self.take_back(digest)

    def lost(self, objects: Sequence[tuple[Digest, int]]) -> set[Digest]:
        """Return the objects of many that are not here, nor in the collector's trash."""
        found = self.look(layout.object_key(digest) for digest, _ in objects)
        return {
            digest
            for (digest, size), status in zip(objects, found, strict=True)
            if not (isinstance(status, tuple) and status[0] == size)
            and not self.is_here(digest, size)
        }

    def size(self, digest: Digest) -> int:
        """Return the size of an object that is here.

        Raises:
            CorruptObjectError: It does not.
        """
        entry = self.backend.stat(layout.object_key(digest))
        if entry is None:
            raise CorruptObjectError(f"object {digest} is missing in local storage")
        return entry.size

    def proven(self, digest: Digest, size: int) -> Path | None:
        """Return the path of the object, proven; None if it is not here.

        An unchanged stat since the last check is proof; else the bytes are hashed.

        Raises:
            CorruptObjectError: The bytes are wrong. They were moved to `quarantine/`.
        """
        path = self._prove(digest, size)
        if path is None and self.take_back(digest):
            path = self._prove(digest, size)
        if path is not None:
            self.usage.note(digest)
        return path

    def is_proven(self, digest: Digest, status: os.stat_result) -> bool:
        """Return whether an open file is the one that was found to hold an object's bytes.

        A link to it, made meanwhile, changes its ctime only.
        """
        stamp = self._proven.get(digest)
        return stamp is not None and (stamp.size, stamp.mtime_ns, stamp.inode) == (
            status.st_size,
            status.st_mtime_ns,
            status.st_ino,
        )

    def is_verified(self, digest: Digest, size: int) -> bool:
        """Return whether an object is here and good; bad bytes are moved to quarantine."""
        try:
            return self.proven(digest, size) is not None
        except CorruptObjectError:
            return False

    def locate(self, digest: Digest) -> Path:
        """Return where the object's bytes are, for reading what was admitted a while ago.

        An upload can take longer than the collector leaves alone what no record keeps yet.
        """
        path = self.object_path(digest)
        if not path.exists():
            self.take_back(digest)
        return path

    def take_back(self, digest: Digest) -> bool:
        """Bring back an object that the collector put into the trash; False if it is not there."""
        with contextlib.suppress(LocalStorageError):  # a home that we may only read
            return take_back(self.backend, digest)
        return False

    def _prove(self, digest: Digest, size: int) -> Path | None:
        path = self.object_path(digest)
        try:
            stamp = Stamp.of(path.stat())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise wrap(error, path) from error
        if self._proven.get(digest) == stamp:
            return path
        key = layout.object_key(digest)
        if stamp.size == size and self.catalog.checked(key, stamp, digest):
            self._trust(digest, stamp)
            return path
        began = time.time_ns()
        (check,) = native.check_files([(path, size, digest.raw)])
        if check.state == "ok":
            stamp = Stamp(check.size, check.mtime_ns, check.ctime_ns, check.inode)
            self._trust(digest, stamp)
            self.catalog.remember([(key, stamp, digest)], began)
            return path
        if check.state == "missing":
            return None
        if check.state == "unreadable":
            raise LocalStorageError(f"cannot read {path}: {check.message}")
        if check.state == "changed":
            raise FileChangedError(f"{path} changed while it was checked")
        self.quarantine(digest)
        raise CorruptObjectError(
            f"the local bytes of {digest} are not what was stored; moved to quarantine"
        )

    def checks(self, digest: Digest | None = None) -> tuple[int, float | None, float | None]:
        """Return how many objects were checked; when first and when last, in seconds since 1970.

        Args:
            digest: Only this object; None for all.
        """
        beginning = layout.OBJECTS if digest is None else layout.object_key(digest)
        times = [one / 1e9 for (one,) in self.catalog.check_times(beginning)]
        return (len(times), times[0], times[-1]) if times else (0, None, None)

    def _trust(self, digest: Digest, stamp: Stamp) -> None:
        """Do not query the catalogue about this object again, up to a limit."""
        if len(self._proven) >= _MOST_PROVEN:
            self._proven.clear()
        self._proven[digest] = stamp

    def distrust(self, digest: Digest) -> None:
        """Forget that an object was ever checked: the next use hashes it first."""
        self._proven.pop(digest, None)
        self.catalog.forget([layout.object_key(digest)])

    def quarantine(self, digest: Digest) -> Path:
        """Move a bad object out of the way, never to be served; return where it is."""
        target = self.isolate(layout.object_key(digest), str(digest))
        self.distrust(digest)
        return target

    def isolate(self, key: str, name: str) -> Path:
        """Move what is at `key`, a file of any kind, to `quarantine/<name>.<random>`."""
        aside = f"{QUARANTINE}/{name}.{os.urandom(4).hex()}"
        target = self.root / aside
        with disk_errors(target):
            self.backend.make_folder(target.parent)
            self.backend.rename(self.root / key, aside)
        return target

    def quarantined(self, digest: Digest) -> list[Path]:
        """Return the bad copies of an object that wait for a good one."""
        with contextlib.suppress(OSError):
            return sorted((self.root / QUARANTINE).glob(f"{digest}.*"))
        return []

    def drop_quarantined(self, digests: Iterable[Digest]) -> None:
        """Remove the bad copies of objects that are here again, verified."""
        good = {str(digest) for digest in digests}
        with contextlib.suppress(OSError), os.scandir(self.root / QUARANTINE) as entries:
            for entry in entries:
                if entry.name.partition(".")[0] in good:
                    Path(entry.path).unlink(missing_ok=True)

    def outline(self, digest: Digest, size: int) -> bytes | None:
        """Return the object's outline, proven against the digest; None where it has one block.

        An outline that is absent or wrong is computed again from the object.

        Raises:
            CorruptObjectError: The object itself is wrong or missing.
        """
        if size <= BLOCK_SIZE:
            return None
        path = self.root / layout.outline_key(digest)
        with contextlib.suppress(OSError):
            if check_outline(outline := path.read_bytes(), size, digest):
                return outline
        source = self.object_path(digest)
        with disk_errors(source):
            found = native.hash_file(source)
        if found.digest != digest.raw or found.size != size:
            self.quarantine(digest)
            raise CorruptObjectError(
                f"the local bytes of {digest} are not what was stored; moved to quarantine"
            )
        self.backend.put([(layout.outline_key(digest), found.outline)])
        return found.outline

    def forget(self, digests: Sequence[Digest]) -> None:
        """Drop what is known of objects that are gone."""
        for digest in digests:
            self._proven.pop(digest, None)
        self.catalog.forget(layout.object_key(digest) for digest in digests)
        self.catalog.forget_uses(digests)

    def follow_link(self, digest: Digest, before: os.stat_result, began: int) -> None:
        """Refresh the cached stat, as link(2) changed the ctime: the object is not hashed again."""
        self.follow_links([(digest, Stamp.of(before))], began)

    def follow_links(self, links: Sequence[tuple[Digest, Look]], began: int) -> None:
        """Do the same for many objects, each with its stat before it was linked to."""
        found = self.look(layout.object_key(digest) for digest, _ in links)
        self.note(
            [
                digest
                for (digest, before), after in zip(links, found, strict=True)
                if isinstance(after, tuple)
                and isinstance(before, tuple)
                and (after[0], after[1], after[3]) == (before[0], before[1], before[3])
                and self._proven.get(digest) == before
            ],
            began,
        )

    def is_trusted(self, digest: Digest, found: Look) -> bool:
        """Return whether a file that looks like this was found to hold an object's bytes."""
        return found is not None and self._proven.get(digest) == found

    def unverified(self, objects: Sequence[tuple[Digest, int]]) -> list[tuple[Digest, int]]:
        """Return the objects of many that are not here or not good; see `is_verified`."""
        keys = [layout.object_key(digest) for digest, _ in objects]
        found = self.look(keys)
        rows = {row[0]: row for row in self.catalog.rows(sorted(set(keys)))}
        has_trash = next(self.backend.list(layout.TRASH, recursive=False), None) is not None
        missing = []
        for item, key, status in zip(objects, keys, found, strict=True):
            digest, size = item
            if status is None and not has_trash:
                missing.append(item)
                continue
            row = rows.get(key)
            if (
                isinstance(status, tuple)
                and status[0] == size
                and row is not None
                and (row[1:5], row[5]) == (status, digest.raw)
            ):
                self._trust(digest, Stamp(*status))
                self.usage.note(digest)
            elif not self.is_verified(digest, size):
                missing.append(item)
        return missing

    def note(self, digests: Iterable[Digest], began: int) -> None:
        """Note that objects were just verified, in the catalogue and for this process."""
        rows = []
        keys = {digest: layout.object_key(digest) for digest in digests}
        for (digest, key), found in zip(keys.items(), self.look(keys.values()), strict=True):
            if isinstance(found, tuple):
                stamp = Stamp(*found)
                self._trust(digest, stamp)
                rows.append((key, stamp, digest))
        self.catalog.remember(rows, began)

    def look(self, keys: Iterable[str]) -> list[Look]:
        """Return the stat of each file, None if it is absent, an error if it is not regular."""
        return native.stat_files([f"{self.root}/{key}" for key in keys], threads=threads())
