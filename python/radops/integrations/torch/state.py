"""Where a run is in its data: what a checkpoint holds, and what makes it valid here.

A state is a small dictionary of numbers and texts, the same on all ranks:

    {"v": 1, "source": digest, "samples": N, "order": {...}, "epoch": 0, "consumed": 81920}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1


@dataclass(frozen=True)
class Data:
    """What a state belongs to."""

    source: str
    """The digest of what is read, as hexadecimal digits."""
    samples: int
    order: dict[str, Any]
    """What the order depends on besides."""


@dataclass(frozen=True)
class Position:
    """Where a run is."""

    epoch: int = 0
    consumed: int = 0
    """Positions of the epoch that are done, over all ranks."""


def make_state(data: Data, position: Position) -> dict[str, Any]:
    """Return the state of a run."""
    return {
        "v": VERSION,
        "source": data.source,
        "samples": data.samples,
        "order": dict(data.order),
        "epoch": position.epoch,
        "consumed": position.consumed,
    }


def read_state(state: Mapping[str, Any], data: Data) -> Position:
    """Return the position in a state.

    Raises:
        UsageError: It is no state, a later version of radops wrote it, or it belongs to other data
            or another order; the message says what differs.
    """
    try:
        if state["v"] != VERSION:
            raise UsageError(
                f"a state of version {state['v']!r}, and this radops reads {VERSION}",
                hint="a later version of radops wrote it",
            )
        position = Position(state["epoch"], state["consumed"])
        found = {"source": state["source"], "samples": state["samples"], **state["order"]}
    except (KeyError, TypeError) as error:
        raise UsageError(f"not the state of a stream: {error!r}") from None
    here = {"source": data.source, "samples": data.samples, **data.order}
    other = sorted(
        name for name in {*found, *here} if found.get(name, here) != here.get(name, found)
    )
    if other:
        told = ", ".join(f"{name} {found.get(name)!r}, not {here.get(name)!r}" for name in other)
        raise UsageError(
            f"the state belongs to another stream: {told}",
            hint="open the same data with the same arguments, or start from the beginning",
        )
    numbers = (position.epoch, position.consumed)
    if not all(isinstance(n, int) and n >= 0 for n in numbers) or numbers[1] > data.samples:
        raise UsageError(f"not the state of a stream: epoch and consumed are {numbers}")
    return position
