"""How notebooks display results: tables without colours, which suit a dark page too.

All text is escaped: nothing that is inside a file, a name or a message is ever HTML.
"""

from __future__ import annotations

import html
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

# Items of a list that are shown; the others are counted.
_MOST_SHOWN: Final = 10


class ShownAsTable:
    """Shows the fields of a dataclass in a notebook."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        if not is_dataclass(self):
            raise TypeError(f"{type(self).__name__} is no dataclass")
        rows = [(one.name.replace("_", " "), getattr(self, one.name)) for one in fields(self)]
        return html_table(type(self).__name__, rows)


def html_table(title: str, rows: Iterable[tuple[str, Any]]) -> str:
    """Return a table of names and values; values that are None are left out.

    Args:
        title: What it is about.
        rows: A name and a value for each row.
    """
    left = 'style="text-align: left"'
    cells = "".join(
        f"<tr><td {left}><i>{_escaped(name)}</i></td><td {left}>{_shown(value)}</td></tr>"
        for name, value in rows
        if value is not None
    )
    return f"<b>{_escaped(title)}</b><table>{cells}</table>"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, dict):
        value = [f"{key}: {one}" for key, one in value.items()]
    if isinstance(value, (list, tuple)):
        lines = [_escaped(_line(one)) for one in value[:_MOST_SHOWN]]
        if len(value) > _MOST_SHOWN:
            lines.append(f"and {len(value) - _MOST_SHOWN:,} more")
        return "<br>".join(lines) or "none"
    return _escaped(_line(value))


def _line(one: object) -> str:
    """Return an item as one line: its fields that have a value, if it has fields."""
    if isinstance(one, type) or not is_dataclass(one) or type(one).__str__ is not object.__str__:
        return str(one)
    found = ((part.name, getattr(one, part.name)) for part in fields(one))
    return ", ".join(f"{name} {value}" for name, value in found if value not in (None, 0, "", ()))


def _escaped(text: str) -> str:
    return html.escape(printable(text))
