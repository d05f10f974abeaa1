"""Writing: data to stdout, everything else to stderr, styles only for people."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

_STYLES = {"bold": "1", "italic": "3", "dim": "2", "red": "1;31", "yellow": "33", "cyan": "36"}
_COLORS = ("red", "yellow", "cyan")


def is_terminal(stream: TextIO | None = None) -> bool:
    """Tell whether a person watches the stream (stdout unless another is given)."""
    stream = sys.stdout if stream is None else stream
    return bool(stream) and stream.isatty()


def has_styles(stream: TextIO | None = None) -> bool:
    """Tell whether bold and italic can be shown there.

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


def printable(text: str) -> str:
    """Return the text with control characters spelt out, so that no name can steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\n" or "\udc80" <= character <= "\udcff"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def write_lines(lines: Iterable[str]) -> None:
    """Write data, one item a line."""
    if sys.stdout:
        sys.stdout.writelines(f"{line}\n" for line in lines)


def write_json(document: object) -> None:
    """Write one document: compact for programs, indented where a person looks."""
    indent = 2 if is_terminal() else None
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:  # a path that is not UTF-8
        text = json.dumps(document, indent=indent)
    write_lines([text])


def note(text: str, *, quiet: bool = False) -> None:
    """Tell what was done, on stderr."""
    if not quiet and sys.stderr:
        sys.stderr.write(printable(text) + "\n")


def warn(text: str, hint: str | None = None) -> None:
    """Warn on stderr, with what to do about it."""
    if sys.stderr:
        sys.stderr.write(f"{style('warning:', 'yellow', sys.stderr)} {printable(text)}\n")
        if hint:
            sys.stderr.write(f"{style('hint:', 'cyan', sys.stderr)} {printable(hint)}\n")


def human_size(size: int) -> str:
    """Return bytes as people read them: `999 B`, `1.2 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def count(number: int, thing: str) -> str:
    """Return `1 file`, `2,000 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
