"""The order in which samples are read: a pure function of what is read and of a few numbers.

Never of workers, ranks, caches or how a directory is stored. Samples are numbered from 0 as they
are stored, and a *run* is some of them that are next to each other, about 1 MiB. For each epoch

1. the runs are permuted, and laid end to end;
2. this line is cut into `lanes` stretches of equal numbers of samples, in another order again, so
   that the parts of one run go to lanes that are not neighbours where there are few runs;
3. in each lane, consecutive blocks of samples are permuted, each within itself;
4. position i of the epoch is the next sample of lane i modulo `lanes`.

So neighbours in a batch come from all over the data, while only some blocks, a few GiB, are in use
at any time. Nothing is listed: a position is computed when it is asked for.
"""

from __future__ import annotations

import copy
import itertools
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from radops.errors import UsageError
from radops.integrations.torch.permutation import Permutation, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PERMUTATIONS: Final = 256
"""Blocks whose permutation is kept: one per lane in use, and the next ones."""


class Place(NamedTuple):
    """Where a sample is."""

    run: int
    offset: int
    """Its number within the run."""


class Runs:
    """The runs of a data set: how many samples each has. Ten million runs cost 80 MB.

    Args:
        sizes: Samples of each run, in the order in which they are stored; none is 0.
    """

    def __init__(self, sizes: Iterable[int]) -> None:
        self.starts = array("q", itertools.accumulate(sizes, initial=0))
        """The number of each run's first sample, and after the last how many samples there are."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return self.starts[-1]

    def size(self, run: int) -> int:
        """Return how many samples a run has."""
        return self.starts[run + 1] - self.starts[run]


def runs_of_pages(pages: Sequence[tuple[int, int]], run_bytes: int) -> Runs:
    """Cut the files of a directory into runs.

    Each page of the table of contents is cut into as many runs as its bytes need, of equal numbers
    of files: so only the root of the directory is needed to find where they begin.

    Args:
        pages: Files of each page, and their bytes.
        run_bytes: Bytes of a run, on average.
    """
    sizes: list[int] = []
    for files, size in pages:
        if files:
            count = min(files, max(1, round(size / run_bytes)))
            sizes += (
                (number + 1) * files // count - number * files // count for number in range(count)
            )
    return Runs(sizes)


def runs_of_groups(files: Runs, starts: Sequence[int]) -> Runs:
    """Return the runs of samples that are several files each.

    A sample belongs to the run of its first file, and a run in which none begins is no run.

    Args:
        files: The runs of the files.
        starts: The number of each sample's first file, and after the last how many files there are.
    """
    sizes, at = [], 0
    for end in files.starts[1:]:
        following = bisect_left(starts, end, at)
        if following > at:
            sizes.append(following - at)
            at = following
    return Runs(sizes)


@dataclass(frozen=True)
class Shape:
    """What an order depends on besides the data and the epoch."""

    seed: int = 0
    lanes: int = 64
    block: int = 1 << 32
    """Samples of all blocks that are in use at one time, over all lanes together."""
    shuffle: bool = True


class Order:
    """The order of one epoch.

    Args:
        runs: The data.
        shape: How it is shuffled.
        epoch: Which epoch, from 0.
    """

    def __init__(self, runs: Runs, shape: Shape, epoch: int) -> None:
        self.samples = runs.samples
        self._runs = runs
        self._shape = shape
        self._permuted = array("q")
        self._line = runs.starts
        if shape.shuffle and len(runs):
            shuffled = Permutation(len(runs), seed_of("runs", shape.seed, epoch))
            self._permuted = array("q", (shuffled[index] for index in range(len(runs))))
            sizes = (runs.size(run) for run in self._permuted)
            self._line = array("q", itertools.accumulate(sizes, initial=0))
        self._lane_starts = self._cut(epoch)
        self._lane_block = max(1, shape.block // shape.lanes)
        self.epoch = epoch
        self._blocks: dict[tuple[int, int], tuple[int, Permutation]] = {}

    def for_another_reader(self) -> Order:
        """Return the same order; only what a reader keeps as it goes is not shared."""
        made = copy.copy(self)
        made._blocks = {}  # noqa: SLF001 - of the same class
        return made

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, position: int) -> Place:
        """Return the sample at a position of the epoch.

        Raises:
            IndexError: There is no such position.
        """
        if not 0 <= position < self.samples:
            raise IndexError(f"no position {position} of {self.samples}")
        at = self._on_line(position) if self._shape.shuffle else position
        index = bisect_right(self._line, at) - 1
        run = self._permuted[index] if self._shape.shuffle else index
        return Place(run, at - self._line[index])

    def number(self, position: int) -> int:
        """Return the number of the sample at a position, as it is stored."""
        run, offset = self[position]
        return self._runs.starts[run] + offset

    def _on_line(self, position: int) -> int:
        """Return where on the line of permuted runs the sample of a position is."""
        lanes = self._shape.lanes
        lane, index = position % lanes, position // lanes
        # The first lanes are one sample longer where they cannot be equal.
        short, longer = divmod(self.samples, lanes)
        length = short + (lane < longer)
        start, block = self._block(lane, index, length)
        return self._lane_starts[lane] + start + block[index - start]

    def _cut(self, epoch: int) -> list[int]:
        """Return where on the line each lane begins."""
        lanes = self._shape.lanes
        short, longer = divmod(self.samples, lanes)
        starts, at = [0] * lanes, 0
        stretches = Permutation(lanes, seed_of("lanes", self._shape.seed, epoch))
        for number in range(lanes):
            lane = stretches[number]
            starts[lane] = at
            at += short + (lane < longer)
        return starts

    def _block(self, lane: int, index: int, length: int) -> tuple[int, Permutation]:
        """Return the block of a lane that holds its sample `index`: where it starts, and itself.

        The first block of each lane is shorter than that of the next lane, so that not all lanes
        begin a new block, and need new data, at the same time.
        """
        size = self._lane_block
        first = min(length, size * (lane + 1) // self._shape.lanes or 1)
        number = 0 if index < first else 1 + (index - first) // size
        found = self._blocks.get((lane, number))
        if found is None:
            start = 0 if number == 0 else first + (number - 1) * size
            end = min(length, first if number == 0 else start + size)
            seed = seed_of("block", self._shape.seed, self.epoch, lane, number)
            found = start, Permutation(end - start, seed)
            if len(self._blocks) >= _PERMUTATIONS + self._shape.lanes:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[lane, number] = found
        return found


def check_world(world_size: int, lanes: int) -> None:
    """Refuse a number of ranks that would not read whole lanes.

    Raises:
        UsageError: It does not divide the lanes; the message lists what does.
    """
    if world_size < 1 or lanes % world_size:
        fitting = ", ".join(str(n) for n in range(1, lanes + 1) if lanes % n == 0)
        raise UsageError(
            f"{world_size} ranks do not divide {lanes} lanes",
            hint=f"with {lanes} lanes there can be {fitting} ranks; else give another lanes=",
        )
