"""Checking what is on this machine, in bulk: very many small files without a fault.

Rust reads the records of small files, imported or made by calls, and checks their objects on all
cores. Good files are only counted. Everything else is left to `RecordCheck`, `ByteCheck` and
`check_store`, which look at each file again and report what is wrong: no finding is made here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from radops import native
from radops.backends.folder.errors import translated
from radops.format.uid import UID
from radops.repository import layout
from radops.repository.progress import watching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from radops.repository.progress import Count
    from radops.repository.verify.records import RecordCheck

# What one call into Rust looks at: enough to keep all cores busy, few enough that the lists between
# take little memory and progress is seen.
_BATCH = 8192

_Entry = tuple[str, bool]
"""A key, and whether it is a regular file."""


class SweepCheck:
    """Checks files of one lake; none, unless its slots are read.

    Args:
        records: The check of what is left.
        quick: Trust objects that were checked before and whose stat did not change since.
        threads: How many threads read; 0 for one per core.
    """

    def __init__(self, records: RecordCheck, *, quick: bool, threads: int = 0) -> None:
        self._records = records
        self.quick = quick
        self._threads = threads
        self._sweep = self._begin("")
        self._objects = 0
        self._handed_over = 0

    def _begin(self, prefix: str) -> native.Sweep:
        root = self._records.store.root
        lake = root / self._records.local.prefix
        with self._disk_errors():
            return native.Sweep(root, lake, prefix, threads=self._threads)

    def read(self, prefix: str, count: Count) -> Iterator[_Entry]:
        """Read slots; yield the keys of those that are left.

        Args:
            prefix: What names begin with.
            count: Called with the files that need no other check.
        """
        self._sweep = self._begin(prefix)
        while True:
            with self._disk_errors():
                batch = self._sweep.read(_BATCH)
            if batch is None:
                break
            names, left = batch
            self._records.take_confirmed(names)
            count(0, len(names))
            for key, regular in left:
                yield layout.REFS + key, regular
        self._objects = self._sweep.sort()

    def settle(self) -> None:
        """Leave what others look at in any case, once all else was read."""
        for batch in self._records.work.objects():
            self._sweep.leave([digest.raw for digest, _ in batch])
        if self._records.has_remote:  # not all has to be here
            for start in range(0, self._objects, _BATCH):
                self._sweep.survey(start, _BATCH)
        self._take_left()

    def totals(self) -> tuple[int, int]:
        """Return bytes and number of the objects that are to be checked."""
        _, objects, size, _ = self._sweep.totals()
        return size, objects

    def run(self, count: Count) -> None:
        """Check all objects, reporting bytes and files to `count` as they are done."""
        catalog, tally = self._records.store.catalog, self._records.tally
        with watching(count) as progress:
            for start in range(0, self._objects, _BATCH):
                began = time.time_ns()
                news = self._sweep.check(
                    start,
                    _BATCH,
                    catalog.rows(self._sweep.keys(start, _BATCH)),
                    quick=self.quick,
                    began=began,
                    progress=progress,
                )
                catalog.remember_rows(news)
        self._take_left()
        files, objects, size, trusted = self._sweep.totals()
        tally.files += files
        tally.objects += objects
        tally.bytes += size
        tally.trusted += trusted

    def _take_left(self) -> None:
        """Hand over the files of which an object was left since this was last done.

        All objects of such a file are left with it, and other files may need these: so this reads
        the slots until no further object is left.
        """
        while (left := self._sweep.left()) != self._handed_over:
            self._handed_over = left
            with self._disk_errors():
                self._sweep.rewind()
                while (names := self._sweep.users(_BATCH)) is not None:
                    for name in names:
                        self._records.take(UID(name))

    def strangers(self) -> Iterator[str]:
        """Yield the keys below `objects/` of everything that was not found good here."""
        while True:
            with self._disk_errors():
                batch = self._sweep.strangers(_BATCH)
            if batch is None:
                return
            for key, _ in batch:
                yield layout.OBJECTS + key

    def _disk_errors(self) -> AbstractContextManager[None]:
        """Name a folder that cannot be read."""
        return translated(self._records.store.root, remote=False)
