"""Shortening generated names so that lines fit a terminal; `name_search` reads them back."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, TextIO

from radops.format.uid import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable

# As many digits as `ls -l` and git show: enough to tell names apart by eye, and for a glob.
# A name that was cut off before counts too.
_GENERATED = re.compile(rf"({re.escape(RESERVED)}/[0-9a-f]{{12}})[0-9a-f]{{4,52}}")


def shortened(text: str) -> str:
    """Return the text with the keys in generated names cut: `.generated_uids/c5161ffbb365..._0`."""
    return _GENERATED.sub(r"\1...", text)


def fitted(lines: Iterable[str], stream: TextIO | None) -> list[str]:
    """Return the lines, all of them with short names if one is wider than the terminal.

    Args:
        lines: Without their ends.
        stream: Where they are to be written; names stay whole unless it is a terminal.

    """
    whole = list(lines)
    width = _columns(stream)
    if not width or all(len(line) <= width for line in whole):
        return whole
    return [shortened(line) for line in whole]


def _columns(stream: TextIO | None) -> int:
    """Return the width of a terminal; 0 if the stream is not one."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream is not None else 0
    except (OSError, ValueError, AttributeError):  # no terminal, closed, not a real file
        return 0
