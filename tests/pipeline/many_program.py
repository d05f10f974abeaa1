"""A user's module whose functions are called in other processes."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from radops.data_lake import File, file_creator

_now = threading.Lock()
running = [0, 0]


@file_creator(name="tests.many.square")
def square(number: int, *, folder: str, bad: int = -1) -> File:
    Path(folder, f"{number}.{os.getpid()}.{time.monotonic_ns()}").touch()
    if number % 5 == bad:
        raise ValueError(f"no {number}")
    out = File()
    out.write_text(str(number * number))
    return out


@file_creator(name="tests.many.counted")
def counted(number: int) -> File:
    with _now:
        running[0] += 1
        running[1] = max(running)
    time.sleep(0.02)
    with _now:
        running[0] -= 1
    out = File()
    out.write_text(str(number))
    return out
