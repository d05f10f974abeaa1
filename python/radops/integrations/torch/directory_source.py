"""Runs of a directory's files: fetched, kept and verified. See `RunSource` and `Source`."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from radops.data_lake import Directory
from radops.integrations.torch.cache import RunCache
from radops.integrations.torch.groups import Grouping
from radops.integrations.torch.order import runs_of_groups, runs_of_pages
from radops.integrations.torch.room import cache_root
from radops.streams import folder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from radops.data_lake import FileIndex, Stretch
    from radops.integrations.torch.groups import Group
    from radops.integrations.torch.order import Place, Runs

# Memory of a process for data about the files of runs: some 50 bytes each.
_MEMORY: Final = 8 << 20

# What is known of a run.
_UNKNOWN: Final = 0
_LOCAL: Final = 1
_CACHED: Final = 2


class DirectorySource:
    """The runs of a directory, and which files each sample is made of.

    Args:
        directory: What is read.
        pattern: Which files.
        transform: Makes a sample.
        group: Which files belong together.
        run_bytes: Bytes of a run, on average.
        cache_limit: Bytes of the cache, at most.
    """

    def __init__(
        self,
        directory: Directory,
        pattern: str,
        transform: Callable[..., Any] | None,
        group: Group | None,
        *,
        run_bytes: int,
        cache_limit: int,
    ) -> None:
        # The lake of now, wherever the samples are read later.
        directory = Directory(directory.uid, lake=directory)
        self.index: FileIndex = directory.index(pattern)
        self.digest = self.index.digest.hex
        self.runs: Runs = runs_of_pages(self.index.pages, run_bytes)
        self.grouping = None if group is None else Grouping(group, self.index.paths())
        what = f"{run_bytes}:{pattern}"
        if self.grouping is not None:
            self.runs = runs_of_groups(self.runs, self.grouping.starts)
            what += f":{self.grouping.identity}"
        self.cache_limit = cache_limit
        self.transform = transform
        self.root = cache_root(directory)
        self._key = folder_name(self.digest, self.index.digest.of(what.encode()).hex[:16])

    def opened(self) -> DirectoryReader:
        """Return what reads in this process."""
        return DirectoryReader(self, RunCache(self.root, self._key, self.cache_limit))

    def files_of(self, run: int) -> tuple[int, int]:
        """Return the number of a run's first file, and that after its last."""
        first, end = self.runs.starts[run], self.runs.starts[run + 1]
        if self.grouping is None:
            return first, end
        return self.grouping.starts[first], self.grouping.starts[end]

    def files_of_sample(self, place: Place) -> range:
        """Return the numbers of a sample's files within its run."""
        if self.grouping is None:
            return range(place.offset, place.offset + 1)
        starts = self.grouping.starts
        at = self.runs.starts[place.run]
        first = starts[at]
        return range(starts[at + place.offset] - first, starts[at + place.offset + 1] - first)

    def name(self, place: Place) -> str:
        """Return what a sample is called: a path, or what its files have in common."""
        first = self.files_of(place.run)[0] + self.files_of_sample(place)[0]
        path = self.index[first].path
        return path if self.grouping is None else str(self.grouping.key(path))

    def names(self) -> Iterator[str]:
        """Yield what all samples are called, in the order in which they are stored."""
        if self.grouping is None:
            yield from self.index.paths()
            return
        at = 0
        for number, path in enumerate(self.index.paths()):
            if number == self.grouping.starts[at]:
                at += 1
                yield str(self.grouping.key(path))

    def make(self, paths: list[str], data: list[bytes]) -> Any:
        """Return a sample of its files."""
        made: tuple[Any, Any] = (paths[0], data[0])
        if self.grouping is not None:
            made = self.grouping.sample(paths, data)
        return made if self.transform is None else self.transform(*made)


class DirectoryReader:
    """Reads runs of a directory in one process. Thread-safe."""

    def __init__(self, source: DirectorySource, cache: RunCache) -> None:
        self._source = source
        self._index = source.index
        self._cache = cache
        self._known = bytearray(len(source.runs))
        self._stretches: OrderedDict[int, Stretch] = OrderedDict()
        self._memory = 0
        self._lock = threading.Lock()

    def prepare(self, runs: Collection[int]) -> None:
        """Fetch the pages that list the files of some runs, in one batch."""
        wanted = [run for run in runs if self._known[run] == _UNKNOWN]
        self._index.prepare(self._source.files_of(run) for run in wanted)

    def missing(self, run: int) -> int:
        """Return how many bytes of a run must be fetched; 0 if it is on this machine."""
        if self._known[run] != _UNKNOWN:
            return 0
        stretch = self._stretch(run)
        if stretch.is_local:
            self._known[run] = _LOCAL
        elif self._cache.has(run):
            self._known[run] = _CACHED
        else:
            return stretch.bytes or 1
        return 0

    def fetch(self, run: int) -> None:
        """Fetch a run into the cache."""
        stretch = self._stretch(run)
        size = stretch.bytes + 8 * (len(stretch) + 1)

        def write(path: Path) -> None:
            path.write_bytes(self._index.read_all(stretch))

        self._cache.fill(run, size, write)
        self._known[run] = _CACHED

    def sample(self, place: Place) -> Any:
        """Return a sample, verified; its run is fetched again if the cache does not have it."""
        stretch = self._stretch(place.run)
        numbers = self._source.files_of_sample(place)
        data = [self._read(place.run, stretch, number) for number in numbers]
        return self._source.make([stretch.path(number) for number in numbers], data)

    def _read(self, run: int, stretch: Stretch, number: int) -> bytes:
        if self._known[run] == _CACHED:
            for _ in range(2):
                data = self._cache.read(run, number)
                if data is not None and stretch.is_right(number, data):
                    return data
                self._cache.drop(run)
                self.fetch(run)
        found = stretch.read(number)
        return self._index.read([stretch.entry(number)])[0] if found is None else found

    def _stretch(self, run: int) -> Stretch:
        """Return the files of a run; those used last are in memory."""
        with self._lock:
            found = self._stretches.get(run)
            if found is not None:
                self._stretches.move_to_end(run)
                return found
        found = self._index.stretch(*self._source.files_of(run))
        with self._lock:
            if run not in self._stretches:
                self._stretches[run] = found
                self._memory += found.memory
            while self._memory > _MEMORY and len(self._stretches) > 1:
                self._memory -= self._stretches.popitem(last=False)[1].memory
        return found
