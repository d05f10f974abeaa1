"""Where notes are, and what they say."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake


DAY = 24 * 3600.0


def noted(lake: DataLake, uid: str = "sets/a.txt") -> tuple[str, list[str]]:
    info = lake.info(uid)
    return info.description, info.tags


def notes_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("notes/**/*") if path.is_file())


def here(lake: DataLake) -> list[Path]:
    return notes_of(lake.home / "storage")


def age(*roots: Path, seconds: float = 2 * DAY) -> None:
    """Make everything below look as old as that."""
    then = time.time() - seconds
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file() and not path.name.startswith("catalog"):
                os.utime(path, (then, then))
