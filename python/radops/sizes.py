"""Numbers of bytes as people write them in programs and in the configuration: `64MB`, `1GiB`."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)[bB]?\s*", re.ASCII)
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def byte_count(size: str | int) -> int | None:
    """Return how many bytes `64MB`, `1GiB` or a number mean; None if it means none."""
    if isinstance(size, int):
        return size
    if isinstance(size, str) and (found := _SIZE.fullmatch(size)):
        return int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS[found[2].upper()])
    return None
