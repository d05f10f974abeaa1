"""Source code with its words marked up, by Pygments."""

from __future__ import annotations

import html
import textwrap
from typing import Final

from radops.ui.texts import shown

_MOST: Final = 50_000
_LONGEST_LINE: Final = 1_000


def highlighted(source: str) -> str:
    """Return Python source as HTML, everything in it escaped; long or odd code without colours."""
    text = shown(textwrap.dedent(source), keep="\n\t")
    if len(text) > _MOST or max(map(len, text.splitlines()), default=0) > _LONGEST_LINE:
        return html.escape(text[:_MOST])
    from pygments import highlight  # noqa: PLC0415 - for pages of results only
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415
    from pygments.lexers import PythonLexer  # noqa: PLC0415

    made: str = highlight(text, PythonLexer(), HtmlFormatter(nowrap=True))
    return made
