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
from radops.backends.transfers import FetchRanges
from radops.errors import (
    CorruptObjectError,
    LocalStorageError,
    RadopsError,
    RemoteRefusedError,
)
from radops.format.outline import BLOCK_SIZE, check_outline, outline_size
from radops.repository import layout
from radops.repository.objects.store import TMP, Staged
from radops.repository.objects.trash import open_object
from radops.repository.progress import watching
from radops.repository.transfer.partials import Partial, take
from radops.repository.transfer.refused import Refused, fetch_apart, refusal
from radops.repository.workers import each, gather, streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.backends.transfers import FileTransfers
    from radops.format.digest import Digest
    from radops.repository.objects.store import LocalStore
    from radops.repository.progress import Count

# One request: long enough to hide its latency, short enough to spread over connections.
_RANGE_BLOCKS = 16

WRONG = "the remote's bytes of {digest} are wrong"
"""The message about an object that arrived wrong twice."""


def fetch_large(
    local: LocalStore,
    source: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Count,
    refused: Refused,
) -> list[tuple[Digest, int]]:
    """Fetch a group of objects of more than one block, with one barrier for all.

    Args:
        local: Where they go.
        source: Where they come from.
        objects: Digest and size of each.
        count: Told bytes and files as they are done.
        refused: What the source refuses, added to; it is left out.

    Returns:
        The objects whose partial file was removed meanwhile by another process.
    """
    downloads = [_Download(local, source, digest, size, count) for digest, size in objects]
    connections = source.max_connections

    def fetch(some: Sequence[_Download]) -> None:
        rest = some if source.files is None else _fetch_files(source.files, some, count, refused)
        work = [(one, span) for one in rest for span in one.spans()]
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
            given = [one for one in downloads if one.digest not in refused]
            for one in given:
                if not one.prove():
                    fetch([one])
                    one.prove(last=True)
            finished = [one.finish() for one in given]
            staged = [item for item in finished if item is not None]
        local.admit(staged)
    except BaseException:
        for one in downloads:
            one.leave()
        raise
    for one in downloads:
        if one.digest in refused:
            one.leave()
    if len(downloads) > 1 and not given:
        raise refusal(refused)
    count(0, len(staged))
    there = [item for item in objects if item[0] not in refused]
    return [item for item, one in zip(there, finished, strict=True) if one is None]


def _fetch_files(
    files: FileTransfers, downloads: Sequence[_Download], count: Count, refused: Refused
) -> list[_Download]:
    """Fetch into the partial files; return those that are not where objects are."""
    with watching(count) as progress:
        ranges = [one.ranges() for one in downloads]
        answers = fetch_apart(lambda some: files.fetch_ranges(some, progress), ranges)
    absent = []
    for one, answer in zip(downloads, answers, strict=True):
        if isinstance(answer, KeyNotFoundError):  # in the trash, perhaps
            absent.append(one)
        elif isinstance(answer, CorruptObjectError):
            raise one.wrong() from answer
        elif isinstance(answer, RemoteRefusedError):
            refused[one.digest] = answer
        elif answer is not None:
            raise answer
    return absent


class _Download:
    """One object on its way."""

    def __init__(
        self,
        local: LocalStore,
        source: Backend,
        digest: Digest,
        size: int,
        count: Count,
    ) -> None:
        self._local = local
        self._source = source
        self.digest = digest
        self._size = size
        self._count = count
        self._partial: Partial | None = None
        self._missing: Iterable[int] = range(-(-size // BLOCK_SIZE))
        self._outline: bytes | None = None
        self._proven = False

    def begin(self) -> None:
        """Find out what is missing."""
        self._outline = self._local_outline() or self._remote_outline()
        self._partial = take(self._local.temporary(), self.digest, self._seed)
        resumed = self._partial.begin(self._size)
        if self._outline is not None:
            self._proven = True  # each block will have been
            if resumed:
                self._missing = native.bad_blocks(self._partial.path, self._size, self._outline)

    def _local_outline(self) -> bytes | None:
        with contextlib.suppress(OSError):
            path = self._local.root / layout.outline_key(self.digest)
            if check_outline(outline := path.read_bytes(), self._size, self.digest):
                return outline
        return None

    def _remote_outline(self) -> bytes | None:
        """Return the outline, proven; None where it is absent or wrong, as it is only a hint."""
        length = outline_size(self._size)
        try:
            key = layout.outline_key(self.digest)
            with self._source.open(key, 0, length + 1) as reader:
                outline = reader.read(length + 1)
        except (KeyNotFoundError, RemoteRefusedError):
            return None
        return outline if check_outline(outline, self._size, self.digest) else None

    def _seed(self, path: Path) -> None:
        """Begin with a copy that was found bad: then only its bad blocks are fetched.

        The bad copy itself stays in quarantine until the good one is here.
        """
        kept = self._local.quarantined(self.digest)
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

    def ranges(self) -> FetchRanges:
        """Return what is missing, to be written into the partial file."""
        assert self._partial is not None
        key, path = layout.object_key(self.digest), self._partial.path
        return FetchRanges(key, path, self._size, self._outline, list(self.spans()))

    def fetch(self, first: int, last: int) -> None:
        """Fetch blocks; one that arrives wrong is asked for once more."""
        failed_once = False
        while first < last:
            start, end = first * BLOCK_SIZE, min(last * BLOCK_SIZE, self._size)
            with open_object(self._source, self.digest, start, end - start) as reader:
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
        """Return whether all bytes are right; an object without an outline is hashed, and gets one.

        If it is not, the `last` time is an error.
        """
        if not self._proven and self._partial is not None:
            found = native.hash_file(self._partial.path)
            self._proven = found.digest == self.digest.raw
            self._outline = found.outline if self._proven else None
            if last and not self._proven:
                raise self.wrong()
        return self._proven

    def wrong(self, where: str = "") -> CorruptObjectError:
        """Return the error that says so. What cannot be told from good blocks is removed."""
        if self._outline is None and self._partial is not None:
            self._partial.remove()
        return CorruptObjectError(
            f"{WRONG.format(digest=self.digest)}{where}",
            hint="radops datalake verify --remote",
        )

    def finish(self) -> Staged | None:
        """Return the finished file; None if another process took it for a leftover."""
        assert self._partial is not None
        self._partial.finish()
        if not self._partial.path.exists():
            return None
        return Staged(self._partial.path, self.digest, self._size, self._outline or b"")

    def leave(self) -> None:
        """Leave what was fetched so far to the next download."""
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
