"""The clock by which promises are kept: whoever slept through one must notice."""

from __future__ import annotations

import time


def clock() -> float:
    """Seconds on a clock that also counts while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time()
