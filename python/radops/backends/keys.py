"""Which texts can be keys."""

from __future__ import annotations

MAX_KEY_BYTES = 1024
"""S3's own limit. A bucket prefix of at most 300 bytes comes on top of the 512 of a UID."""

_FORBIDDEN_SEGMENTS = frozenset(("", ".", ".."))


def is_key(text: str) -> bool:
    """Whether the text can be a key of any backend."""
    if "\0" in text or "\\" in text:
        return False
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # a lone surrogate: a file name that is not UTF-8
        return False
    return size <= MAX_KEY_BYTES and _FORBIDDEN_SEGMENTS.isdisjoint(text.split("/"))


def check_key(text: str) -> str:
    """Return the key unchanged.

    Raises:
        ValueError: It could name something outside the store, or not the same in every store.

    """
    if not is_key(text):
        raise ValueError(f"not a key: {text!r}")
    return text
