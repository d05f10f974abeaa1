"""Durations and sizes as people type them: `30d`, `12h`, `500GB`, `1.5TiB`."""

from __future__ import annotations

import re

import typer

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_BYTES = {
    "B": 1,
    **{f"{unit}B": 1000**power for power, unit in enumerate("kMGTP", 1)},
    "KB": 1000,  # not how it is written, but nobody means anything else
    **{f"{unit}iB": 1024**power for power, unit in enumerate("KMGTP", 1)},
}
# Beyond this a time is none that any clock shows; float arithmetic would still go along.
_MOST_SECONDS = 1000 * 366 * 86_400
_MOST_BYTES = 2**63


def duration(text: str) -> float:
    """Return seconds; a usage error for anything but a number with one of s, m, h, d, w."""
    seconds = _read(text, _SECONDS)
    if seconds is None or seconds > _MOST_SECONDS:
        raise typer.BadParameter(f"{text!r} is no duration; write 30d, 12h, 90m or 45s")
    return seconds


def size(text: str) -> int:
    """Return bytes; a usage error for anything but a number with a unit of bytes."""
    count = _read(text, _BYTES)
    if count is None or count > _MOST_BYTES:
        raise typer.BadParameter(f"{text!r} is no size; write 500GB, 1.5TiB or 0B")
    return int(count)


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
