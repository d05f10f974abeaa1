"""What a preview consists of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """The first rows of a table."""

    columns: list[str]
    rows: list[list[str]]
    summary: list[Column] = field(default_factory=list)


@dataclass
class Column:
    """What is known of one column."""

    name: str
    type: str
    nulls: str = ""
    low: str = ""
    high: str = ""
    note: str = ""


@dataclass
class Preview:
    """What is shown of one file."""

    kind: str
    """`text`, `table`, `image`, `bytes` or `none`."""
    note: str = ""
    """One line: what is shown, or why nothing is."""
    text: str = ""
    table: Table | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)
