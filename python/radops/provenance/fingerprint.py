"""The fingerprint of a function's code: it changes when the code behind a result changes.

It is the BLAKE3 of `cbor(["radops/code", 1, units])`. The first unit is the function, the others
are the functions, classes and module-level statements of the user's own code that it reaches, in
breadth-first order, with the references of a unit sorted by name. A unit is
`[form, references]`, where `form` is the digest of the canonical form of its syntax (`syntax.py`),
and a reference is one of

- `[name, "code", numbers of units...]`
- `[name, "import", module, name or null]`: an installed module or something of it; not followed,
- `[name, "value", digest]`: the canonical form of a simple value (`values.py`) that a closure, the
  default of a nested function or a notebook's variable holds.

Names are as in the source (`helpers.clean`), `import` with module and name for imports within a
function, `default` with number or name, `class` for the class of a method, `wrapper` with a number
for decorators. What could not be followed leaves no trace but its name in the syntax.

Names are resolved in the source, not in the running program, wherever there is a source file: so
the fingerprint is the same on every machine, under every version of Python, whatever has been
imported or run before. The decorator `file_creator` and its arguments don't count.

A function without source, or whose file was edited after it was imported, has as `form` the digest
of its byte code. That never equals the fingerprint of other code, but it differs between versions
of Python; its helpers are found by the present values of their names.
"""

from __future__ import annotations

import ast
import os
import re
import weakref
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from radops.format import cbor
from radops.format.digest import Digest
from radops.provenance.identity import innermost
from radops.provenance.modules import cached_path
from radops.provenance.objects import dissect
from radops.provenance.project import root_of
from radops.provenance.resolve import MISSING
from radops.provenance.source_files import load_file
from radops.provenance.trace import Tracer
from radops.provenance.unit import closure_of
from radops.provenance.values import OpaqueError, canonical_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import CodeType

    from radops.format.call import Code


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The fingerprint of a function's code, and where the code is."""

    digest: Digest
    source: str | None
    """The function's source text, decorators included; at most 1 MiB and then with a last line
    that says so. None if there is no source text."""
    unfollowed: tuple[str, ...]
    """What the fingerprint does not cover: `process (pipeline.py:5): it calls eval`."""
    file: str | None = None
    """The real path of the source file; None for a notebook."""
    line: int | None = None
    """The line of `def` in it, counted from 1."""
    variables: tuple[str, ...] = ()
    """Environment variables that the code names."""
    parts: tuple[tuple[str, bytes], ...] = ()
    """The pieces of code behind the digest, the function's own first: names for people, and short
    digests by which a change can be found."""


class _Snapshot:
    """What a variable held, without keeping that alive: it may be a table of gigabytes."""

    __slots__ = ("_held", "_is_own", "_reference")

    def __init__(self, value: object, is_own: Callable[[type], bool]) -> None:
        self._is_own = is_own
        self._reference: weakref.ref[Any] | None = None
        self._held: object = None
        if isinstance(value, (FunctionType, type, ModuleType)):
            self._reference = weakref.ref(value)
        else:
            self._held = self._content(value)

    def fits(self, value: object) -> bool:
        """Return whether the variable holds the same."""
        if self._reference is not None:
            return self._reference() is value
        return self._held == self._content(value)

    def _content(self, value: object) -> object:
        try:
            return _short(canonical_value(value))
        except OpaqueError:
            found = dissect(value, "", self._is_own)
            things = [*found.code, *(item for _, item in found.opaque)]
            return _short(found.form), *map(_Same, things)


class _Same:
    """Equal for the same object, which is not kept alive."""

    __slots__ = ("_number", "_reference")

    def __init__(self, value: object) -> None:
        self._number = id(value)
        try:
            self._reference: weakref.ref[Any] | None = weakref.ref(value)
        except TypeError:
            self._reference = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same) or self._number != other._number:
            return False
        mine, others = self._reference, other._reference
        return mine is None or others is None or mine() is others()

    __hash__ = None  # type: ignore[assignment]


def _short(form: bytes) -> bytes:
    return form if len(form) < 1024 else Digest.of(form).raw


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
        own = tracer.resolver.is_own_class
        closure = [(name, _Snapshot(value, own)) for name, value in closure_of(inner).items()]
        digest = Digest.of(cbor.encode(tracer.preimage(function)))
        text, line = tracer.text()
        result = Fingerprint(
            digest,
            text,
            tuple(tracer.notes),
            tracer.file,
            line,
            tuple(sorted(tracer.variables)),
            tuple(tracer.parts.items()),
        )
        watched = [
            (scope, name, _Snapshot(value, own)) for scope, name, value in tracer.resolver.watched
        ]
        known = _Known(result, inner.__code__, closure, watched)
        _known[inner] = known
    return known.fingerprint


def parts_of(path: Path, name: str) -> dict[str, bytes] | None:
    """Return the pieces of code behind a function, as `Fingerprint.parts` has them.

    Modules are looked for beside the file, in the root of its project and in `src` below that.

    Args:
        path: The source file.
        name: A function at the top of it.

    Returns:
        None if there is no such function, or the file cannot be read.
    """
    file = cached_path(str(path))
    source = load_file(file)
    found = [] if source is None else source.bindings.get(name, [])
    functions = [
        node for node in found if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    if source is None or not functions:
        return None
    folder = os.path.dirname(file)
    root = root_of(folder)
    tracer = Tracer(None, folders=(folder, root, os.path.join(root, "src")))
    tracer.follow(source, functions[-1])
    return tracer.parts


def is_same_code(function: Callable[..., Any], code: Code) -> bool:
    """Return whether a function has the code that a record keeps, whatever its `def` is called."""
    if code.fingerprint is None:
        return False
    if code.fingerprint == fingerprint(function).digest:
        return True
    inner = innermost(function)
    found = _DEF.search(code.source or "")
    if found is None or found[1] == inner.__name__:
        return False
    tracer = Tracer(inner, name=found[1])
    return Digest.of(cbor.encode(tracer.preimage(function))) == code.fingerprint


def changed_parts(now: Mapping[str, bytes], code: Code) -> list[str]:
    """Return the names of the pieces of code that are others than in a record.

    Args:
        now: `Fingerprint.parts`.
        code: Of the record.

    Returns:
        Nothing if the record does not keep them, or what changed is further away.
    """
    before = code.parts or {}
    return [name for name, check in now.items() if before.get(name, check) != check]


_DEF = re.compile(r"^\s*(?:async\s+)?def\s+(\w+)", re.MULTILINE)
