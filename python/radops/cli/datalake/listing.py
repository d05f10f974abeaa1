"""Layout of `ls`: columns, and long lines."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich.cells import cell_len

from radops.cli.output import human_size, is_terminal, style
from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.lake.reports import Listing

_GAP = 2


def columns(listings: Sequence[Listing], width: int | None = None) -> Iterator[str]:
    """Yield lines of names in columns, sorted downwards, as ls(1) does."""
    width = width or shutil.get_terminal_size().columns
    names = [printable(entry.uid) for entry in listings]
    cells = [len(name) if name.isascii() else cell_len(name) for name in names]
    widths = _widths(cells, width)
    rows = -(-len(names) // len(widths)) if names else 0
    for row in range(rows):
        line = []
        for column, start in enumerate(range(row, len(names), rows)):
            pad = widths[column] - cells[start] if start + rows < len(names) else 0
            line.append(_styled(listings[start], names[start]) + " " * pad)
        yield "".join(line)


def _widths(cells: Sequence[int], width: int) -> list[int]:
    """Return the widths of the most columns that fit, gaps included."""
    # More columns than this cannot fit, whatever the names are.
    most = min(len(cells), (width + _GAP) // (min(cells, default=0) + _GAP) or 1)
    for wanted in range(most, 1, -1):
        rows = -(-len(cells) // wanted)
        widths = [max(cells[i : i + rows]) + _GAP for i in range(0, len(cells), rows)]
        if sum(widths) - _GAP <= width:
            return widths
    return [max(cells, default=0) + _GAP]


def long(listings: Sequence[Listing]) -> Iterator[str]:
    """Yield a line each: where, size, date, originator, digest, name."""
    rows = [_facts(entry) for entry in listings]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for entry, facts in zip(listings, rows, strict=True):
        # The size is right-aligned, so that sizes can be compared at a glance.
        cells = [
            fact.rjust(width) if i == 1 else fact.ljust(width)
            for i, (fact, width) in enumerate(zip(facts, widths, strict=True))
        ]
        yield "  ".join([*cells, _styled(entry, printable(entry.uid))])


def _facts(entry: Listing) -> tuple[str, ...]:
    digest = str(entry.digest) if entry.digest else "-"
    return (
        _where(entry),
        "-" if entry.size is None else human_size(entry.size),
        entry.created_at[:16].replace("T", " ") if entry.created_at else "-",
        printable(entry.originator or "-"),
        # Enough to distinguish files; --json has the whole digest.
        digest[:12] if is_terminal() else digest,
    )


def _where(entry: Listing) -> str:
    if entry.pending:
        return "pending"
    if entry.local and entry.remote:
        return "both"
    return "local" if entry.local else "remote"


def _styled(entry: Listing, name: str) -> str:
    if entry.remote and not entry.pending:
        return style(name, "bold" if entry.local else "italic")
    return name
