"""The canonical values of arguments that hold no others."""

from __future__ import annotations

import datetime as dt
import enum
import sys
import uuid
from decimal import Decimal
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NoReturn

from radops.errors import ArgumentTypeError
from radops.loaded import loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.format.cbor import Value


def refuse(where: str, why: str, hint: str) -> NoReturn:
    """Raise `ArgumentTypeError` for the argument path `where`."""
    raise ArgumentTypeError(f"argument {where}: {why}", hint=hint)


def _bare(value: Value, _where: str) -> Value:
    return value


def _text(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            refuse(where, "it holds a surrogate, which is not text", "Pass text or bytes.")
    return value


def _int(value: int, _where: str) -> Value:
    if -(2**63) <= value < 2**63:
        return value
    # The shortest two's complement: one bit more than the magnitude needs, for the sign.
    bits = (value if value >= 0 else ~value).bit_length() + 1
    return ["bigint", value.to_bytes((bits + 7) // 8, "big", signed=True)]


def _decimal(value: Decimal, _where: str) -> Value:
    # Not str(): that depends on the current decimal context.
    sign, digits, exponent = value.as_tuple()
    number = "".join(map(str, digits))
    text = f"{number}E{exponent}"
    if exponent == "F":
        text = "Infinity"
    elif exponent in {"n", "N"}:
        text = ("NaN" if exponent == "n" else "sNaN") + number
    return ["decimal", f"-{text}" if sign else text]


def _path(value: PurePath, where: str) -> Value:
    return ["path", _text(value.as_posix(), where)]


def _uuid(value: uuid.UUID, _where: str) -> Value:
    return ["uuid", value.bytes]


def _date(value: dt.date, _where: str) -> Value:
    return ["date", value.isoformat()]


def _datetime(value: dt.datetime, where: str) -> Value:
    zone: Any = value.tzinfo
    key = None
    # Only a program that has imported zoneinfo can pass one of its zones.
    zoneinfo = loaded("zoneinfo")
    if zoneinfo is not None and type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        key = zone.key
    elif zone is not None and type(zone) is not dt.timezone:
        why = f"its time zone is a {type(zone).__module__}.{type(zone).__qualname__}"
        refuse(where, why, "Use zoneinfo.ZoneInfo with a key, or datetime.timezone.")
    moment: list[Value] = [value.isoformat(timespec="microseconds"), key, value.fold]
    # A fixed offset can have a name of its own, which a function can see.
    if type(zone) is dt.timezone and zone.tzname(None) != dt.timezone(zone.utcoffset(None)).tzname(
        None
    ):
        moment.append(_text(zone.tzname(None), where))
    return ["datetime", moment]


BARE: Final[dict[type, Callable[[Any, str], Value]]] = {
    type(None): _bare,
    bool: _bare,
    float: _bare,
    bytes: _bare,
    str: _text,
    int: _int,
}
"""Types of values that need no type and payload, except integers of more than 64 bits."""

SINGLE: Final[dict[type, Callable[[Any, str], Value]]] = {
    Decimal: _decimal,
    # One kind of path: what Path makes on this machine, and the pure one of all that count.
    type(Path()): _path,
    PurePosixPath: _path,
    uuid.UUID: _uuid,
    dt.datetime: _datetime,
    dt.date: _date,
}
"""Types of other values that hold no others; enums and NumPy's scalars are found otherwise."""


def member_name(value: enum.Enum) -> str:
    """Return an enum member's name; for an unnamed combination of flags its bits, lowest first."""
    name: str | None = value.name
    members = type(value).__members__
    if name is not None and (not isinstance(value, enum.Flag) or name in members):
        return name
    # Versions of Python name such combinations differently, or not at all.
    bits = {int(member.value): name for name, member in reversed(list(members.items()))}
    names, rest = [], int(value.value)
    for bit in sorted(bit for bit in bits if bit > 0 and bit & (bit - 1) == 0):
        if rest & bit:
            names.append(bits[bit])
            rest &= ~bit
    return "|".join([*names, str(rest)] if rest or not names else names)


def numpy_scalar(value: Any, where: str) -> Value:  # noqa: ANN401 NumPy may not be installed
    """Return the canonical value of a NumPy scalar, or None if there is none for its type."""
    numpy: Any = sys.modules["numpy"]
    kind = value.dtype
    if type(value) is not kind.type or kind.kind not in "biufcSUmM":
        return None
    if kind.itemsize > {"f": 8, "c": 16}.get(kind.kind, kind.itemsize):
        refuse(where, f"{kind.name} differs from machine to machine", "Pass a float.")
    little = kind.newbyteorder("<")
    array = numpy.array(value, dtype=little)
    if kind.kind in "fc":
        # One NaN, as for floats: the part of a number that is none becomes the usual one.
        parts = array.reshape(1).view(f"<f{kind.itemsize // (2 if kind.kind == 'c' else 1)}")
        parts[numpy.isnan(parts)] = numpy.nan
    return ["numpy", [little.str, array.tobytes()]]
