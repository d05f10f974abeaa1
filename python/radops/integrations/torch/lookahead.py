"""Samples in order, with what the next ones need fetched in the background."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from radops.integrations.torch.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from concurrent.futures import Future

    from radops.integrations.torch.order import Place

S_co = TypeVar("S_co", covariant=True)
S = TypeVar("S")

_THREADS: Final = 8
# Samples whose places are looked at ahead: a batch, so that the first comes soon; then more and
# more: few while all is on this machine, and up to some MB of memory once a run had to be fetched.
_FIRST: Final = 256
_FEW_AHEAD: Final = 1_024
_GROWTH: Final = 64
_MOST_AHEAD: Final = 16_384


class Source(Protocol[S_co]):
    """Where samples come from, run by run."""

    def prepare(self, runs: Collection[int]) -> None:
        """Fetch what must be known of runs that are read soon, for all of them at once."""
        ...

    def missing(self, run: int) -> int:
        """Return how many bytes must be fetched before a run can be read; 0 if it is here."""
        ...

    def fetch(self, run: int) -> None:
        """Fetch a run."""
        ...

    def sample(self, place: Place) -> S_co:
        """Return a sample; fetches its run if it is not on this machine."""
        ...


def read_ahead(source: Source[S], places: Iterator[Place], budget: int) -> Iterator[S]:
    """Yield the samples at some places, in order.

    Args:
        source: Where they come from.
        places: Which ones.
        budget: Bytes that may be under way or fetched ahead of the sample that is read; one run
            is always allowed.
    """
    prepared = _prepared(source, places)
    ahead: deque[tuple[Place, Future[None] | None, int]] = deque()
    under_way: dict[int, Future[None]] = {}
    bytes_ahead, most = 0, _FIRST
    with Threads(_THREADS, "radops-stream") as threads:
        while True:
            while len(ahead) < most and (bytes_ahead < budget or not ahead):
                place = next(prepared, None)
                if place is None:
                    break
                future, size = under_way.get(place.run), 0
                if future is None and (size := source.missing(place.run)):
                    future = under_way[place.run] = threads.submit(source.fetch, place.run)
                    bytes_ahead += size
                ahead.append((place, future, size))
            if not ahead:
                return
            place, future, size = ahead.popleft()
            if future is not None:
                future.result()
                if under_way.get(place.run) is future:
                    del under_way[place.run]
            bytes_ahead -= size
            limit = _MOST_AHEAD if threads.is_used else _FEW_AHEAD
            most += _GROWTH if most < limit else 0
            yield source.sample(place)


def _prepared(source: Source[S], places: Iterator[Place]) -> Iterator[Place]:
    """Yield places after what must be known of them, and of the next ones, was fetched."""
    count = _FIRST
    while some := list(itertools.islice(places, count)):
        source.prepare({place.run for place in some})
        yield from some
        count = _FEW_AHEAD
