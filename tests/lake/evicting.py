"""A lake with files of which each was last used at another time."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from lakes import storage
from radops.repository.layout import object_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake

DAY = 24 * 3600.0


def used(lake: DataLake, uid: str, days: float) -> None:
    """Make a file look as if it was last used so many days ago."""
    digest = lake.info(uid).digest
    then = time.time() - days * DAY
    os.utime(storage(lake) / object_key(digest), (then, then))
    lake.session.store.usage.flush()
    lake.session.store.catalog.note_uses([(digest, then)])


def lake_of_four(
    make_lake: Callable[..., DataLake], shared: str, write: Callable[..., Path]
) -> DataLake:
    """Return a lake with files of 1, 2, 3 and 4 KB, used so many days ago."""
    lake = make_lake("one", remote=shared)
    for number in range(1, 5):
        lake.add(write(f"f{number}", bytes([number]) * 1000 * number), f"files/{number}")
        used(lake, f"files/{number}", number)
    return lake
