"""Patterns that select UIDs: `*`, `?` and `[...]` within a folder, `**` across folders.

No UID holds any of these characters, so a pattern is never mistaken for a name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from radops.errors import InvalidUIDError

_WILD = re.compile(r"[*?\[\]]")
# `**/` also matches no folder at all, so that `a/**/b` selects `a/b`.
_TOKEN = re.compile(
    r"(?P<folders>(?:(?<=/)|\A)\*\*/)|(?P<across>\*\*+)|(?P<star>\*)|(?P<one>\?)"
    r"|\[(?P<not>[!^]?)(?P<set>\]?[^\]/]*)\]|(?P<stray>[\[\]])|(?P<text>[^*?\[\]]+)"
)


def is_pattern(text: str) -> bool:
    """Return whether `text` selects by wildcards, as against naming one file."""
    return _WILD.search(text) is not None


def match(pattern: str, name: str) -> bool:
    """Return whether the pattern selects a name or path, the whole of it.

    `*` and `?` do not cross a slash, `**` does: `a/*.csv`, `a/**/*.csv`, `a/**`, `[0-9]*`, `[!x]*`.

    Raises:
        InvalidUIDError: The pattern has a `[` without its `]`, a `]` alone, or a backward range.
    """
    return _compiled(pattern).fullmatch(name) is not None


def literal_prefix(pattern: str) -> str:
    """Return the text that everything the pattern selects begins with: what to list."""
    found = _WILD.search(pattern)
    text = pattern if found is None else pattern[: found.start()]
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = []
    for token in _TOKEN.finditer(unicodedata.normalize("NFC", pattern)):
        if token["folders"]:
            parts.append("(?:.*/)?")
        elif token["across"]:
            parts.append(".*")
        elif token["star"]:
            parts.append("[^/]*")
        elif token["one"]:
            parts.append("[^/]")
        elif token["set"]:
            inside = re.sub(r"([\\\[\]^&~|])", r"\\\1", token["set"])
            # Sets do not cross a slash either, also those that are negated or hold it in a range.
            parts.append(f"[^/{inside}]" if token["not"] else f"(?!/)[{inside}]")
        elif token["text"]:
            parts.append(re.escape(token["text"]))
        else:
            raise InvalidUIDError(f"the pattern {pattern!r} has a bracket without its other half")
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise InvalidUIDError(f"the pattern {pattern!r} cannot be used: {error}") from None
