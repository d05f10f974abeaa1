"""Flame graphs as plain SVG, from stacks that py-spy has counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

_WIDTH, _ROW, _HEAD = 900, 17, 30
_LEAST = 0.004
"""Frames narrower than this share of the whole are left out: nobody can read them."""


@dataclass
class Frame:
    """A function at one place in the stacks."""

    name: str
    count: int = 0
    inner: dict[str, Frame] = field(default_factory=dict)


def fold(text: str) -> Frame:
    """Return the tree of the stacks in py-spy's raw format: `a;b;c 17` a line.

    Frames are called by module and function, whatever line they were at.
    """
    root = Frame("all")
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        if not stack:
            continue
        here = root
        here.count += int(count)
        before = ""
        for part in stack.split(";"):
            name = _name(part)
            if not name or name == before:
                continue
            before = name
            here = here.inner.setdefault(name, Frame(name))
            here.count += int(count)
    return root


def _name(part: str) -> str:
    found = re.fullmatch(r"(.+) \((.+?)(?::\d+)?\)", part)
    if found is None:
        return ""
    function, path = found.groups()
    module = re.sub(r"(/__init__)?\.py$", "", path)
    for mark in ("site-packages/", "python/radops/", "lib/python"):
        if mark in module:
            module = module.partition(mark)[2]
    module = re.sub(r"^radops/|^\d\.\d+/", "", module)
    if module.startswith("/") or function == "<module>" or "importlib" in module:
        return "import" if "importlib" in module else ""
    return f"{module}: {function}"


def start_of_work(root: Frame) -> Frame:
    """Return the deepest frame that everything is in: what is above it says nothing."""
    while len(root.inner) == 1 and next(iter(root.inner.values())).count > 0.97 * root.count:
        root = next(iter(root.inner.values()))
    return root


def draw(root: Frame, title: str) -> str:
    """Return the graph: the caller above, what it calls below, width for time."""
    rows: list[str] = []
    deepest = 0

    def add(frame: Frame, left: float, depth: int) -> None:
        nonlocal deepest
        width = frame.count / root.count * _WIDTH
        if frame.count < _LEAST * root.count:
            return
        deepest = max(deepest, depth)
        top = _HEAD + depth * _ROW
        share = f"{100 * frame.count / root.count:.1f} %"
        hue = 20 + sum(map(ord, frame.name.partition(":")[0])) % 40
        letters = int(width / 6.2)
        shown = frame.name if len(frame.name) <= letters else frame.name.rpartition(": ")[2]
        shown = shown if len(shown) <= letters else shown[: max(0, letters - 1)] + "…"
        rows.append(
            f'<g><title>{escape(frame.name)}, {share}</title><rect x="{left:.1f}" y="{top}" '
            f'width="{width:.1f}" height="{_ROW - 1}" fill="hsl({hue},85%,68%)"/>'
            + (
                f'<text x="{left + 3:.1f}" y="{top + 12}">{escape(shown)}</text>'
                if letters > 3
                else ""
            )
            + "</g>"
        )
        for inner in sorted(frame.inner.values(), key=lambda one: -one.count):
            add(inner, left, depth + 1)
            left += inner.count / root.count * _WIDTH

    add(root, 0.0, 0)
    height = _HEAD + (deepest + 1) * _ROW + 4
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="monospace" font-size="10">',
            f'<text x="4" y="18" font-family="sans-serif" font-size="14" fill="#868e96">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )
