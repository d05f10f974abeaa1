"""Timing calls within a process, for the programs beside this one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def report(call: Callable[[int], object], count: int, warm: int = 3) -> None:
    """Call with 0, 1, 2, ... and print how long each call took, as JSON.

    Args:
        call: What to measure.
        count: How often.
        warm: How many calls before do not count.
    """
    found = []
    for number in range(warm + count):
        began = time.perf_counter()
        call(number)
        found.append(time.perf_counter() - began)
    print(json.dumps({"seconds": found[warm:]}))
