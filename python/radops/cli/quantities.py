"""Numbers, durations and sizes as people type them: `8`, `30d`, `12h`, `500GB`, `1.5TiB`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_BYTES = {
    "B": 1,
    **{f"{unit}B": 1000**power for power, unit in enumerate("kMGTP", 1)},
    "KB": 1000,  # not the standard spelling, but unambiguous
    **{f"{unit}iB": 1024**power for power, unit in enumerate("KMGTP", 1)},
}
# More than a thousand years is beyond what clocks can express.
_SHOWN = 40
_MOST_SECONDS = 1000 * 366 * 86_400
_MOST_BYTES = 2**63
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a function that reads a whole number.

    Args:
        least: The smallest that is accepted.
        most: The largest; None for no limit.
    """
    accepted = f"from {least} on" if most is None else f"from {least} to {most}"

    def read(text: str | int) -> int:
        shown = str(text)
        if _WHOLE.fullmatch(shown):
            number = int(shown)
            if number >= least and (most is None or number <= most):
                return number
        raise typer.BadParameter(f"{_short(shown)!r} is not a whole number {accepted}")

    return read


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def duration(text: str, option: str | None = None) -> float:
    """Return seconds; a usage error for anything but a number with one of s, m, h, d, w.

    Args:
        text: What was given.
        option: The option that it was given for, for the message.
    """
    seconds = _read(text, _SECONDS)
    if seconds is None or seconds > _MOST_SECONDS:
        message = f"{_short(text)!r} is not a duration; write 30d, 12h, 90m or 45s"
        raise typer.BadParameter(message, param_hint=_quoted(option))
    return seconds


def size(text: str, option: str | None = None) -> int:
    """Return bytes; a usage error for anything but a number with a unit of bytes.

    Args:
        text: What was given.
        option: The option that it was given for, for the message.
    """
    count = _read(text, _BYTES)
    if count is None or count > _MOST_BYTES:
        message = f"{_short(text)!r} is not a size; write 500GB, 1.5TiB or 0B"
        raise typer.BadParameter(message, param_hint=_quoted(option))
    return int(count)


def _quoted(option: str | None) -> str | None:
    return None if option is None else f"'{option}'"


def human_duration(seconds: float) -> str:
    """Return seconds as people read them, and as `duration` takes them: `24h`, `90m`, `0.5s`."""
    for unit in ("d", "h", "m"):
        if seconds >= 2 * _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


def _read(text: str, units: dict[str, int]) -> float | None:
    match = _NUMBER.fullmatch(text)
    if match is None or match[2] not in units:
        return None
    return float(match[1]) * units[match[2]]
