"""How many files and connections this process may have open: as few as 64 on some systems."""

from __future__ import annotations

from typing import Final

MANY: Final = 1024
"""With as many, nothing here has to save them."""

_OTHERS = 48
"""Left for the program itself, the catalogue, locks and the folders under way."""


def descriptors() -> int:
    """Return how many descriptors this process may have open."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return MANY
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MANY if limit == resource.RLIM_INFINITY else limit


def at_once(most: int, each: int) -> int:
    """Return how many things to do at once, of which each holds some descriptors; at least one.

    Args:
        most: What there may be if descriptors do not matter.
        each: Descriptors of one of them.
    """
    return max(1, min(most, (descriptors() - _OTHERS) // each))
