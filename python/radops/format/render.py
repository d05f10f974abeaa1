"""Canonical values for people: as they would write them in Python, or as JSON.

Records come from anywhere, so nothing here fails on a value that is not canonical.
"""

from __future__ import annotations

import base64
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from radops.format.cbor import Value

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# How struct reads NumPy's little-endian scalars, by kind and size.
_NUMBERS = {
    "b1": "?", "i1": "b", "i2": "<h", "i4": "<i", "i8": "<q",
    "u1": "B", "u2": "<H", "u4": "<I", "u8": "<Q",
    "f2": "<e", "f4": "<f", "f8": "<d", "c8": "<2f", "c16": "<2d",
}  # fmt: skip
_TYPES = {
    "b1": "bool", "f2": "float16", "f4": "float32", "f8": "float64",
    "c8": "complex64", "c16": "complex128",
    **{f"{kind}{size}": f"{name}{8 * size}" for kind, name in (("i", "int"), ("u", "uint"))
       for size in (1, 2, 4, 8)},
}  # fmt: skip


def quote(text: str) -> str:
    """Return text in double quotes, with everything escaped that a terminal could obey."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else ascii(char)[1:-1]


def render(value: Value) -> str:
    """Return a canonical value as people would write it: `0.5`, `[1, 2]`, `Color.RED`.

    One line, and nothing in it that a terminal could obey.
    """
    if isinstance(value, str):
        return quote(value)
    tagged = _tagged(value)
    if tagged is not None:
        try:
            return _render_tagged(*tagged)
        except (TypeError, ValueError, ArithmeticError, struct.error):
            pass  # what is not canonical is shown unchanged
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(render, value))}]"
    if isinstance(value, dict):
        pairs = (f"{render(key)}: {render(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return repr(value)


def _tagged(value: object) -> tuple[str, Any] | None:
    """Return type and payload of a value that has them."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return value[0], value[1]
    return None


def _last_name(qualname: str) -> str:
    return _plain_text(qualname.rpartition(".")[2])


def _plain_text(text: str) -> str:
    return "".join(map(_escape, text))


def _render_tagged(kind: str, payload: Any) -> str:  # noqa: ANN401, C901, PLR0911, PLR0912 one case per type
    items = [render(item) for item in payload] if isinstance(payload, list) else []
    match kind, payload:
        case "list", list():
            return f"[{', '.join(items)}]"
        case "tuple", list():
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case "set", list():
            return f"{{{', '.join(items)}}}" if items else "set()"
        case "frozenset", list():
            return f"frozenset({{{', '.join(items)}}})" if items else "frozenset()"
        case "dict", list():
            return "{" + ", ".join(f"{render(k)}: {render(v)}" for k, v in payload) + "}"
        case "bigint", bytes():
            number = int.from_bytes(payload, "big", signed=True)
            # Python refuses to write huge numbers in decimal, which takes quadratic time.
            return str(number) if len(payload) <= 64 else hex(number)
        case "decimal", str():
            return f"Decimal({quote(str(Decimal(payload)))})"
        case "path", str():
            return f"Path({quote(payload)})"
        case "uuid", bytes():
            return f"UUID({quote(str(UUID(bytes=payload)))})"
        case "date", str():
            return f"date({quote(payload)})"
        case "datetime", [str(text), zone, fold, *rest]:
            named = f", {quote(zone)}" if isinstance(zone, str) else ""
            named += f", name={quote(rest[0])}" if rest and isinstance(rest[0], str) else ""
            return f"datetime({quote(text)}{named}{', fold=1' if fold == 1 else ''})"
        case "enum", [str(), str(qualname), str(name)]:
            kind_name = _last_name(qualname)
            parts = [_plain_text(part) for part in name.split("|")]
            # A number for bits that have no name.
            return " | ".join(
                f"{kind_name}({part})" if part.isdecimal() else f"{kind_name}.{part}"
                for part in parts
            )
        case "dataclass", [str(), str(qualname), list(pairs)]:
            fields = ", ".join(f"{_plain_text(name)}={render(item)}" for name, item in pairs)
            return f"{_last_name(qualname)}({fields})"
        case "numpy", [str(dtype), bytes(data)]:
            return _render_numpy(dtype, data)
        case "file", str():
            return f"File({quote(payload)})"
        case "directory", str():
            return f"Directory({quote(payload)})"
        case "inner", str():
            return f"a file {quote(payload)} of a directory"
    raise ValueError(kind)


def _render_numpy(dtype: str, data: bytes) -> str:
    code = dtype[1:]
    if code not in _NUMBERS:
        return f"numpy({quote(dtype)}, {data!r})"
    numbers = struct.unpack(_NUMBERS[code], data)
    number = complex(*numbers) if code[0] == "c" else numbers[0]
    return f"{_TYPES[code]}({number!r})"


def readable(value: Value) -> object:  # noqa: PLR0911 one case per type
    """Return a canonical value as JSON can hold it, for programs that read `--json`.

    Lists, tuples and sets become lists; dicts with text keys and dataclasses become dicts;
    text, numbers and null stay; all else becomes the text that `render` gives. Floats that JSON
    cannot hold become `"nan"`, `"inf"`, `"-inf"`, bytes become base64.
    """
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not abs(value) < float("inf"):
        return repr(value)
    match _tagged(value):
        case ("list" | "tuple" | "set" | "frozenset", list(items)):
            return [readable(item) for item in items]
        case ("dict", list(pairs)) if _is_text_map(pairs):
            return {key: readable(item) for key, item in pairs}
        case ("dataclass", [_, _, list(pairs)]) if _is_text_map(pairs):
            return {key: readable(item) for key, item in pairs}
        case ("path" | "date" | "file" | "directory" | "inner", str(text)):
            return text
        case ("datetime", [str(text), *_]):
            return text
        case None if not isinstance(value, (list, tuple, dict)):
            return value
    return render(value)


def _is_text_map(pairs: list[Any]) -> bool:
    return all(isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) for p in pairs)
