"""Medians, spreads and ratios."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def median(values: Sequence[float]) -> float:
    """Return the middle one of some values."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the quartiles of some values; of fewer than four the least and the greatest."""
    if len(values) < 4:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def ratio(
    ours: Sequence[float], theirs: Sequence[float], less: tuple[float, float] = (0, 0)
) -> float:
    """Return how many times as long ours took, as the median over the rounds.

    The two of one round were measured one right after the other, so that whatever else the
    machine did hit both. Rounds that only one of them has do not count, unless there are no others.

    Args:
        ours: Seconds of each round.
        theirs: The same of the peer.
        less: What is taken off each: the start of the process.
    """
    pairs = list(zip(ours, theirs, strict=False))
    # Of a figure that is all start there is nothing left to compare with.
    return statistics.median(
        max(0.0, our - less[0]) / max(1e-6, their - less[1]) for our, their in pairs
    )


def scale(result: Mapping[str, Any], workload: Mapping[str, Any]) -> float:
    """Return what a ratio is to be multiplied with, so that it is per file.

    Args:
        result: Of a contestant, which may have been given fewer files.
        workload: With the files of all others.
    """
    return workload["files"] / result["files"] if result["sample"] else 1.0


def seconds(value: float) -> str:
    """Return a time with three figures, in the unit that suits it."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= unit or name == "us":
            number = value / unit
            digits = 0 if number >= 100 else 1 if number >= 10 else 2
            return f"{number:,.{digits}f} {name}"
    raise AssertionError
