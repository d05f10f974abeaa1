"""The canonical form of Python source: the same bytes for the same syntax under every Python.

`ast.dump` and `ast.unparse` change from version to version, and this form is part of fingerprints
and through them of keys, so it is spelled out here and can never change. It is a prefix notation:

- a node is `(`, the name of its class, for each field that is not empty a space, its name, `=` and
  its value, in the order of the names, then `)`;
- a list is `[`, its items, `]`; an absent item within a list is `-`;
- text is `s`, its length in bytes, `:`, its UTF-8 (lone surrogates as they would be encoded);
- a number that belongs to the syntax (the level of an import) is `i`, its decimal digits, `;`;
- a constant is its type, the length of its payload, `:`, the payload. Types are `NoneType`,
  `bool`, `int` (as `hex`), `float` (as `float.hex`), `complex` (two of them, with a comma between),
  `str`, `bytes`, `ellipsis`.

Left out are positions, comments, type comments, the context of names, the `u` of text, statements
without effect (docstrings, other bare constants, `pass`), and whatever is empty: fields that
newer versions of Python add are empty in older code. Neighbouring pieces of text in an f-string
are one; empty pieces and empty format specifications are dropped.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_IGNORED: Final = frozenset({"ctx", "type_comment", "type_ignores", "kind"})


def canonical(node: ast.AST, omit: Collection[ast.AST] = ()) -> bytes:
    """Return the canonical form of a syntax tree.

    Args:
        node: The tree; it is not changed.
        omit: Nodes to leave out where they are items of a list, such as decorators.
    """
    left_out = {id(item) for item in omit}
    out: list[bytes] = []
    # A stack of its own: a long sum nests deeper than Python lets functions call each other.
    stack: list[object] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, bytes):
            out.append(item)
        elif isinstance(item, ast.AST) and not isinstance(item, ast.Constant):
            out += (b"(", type(item).__name__.encode())
            stack.append(b")")
            for name, value in sorted(_fields(item), reverse=True):
                kept = _kept(value, left_out) if isinstance(value, list) else value
                if kept is not None and kept != []:
                    stack += (kept, b" " + name.encode() + b"=")
        elif isinstance(item, list):
            out.append(b"[")
            stack.append(b"]")
            stack += reversed(item)
        else:
            out.append(_leaf(item))
    return b"".join(out)


def _leaf(item: object) -> bytes:
    if isinstance(item, ast.Constant):
        return b"(Constant value=%b)" % constant(item.value)
    if isinstance(item, str):
        data = item.encode("utf-8", "surrogatepass")
        return b"s%d:%b" % (len(data), data)
    if item is None:
        return b"-"
    if isinstance(item, int) and not isinstance(item, bool):
        return b"i%d;" % item
    return constant(item)  # the value of a `case True:`


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    for name in node._fields:
        if name in _IGNORED:
            continue
        value = getattr(node, name, None)
        if isinstance(node, ast.JoinedStr) and name == "values":
            value = _joined(value or [])
        elif name == "format_spec" and isinstance(value, ast.JoinedStr):
            # `{x:}` formats as `{x}` does, and versions differ in what tree they give it.
            value = value if _joined(value.values) else None
        yield name, value


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """Merge neighbouring text of an f-string, which Python 3.12 began to leave in pieces."""
    merged: list[ast.expr] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            if not value.value:
                continue
            last = merged[-1] if merged else None
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                merged[-1] = ast.Constant(value=last.value + value.value)
                continue
        merged.append(value)
    return merged


def _kept(items: list[object], left_out: set[int]) -> list[object]:
    return [item for item in items if id(item) not in left_out and not _without_effect(item)]


def _without_effect(item: object) -> bool:
    """Return whether a statement does nothing: a docstring anywhere, `...`, `pass`."""
    if isinstance(item, ast.Expr):
        return isinstance(item.value, ast.Constant)
    return isinstance(item, ast.Pass)


def constant(value: object) -> bytes:
    """Return the canonical form of a constant: 1, 1.0 and True differ.

    Raises:
        TypeError: The value has no type that source code has constants of.
    """
    kind = type(value)
    if value is None or kind is bool:
        payload = str(value).encode()
    elif isinstance(value, int) and kind is int:
        payload = hex(value).encode()  # decimal digits of huge numbers are refused by Python
    elif isinstance(value, float) and kind is float:
        payload = value.hex().encode()
    elif isinstance(value, complex) and kind is complex:
        payload = f"{value.real.hex()},{value.imag.hex()}".encode()
    elif isinstance(value, str) and kind is str:
        payload = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes) and kind is bytes:
        payload = value
    elif value is ...:
        payload = b"..."
    else:
        raise TypeError(f"{kind.__name__} is not a constant")
    return b"%b%d:%b" % (kind.__name__.encode(), len(payload), payload)
