"""The fingerprint of a function's code: what tells a result that the code behind it changed.

It is the BLAKE3 of `cbor(["radops/code", 1, units])`. The first unit is the function, the others
are the functions, classes and module-level statements of the user's own code that it reaches, in
the order in which they are met: breadth first, the references of a unit sorted. A unit is
`[form, references]`, where `form` is the digest of the canonical form of its syntax (`syntax.py`),
and a reference is one of

- `[name, "code", numbers of units...]`
- `[name, "import", module, name or null]`: an installed module or something of it; not followed,
- `[name, "value", digest]`: the canonical form of a simple value (`values.py`) that a closure, the
  default of a nested function or a notebook's variable holds.

Names are what the source says (`helpers.clean`), `import` with module and name for imports within
a function, `default` with number or name, `class` for the class of a method, `wrapper` with a
number for decorators. What could not be followed leaves no trace but its name in the syntax.

Names are resolved in the source, not in the running program, wherever there is a source file: so
the fingerprint is the same on every machine, under every version of Python, whatever has been
imported or run before. The decorator `file_creator` and its arguments don't count.

A function without source, or whose file was edited after it was imported, has as `form` the digest
of its byte code: that never passes for another code's fingerprint, but differs between versions
of Python, and its helpers are followed by what their names stand for now.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radops.data_lake.code.resolve import MISSING
from radops.data_lake.code.trace import Tracer, closure_of
from radops.data_lake.code.values import OpaqueError, canonical_value
from radops.data_lake.identity import innermost
from radops.model import cbor
from radops.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of a function's code."""

    digest: Digest
    source: str | None
    """The function's source text, decorators included; at most 1 MiB and then with a last line
    that says so. None: there is none."""
    unfollowed: tuple[str, ...]
    """What the fingerprint does not cover: `process (pipeline.py:5): it calls eval`."""
    file: str | None = None
    """The real path of the source file; None for a notebook."""
    line: int | None = None
    """The line of `def` in it, counted from 1."""


class _Snapshot:
    """What a variable held, without keeping that alive: it may be a table of gigabytes."""

    __slots__ = ("_held", "_reference")

    def __init__(self, value: object) -> None:
        self._reference: weakref.ref[Any] | None = None
        self._held: object = None
        try:
            self._held = _short(canonical_value(value))
        except OpaqueError:
            try:
                self._reference = weakref.ref(value)
            except TypeError:
                self._held = _identity(value)

    def fits(self, value: object) -> bool:
        """Whether the variable holds the same."""
        if self._reference is not None:
            return self._reference() is value
        try:
            return self._held == _short(canonical_value(value))
        except OpaqueError:
            return self._held == _identity(value)


def _short(form: bytes) -> bytes:
    return form if len(form) < 1024 else Digest.of(form).raw


def _identity(value: object) -> tuple[int, ...]:
    """Tell containers apart whose items have no form: by which objects they hold."""
    if isinstance(value, dict):
        return id(value), *map(id, value), *map(id, value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return id(value), *map(id, value)
    return (id(value),)


@dataclass(slots=True)
class _Known:
    fingerprint: Fingerprint
    code: CodeType
    closure: list[tuple[str, _Snapshot]]
    watched: list[tuple[dict[str, Any], str, _Snapshot]]

    def holds(self, function: FunctionType) -> bool:
        """Whether the function still reaches what it did."""
        if function.__code__ is not self.code:  # notebooks can replace it on reload
            return False
        closure = closure_of(function) if self.closure else {}
        return all(held.fits(closure[name]) for name, held in self.closure) and all(
            held.fits(scope.get(name, MISSING)) for scope, name, held in self.watched
        )


_known: weakref.WeakKeyDictionary[FunctionType, _Known] = weakref.WeakKeyDictionary()


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """Return the fingerprint of a function's code.

    Computed once per function, and again when its closure or, in a notebook, a variable
    that it reaches holds something else, or a module it reaches was reloaded.

    Raises:
        CreatorError: `function` is not written in Python.
    """
    inner = innermost(function)
    known = _known.get(inner)
    if known is None or not known.holds(inner):
        tracer = Tracer(inner)
        closure = [(name, _Snapshot(value)) for name, value in closure_of(inner).items()]
        digest = Digest.of(cbor.encode(tracer.preimage(function)))
        text, line = tracer.text()
        result = Fingerprint(digest, text, tuple(tracer.notes), tracer.file, line)
        watched = [
            (scope, name, _Snapshot(value)) for scope, name, value in tracer.resolver.watched
        ]
        known = _Known(result, inner.__code__, closure, watched)
        _known[inner] = known
    return known.fingerprint
