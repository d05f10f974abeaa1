"""A reversible spelling of file names that cannot be UIDs: `12:30@2x.png` is `12%3A30%402x.png`."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# What no UID may hold, and `%` itself, so that the spelling can be undone.
_UNSAFE = re.compile(r"[%\\@*?\[\]:\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What radops keeps for itself at the end of a part of a name.
_RESERVED_ENDING = re.compile(r"\.(?=radops(-[0-9]+)?(-gone)?\Z)", re.ASCII | re.IGNORECASE)


def encode_name(name: str) -> str:
    """Return a name in which all that a UID cannot hold is written as `%XX`.

    Different names stay different, and `decode_name` gives the original back. Names that are too
    long stay so.

    Args:
        name: A relative path with `/` between its parts, as the file system gives it.

    Example:
        >>> encode_name("runs/2026-11-29T12:30:00.csv")
        'runs/2026-11-29T12%3A30%3A00.csv'
    """
    parts = [_encode_part(part) for part in name.split("/")]
    if parts[0].startswith("-"):
        parts[0] = "%2D" + parts[0][1:]
    return "/".join(parts)


def _encode_part(part: str) -> str:
    part = _UNSAFE.sub(lambda found: _percent(found[0]), part)
    return _RESERVED_ENDING.sub("%2E", part)


def _percent(character: str) -> str:
    # A byte of a name that is not UTF-8 comes as a lone surrogate.
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogateescape"))


def decode_name(uid: str) -> str:
    """Return the name that `encode_name` was given."""
    return unquote_to_bytes(uid).decode(errors="surrogateescape")
