"""Which of several processes that train together this is."""

from __future__ import annotations

import os
from typing import NamedTuple

from radops.errors import UsageError


class Rank(NamedTuple):
    """One process of those that train together."""

    rank: int
    world_size: int


def find_rank(rank: int | None, world_size: int | None) -> Rank:
    """Return what was given, else the values of `torch.distributed`, else those of `torchrun`.

    Raises:
        UsageError: Only one of the two was given, or the rank is none of them.
    """
    if (rank is None) != (world_size is None):
        raise UsageError("rank and world_size go together", hint="give both, or none")
    found = Rank(0, 1)
    if rank is not None and world_size is not None:
        found = Rank(rank, world_size)
    elif (known := _distributed()) is not None:
        found = known
    elif "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        found = Rank(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    if not 0 <= found.rank < found.world_size:
        raise UsageError(f"rank {found.rank} is none of {found.world_size}")
    return found


def _distributed() -> Rank | None:
    from torch import distributed  # noqa: PLC0415 - optional

    if not (distributed.is_available() and distributed.is_initialized()):
        return None
    return Rank(distributed.get_rank(), distributed.get_world_size())
