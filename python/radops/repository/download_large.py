"""Fetching large objects: many requests at once, each block verified as it arrives.

A large object grows in a partial file that outlives a crash: what it holds is proven against
the outline when the download is taken up again, and only what is missing or wrong is fetched.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptObjectError, LocalStorageError, RadopsError
from radops.model.outline import BLOCK_SIZE, check_outline, outline_size
from radops.repository import layout
from radops.repository.local import TMP, Staged
from radops.repository.partials import Partial, take
from radops.repository.transfer import each, gather, streams
from radops.repository.trash import open_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.model.digest import Digest
    from radops.repository.local import LocalStore

# One request: long enough to hide its latency, short enough to spread over connections.
_RANGE_BLOCKS = 16

WRONG = "the remote's bytes of {digest} are wrong"
"""What is said of an object that came wrong twice."""


def fetch_large(
    local: LocalStore,
    source: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Callable[[int, int], None],
) -> None:
    """Fetch a group of objects of more than one block, with one barrier for all.

    An object whose partial file somebody removed meanwhile is left out.
    """
    downloads = [_Download(local, source, digest, size, count) for digest, size in objects]
    connections = source.max_connections

    def fetch(some: Sequence[_Download]) -> None:
        work = [(one, span) for one in some for span in one.spans()]
        blocks = sum(last - first for _, (first, last) in work)
        # Short spans wait more for answers than for bytes.
        long = blocks > len(work) * _RANGE_BLOCKS // 2
        workers = min(streams(connections) if long else connections, len(work))
        for _ in each(lambda one: one[0].fetch(*one[1]), work, workers):
            pass

    try:
        with _disk_errors(local.root / TMP):
            gather(_Download.begin, downloads, connections)
            fetch(downloads)
            for one in downloads:
                if not one.prove():
                    fetch([one])
                    one.prove(last=True)
            staged = [item for one in downloads if (item := one.finish()) is not None]
        local.admit(staged)
    except BaseException:
        for one in downloads:
            one.leave()
        raise
    count(0, len(staged))


class _Download:
    """One object on its way."""

    def __init__(
        self,
        local: LocalStore,
        source: Backend,
        digest: Digest,
        size: int,
        count: Callable[[int, int], None],
    ) -> None:
        self._local = local
        self._source = source
        self._digest = digest
        self._size = size
        self._count = count
        self._partial: Partial | None = None
        self._missing: Iterable[int] = range(-(-size // BLOCK_SIZE))
        self._outline: bytes | None = None
        self._proven = False

    def begin(self) -> None:
        """Find out what is missing."""
        self._outline = self._local_outline() or self._remote_outline()
        self._partial = take(self._local.root / TMP, self._digest, self._seed)
        resumed = self._partial.begin(self._size)
        if self._outline is not None:
            self._proven = True  # each block will have been
            if resumed:
                self._missing = native.bad_blocks(self._partial.path, self._size, self._outline)

    def _local_outline(self) -> bytes | None:
        with contextlib.suppress(OSError):
            path = self._local.root / layout.outline_key(self._digest)
            if check_outline(outline := path.read_bytes(), self._size, self._digest):
                return outline
        return None

    def _remote_outline(self) -> bytes | None:
        """Return the outline, proven; None where it is absent or wrong, as it is only a hint."""
        length = outline_size(self._size)
        try:
            key = layout.outline_key(self._digest)
            with self._source.open(key, 0, length + 1) as reader:
                outline = reader.read(length + 1)
        except KeyNotFoundError:
            return None
        return outline if check_outline(outline, self._size, self._digest) else None

    def _seed(self, path: Path) -> None:
        """Begin with a copy that was found bad: then only its bad blocks are fetched.

        The bad copy itself stays in quarantine until the good one stands.
        """
        kept = self._local.quarantined(self._digest)
        if not kept or self._outline is None:
            return
        try:
            native.copy_file(kept[0], path, mode=0o644)
            os.truncate(path, self._size)
        except OSError:  # it cannot be read, or there is no room: then it is fetched whole
            path.unlink(missing_ok=True)

    def spans(self) -> Iterator[tuple[int, int]]:
        """Group what is missing into spans of neighbours of at most one request."""
        first = last = -1
        for block in self._missing:
            if block == last and last - first < _RANGE_BLOCKS:
                last += 1
                continue
            if first >= 0:
                yield first, last
            first, last = block, block + 1
        if first >= 0:
            yield first, last

    def fetch(self, first: int, last: int) -> None:
        """Fetch blocks; one that arrives wrong is asked for once more."""
        failed_once = False
        while first < last:
            start, end = first * BLOCK_SIZE, min(last * BLOCK_SIZE, self._size)
            with open_object(self._source, self._digest, start, end - start) as reader:
                while first < last:
                    expected = min(BLOCK_SIZE, self._size - first * BLOCK_SIZE)
                    data = reader.read(expected)
                    if len(data) != expected or not self._is_right(data, first):
                        break
                    self._write(data, first * BLOCK_SIZE)
                    self._count(expected, 0)
                    first += 1
                    failed_once = False
            if first < last:
                if failed_once:
                    raise self.wrong(f" in block {first}")
                failed_once = True

    def _is_right(self, data: bytes, block: int) -> bool:
        if self._outline is None:
            return True  # the whole is hashed at the end
        return native.block_values(data, block) == self._outline[32 * block : 32 * block + 32]

    def _write(self, data: bytes, offset: int) -> None:
        assert self._partial is not None
        self._partial.write(data, offset)

    def prove(self, *, last: bool = False) -> bool:
        """Say whether all is right; what came without an outline is hashed, which makes one.

        If it is not, the `last` time is an error.
        """
        if not self._proven and self._partial is not None:
            found = native.hash_file(self._partial.path)
            self._proven = found.digest == self._digest.raw
            self._outline = found.outline if self._proven else None
            if last and not self._proven:
                raise self.wrong()
        return self._proven

    def wrong(self, where: str = "") -> CorruptObjectError:
        """Return the error that says so. What cannot be told from good blocks is removed."""
        if self._outline is None and self._partial is not None:
            self._partial.remove()
        return CorruptObjectError(
            f"{WRONG.format(digest=self._digest)}{where}",
            hint="radops datalake verify --remote",
        )

    def finish(self) -> Staged | None:
        """Return the finished file; None if somebody took it for a leftover and removed it."""
        assert self._partial is not None
        self._partial.finish()
        if not self._partial.path.exists():
            return None
        return Staged(self._partial.path, self._digest, self._size, self._outline or b"")

    def leave(self) -> None:
        """Leave what came so far to the next download."""
        if self._partial is not None:
            self._partial.leave()


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, RadopsError) or error.errno is None:
            raise
        path = os.fsdecode(error.filename) if error.filename else folder
        raise LocalStorageError(f"{path}: {error.strerror}") from error
