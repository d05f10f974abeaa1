"""Whether the times of a file tell of its next change.

The kernel's clock for them is coarse, and some file systems keep whole seconds: ext4 with small
inodes, HFS+, FAT, some shares. git calls a file racy whose next change may not show.
"""

from __future__ import annotations

from typing import Final

SECOND_NS: Final = 1_000_000_000

TICK_NS: Final = 50_000_000
"""How coarse the kernel's clock can be."""

STEP_NS: Final = 2 * SECOND_NS
"""The longest step between two times on a file system that keeps whole seconds: FAT has 2 s."""


def is_coarse(mtime_ns: int, ctime_ns: int) -> bool:
    """Return whether these are times of a file system that keeps whole seconds."""
    return mtime_ns % SECOND_NS == ctime_ns % SECOND_NS == 0


def unsettled_ns(mtime_ns: int, ctime_ns: int, now_ns: int) -> int:
    """Return how much longer, at most, a change may leave a file's times as they are.

    Args:
        mtime_ns: When its bytes changed.
        ctime_ns: When anything about it changed.
        now_ns: When it is looked at.

    Returns:
        Nanoseconds; below 0 if every change from now on shows.
    """
    step = STEP_NS if is_coarse(mtime_ns, ctime_ns) else 0
    return max(mtime_ns, ctime_ns) + TICK_NS + step - now_ns
