"""The canonical form of simple values: in closures, defaults and variables of notebooks.

Only values that are fully described by their content have a form. Forms are part of fingerprints
and so can never change.
"""

from __future__ import annotations

import enum
import re
from pathlib import PurePath
from typing import Final

from radops.provenance.syntax import constant

MAX_ITEMS: Final = 10_000
"""Items of a container that are looked at: a larger table is data, not code."""


class OpaqueError(Exception):
    """A value that has no canonical form."""


def canonical_value(value: object) -> bytes:
    """Return the canonical form of a constant, path, enum, pattern, or a container of them.

    A container is its type, `(`, its items, `)`; items of sets and pairs of dicts are sorted by
    their form, since their order depends on how they were filled. Exact types only.

    Raises:
        OpaqueError: The value is of another type, too large, or contains itself.
    """
    return _Encoder().encode(value, 0)


class _Encoder:
    def __init__(self) -> None:
        self.items = 0

    def encode(self, value: object, depth: int) -> bytes:
        self.items += 1
        if depth > 50 or self.items > MAX_ITEMS:
            raise OpaqueError
        kind = type(value)
        if isinstance(value, (list, tuple)) and kind in {list, tuple}:
            inner = [self.encode(item, depth + 1) for item in value]
        elif isinstance(value, (set, frozenset)) and kind in {set, frozenset}:
            inner = sorted(self.encode(item, depth + 1) for item in value)
        elif isinstance(value, dict) and kind is dict:
            inner = sorted(
                self.encode(key, depth + 1) + self.encode(item, depth + 1)
                for key, item in value.items()
            )
        else:
            return self.single(value)
        return b"%b(%b)" % (kind.__name__.encode(), b"".join(inner))

    def single(self, value: object) -> bytes:
        if isinstance(value, PurePath):
            text = value.as_posix()
            return b"path(%b)" % constant(text)
        if isinstance(value, enum.Enum):
            return b"enum(%b%b)" % (constant(type(value).__qualname__), constant(value.name))
        if isinstance(value, re.Pattern):
            return b"pattern(%b%b)" % (constant(value.pattern), constant(int(value.flags)))
        if type(value).__module__.partition(".")[0] == "radops":
            uid = getattr(value, "uid", None)  # a lake file: its name identifies it
            if isinstance(uid, str):
                return b"file(%b)" % constant(str.__str__(uid))
        try:
            return constant(value)
        except TypeError:
            raise OpaqueError from None
