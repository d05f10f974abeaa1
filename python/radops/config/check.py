"""Checks of what people wrote: addresses, names, misspelt words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTEXT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EMAIL = re.compile(r"[^\s@<>\ud800-\udfff]{1,128}@[^\s@<>\ud800-\udfff]{1,253}")


def is_email(text: str) -> bool:
    """Tell whether it looks like an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def check_email(email: str, where: str = "email") -> None:
    """Raise `InvalidConfigError` unless it looks like an e-mail address."""
    if not is_email(email):
        raise InvalidConfigError(
            f"{where} is not an e-mail address: {email!r}", hint="use name@example.com"
        )


def check_context_name(name: str) -> None:
    """Raise `InvalidConfigError` unless it can name a context."""
    if not _CONTEXT_NAME.fullmatch(name):
        raise InvalidConfigError(
            f"{name!r} cannot name a context", hint="use up to 64 letters, digits, '-' and '_'"
        )


def nearest(word: str, known: Iterable[str], what: str = "keys") -> str:
    """Return a hint that names the known word nearest to this one, or all of them."""
    from difflib import get_close_matches  # noqa: PLC0415 - only when something is wrong

    known = list(known)
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known {what}: {', '.join(known)}"
