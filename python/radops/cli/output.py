"""Writing: data to stdout, everything else to stderr, styles only for people."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

from radops.printable import json_text, message, one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLES = {"bold": "1", "italic": "3", "dim": "2", "red": "1;31", "yellow": "33", "cyan": "36"}
# On a terminal a longer list would only push what matters off the screen.
MOST_SHOWN = 20
_STYLED = re.compile(
    "(" + "|".join(re.escape(f"\x1b[{code}m") for code in (*_STYLES.values(), "0")) + ")"
)
_TAB = "\t"
_COLORS = ("red", "yellow", "cyan")


def is_terminal(stream: TextIO | None = None) -> bool:
    """Return whether the stream is a terminal (default: stdout)."""
    stream = sys.stdout if stream is None else stream
    return bool(stream) and stream.isatty()


def has_styles(stream: TextIO | None = None) -> bool:
    """Return whether the stream can show bold and italic.

    They are not colours and carry meaning in `ls`, so NO_COLOR leaves them.
    """
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def style(text: str, name: str, stream: TextIO | None = None) -> str:
    """Return the text in a style of `_STYLES`, if the stream shows it and NO_COLOR allows it."""
    if not has_styles(stream) or (name in _COLORS and os.environ.get("NO_COLOR")):
        return text
    return f"\x1b[{_STYLES[name]}m{text}\x1b[0m"


def write_lines(lines: Iterable[str]) -> None:
    """Write data, one item a line, whatever is in it."""
    if sys.stdout:
        sys.stdout.writelines(f"{_safe(line)}\n" for line in lines)


def write_source(text: str) -> None:
    """Write source code: as `write_lines` does, with its tabs."""
    if sys.stdout:
        make = printable if is_terminal() else one_line
        lines = text.rstrip("\n").split("\n")
        sys.stdout.writelines(f"{make(line, keep=_TAB)}\n" for line in lines)


def _safe(line: str) -> str:
    """Return a line of which nothing steers a terminal but the styles of `style`."""
    if line.isprintable():
        return line
    if not is_terminal() and not os.environ.get("FORCE_COLOR"):
        return one_line(line)
    parts = _STYLED.split(line)  # every second part is a style
    return "".join(part if i % 2 else printable(part) for i, part in enumerate(parts))


def write_names(names: Sequence[str], *, all_of_them: bool = False) -> None:
    """Write what a command worked on, one item a line.

    Args:
        names: The items.
        all_of_them: Write all, also on a terminal, which otherwise gets the first few of many.

    """
    if all_of_them or not is_terminal() or len(names) <= MOST_SHOWN:
        write_lines(names)
        return
    write_lines(names[:MOST_SHOWN])
    note(f"... and {len(names) - MOST_SHOWN:,} more; --json lists all")


def write_json(document: object) -> None:
    """Write one document: compact for programs, indented where a person looks."""
    indent = 2 if is_terminal() else None
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    if sys.stdout:
        sys.stdout.write(json_text(text) + "\n")


def note(text: str, *, quiet: bool = False) -> None:
    """Write a note to stderr."""
    if not quiet and sys.stderr:
        sys.stderr.write(message(text) + "\n")


def warn(text: str, hint: str | None = None) -> None:
    """Write a warning to stderr, and a hint what to do."""
    if sys.stderr:
        sys.stderr.write(f"{style('warning:', 'yellow', sys.stderr)} {message(text)}\n")
        if hint:
            sys.stderr.write(f"{style('hint:', 'cyan', sys.stderr)} {message(hint)}\n")


def human_size(size: int) -> str:
    """Return bytes as people read them: `999 B`, `1.2 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def count(number: int, thing: str) -> str:
    """Return `1 file`, `2,000 files`, `2 directories`."""
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {thing[:-1]}ies" if thing.endswith("y") else f"{number:,} {thing}s"


def count_names(number: int, directories: int, kind: str = "") -> str:
    """Return how many files and directories there are: `3 files and 1 directory`.

    Args:
        number: How many names.
        directories: How many of them are directories.
        kind: A word before each, such as `local`.
    """
    start = f"{kind} " if kind else ""
    counts = [count(number - directories, f"{start}file")] if number > directories else []
    if directories:
        counts.append(count(directories, f"{start}directory"))
    return " and ".join(counts) or count(0, f"{start}file")
