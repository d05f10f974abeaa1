"""How things are written on the pages."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import Any

from radops.printable import printable


def shown(value: object, keep: str = "") -> str:
    """Return text of the lake with what is invisible, or steers a terminal, spelt out."""
    return printable(str(value), keep=keep)


def described(text: str) -> str:
    """Return what people wrote about a file; its lines stay lines."""
    return printable(text, keep="\n")


def size(number: float | None) -> str:
    """Return bytes as people read them: `999 B`, `1.2 MiB`."""
    if number is None:
        return ""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{number:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def count(number: int, thing: str) -> str:
    """Return `1 file`, `2,000 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def day(text: str | None) -> str:
    """Return the date of a record's time."""
    return (text or "")[:10]


def moment(when: str | float | None) -> str:
    """Return a time as `2026-11-29 12:30 UTC`."""
    if when is None:
        return "never"
    if isinstance(when, str):
        return f"{when[:16].replace('T', ' ')} UTC"
    return datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def seconds(number: float) -> str:
    """Return a duration: `0.02 s`, `3.4 s`, `2 min 5 s`, `3 h 12 min`."""
    if number < 1:
        return f"{number:.2f} s"
    if number < 60:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def value(thing: Any, limit: int = 2000) -> str:  # noqa: ANN401 - whatever a parameter is
    """Return a parameter as text, cut if it is long."""
    if isinstance(thing, str):
        text = thing
    elif isinstance(thing, float) and not math.isfinite(thing):
        text = str(thing)
    else:
        text = json.dumps(thing, ensure_ascii=False, default=str)
    text = shown(text)
    return text if len(text) <= limit else f"{text[:limit]}…"
