"""How `info` looks: three boxes and some lines."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from radops.cli.output import count, has_styles, human_size, is_terminal
from radops.lake.shortening import shortened
from radops.printable import message, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from radops.lake.directory.summary import Summary
    from radops.lake.reports import CallInfo, CodeInfo, FileInfo, OutputInfo

# Boxes are for people; --json has all of a thousand inputs.
_MOST_ROWS = 20
_LONGEST_VALUE = 200
# Side by side only as far as the eye can follow, also in a pipe.
_WIDEST = 200
_ENDLESS = 1 << 16
_FOLD = 48
_METHOD = "creation method"

Row = tuple[str, str]


def show(info: FileInfo, console: Console | None = None, *, summary: Summary | None = None) -> None:
    """Print everything about one file or directory."""
    console = console or _console()
    console.print(_graph(list(_boxes(info)), console))
    for label, text in _facts(info):
        # Only a description has lines: indented, so that none looks like another fact.
        shown = message(text) if label == "description" else printable(text)
        # Not wrapped: a link broken into lines cannot be followed.
        console.print(Text(f"{label}: {shown}"), soft_wrap=True)
    for label, text in () if summary is None else _contents(summary):
        console.print(Text(f"{label}: {printable(text)}"), soft_wrap=True)


def _console() -> Console:
    # In a pipe nothing needs to fit, so names stay whole.
    width = shutil.get_terminal_size().columns if is_terminal() else _ENDLESS
    return Console(
        width=width, highlight=False, markup=False, emoji=False, force_terminal=has_styles()
    )


# -- The graph


@dataclass(frozen=True)
class _Box:
    """A titled box of one or two columns."""

    title: str
    rows: list[Row]
    """Label and value; an empty label in all of them means one column."""
    strong: bool = False
    """Whether the first value is what the box is about."""

    def short(self) -> _Box:
        """Return it with the keys in generated names cut."""
        return replace(self, rows=[(label, shortened(value)) for label, value in self.rows])

    def panel(self, *, fold: int | None = None, height: int | None = None) -> Panel:
        """Return it drawn.

        Args:
            fold: Break labelled values after so many letters.
            height: Lines in all, blank ones added below.

        """
        table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=True)
        labelled = any(label for label, _ in self.rows)
        if labelled:
            table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold", max_width=fold)
        for i, (label, value) in enumerate(self.rows):
            text = Text(printable(value), style="bold" if self.strong and i == 0 else "")
            table.add_row(*([Text(printable(label))] if labelled else []), text)
        return Panel(Group(Text(self.title), Text(), table), expand=False, height=height)


def _graph(boxes: Sequence[_Box], console: Console) -> RenderableType:
    """Return the boxes side by side if that fits the console, else one below the other.

    Values of parameters are broken into lines if that makes them fit; names of files never are,
    but the keys in generated names are cut where a box would be wider than the console.
    """
    level = _level(boxes, console)
    if level is None and any(_is_cramped(box, console) for box in boxes):
        boxes = [box.short() for box in boxes]
        level = _level(boxes, console)
    if level is not None:
        return level
    parts: list[RenderableType] = []
    down = Text("  |\n  v" if console.options.ascii_only else "  │\n  ▼")
    for box in boxes:
        parts += [down, box.panel()] if parts else [box.panel()]
    return Group(*parts)


def _level(boxes: Sequence[_Box], console: Console) -> RenderableType | None:
    """Return the boxes side by side; None if they do not fit the console so."""
    natural = console.options.update(max_width=_ENDLESS)
    room = min(console.width, _WIDEST) - 4 * (len(boxes) - 1)
    for fold in (None, _FOLD):
        folds = [fold if box.title == _METHOD else None for box in boxes]
        panels = [box.panel(fold=fold) for box, fold in zip(boxes, folds, strict=True)]
        if sum(_width(panel, console) for panel in panels) <= room:
            heights = [len(console.render_lines(panel, natural)) for panel in panels]
            # The last two boxes have the same height; inputs take the height they need.
            heights[-2:] = [max(heights[-2:])] * 2
            return _side_by_side(
                box.panel(fold=fold, height=height)
                for box, fold, height in zip(boxes, folds, heights, strict=True)
            )
    return None


def _is_cramped(box: _Box, console: Console) -> bool:
    """Return whether generated names make a box wider than the console."""
    return box.short() != box and _width(box.panel(), console) > console.width


def _width(panel: Panel, console: Console) -> int:
    natural = console.options.update(max_width=_ENDLESS)
    return Measurement.get(console, natural, panel).maximum


def _side_by_side(panels: Iterable[Panel]) -> Table:
    cells: list[RenderableType] = []
    for panel in panels:
        cells += [Text("\n\n -> "), panel] if cells else [panel]
    grid = Table.grid()
    grid.add_row(*cells)
    return grid


def _boxes(info: FileInfo) -> Iterator[_Box]:
    who = ("originator", info.originator)
    call = info.call
    if call is None:
        yield _Box(_METHOD, [("added from", info.source or "this machine")], strong=True)
        yield _Box("output", [("uid", info.uid), who], strong=True)
        return
    given = [entry.name for entry in call.inputs]
    read = [f"{entry.name} (read)" for entry in call.reads if entry.name not in given]
    yield _Box("input files", [("", name) for name in _most([*given, *read]) or ["none"]])
    yield _Box(_METHOD, [("function", call.function), *_parameters(call)], strong=True)
    names = _most([_output(output) for output in _this_first(info, call)] or [info.uid])
    rows = [("uid" if i == 0 else "", name) for i, name in enumerate(names)]
    yield _Box("output", [*rows, who], strong=True)


def _this_first(info: FileInfo, call: CallInfo) -> list[OutputInfo]:
    """Return the outputs of a call: the shown file first, the others in order of return."""

    def rank(output: OutputInfo) -> tuple[bool, int]:
        return output.uid != info.uid, output.place if isinstance(output.place, int) else 0

    return sorted(call.outputs, key=rank)


def _output(output: OutputInfo) -> str:
    files = "" if output.files is None else f", {count(output.files, 'file')}"
    place = f" (as {output.place!r})" if isinstance(output.place, str) else ""
    return f"{output.uid}{files}{place}"


def _most(names: Sequence[str]) -> list[str]:
    """Return each name once, and not too many."""
    shown = list(dict.fromkeys(names))
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


# -- The lines below


def _facts(info: FileInfo) -> Iterator[Row]:
    if info.description:
        yield "description", info.description
    if info.tags:
        yield "tags", ", ".join(info.tags)
    if info.call is not None:
        yield "creation method code", _code(info.call.code)
        read = [*info.call.files_read, *(f"${name}" for name in info.call.variables_read)]
        if read:
            yield "also read", ", ".join(_most(read))
    yield "radops version", info.radops_version
    if info.directory is not None:
        yield "in the directory", info.directory
    if info.files is not None:
        yield "files", f"{info.files:,}"
    size = info.size if info.bytes is None else info.bytes
    yield "size", human_size(size) + (f" ({size:,} bytes)" if size >= 1024 else "")
    yield "digest", str(info.digest)
    when = f"{info.created_at[:19].replace('T', ' ')} UTC"  # RFC 3339; the parts of a second go
    yield "created", when + (f", in {_seconds(info.call.seconds)}" if info.call else "")
    yield "on this machine", "yes" if info.local else "no"


def _contents(summary: Summary) -> Iterator[Row]:
    shown = summary.extensions[:_MOST_ROWS]
    rest = summary.extensions[_MOST_ROWS:]
    for one in shown:
        name = "other extensions" if one.name is None else one.name or "no extension"
        yield f"files {name}", f"{one.files:,}, {human_size(one.bytes)}"
    if rest:
        files, size = sum(one.files for one in rest), sum(one.bytes for one in rest)
        yield f"files of {len(rest):,} more extensions", f"{files:,}, {human_size(size)}"
    if summary.links:
        yield "links", f"{summary.links:,}"
    if summary.empty_folders:
        yield "empty folders", f"{summary.empty_folders:,}"
    here = f"{summary.local_files:,}, {human_size(summary.local_bytes)}"
    yield "files on this machine", here
    yield "packs", f"{summary.packs:,}, {summary.live_share:.0%} of their bytes in use"


def _code(code: CodeInfo) -> str:
    where = code.url
    if where is None:
        where = code.path or ("shown by --code" if code.source else "not recorded")
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
