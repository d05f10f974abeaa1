"""Following a function through the user's own code: what `fingerprint` makes its digest of."""

from __future__ import annotations

import ast
import copy
import os
from collections import deque
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from radops.format.digest import Digest
from radops.provenance import ambient
from radops.provenance.bytecode import byte_code, paths_in
from radops.provenance.modules import cached_path, territory_of
from radops.provenance.project import source_file
from radops.provenance.references import references
from radops.provenance.resolve import (
    MISSING,
    Function,
    Node,
    Outside,
    Resolver,
    Target,
    Unknown,
    Value,
)
from radops.provenance.source_files import Source, functions_of, load_cell, load_file
from radops.provenance.syntax import canonical
from radops.provenance.unit import LoadedModules, Unit, binds, closure_of, label
from radops.provenance.values import canonical_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from radops.provenance.source_files import Located

MAX_SOURCE: Final = 1024 * 1024
"""Bytes of source text that a record carries."""
MAX_UNITS: Final = 10_000
"""Functions, classes and statements that are followed: more is not one function's code."""

MAX_PARTS: Final = 40
"""Pieces of code that a record keeps the names of."""


class Tracer:
    """Follows one function. Has no effect on the program.

    Args:
        function: The function; None to follow source that is not imported, see `follow`.
        name: The name in its `def`, if it is to be taken for another than it is.
        folders: Where modules are looked for before `sys.path`.
    """

    def __init__(
        self,
        function: FunctionType | None,
        *,
        name: str | None = None,
        folders: tuple[str, ...] = (),
    ) -> None:
        self.function = function
        self._name = name
        self.resolver = Resolver(None if function is None else territory_of(function), folders)
        self.notes: dict[str, None] = {}
        """What could not be followed, in the order in which it was found."""
        self.variables: set[str] = set()
        """Environment variables that the code names."""
        self.parts: dict[str, bytes] = {}
        """What the code consists of, by names for people, nearest first; with short digests."""
        self.units: list[Unit] = []
        self._numbers: dict[object, int] = {}
        self._queue: deque[Unit] = deque()
        self._stale: dict[str, tuple[FunctionType, ...] | None] = {}
        self._modules = LoadedModules()

    def preimage(self, outermost: Callable[..., Any]) -> list[Any]:
        """Return `["radops/code", 1, units]`, see `fingerprint`.

        Args:
            outermost: The function as it is called: wrappers around it are part of the code.
        """
        if self.function is not None:
            self._add_function(self.function)
        units = self._run(outermost)
        for note in ambient.not_covered(self.units, self.resolver, self._modules):
            self.notes.setdefault(note)
        return ["radops/code", 1, units]

    def follow(self, source: Source, node: ast.stmt) -> None:
        """Follow a definition in a source file as it is now, whatever is imported."""
        self._add(Node(source, node))
        self._run(None)

    def _run(self, outermost: Callable[..., Any] | None) -> list[Any]:
        units: list[Any] = []
        while self._queue:
            unit = self._queue.popleft()
            form, targets = self._look_into(unit)
            self._add_part(unit, form)
            if not units and outermost is not None:
                self._add_layers(outermost, targets)
            found = [self._encode(unit, name, targets[name]) for name in sorted(targets)]
            units.append([Digest.of(form).raw, [entry for entries in found for entry in entries]])
        return units

    @property
    def file(self) -> str | None:
        """The real path of the function's source file; None if it was not read from a file."""
        source = self.units[0].source
        return source.file if source is not None and not source.is_cell else None

    def text(self) -> tuple[str | None, int | None]:
        """Return the function's source text and the line of its `def`."""
        unit = self.units[0]
        if unit.source is None or not unit.nodes:
            return None, None
        node = unit.nodes[0]
        if not isinstance(node, (ast.stmt, ast.expr)):
            return None, None
        text = unit.source.text_of(node)
        data = text.encode("utf-8", "replace")
        if len(data) > MAX_SOURCE:
            kept = data[:MAX_SOURCE].decode("utf-8", "ignore")
            text = f"{kept}\n# cut by radops: {MAX_SOURCE:,} of {len(data):,} bytes are kept\n"
        return text, node.lineno

    def _look_into(self, unit: Unit) -> tuple[bytes, dict[str, list[Target]]]:
        """Return a unit's canonical form, and what it refers to by name."""
        if not unit.nodes:
            codes = [function.__code__ for function in unit.functions]
            paths = {path for code in codes for path in paths_in(code, unit.scope or {})}
            form = b"".join(byte_code(code) for code in codes)
            return form, {".".join(path): self._targets(unit, path) for path in paths}
        forms: list[bytes] = []
        targets: dict[str, list[Target]] = {}
        for node in unit.nodes:
            omit = self._creator_decorators(unit, node)
            forms.append(canonical(self._renamed(unit, node), omit))
            self.variables |= ambient.environment_variables(node)
            found = references(node, omit)
            for path in found.names:
                targets[".".join(path)] = self._targets(unit, path)
            for what, rest in found.imports:
                if unit.source is not None:
                    inner = self.resolver.of_import(unit.source, what, rest)
                    name = f"{'.' * what.level}{what.module}:{what.name or ''}:{'.'.join(rest)}"
                    targets[f"import {name}"] = inner
            for name in sorted(found.dynamic):
                self._note(unit, f"it calls {name}")
            for path in found.computed:
                name = ".".join(path)
                inner = self._targets(unit, path)
                if any(_has_names(target) for target in inner):
                    inner.append(Unknown(name, "attributes are taken by computed names"))
                targets[name] = [item for item in inner if not _is_module(item)]
        targets.update(self._default_targets(unit))
        if unit.which is not None:
            targets["lambda"] = [Value(canonical_value(unit.which))]
        return b"".join(forms), {name: found for name, found in targets.items() if found}

    def _renamed(self, unit: Unit, node: ast.AST) -> ast.AST:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if self._name is None or unit is not self.units[0] or not is_function:
            return node
        other = copy.copy(node)
        other.name = self._name  # type: ignore[attr-defined]
        return other

    def _add_part(self, unit: Unit, form: bytes) -> None:
        name = unit.part_name
        if name in self.parts or len(self.parts) < MAX_PARTS:
            self.parts[name] = Digest.of(self.parts.get(name, b"") + form).raw[:3]

    def _targets(self, unit: Unit, path: tuple[str, ...]) -> list[Target]:
        name = path[0]
        for function in unit.functions:
            variables = closure_of(function)
            if name in variables:
                value = variables[name]
                if value is MISSING:
                    return [Unknown(name, "the variable is not set")]
                return self.resolver.of_value(value, path)
        if unit.scope is not None:
            found = self.resolver.in_scope(unit.scope, path)
        elif unit.source is None:
            return []
        else:
            found = self.resolver.in_source(unit.source, path)
        if any(isinstance(item, Unknown) and item.what == name for item in found) and any(
            binds(parent, name) for parent in unit.parents
        ):
            # In a decorator, annotation or default of a nested function: used before it ran.
            return []
        return found

    def _default_targets(self, unit: Unit) -> dict[str, list[Target]]:
        """Return what the defaults of a nested function are.

        Their expressions may name variables of the function around it, which are gone.
        """
        if not unit.functions or not any(_is_function(parent) for parent in unit.parents):
            return {}
        function = unit.functions[0]
        values = {f"default {i}": value for i, value in enumerate(function.__defaults__ or ())}
        values |= {f"default {k}": value for k, value in (function.__kwdefaults__ or {}).items()}
        return {name: self.resolver.of_value(value, (name,)) for name, value in values.items()}

    def _creator_decorators(self, unit: Unit, node: ast.AST) -> list[ast.AST]:
        """Return the decorators that are radops' own: how results are kept is not the code."""
        found: list[ast.AST] = []
        for item in ast.walk(node):
            for decorator in getattr(item, "decorator_list", ()):
                path = _path_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
                if path and any(_is_creator(target) for target in self._targets(unit, path)):
                    found.append(decorator)
        return found

    def _add_layers(self, outermost: object, targets: dict[str, list[Target]]) -> None:
        """Add the user's own wrappers around the function, and the class that it is a method of."""
        layer: object = getattr(outermost, "__func__", outermost)
        depth = 0
        while layer is not self.function and depth < 100:
            if isinstance(layer, FunctionType) and self.resolver.is_own(layer):
                targets[f"wrapper {depth:02}"] = [Function(layer)]
            layer = getattr(layer, "__wrapped__", self.function)
            layer = getattr(layer, "__func__", layer)
            depth += 1
        unit = self.units[0]
        classes: list[ast.stmt] = []
        for parent in reversed(unit.parents):
            if not isinstance(parent, ast.ClassDef):
                break
            classes.append(parent)
        if classes and unit.source is not None:
            around = unit.parents[: len(unit.parents) - len(classes)]
            targets["class"] = [Node(unit.source, classes[-1], unit.scope, around)]

    def _encode(self, unit: Unit, name: str, targets: list[Target]) -> list[list[Any]]:
        numbers: list[int] = []
        entries: list[list[Any]] = []
        for target in targets:
            if isinstance(target, (Node, Function)):
                number = self._add(target)
                if number is not None and number not in numbers:
                    numbers.append(number)
                continue
            if isinstance(target, Unknown):
                self._note(unit, f"{target.what}: {target.why}")
                continue
            entry: list[Any]
            if isinstance(target, Outside):
                entry = [name, "import", target.module, target.name]
            else:
                entry = [name, "value", Digest.of(target.form).raw]
            if entry not in entries:
                entries.append(entry)
        return [[name, "code", *numbers], *entries] if numbers else entries

    def _add(self, target: Node | Function) -> int | None:
        if isinstance(target, Function):
            return self._add_function(target.function)
        source, node = target.source, target.node
        imported = not source.is_cell and self.function is not None
        stale = self._stale_functions(source) if imported else None
        if stale is not None:
            unit = Unit(label(source, node), source, (), self._modules.variables(source), stale)
            return self._enqueue((source.file, None), unit)
        name = label(source, node)
        unit = Unit(name, source, (node,), target.scope, (), target.parents)
        if unit.parents and self.function is not None:
            # A class within a function sees what that function's method sees.
            unit.functions = (self.function,)
        elif imported:
            self._watch(source, node)
        return self._enqueue((source.file, node.lineno, node.col_offset), unit)

    def _add_function(self, function: FunctionType) -> int | None:
        code = function.__code__
        scope = function.__globals__
        source, inner_scope = self._source_of(function)
        located = source.locate(code) if source is not None else []
        unit = Unit(function.__qualname__, source, (), scope, (function,))
        if source is not None and source.is_stale([function]):
            self._note_edit(source)
        elif source is None or not located:
            self._note(unit, "its source is not at hand")
        else:
            unit.nodes = tuple(item.node for item in located)
            unit.scope = inner_scope
            index = self._which(unit, source, code, located)
            chosen = located[index]
            unit.parents = chosen.parents
            unit.label = label(source, chosen.node)
            if not code.co_freevars and not unit.parents:
                node = chosen.node
                return self._enqueue((source.file, node.lineno, node.col_offset), unit)
        return self._enqueue(id(function), unit)

    def _which(self, unit: Unit, source: Source, code: CodeType, located: list[Located]) -> int:
        """Find out which of several lambdas in one line a function is."""
        if len(located) == 1:
            return 0
        found = source.which(code, located)
        if found is None:
            self._note(unit, "it is one of several in its line, and which one cannot be told")
            return 0
        unit.which = found
        return found

    def _source_of(self, function: FunctionType) -> tuple[Source | None, dict[str, Any] | None]:
        """Return a function's source, and its variables if it is in a notebook."""
        name = function.__code__.co_filename
        scope = function.__globals__
        file = source_file(function)
        if file is None:
            return load_cell(name), scope
        if name.startswith("<"):  # made by `exec` within a module
            return None, scope
        return load_file(cached_path(file)), None

    def _enqueue(self, key: object, unit: Unit) -> int | None:
        number = self._numbers.get(key)
        if number is None:
            if len(self.units) >= MAX_UNITS:
                self.notes.setdefault(f"it reaches more than {MAX_UNITS:,} definitions")
                return None
            number = self._numbers[key] = len(self.units)
            self.units.append(unit)
            self._queue.append(unit)
        return number

    def _stale_functions(self, source: Source) -> tuple[FunctionType, ...] | None:
        """Return what a file that was edited after its import had defined; None if it was not."""
        if source.file not in self._stale:
            functions = functions_of(self._modules.variables(source))
            stale = source.is_stale(functions)
            self._stale[source.file] = tuple(functions) if stale else None
            if stale:
                self._note_edit(source)
        return self._stale[source.file]

    def _watch(self, source: Source, node: ast.stmt) -> None:
        """Notice a reload: it binds the names of functions and classes to new objects."""
        name = getattr(node, "name", None)
        namespace = self._modules.variables(source)
        if isinstance(name, str) and name in namespace:
            self.resolver.watched.append((namespace, name, namespace[name]))

    def _note_edit(self, source: Source) -> None:
        name = os.path.basename(source.file)
        self.notes.setdefault(f"{name} was edited after its import")

    def _note(self, unit: Unit, text: str) -> None:
        self.notes.setdefault(f"{unit.label}: {text}")


def _path_of(node: ast.expr) -> tuple[str, ...] | None:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else None


def _is_creator(target: Target) -> bool:
    return (
        isinstance(target, Outside)
        and target.module.partition(".")[0] == "radops"
        and "file_creator" in (target.name, *target.rest)
    )


def _is_module(target: Target) -> bool:
    return isinstance(target, Unknown) and target.is_module


def _has_names(target: Target) -> bool:
    """Whether it is a module or class, whose attributes are code of the user's own."""
    is_class = isinstance(target, Node) and isinstance(target.node, ast.ClassDef)
    return is_class or _is_module(target)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
