"""Strict, deterministic CBOR: a value has one encoding, and nothing else decodes.

The profile (RFC 8949, core deterministic encoding, narrowed): null, false, true, integers of 64
bits with sign, floats always as 64 bits with a single NaN, bytes, text, arrays, and maps with
text keys in the order of their encodings. No tags, no indefinite lengths, nothing after the value;
at most 8 MiB and 32 levels of arrays and maps.

cbor2 turns bytes into values and values into bytes. What it lets pass or writes in another way
is dealt with here: a scan in Rust looks at every item before cbor2 sees it, and `_plain` looks
at every value. What the scan lets pass is the one encoding of its value, so that nothing needs to
be encoded again to compare; `tests/model/test_cbor_scan.py` holds it to that.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final, NoReturn, TypeAlias

import cbor2

from radops import native
from radops.errors import CorruptRecordError, UsageError

Value: TypeAlias = "bool | int | float | str | bytes | list[Any] | dict[str, Any] | None"
"""What can be encoded; lists may also be tuples. Exact types only."""

MAX_SIZE: Final = 8 * 1024 * 1024
"""Bytes of an encoded value, so that a hostile record costs a reader little memory."""
MAX_DEPTH: Final = 32
"""Arrays and maps within each other, so that no reader recurses without bounds."""

_TEXT: Final = frozenset((str,))
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1
_NAN: Final = bytes.fromhex("7ff8000000000000")


def encode(value: Value, max_size: int = MAX_SIZE) -> bytes:
    """Return the one encoding of `value`.

    Args:
        value: What to encode.
        max_size: How many bytes the encoding may have.

    Raises:
        ValueError: An integer beyond 64 bits, text that UTF-8 cannot carry, or too deep nesting.
        TypeError: A value of any other type than the profile's, or a map key that is not text.
        UsageError: The encoding is larger than `max_size`.
    """
    data: bytes = cbor2.dumps(_plain(value, 0), default=_write_verbatim)
    if len(data) > max_size:
        raise UsageError(f"{len(data):,} bytes are too much for a record, {max_size:,} are allowed")
    return data


def decode(data: bytes, max_size: int = MAX_SIZE) -> Value:
    """Return the value that `data` encodes. Safe for bytes from anywhere.

    Args:
        data: The encoding.
        max_size: How many bytes it may have.

    Raises:
        CorruptRecordError: The bytes are not the one encoding of a value of the profile.
    """
    if len(data) > max_size:
        _refuse(f"larger than {max_size:,} bytes")
    try:
        native.scan_cbor(data)
    except ValueError as error:
        _refuse(str(error))
    value: Value = cbor2.loads(data)
    return value


def _refuse(why: str) -> NoReturn:
    raise CorruptRecordError(f"not a record: {why}")


class _Verbatim:
    """Bytes that go into the output as they are."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def _write_verbatim(encoder: cbor2.CBOREncoder, value: object) -> None:
    if not isinstance(value, _Verbatim):
        raise TypeError(f"{type(value).__name__} cannot be encoded")
    encoder.write(value.data)


# cbor2 writes these as half floats, which the profile does not have.
_NOT_FINITE: Final = {
    "nan": _Verbatim(b"\xfb" + _NAN),
    "inf": _Verbatim(bytes.fromhex("fb7ff0000000000000")),
    "-inf": _Verbatim(bytes.fromhex("fbfff0000000000000")),
}


def _plain(value: object, depth: int) -> object:
    """Return what cbor2 encodes as the profile requires: checked, sorted, floats of 64 bits."""
    kind = type(value)
    if kind is str or kind is bytes or kind is bool or value is None:
        return value
    if kind is int:
        if not _INT_MIN <= value <= _INT_MAX:  # type: ignore[operator]
            raise ValueError("an integer of more than 64 bits cannot be encoded")
        return value
    if kind is float:
        return value if math.isfinite(value) else _NOT_FINITE[str(value)]  # type: ignore[arg-type]
    if depth == MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} levels cannot be encoded")
    if isinstance(value, (list, tuple)) and (kind is list or kind is tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict) and kind is dict:
        if not set(map(type, value)) <= _TEXT:
            raise TypeError("the keys of a map are text")
        plain = {}
        for key in _in_order(tuple(value)):
            item = value[key]
            # Most of what a record holds; a call for each would cost more than the rest.
            leaf = type(item) is str or type(item) is bytes
            plain[key] = item if leaf else _plain(item, depth + 1)
        return plain
    raise TypeError(f"{kind.__name__} cannot be encoded")


@functools.lru_cache(maxsize=256)
def _in_order(keys: tuple[str, ...]) -> list[str]:
    """Sort the keys of a map; almost all maps are records, with the same few sets of keys."""
    return sorted(keys, key=_key_order)


def _key_order(key: str) -> tuple[int, bytes]:
    """Sort as the encodings do: the length, which comes first in them, then the bytes."""
    data = key.encode()
    return len(data), data
