"""Resolving names in the user's code: to source that is followed, or to where following ends."""

from __future__ import annotations

import ast
import builtins
import functools
import sys
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from radops.provenance.modules import External, Module, find, find_from, is_in_reach, submodule
from radops.provenance.objects import dissect, is_transparent
from radops.provenance.project import MAIN_NAMES, source_file
from radops.provenance.references import Import
from radops.provenance.source_files import Source, cells, load_cell, load_file
from radops.provenance.values import OpaqueError, canonical_value

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE_NAMES = frozenset(vars(builtins)) | {"__file__", "__path__", "__class__"}


@dataclass(frozen=True, slots=True)
class Node:
    """A statement of the user's own code, to be followed."""

    source: Source
    node: ast.stmt
    scope: dict[str, Any] | None = None
    """The variables of the notebook, if it is in one."""
    parents: tuple[ast.AST, ...] = ()
    """The functions and classes around it, if it is not at the top of the module."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function object that was reached through a value, with its closure."""

    function: FunctionType


@dataclass(frozen=True, slots=True)
class Outside:
    """Code that is not the user's own."""

    module: str
    name: str | None
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A simple value that code was given when it was made."""

    form: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be followed, and why."""

    what: str
    why: str
    is_module: bool = False
    """Whether it is a module of the user's own that is used as a value."""


Target: TypeAlias = "Node | Function | Outside | Value | Unknown"
Path: TypeAlias = "tuple[str, ...]"


