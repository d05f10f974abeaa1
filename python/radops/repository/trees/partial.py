"""Fetching a part of a directory: packs whole where half or more of one is wanted, else its files.

What is fetched out of a pack becomes objects of their own, each verified by its digest, and noted
as such (see `kept`). So a fetch that was interrupted resumes, and what is here is not fetched
again, whatever patterns it was fetched by.
"""

from __future__ import annotations

import contextlib
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from radops.errors import CorruptObjectError, RadopsError
from radops.format.digest import DIGEST_SIZE, Digest
from radops.repository.trees.fetching import of_path
from radops.repository.trees.kept import keep
from radops.repository.trees.runs import runs
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.repository.objects.reader import ObjectReader
    from radops.repository.objects.store import LocalStore, Staged
    from radops.repository.progress import Count
    from radops.repository.trees.table import Table

# Bytes between files that are read and dropped: of each pack at most as many as are wanted of it,
# and so many more, which cost less than the requests that they save.
_SPARE: Final = 1024 * 1024

# Packs whose files are fetched together, so that requests for one need not wait for another.
_PACKS: Final = 32

# Files and bytes that are made durable by one barrier, at most.
_BATCH: Final = 1024
_BATCH_BYTES: Final = 32 * 1024 * 1024

Object = tuple[Digest, int]
"""Digest and size."""


class _Slice(NamedTuple):
    """A file in a pack."""

    offset: int
    size: int
    digest: Digest


class _Run(NamedTuple):
    """Files that are fetched by one request."""

    pack: Object
    slices: list[_Slice]


class Part:
    """What has to be fetched before all that matches in a directory can be read here.

    Args:
        table: The directory. Pages that are needed are fetched.
        reader: Fetches objects.
        store: The objects of the home.
        patterns: What is wanted; none for all.
    """

    def __init__(
        self, table: Table, reader: ObjectReader, store: LocalStore, patterns: Sequence[str]
    ) -> None:
        self._table = table
        self._reader = reader
        self._store = store
        self._patterns = patterns
        table.bring()
        needed = table.needed(patterns)
        is_all = not patterns or "**" in patterns
        absent = [] if is_all else [one for one in needed if not store.is_here(*one)]
        lacking = {one: (files, size, taken) for one, files, size, taken in self._lacking(absent)}
        in_part = {one for one in absent if 2 * lacking.get(one, (0, 0, 0))[2] < one[1]}
        self._whole = [one for one in needed if one not in in_part]
        self._in_part = sorted(in_part)
        some = [lacking.get(one, (0, 0, 0)) for one in self._in_part]
        self.bytes = sum(size for _, size in self._whole) + sum(size for _, size, _ in some)
        """How many bytes are verified or fetched."""
        self.objects = len(self._whole) + sum(files for files, _, _ in some)
        """How many objects."""

    def _lacking(self, absent: Sequence[Object]) -> Iterator[tuple[Object, int, int, int]]:
        if absent:
            found = self._table.fetching.call(lambda: self._table.opened.lacking(self._patterns))
            for (digest, size), files, wanted, taken in found:
                yield (Digest(digest), size), files, wanted, taken

    def fetch(self, count: Count) -> None:
        """Fetch all of it into local storage, verified; what is here already is verified.

        Args:
            count: Called with bytes and objects as they are done.

        Raises:
            CorruptObjectError: Bytes are wrong, or missing and there is no remote; the message
                names the path of a file that was to be fetched out of a pack.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
            LocalStorageError: The disk is full. What came so far is kept.
        """
        self._reader.fetch(self._whole, count)
        if not self._in_part:
            return
        placed = _Placed(self._table, self._in_part, self._patterns)
        for first in range(0, len(self._in_part), _PACKS):
            packs = self._in_part[first : first + _PACKS]
            with self._reader.alone(digest for digest, _ in packs), self._store.staging():
                todo: list[_Run] = []
                for number, pack in enumerate(packs, first):
                    todo += self._runs(pack, placed.of(number))
                self._fetch_runs(todo, count)

    def _runs(self, pack: Object, wanted: list[_Slice]) -> list[_Run]:
        """Return what is to be requested of a pack, after all of it was noted as kept."""
        missing = set(self._store.unverified([(one.digest, one.size) for one in wanted]))
        files = ((one.digest.raw, one.size) for one in wanted)
        keep(self._store.backend, self._table.root, pack, files)
        rest = [one for one in wanted if (one.digest, one.size) in missing]
        offsets, sizes = [one.offset for one in rest], [one.size for one in rest]
        return [_Run(pack, rest[at:end]) for at, end in runs(offsets, sizes, sum(sizes) + _SPARE)]

    def _fetch_runs(self, todo: Sequence[_Run], count: Count) -> None:
        batch = _Batch(self._store)
        try:
            for number, pieces in each(self._read, todo, self._reader.workers):
                for one, piece in zip(todo[number].slices, pieces, strict=True):
                    data = self._read_again(todo[number].pack, one) if piece is None else piece
                    batch.add(data)
                    count(one.size, 1)
        except BaseException:
            with contextlib.suppress(RadopsError):  # what came so far is kept, if that is possible
                batch.admit()
            raise
        batch.admit()

    def _read(self, run: _Run) -> list[bytes | None]:
        return self._reader.read_slices(*run.pack, run.slices)

    def _read_again(self, pack: Object, one: _Slice) -> bytes:
        """Request once more what arrived wrong."""
        try:
            return self._reader.read_slice(*pack, one.offset, one.size, one.digest)
        except CorruptObjectError as error:
            entries = self._table.each(self._patterns)
            path = next((entry.path for entry in entries if entry.digest == one.digest), "")
            raise of_path(error, path) from None


class _Batch:
    """Files on their way into local storage."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._staged: list[Staged] = []
        self._bytes = 0

    def add(self, data: bytes) -> None:
        """Write a file; with many others it is made durable at once."""
        self._staged.append(self._store.stage_bytes(data))
        self._bytes += len(data)
        if len(self._staged) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self.admit()

    def admit(self) -> None:
        """Make objects of the files that are left."""
        staged, self._staged, self._bytes = self._staged, [], 0
        self._store.admit(staged)


class _Placed:
    """Where in some packs the files are that are wanted, in little memory."""

    def __init__(self, table: Table, packs: Sequence[Object], patterns: Sequence[str]) -> None:
        named = [(digest.raw, size) for digest, size in packs]
        found = table.fetching.call(lambda: table.opened.placed(named, patterns))
        self._pack_of, self._offsets, self._sizes = (array("I", one) for one in found[:3])
        self._digests = found[3]

    def of(self, number: int) -> list[_Slice]:
        """Return the files in one of the packs, by offset."""
        start, end = bisect_left(self._pack_of, number), bisect_left(self._pack_of, number + 1)
        return [
            _Slice(
                self._offsets[at],
                self._sizes[at],
                Digest(self._digests[at * DIGEST_SIZE : (at + 1) * DIGEST_SIZE]),
            )
            for at in range(start, end)
        ]
