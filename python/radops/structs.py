"""Conversion of plain values to structs, safe in threads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_K = TypeVar("_K", bound=type)
_T = TypeVar("_T")

_prepared: set[type] = set()


def prepared(kind: _K) -> _K:
    """Have msgspec work out the fields of a class now, and return the class; a decorator.

    Otherwise it does so when it first converts to the class, and not safely: if two threads do
    so at once, one can find the fields half worked out, and the process crashes. Modules are
    imported by one thread at a time.

    Example:
        >>> @prepared
        ... class Point(msgspec.Struct):
        ...     x: int

    """
    with contextlib.suppress(msgspec.ValidationError):  # after it has looked at the fields
        msgspec.convert(None, kind)
    _prepared.add(kind)
    return kind


def convert(tree: object, kind: type[_T], hook: Callable[[type, Any], object] | None = None) -> _T:
    """Return a plain value as an instance of a prepared class; see `msgspec.convert`.

    Bytes are taken as bytes only: msgspec would also take text for base64.

    Args:
        tree: The value.
        kind: The class.
        hook: Makes the values of fields whose types msgspec does not know.

    Raises:
        msgspec.ValidationError: The value does not fit the class.
        TypeError: The class is not prepared.
    """
    if kind not in _prepared:
        raise TypeError(f"{kind.__name__} is not prepared for conversion")
    return msgspec.convert(tree, kind, dec_hook=hook, builtin_types=(bytes,))
