"""A `DataLoader` whose position can be saved, and loaded with other workers and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader

from radops.errors import UsageError
from radops.integrations.torch.state import Position, make_state
from radops.integrations.torch.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Loader(DataLoader):  # type: ignore[misc]
    """Batches of a stream, by PyTorch's `DataLoader`, with a state.

    Each iteration is one epoch, and the next one begins the next epoch, also after an iteration
    that was left early.

    Args:
        stream: `StreamDirectory` or `StreamParquet`.
        num_workers: Processes that read; 0: this one.
        options: Further arguments of `DataLoader`, except those that define a batch.

    Raises:
        UsageError: The data set is none of these, or an option contradicts it.

    Example:
        >>> loader = Loader(ds, num_workers=8)
        >>> if resuming:
        ...     loader.load_state_dict(checkpoint["loader"])
        >>> for batch in loader:
        ...     step(batch)
        ...     checkpoint["loader"] = loader.state_dict()
    """

    def __init__(self, stream: Stream, num_workers: int = 0, **options: Any) -> None:
        if not isinstance(stream, Stream):
            raise UsageError(
                f"a {type(stream).__name__} has no order to go on from",
                hint="give a StreamDirectory or a StreamParquet",
            )
        for name in ("batch_size", "shuffle", "sampler", "batch_sampler", "drop_last"):
            if name in options:
                raise UsageError(f"{name} is an argument of the stream, not of its loader")
        if options.get("in_order") is False:
            raise UsageError(
                "with in_order=False no state can say which samples a run has seen",
                hint="leave it out, or use a DataLoader",
            )
        self._stream = stream
        self._began = False
        # Where the workers that stay begin their next iteration.
        self._workers_next = Position()
        self._position = Position()
        super().__init__(stream, batch_size=stream.batch_size, num_workers=num_workers, **options)

    def __iter__(self) -> Iterator[Any]:
        if self._workers_next != self._stream.upcoming:
            # Each worker has a copy of the stream; `set_epoch` changed only the one here.
            self._iterator = None
        if self.num_workers and self._iterator is None:
            self._stream.prepare()
        batches = super().__iter__()
        # Workers have the position now, and count on by themselves.
        position = self._stream.begin() if self.num_workers else self._stream.current
        self._began, self._position = True, position
        self._workers_next = self._stream.upcoming
        return self._count(batches, position)

    def _count(self, batches: Iterator[Any], position: Position) -> Iterator[Any]:
        share = self._stream.share(position)
        for number, batch in enumerate(batches, 1):
            # Before it is handed out: a state that is taken while it is used counts it.
            self._position = Position(position.epoch, share.done_after(number))
            yield batch
        # Also where other ranks have a batch more: the loop over this epoch is over.
        self._position = Position(position.epoch, self._stream.samples)

    def __len__(self) -> int:
        """Return how many batches a whole epoch has."""
        return self._stream.share(Position()).batches

    def state_dict(self) -> dict[str, Any]:
        """Return where the run is: after the batches that the loop was given, of all ranks.

        A small dictionary of numbers and texts, the same on all ranks.
        """
        position = self._position if self._began else self._stream.upcoming
        return make_state(self._stream.data, position)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Make the first iteration continue where a state was taken.

        Workers and ranks may be others than they were. A finished epoch is followed by the next.

        Raises:
            UsageError: The state belongs to other data or another order, or an iteration has begun.
        """
        if self._began:
            raise UsageError(
                "a state cannot be loaded after an iteration has begun",
                hint="make a new Loader and load it there",
            )
        self._stream.go_to(self._stream.position_from(state))
