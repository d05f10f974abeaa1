"""Which names from outside a piece of source refers to, by Python's rules of scope.

Static: the answer depends on the source alone, so it is the same on every machine and under every
version of Python, and whether or not the code has run before.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DYNAMIC: Final = frozenset({"eval", "exec", "globals", "__import__"})


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """What an import statement binds to a name."""

    level: int
    """Leading dots of a relative import."""
    module: str
    name: str | None
    """The name taken from the module; None if the module itself is bound."""


Path: TypeAlias = "tuple[str, ...]"
"""A name and the attributes taken from it: `helpers.clean` is `("helpers", "clean")`."""


@dataclass(slots=True)
class References:
    """What a piece of source refers to and does not bind itself."""

    names: set[Path] = field(default_factory=set)
    """Names of the surrounding module (or built in), with the attributes taken from them."""
    imports: set[tuple[Import, Path]] = field(default_factory=set)
    """Imports within the source, with the attributes taken from what they bind."""
    computed: set[Path] = field(default_factory=set)
    """Objects whose attributes are taken by a computed name: `getattr(helpers, name)`."""
    dynamic: set[str] = field(default_factory=set)
    """Built-in functions called by which anything can be reached: `eval`, ..."""


@dataclass(slots=True, eq=False)
class _Scope:
    parent: _Scope | None
    kind: str
    """`module`, `function`, `class` or `comprehension`."""
    bound: dict[str, list[Import]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    """Names declared `global` or `nonlocal`."""
    outermost: set[str] = field(default_factory=set)
    """Names declared `global`."""

    def bind(self, name: str, what: Import | None = None) -> None:
        if name not in self.elsewhere:
            imports = self.bound.setdefault(name, [])
            if what is not None:
                imports.append(what)


def references(node: ast.AST, omit: Collection[ast.AST] = ()) -> References:
    """Return what `node`, a statement or a lambda at the level of a module, refers to.

    Args:
        node: The source.
        omit: Nodes within it that don't count, such as decorators.
    """
    walker = _Walker(omit)
    walker.run(node)
    return walker.resolve()


class _Walker:
    """Collects all names first: a name is local if it is bound anywhere in its scope."""

    def __init__(self, omit: Collection[ast.AST]) -> None:
        self.omit = {id(node) for node in omit}
        self.module = _Scope(None, "module")
        self.found: list[tuple[Path, _Scope]] = []
        self.computed: list[tuple[Path, _Scope]] = []
        self.stack: list[tuple[ast.AST, _Scope]] = []

    def run(self, node: ast.AST) -> None:
        self.stack.append((node, self.module))
        while self.stack:
            item, scope = self.stack.pop()
            if id(item) not in self.omit:
                self.visit(item, scope)

    def push(self, nodes: list[ast.AST] | list[ast.expr] | list[ast.stmt], scope: _Scope) -> None:
        self.stack.extend((node, scope) for node in nodes)

    def visit(self, node: ast.AST, scope: _Scope) -> None:
        if isinstance(node, _FUNCTIONS):
            self.visit_function(node, scope)
        elif isinstance(node, ast.ClassDef):
            scope.bind(node.name)
            outer = self.with_type_parameters(node, scope)
            self.push(node.decorator_list, scope)
            self.push([*node.bases, *node.keywords], outer)
            self.push(node.body, _Scope(outer, "class"))
        elif isinstance(node, ast.Lambda):
            self.push([*node.args.defaults, *filter(None, node.args.kw_defaults)], scope)
            self.push([node.body], self.function_scope(node.args, scope))
        elif isinstance(node, _COMPREHENSIONS):
            inner = _Scope(scope, "comprehension")
            first, *others = node.generators
            self.stack.append((first.iter, scope))
            self.push([first.target, *first.ifs, *others], inner)
            values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self.push(values, inner)
        elif isinstance(node, (ast.Attribute, ast.Name)):
            self.visit_path(node, scope)
        elif not (isinstance(node, ast.Call) and self.visit_getattr(node, scope)):
            self.visit_binding(node, scope)
            if type(node).__name__ == "TypeAlias":  # `type X[T] = list[T]`, since Python 3.12
                self.stack.append((node.name, scope))  # type: ignore[attr-defined]
                scope = self.with_type_parameters(node, scope)
            self.push(list(ast.iter_child_nodes(node)), scope)

    def visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope) -> None:
        scope.bind(node.name)
        outer = self.with_type_parameters(node, scope)
        arguments = node.args
        self.push([*node.decorator_list, *arguments.defaults], scope)
        self.push([*filter(None, arguments.kw_defaults)], scope)
        annotations = [argument.annotation for argument in _all_arguments(arguments)]
        self.push([*filter(None, annotations), *filter(None, [node.returns])], outer)
        self.push(node.body, self.function_scope(arguments, outer))

    def function_scope(self, arguments: ast.arguments, parent: _Scope) -> _Scope:
        scope = _Scope(parent, "function")
        for argument in _all_arguments(arguments):
            scope.bind(argument.arg)
        return scope

    def with_type_parameters(self, node: ast.AST, scope: _Scope) -> _Scope:
        parameters: list[ast.AST] = getattr(node, "type_params", [])  # since Python 3.12
        if not parameters:
            return scope
        inner = _Scope(scope, "function")
        for parameter in parameters:
            inner.bind(getattr(parameter, "name", ""))
        self.push([child for item in parameters for child in ast.iter_child_nodes(item)], inner)
        return inner

    def visit_path(self, node: ast.Attribute | ast.Name, scope: _Scope) -> None:
        attributes: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            attributes.append(base.attr)
            base = base.value
        if not isinstance(base, ast.Name):
            self.stack.append((base, scope))
        elif isinstance(base.ctx, ast.Load):
            self.found.append(((base.id, *reversed(attributes)), scope))
        else:
            scope.bind(base.id)

    def visit_binding(self, node: ast.AST, scope: _Scope) -> None:
        """Note what a node other than a definition or a plain name binds."""
        if isinstance(node, ast.NamedExpr):
            target = scope
            while target.kind == "comprehension" and target.parent is not None:
                target = target.parent
            target.bind(node.target.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, what in imported(node):
                scope.bind(name, what)
        elif isinstance(node, ast.Global):
            scope.elsewhere.update(node.names)
            scope.outermost.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            scope.elsewhere.update(node.names)
        else:
            for name in captured(node):
                scope.bind(name)

    def visit_getattr(self, node: ast.Call, scope: _Scope) -> bool:
        """Note `getattr(name, ...)`; return whether `node` is that."""
        is_getattr = isinstance(node.func, ast.Name) and node.func.id == "getattr"
        if not is_getattr or len(node.args) < 2 or not isinstance(node.args[0], ast.Name):
            return False
        owner, attribute = node.args[0].id, node.args[1]
        if isinstance(attribute, ast.Constant) and isinstance(attribute.value, str):
            self.found.append(((owner, attribute.value), scope))
        else:
            self.computed.append(((owner,), scope))
        self.push([node.func, *node.args[1:], *node.keywords], scope)
        return True

    def resolve(self) -> References:
        result = References()
        for path, scope in self.found:
            bound = _lookup(path[0], scope)
            if bound is None:
                result.names.add(path)
                if path[0] in _DYNAMIC:
                    result.dynamic.add(path[0])
            else:
                result.imports.update((what, path[1:]) for what in bound)
        for path, scope in self.computed:
            if _lookup(path[0], scope) is None:
                result.computed.add(path)
        return result


def _lookup(name: str, scope: _Scope) -> list[Import] | None:
    """Return the imports that bind a name within the source; None if it comes from outside."""
    current: _Scope | None = scope
    while current is not None and current.kind != "module":
        if name in current.outermost:
            return None
        # The names of a class are seen in its body, not by the functions in it.
        visible = current.kind != "class" or current is scope
        if visible and name in current.bound and name not in current.elsewhere:
            return current.bound[name]
        current = current.parent
    return None


def imported(node: ast.Import | ast.ImportFrom) -> list[tuple[str, Import]]:
    """Return the names that an import statement binds, each with what it binds; `*` not."""
    if isinstance(node, ast.ImportFrom):
        return [
            (alias.asname or alias.name, Import(node.level, node.module or "", alias.name))
            for alias in node.names
            if alias.name != "*"
        ]
    return [
        (alias.asname, Import(0, alias.name, None))
        if alias.asname
        else (alias.name.partition(".")[0], Import(0, alias.name.partition(".")[0], None))
        for alias in node.names
    ]


def captured(node: ast.AST) -> list[str]:
    """Return the names that a handler or a pattern binds."""
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return [node.name] if node.name else []
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    return []


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    single = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]
