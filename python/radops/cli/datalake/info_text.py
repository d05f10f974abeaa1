"""How `info` looks: three boxes and some lines."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from radops.cli.output import has_styles, human_size, is_terminal, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from radops.data_lake.reports import CallInfo, CodeInfo, FileInfo

# Boxes are for people; whoever needs all of a thousand inputs asks for --json.
_MOST_ROWS = 20
_LONGEST_VALUE = 200
# Side by side only as far as the eye can follow, also in a pipe.
_WIDEST = 200
_ENDLESS = 1 << 16

Row = tuple[str, str]


def show(info: FileInfo, console: Console | None = None) -> None:
    """Print everything about one file."""
    console = console or _console()
    console.print(_graph(list(_boxes(info)), console))
    for label, text in _facts(info):
        # Whole, however wide: a link that was broken into lines is no link.
        console.print(Text(f"{label}: {printable(text)}"), soft_wrap=True)


def _console() -> Console:
    # In a pipe nothing needs to fit, so names stay whole.
    width = shutil.get_terminal_size().columns if is_terminal() else _ENDLESS
    return Console(
        width=width, highlight=False, markup=False, emoji=False, force_terminal=has_styles()
    )


# -- The graph


def _graph(boxes: Sequence[Panel], console: Console) -> RenderableType:
    """Return the boxes side by side if that fits the console, else one below the other."""
    natural = console.options.update(max_width=_ENDLESS)
    widths = [Measurement.get(console, natural, box).maximum for box in boxes]
    if sum(widths) + 4 * (len(boxes) - 1) <= min(console.width, _WIDEST):
        grid = Table.grid()
        cells: list[RenderableType] = []
        for box in boxes:
            cells += [Text("\n\n -> "), box] if cells else [box]
        grid.add_row(*cells)
        return grid
    down = Text("  |\n  v" if console.options.ascii_only else "  │\n  ▼")
    stack: list[RenderableType] = []
    for box in boxes:
        stack += [down, box] if stack else [box]
    return Group(*stack)


def _boxes(info: FileInfo) -> Iterator[Panel]:
    if info.call is None:
        yield _box("creation method", [("added from", info.source or "this machine")])
        yield _box("output", [("uid", info.uid), ("originator", info.originator)], first=True)
        return
    call = info.call
    if call.inputs or call.reads:
        read = [f"{entry.uid} (read)" for entry in call.reads]
        yield _box("input files", _inputs([entry.uid for entry in call.inputs] + read))
    else:
        yield _box("input files", ["none"])
    yield _box("creation method", [("function", call.function), *_parameters(call)], first=True)
    uids = [output.uid for output in call.outputs] or [info.uid]
    rows = [("uid" if i == 0 else "", uid) for i, uid in enumerate(_inputs(uids))]
    yield _box("output", [*rows, ("originator", info.originator)], first=True)


def _inputs(uids: Sequence[str]) -> list[str]:
    shown = list(dict.fromkeys(uids))
    if len(shown) > _MOST_ROWS:
        left = len(shown) - _MOST_ROWS + 1
        shown[_MOST_ROWS - 1 :] = [f"... and {left:,} more, see --json"]
    return shown


def _parameters(call: CallInfo) -> list[Row]:
    rows = [(name, _value(value)) for name, value in call.params.items()]
    if len(rows) > _MOST_ROWS:
        left = len(rows) - _MOST_ROWS + 1
        rows[_MOST_ROWS - 1 :] = [("...", f"and {left:,} more, see --json")]
    return rows


def _value(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _LONGEST_VALUE:
        return f"{text[:_LONGEST_VALUE]}... ({len(text):,} characters)"
    return text


def _box(title: str, rows: Sequence[Row | str], *, first: bool = False) -> Panel:
    """Return a box with one or two columns; `first`: the first value is what the box is about."""
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=True)
    if rows and isinstance(rows[0], tuple):
        table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for i, row in enumerate(rows):
        label, value = row if isinstance(row, tuple) else (None, row)
        text = Text(printable(value), style="bold" if first and i == 0 else "")
        table.add_row(*([] if label is None else [Text(printable(label))]), text)
    return Panel(Group(Text(title), Text(), table), expand=False)


# -- The lines below


def _facts(info: FileInfo) -> Iterator[Row]:
    if info.call is not None:
        yield "creation method code", _code(info.call.code)
    yield "radops version", info.radops_version
    yield (
        "size",
        f"{human_size(info.size)}" + (f" ({info.size:,} bytes)" if info.size >= 1024 else ""),
    )
    yield "digest", str(info.digest)
    when = info.created_at.replace("T", " ").replace("Z", " UTC")
    yield "created", when + (f", in {_seconds(info.call.seconds)}" if info.call else "")
    yield "on this machine", "yes" if info.local else "no"


def _code(code: CodeInfo) -> str:
    where = code.url
    if where is None:
        where = code.path or "not recorded"
        if code.path and code.line is not None:
            where += f", line {code.line}"
    return f"{where} ({code.note})" if code.note else where


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
