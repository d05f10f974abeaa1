"""Plots as plain SVG: one dot per contestant on a logarithmic axis, with its spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from speed.stats import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEFT, _RIGHT, _ROW, _HEAD, _WIDTH = 150, 90, 26, 34, 760


@dataclass(frozen=True)
class Bar:
    """One line of a plot."""

    name: str
    value: float
    low: float
    high: float
    kind: str
    """`ours`, `peer` or `limit`."""


# Legible on light and on dark pages alike.
_COLOURS = {"ours": "#d9480f", "peer": "#4c6ef5", "limit": "#868e96"}


def dots(title: str, bars: Sequence[Bar]) -> str:
    """Return a plot of times, the shortest first.

    Args:
        title: The text above it.
        bars: Its lines, each greater than 0.
    """
    bars = sorted(bars, key=lambda bar: bar.value)
    first = math.floor(math.log10(min(bar.low for bar in bars)))
    last = max(first + 1, math.ceil(math.log10(max(bar.high for bar in bars))))
    width = _WIDTH - _LEFT - _RIGHT
    height = _HEAD + _ROW * len(bars) + 30

    def x(value: float) -> float:
        return round(_LEFT + (math.log10(value) - first) / (last - first) * width, 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img" font-family="sans-serif" font-size="12" fill="#868e96">',
        f"<title>{escape(title)}</title>",
        f'<text x="8" y="18" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    bottom = _HEAD + _ROW * len(bars)
    for power in range(first, last + 1):
        at = x(10.0**power)
        label = escape(seconds(10.0**power))
        lines += [
            f'<line x1="{at}" y1="{_HEAD}" x2="{at}" y2="{bottom}" stroke="#868e9655"/>',
            f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{label}</text>',
        ]
    for number, bar in enumerate(bars):
        y = _HEAD + _ROW * number + _ROW // 2
        colour = _COLOURS[bar.kind]
        weight = ' font-weight="bold"' if bar.kind == "ours" else ""
        lines += [
            f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end"{weight}>{escape(bar.name)}</text>',
            f'<line x1="{x(bar.low)}" y1="{y}" x2="{x(bar.high)}" y2="{y}" '
            f'stroke="{colour}" stroke-width="2"/>',
            f'<circle cx="{x(bar.value)}" cy="{y}" r="5" fill="{colour}"/>',
            f'<text x="{x(bar.high) + 10}" y="{y + 4}"{weight}>{escape(seconds(bar.value))}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
