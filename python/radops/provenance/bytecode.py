"""Byte code, for functions whose source is not available or not what runs."""

from __future__ import annotations

import sys
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from radops.provenance.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator


def paths_in(code: CodeType, scope: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the names of `scope` that the code may use, for modules with attributes that it may.

    Telling names of variables from names of attributes would need the instructions of every
    version of Python, so every name is taken for both.
    """
    names = names_in(code)
    for name in names & scope.keys():
        value = scope[name]
        if isinstance(value, ModuleType):
            yield from ((name, attribute) for attribute in names & vars(value).keys())
        else:
            yield (name,)


def names_in(code: CodeType) -> set[str]:
    """Return the names of variables and attributes that the code and code within it use."""
    found = set(code.co_names)
    for item in code.co_consts:
        if isinstance(item, CodeType):
            found |= names_in(item)
    return found


def byte_code(code: CodeType) -> bytes:
    """Return a form of byte code that is the same in every process of one version of Python."""
    parts = [
        b"code(%d.%d" % sys.version_info[:2],
        constant(code.co_name),
        constant(code.co_code),
        constant(code.co_argcount * 65536 + code.co_kwonlyargcount * 256 + code.co_posonlyargcount),
        b"".join(constant(name) for name in (*code.co_names, *code.co_varnames)),
        b"|",
        b"".join(constant(name) for name in (*code.co_freevars, *code.co_cellvars)),
        b"|",
        b"".join(_byte_constant(item) for item in code.co_consts),
        b")",
    ]
    return b"".join(parts)


def _byte_constant(item: object) -> bytes:
    if isinstance(item, CodeType):
        return byte_code(item)
    if isinstance(item, tuple):
        return b"tuple(%b)" % b"".join(map(_byte_constant, item))
    if isinstance(item, frozenset):
        return b"frozenset(%b)" % b"".join(sorted(map(_byte_constant, item)))
    if isinstance(item, slice):  # since Python 3.14
        return b"slice(%b)" % b"".join(map(_byte_constant, (item.start, item.stop, item.step)))
    return constant(item)
