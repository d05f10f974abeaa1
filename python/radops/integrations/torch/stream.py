"""What all streams have in common: an order, ranks, workers, epochs, states."""

from __future__ import annotations

import functools
import gc
from typing import TYPE_CHECKING, Any, Final, Protocol

from torch.utils.data import IterableDataset, get_worker_info

from radops.errors import UsageError
from radops.integrations.torch.lookahead import read_ahead
from radops.integrations.torch.order import Order, Place, Shape, check_world
from radops.integrations.torch.ranks import Rank, find_rank
from radops.integrations.torch.share import TAILS, Share, Tail
from radops.integrations.torch.state import Data, Position, make_state, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from radops.integrations.torch.lookahead import Source
    from radops.integrations.torch.order import Runs

# Of a state that PyTorch's own loaders take of one worker.
_WORKER: Final = "worker"


class RunSource(Protocol):
    """What a stream reads. Can be pickled, and works in forked and spawned processes."""

    runs: Runs
    """How many samples each run has."""
    digest: str
    """What identifies the data: hexadecimal digits."""

    def opened(self) -> Source[Any]:
        """Return the source for reading in this process."""
        ...

    def name(self, place: Place) -> str:
        """Return the name of a sample for people: its path."""
        ...


class Stream(IterableDataset):  # type: ignore[misc]
    """Samples of a lake in a reproducible order. Use `StreamDirectory` or `StreamParquet`.

    Args:
        source: What is read.
        shape: How it is shuffled.
        order: All that the order depends on, as the state names it.
        batch_size: Samples of a batch; give a plain `DataLoader` the same.
        tail: How samples at the end that do not fill a batch of every rank are treated.
        prefetch: Bytes that are fetched ahead in each worker.
        ranks: Rank and number of ranks; None twice to look them up.

    Raises:
        UsageError: An argument cannot be used.
    """

    def __init__(
        self,
        source: RunSource,
        shape: Shape,
        order: dict[str, Any],
        *,
        batch_size: int,
        tail: Tail,
        prefetch: int,
        ranks: tuple[int | None, int | None],
    ) -> None:
        super().__init__()
        if tail not in TAILS:
            raise UsageError(f"tail={tail!r} is none of {', '.join(TAILS)}")
        if batch_size < 1:
            raise UsageError(f"a batch of {batch_size} samples is none")
        self._source = source
        self._shape = shape
        self._prefetch = prefetch
        self._given_ranks = ranks
        self._ranks: Rank | None = None
        self._data = Data(source.digest, source.runs.samples, order)
        self.batch_size = batch_size
        """Samples of a batch."""
        self.tail: Tail = tail
        """How samples that do not fill a batch of every rank are treated."""
        self._next = Position()
        # Of the epoch that was asked for last: it takes seconds where there are a million runs.
        self._order: Order | None = None
        # Where the iteration that runs began, and how many samples it has yielded in this worker.
        self._current: Position | None = None
        self._yielded = self._skip = 0
        if self.share(Position()).is_finished:
            raise UsageError(
                f"{self.samples} samples are too few for a batch of {batch_size}"
                f" on each of {self.ranks.world_size} ranks",
                hint='use tail="repeat" or tail="uneven", or a smaller batch_size',
            )

    @property
    def samples(self) -> int:
        """How many samples there are, over all ranks."""
        return self._data.samples

    @property
    def ranks(self) -> Rank:
        """Which process of those that train together this is."""
        found = self._ranks or find_rank(*self._given_ranks)
        check_world(found.world_size, self._shape.lanes)
        return found

    @property
    def data(self) -> Data:
        """What a state belongs to."""
        return self._data

    def share(self, position: Position) -> Share:
        """Return what this rank reads of an epoch from a position on."""
        rank, world_size = self.ranks
        return Share(self.samples, self.batch_size, self.tail, rank, world_size, position.consumed)

    @property
    def upcoming(self) -> Position:
        """Where the next iteration begins."""
        return self._next

    @property
    def current(self) -> Position:
        """Where the last iteration in this process began."""
        return self._current or self._next

    # -- reading ---------------------------------------------------------------------------------

    def begin(self) -> Position:
        """Take the position at which an iteration begins; the next one is of the next epoch."""
        position = self._following()
        self._next = Position(position.epoch + 1)
        return position

    def _following(self) -> Position:
        """Return the position at which the next iteration begins, which is not past an epoch."""
        finished = self.share(self._next).is_finished
        return Position(self._next.epoch + 1) if finished else self._next

    def prepare(self) -> None:
        """Find out the order of the next iteration, once for all workers that are then started."""
        self.order(self._following().epoch)

    def __iter__(self) -> Iterator[Any]:
        position, skip = self.begin(), self._skip
        self._skip = 0
        self._current, self._yielded = position, skip
        return self._read(position, skip)

    def _read(self, position: Position, skip: int) -> Iterator[Any]:
        info = get_worker_info()
        if info is not None:
            _keep_memory_shared()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        order = self.order(position.epoch)
        positions = self.share(position).worker(worker, workers)
        for _ in range(skip):
            next(positions, None)
        for sample in read_ahead(
            self._source.opened(), map(order.__getitem__, positions), self._prefetch
        ):
            self._yielded += 1
            yield sample

    def order(self, epoch: int) -> Order:
        """Return the order of an epoch: for each position where its sample is."""
        found = self._order
        if found is None or found.epoch != epoch:
            found = self._order = Order(self._source.runs, self._shape, epoch)
        return found.for_another_reader()

    def names(self, epoch: int = 0, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """Yield what the samples of an epoch are called, in its order, without reading them.

        Args:
            epoch: Which epoch, from 0.
            start: First position.
            stop: The position after the last; None for all.
        """
        order = self.order(epoch)
        for position in range(start, self.samples if stop is None else min(stop, self.samples)):
            yield self._source.name(order[position])

    # -- states ----------------------------------------------------------------------------------

    def set_epoch(self, epoch: int) -> None:
        """Have the next iteration begin with an epoch. Without it, each begins the next one."""
        self._next = Position(epoch)

    def position_from(self, state: Mapping[str, Any]) -> Position:
        """Return the position in a state of this stream.

        Raises:
            UsageError: It belongs to other data or another order.
        """
        return read_state(state, self._data)

    def go_to(self, position: Position) -> None:
        """Have the next iteration begin at a position."""
        self._next = position

    def state_dict(self) -> dict[str, Any]:
        """Return the state of this worker, for PyTorch's `StatefulDataLoader`.

        It can be loaded with the same number of workers and ranks; `Loader` has states that can
        be loaded with any.
        """
        info = get_worker_info()
        place = [*self.ranks, *((0, 1) if info is None else (info.id, info.num_workers))]
        state = make_state(self._data, self._current or self._next)
        return {**state, _WORKER: place, "batch_size": self.batch_size, "yielded": self._yielded}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Have the next iteration begin where a state was taken: of `Loader`, or of this worker.

        Raises:
            UsageError: It belongs to other data, or to a worker of other numbers.
        """
        position = self.position_from(state)
        if _WORKER in state:
            info = get_worker_info()
            place = [*self.ranks, *((0, 1) if info is None else (info.id, info.num_workers))]
            if list(state[_WORKER]) != place or state["batch_size"] != self.batch_size:
                raise UsageError(
                    "the state is of a worker with another rank, number or batch size",
                    hint="use Loader, whose states can be loaded with any number of workers",
                )
            self._skip = state["yielded"]
        self._next = position

    def seen(self, state: Mapping[str, Any]) -> Iterator[str]:
        """Yield what a run had seen at a state, each sample once.

        Of a finished epoch, what `tail="drop"` left out counts as seen.

        Args:
            state: Of `Loader.state_dict`.

        Raises:
            UsageError: It belongs to other data or another order.
        """
        position = self.position_from(state)
        if position.epoch > 0:
            for run in range(len(self._source.runs)):
                for offset in range(self._source.runs.size(run)):
                    yield self._source.name(Place(run, offset))
        else:
            yield from self.names(0, 0, position.consumed)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ranks": self.ranks}


@functools.cache
def _keep_memory_shared() -> None:
    """Exclude what a worker was forked with from its garbage collections, once.

    They write into each object that they look at, which copies the memory that it shares with its
    parent: some 50 MB for the modules of PyTorch alone.
    """
    gc.freeze()
