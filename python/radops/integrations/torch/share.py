"""Which positions of an epoch one process reads, in which batches.

Rank r of W reads the positions i with i modulo W = r. All ranks go through an epoch at the same
speed, so after b batches of each the first b * batch_size * W positions are done: that is what a
state counts, and another number of ranks or workers can resume from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Tail = Literal["drop", "repeat", "uneven"]
TAILS = ("drop", "repeat", "uneven")


@dataclass(frozen=True)
class Share:
    """What one rank reads of an epoch.

    Args:
        samples: Samples of the epoch.
        batch_size: Samples of a batch.
        tail: How samples that do not fill a batch of every rank are treated.
        rank: Which rank, from 0.
        world_size: How many ranks there are.
        consumed: How many positions are done already, over all ranks.
    """

    samples: int
    batch_size: int
    tail: Tail = "drop"
    rank: int = 0
    world_size: int = 1
    consumed: int = 0

    @property
    def batches(self) -> int:
        """How many batches this rank reads; equal for all ranks unless the tail is uneven."""
        together = self.batch_size * self.world_size
        if self.tail == "drop":
            return (self.samples - self.consumed) // together
        if self.tail == "repeat":
            return -(-(self.samples - self.consumed) // together)
        return -(-self._own // self.batch_size)

    @property
    def is_finished(self) -> bool:
        """Whether no rank has anything left to read: the same on all of them."""
        return self.consumed >= self.samples if self.tail == "uneven" else self.batches == 0

    @property
    def _first(self) -> int:
        """The first position of this rank."""
        return self.consumed + (self.rank - self.consumed) % self.world_size

    @property
    def _own(self) -> int:
        """How many positions this rank has, if it takes all of them."""
        return max(0, -(-(self.samples - self._first) // self.world_size))

    def positions(self, batch: int) -> Iterator[int]:
        """Yield the positions of a batch of this rank."""
        start, stop = batch * self.batch_size, (batch + 1) * self.batch_size
        if self.tail == "uneven":
            stop = min(stop, self._own)
        for index in range(start, stop):
            # Past the end, "repeat" begins again.
            yield (self._first + index * self.world_size) % self.samples

    def worker(self, worker: int, workers: int) -> Iterator[int]:
        """Yield the positions of one worker, whole batches one after the other.

        PyTorch takes batch b of a rank from worker b modulo the number of workers.
        """
        for batch in range(worker, self.batches, workers):
            yield from self.positions(batch)

    def done_after(self, batches: int) -> int:
        """Return how many positions are done, over all ranks, after each read so many batches.

        What is dropped at the end is done with the last batch. Where the tail is uneven, other
        ranks may have a batch more than this one.
        """
        if batches >= self.batches and self.tail != "uneven":
            return self.samples
        done = self.consumed + batches * self.batch_size * self.world_size
        return min(self.samples, done)
