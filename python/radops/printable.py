"""Text of unknown origin made safe to show: nothing in it steers a terminal or forges a line.

Names, parameters, source code and the owners of leases come from records that others wrote. Every
text that leaves radops for a terminal, a pipe or a log passes through here.
"""

from __future__ import annotations

import re
from typing import Final

# The control characters of C0 and C1, and what Unicode or Python take for the end of a line.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Bytes of file names that are not UTF-8, as Python holds them: they leave as they came.
_RAW: Final = re.compile("[\udc80-\udcff]")


def printable(text: str, *, keep: str = "") -> str:
    r"""Return the text with everything that is not visible spelt out: `\x1b`, `\n`, `\u202e`.

    Args:
        text: Any text.
        keep: Characters that stay as they are, such as a tab in source code.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep or _RAW.match(character)
        else _spelt(character)
        for character in text
    )


def one_line(text: str, *, keep: str = "") -> str:
    """Return the text for a program, with only control characters and line ends spelt out.

    So names keep invisible characters that belong to them, and each stays on a line of its own.

    Args:
        text: Any text.
        keep: Control characters that stay as they are.
    """
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: found[0] if found[0] in keep else _spelt(found[0]), text)


def message(text: str) -> str:
    """Return a message with its further lines indented, so that none looks like another one."""
    return "\n  ".join(printable(line) for line in text.split("\n"))


def json_text(text: str) -> str:
    r"""Return a JSON document with everything invisible in its strings written as `\uXXXX`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n " else _json(character)
        for character in text
    )


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
