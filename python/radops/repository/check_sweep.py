"""Checking what stands on this machine, in bulk: very many small files that are as they should be.

What is good needs no words, so Rust confirms it on all cores and only counts. All else is left to
`check`, `check_bytes` and `check_store`, which look at each file again and say what is wrong:
nothing is found here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from radops import native
from radops.backends.folder_errors import translated
from radops.model.uid import UID
from radops.repository import layout
from radops.repository.catalog import RACY_NS
from radops.repository.transfer import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from radops.repository.check import RecordCheck

# What one call into Rust looks at: enough to keep all cores busy, few enough that the lists between
# weigh little and progress is seen.
_BATCH = 8192

_Entry = tuple[str, bool]
"""A key, and whether a regular file stands there."""


class SweepCheck:
    """Confirms files of one lake; none, unless its slots are read.

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
        lake = root / self._records.here.prefix
        with self._disk_errors():
            return native.Sweep(root, lake, prefix, threads=self._threads)

    def read(self, prefix: str, count: Callable[[int, int], None]) -> Iterator[_Entry]:
        """Read slots; yield the keys of those that are left.

        Args:
            prefix: What names begin with.
            count: Told of the files that are not left.
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
        _, objects, size = self._sweep.totals()
        return size, objects

    def run(self, count: Callable[[int, int], None]) -> None:
        """Check all objects, telling `count` bytes and files as they are done."""
        catalog, tally = self._records.store.catalog, self._records.tally
        with watching(count) as progress:
            for start in range(0, self._objects, _BATCH):
                began = time.time_ns()
                trusted, news = self._sweep.check(
                    start,
                    _BATCH,
                    catalog.rows(self._sweep.keys(start, _BATCH)),
                    quick=self.quick,
                    began=began,
                    racy=RACY_NS,
                    progress=progress,
                )
                catalog.remember_rows(news)
                tally.trusted += trusted
        self._take_left()
        files, objects, size = self._sweep.totals()
        tally.files += files
        tally.objects += objects
        tally.bytes += size

    def _take_left(self) -> None:
        """Hand over the files whose objects were left since this was last done."""
        left = self._sweep.left()
        if left == self._handed_over:
            return
        self._handed_over = left
        with self._disk_errors():
            self._sweep.rewind()
            while (names := self._sweep.users(_BATCH)) is not None:
                for name in names:
                    self._records.take(UID(name))

    def strangers(self) -> Iterator[str]:
        """Yield the keys of all that stands among the objects and was not confirmed."""
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