@dataclass
class Resolver:
    """Resolves names. Has no effect on the program that it inspects."""

    territory: str | None = None
    """An installed package whose code is to be followed, see `modules.find`."""
    folders: tuple[str, ...] = ()
    """Where modules are looked for before `sys.path`, whatever is imported."""
    watched: list[tuple[dict[str, Any], str, Any]] = field(default_factory=list)
    """Variables that were read: the answers hold as long as they hold these values."""

    def in_source(
        self, source: Source, path: Path, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> list[Target]:
        """Return what a name of the module in `source` refers to; nothing if it is built in."""
        found = self._in_source(source, path, seen)
        if found is None:
            if path[0] in _MODULE_NAMES or self._star_from_outside(source):
                return []
            return [Unknown(path[0], "it is bound at run time only")]
        return found

    def _in_source(
        self, source: Source, path: Path, seen: frozenset[tuple[str, str]]
    ) -> list[Target] | None:
        name = path[0]
        if (source.file, name) in seen:
            return []  # modules that import from each other
        seen |= {(source.file, name)}
        bindings = source.bindings.get(name)
        if bindings is None:
            # The last `import *` wins, as when the module is imported.
            for star in reversed(source.stars):
                module = find_from(source.file, star, self.territory, self.folders)
                inner = self._source_of(module)
                found = None if inner is None else self._in_source(inner, path, seen)
                if found is not None:
                    return found
            return None
        targets: list[Target] = []
        for binding in bindings:
            if isinstance(binding, Import):
                targets += self.of_import(source, binding, path[1:], seen)
            else:
                targets.append(Node(source, binding))
        return targets

    def of_import(
        self,
        source: Source,
        what: Import,
        rest: Path,
        seen: frozenset[tuple[str, str]] = frozenset(),
    ) -> list[Target]:
        """Return what an import in `source`, with the attributes `rest`, refers to."""
        if what.name is None:
            return self._in_module(find(what.module, self.territory, self.folders), rest, seen)
        module = find_from(source.file, what, self.territory, self.folders)
        if isinstance(module, External):
            return [Outside(what.module, what.name, rest)]
        return self._in_module(module, (what.name, *rest), seen)

    def _in_module(
        self, module: Module | External, rest: Path, seen: frozenset[tuple[str, str]]
    ) -> list[Target]:
        if isinstance(module, External):
            return [Outside(module.name, None, rest)]
        if not rest:
            return [Unknown(module.name, "the module is used as a value", is_module=True)]
        source = self._source_of(module)
        found = None if source is None else self._in_source(source, rest, seen)
        if found is not None:
            return found
        inner = submodule(module, rest[0], self.territory)
        if inner is not None:
            return self._in_module(inner, rest[1:], seen)
        return self._dynamic(module, source, rest[0], seen)

    def _dynamic(
        self, module: Module, source: Source | None, name: str, seen: frozenset[tuple[str, str]]
    ) -> list[Target]:
        """Return what a name refers to that the source of its module does not bind."""
        if name.startswith("__") and name.endswith("__"):
            return []
        unknown = Unknown(f"{module.name}.{name}", "it is bound at run time only")
        if source is not None and "__getattr__" in source.bindings:
            return [*(self._in_source(source, ("__getattr__",), seen) or []), unknown]
        return [] if source is not None and self._star_from_outside(source) else [unknown]

    def _source_of(self, module: Module | External) -> Source | None:
        if isinstance(module, External) or module.file is None:
            return None
        return load_file(module.file)

    def _star_from_outside(self, source: Source) -> bool:
        return any(
            isinstance(find_from(source.file, star, self.territory, self.folders), External)
            for star in source.stars
        )

    def in_scope(self, scope: dict[str, Any], path: Path) -> list[Target]:
        """Return what a name of a notebook refers to at the moment."""
        name = path[0]
        if name not in scope:
            self.watched.append((scope, name, MISSING))
            known = name in _MODULE_NAMES
            return [] if known else [Unknown(name, "nothing of that name exists")]
        self.watched.append((scope, name, scope[name]))
        found = self.of_value(scope[name], path)
        covered = [item for item in found if not isinstance(item, Unknown)]
        if len(covered) == len(found):
            return found
        # What has no form is described by the cell that made the value.
        for cell in cells(scope):
            statements = [
                item for item in cell.bindings.get(name, []) if not isinstance(item, Import)
            ]
            if statements:
                return [*covered, *(Node(cell, statement, scope) for statement in statements)]
        return found

    def of_value(self, value: object, path: Path) -> list[Target]:
        """Return what has to be followed of a value that code reaches under `path`."""
        if isinstance(value, ModuleType):
            module = find(value.__name__, self.territory)
            return self._in_module(module, path[1:], frozenset())
        if is_transparent(value):
            return [self._of_function(function) for function in _functions(value)]
        if isinstance(value, type) and "<locals>" not in value.__qualname__:
            return self._of_class(value)
        try:
            return [Value(canonical_value(value))]
        except OpaqueError:
            return self._of_object(value, path)

    def _of_function(self, function: FunctionType) -> Target:
        return Function(function) if self.is_own(function) else _outside(function)

    def _of_object(self, value: object, path: Path) -> list[Target]:
        """Return what an object consists of: its content, its code, and what has no form."""
        if isinstance(value, BuiltinFunctionType) and (
            value.__self__ is None or isinstance(value.__self__, (ModuleType, type))
        ):
            return [_outside(value)]
        found = dissect(value, ".".join(path), self.is_own_class)
        unknown = [
            Unknown(name, f"a value of type {type(item).__name__}") for name, item in found.opaque
        ]
        if len(unknown) == 1 and found.opaque[0][1] is value:
            return [*unknown]
        targets: list[Target] = [Value(found.form)]
        for code in found.code:
            if isinstance(code, FunctionType):
                targets.append(self._of_function(code))
            else:
                targets += self._of_class(code)
        return [*targets, *unknown]

    @property
    def is_own_class(self) -> Callable[[type], bool]:
        """What shows whether a class was written by the user; it keeps nothing alive."""
        return functools.partial(_is_own_class, territory=self.territory)

    def _of_class(self, value: type) -> list[Target]:
        if value.__module__ in MAIN_NAMES:
            return self._of_main_class(value)
        module = find(value.__module__, self.territory)
        if isinstance(module, External):
            return [_outside(value)]
        source = self._source_of(module)
        located = source.locate_class(value.__qualname__) if source else []
        if source is None or not located:
            return [Unknown(value.__qualname__, "its source is not at hand")]
        return [Node(source, _statement(item.node), None, item.parents) for item in located]

    def _of_main_class(self, value: type) -> list[Target]:
        """Find a class of the script or notebook: by its methods, else by the latest cell."""
        files = [
            getattr(member, "__func__", member).__code__.co_filename
            for member in vars(value).values()
            if isinstance(getattr(member, "__func__", member), FunctionType)
        ]
        scope = vars(find_main())
        script = scope.get("__file__")
        sources = [load_cell(file) for file in files if not file.startswith("<string")]
        if isinstance(script, str):
            sources.append(load_file(script))
        for source in (*sources, *cells(scope)):
            located = source.locate_class(value.__qualname__) if source else []
            if source is not None and located:
                inner = scope if source.is_cell else None
                return [
                    Node(source, _statement(item.node), inner, item.parents) for item in located
                ]
        return [Unknown(value.__qualname__, "its source is not at hand")]

    def is_own(self, function: FunctionType) -> bool:
        """Whether a function was written by the user: in a file of theirs or in a notebook."""
        if function.__globals__.get("__name__") in MAIN_NAMES:
            return True
        file = source_file(function)
        return is_in_reach(file or function.__code__.co_filename, self.territory)


def _is_own_class(kind: type, territory: str | None) -> bool:
    module = kind.__module__
    return module in MAIN_NAMES or isinstance(find(module, territory), Module)


def _functions(value: object) -> list[FunctionType]:
    """Return a function with those that it wraps; see `objects.is_transparent`."""
    found: list[FunctionType] = []
    for _ in range(100):  # wrappers around wrappers end somewhere
        value = getattr(value, "__func__", value) if isinstance(value, MethodType) else value
        if isinstance(value, FunctionType):
            found.append(value)
        value = getattr(value, "__dict__", {}).get("__wrapped__")
        if value is None:
            break
    return found


def find_main() -> ModuleType:
    """Return the main module of the program."""
    return sys.modules["__main__"]


MISSING: Any = object()
"""The watched value of a name that did not exist."""


def _statement(node: ast.AST) -> ast.stmt:
    if not isinstance(node, ast.stmt):
        raise TypeError(f"{type(node).__name__} is no statement")
    return node


def _outside(value: object) -> Outside:
    # Not the exact module: libraries move things about within themselves.
    module = (getattr(value, "__module__", None) or "builtins").partition(".")[0]
    return Outside(module, getattr(value, "__qualname__", None))
