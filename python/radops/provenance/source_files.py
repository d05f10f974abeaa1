"""Source files and notebook cells: their syntax, their names, and whether they are what runs."""

from __future__ import annotations

import ast
import io
import linecache
import os
import threading
import time
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from radops.backends.forking import call_after_fork
from radops.provenance.references import Import, captured, imported
from radops.provenance.syntax import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_FILE: Final = 8 * 1024 * 1024
"""Largest source file that is parsed, in bytes; larger ones hold generated data."""

Definition: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef"
Binding: TypeAlias = "ast.stmt | Import"

_T = TypeVar("_T")

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# `warnings.catch_warnings` changes the whole process, so only one thread parses at a time.
_parsing = threading.RLock()


def _renew_lock() -> None:
    global _parsing  # noqa: PLW0603
    _parsing = threading.RLock()


# A thread of the parent may have held it; that thread is not in the child. A fork also waits for
# imports, which fingerprints do late.
call_after_fork(_renew_lock)


class _Lazy(Generic[_T]):
    """A property that is computed once.

    Unlike `functools.cached_property` before Python 3.12 it has no lock, which a thread could hold
    while the process forks. Two threads may both compute the value; the results are equal.
    """

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: object, owner: type) -> _T:
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


@dataclass(frozen=True, slots=True)
class Located:
    """A function or class within a source."""

    node: Definition
    parents: tuple[Definition, ...]
    """The functions and classes around it, outermost first."""


@dataclass(eq=False)
class Source:
    """A source file, or a cell of a notebook."""

    file: str
    """Real path of the file; for a cell the name under which `linecache` knows it."""
    text: str
    is_cell: bool = False
    written_ns: int = 0
    """When the file was last touched."""

    @_Lazy
    def tree(self) -> ast.Module:
        """The syntax tree; of an empty file if it does not parse."""
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # importing the module has already shown the warnings
            try:
                return ast.parse(self.text, self.file)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return ast.Module(body=[], type_ignores=[])

    @_Lazy
    def bindings(self) -> dict[str, list[Binding]]:
        """Each name of the module with the statements that bind or change it, in their order."""
        found: dict[str, list[Binding]] = {}
        for statement, conditions in _flat(self.tree.body):
            for name, what in _bound(statement):
                bindings = found.setdefault(name, [])
                bindings += [item for item in conditions if item not in bindings]
                bindings.append(what)
        return found

    @_Lazy
    def stars(self) -> list[Import]:
        """The `from ... import *` of the module."""
        return [
            Import(statement.level, statement.module or "", "*")
            for statement, _ in _flat(self.tree.body)
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"
        ]

    @_Lazy
    def definitions(self) -> dict[tuple[int, str], list[Located]]:
        """Functions, lambdas and classes by their first line (of decorators too) and name."""
        found: dict[tuple[int, str], list[Located]] = {}
        stack: list[tuple[ast.AST, tuple[Definition, ...]]] = [(self.tree, ())]
        while stack:
            node, parents = stack.pop()
            if isinstance(node, _DEFINITIONS):
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                found.setdefault((first_line(node), name), []).append(Located(node, parents))
                parents = (*parents, node)
            stack.extend((child, parents) for child in ast.iter_child_nodes(node))
        return found

    def locate(self, code: CodeType) -> list[Located]:
        """Return what the code was compiled from: several only for lambdas in one line."""
        found = self.definitions.get((code.co_firstlineno, code.co_name), [])
        found = [item for item in found if isinstance(item.node, _FUNCTIONS)]
        if len(found) > 1:
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            alike = [item for item in found if _argument_names(item.node) == names]
            found = alike or found
        return sorted(found, key=lambda item: (item.node.lineno, item.node.col_offset))

    def which(self, code: CodeType, located: list[Located]) -> int | None:
        """Return which of several lambdas in one line a piece of code was compiled from.

        The first of those that are written alike. None if that is not known, as when a tool rewrote
        the code. Found by compiling the source with one lambda changed at a time: the change makes
        the code, and the code around it, disappear.
        """
        gone = []
        for item in located:
            codes = self._codes_with(item.node)
            gone.append(codes is not None and code not in codes)
        # Of a lambda within another the outer one is meant.
        outer = [
            index
            for index, item in enumerate(located)
            if gone[index]
            and not any(
                gone[other] and located[other].node in item.parents for other in range(len(located))
            )
        ]
        if code not in self._codes or len(outer) != 1:
            alike = {canonical(item.node) for item in located}
            return 0 if len(alike) == 1 else None
        found = canonical(located[outer[0]].node)
        return next(i for i, item in enumerate(located) if canonical(item.node) == found)

    def _codes_with(self, changed: Definition) -> set[CodeType] | None:
        """Return the code of the source with one lambda changed; None if it does not compile."""
        place = (changed.lineno, changed.col_offset)
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                tree = ast.parse(self.text, self.file)
                for node in ast.walk(tree):
                    if isinstance(node, ast.Lambda) and (node.lineno, node.col_offset) == place:
                        # A value that no code has by chance.
                        marker = ast.copy_location(ast.Constant("radops\0changed"), node.body)
                        parts = [node.body, marker]
                        node.body = ast.copy_location(ast.Tuple(parts, ast.Load()), node.body)
                module = compile(tree, self.file, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        return _codes_in(module)

    def locate_class(self, qualified_name: str) -> list[Located]:
        """Return the classes of that qualified name."""
        wanted = [part for part in qualified_name.split(".") if part != "<locals>"]
        return [
            item
            for (_, name), items in self.definitions.items()
            for item in items
            if name == wanted[-1]
            and isinstance(item.node, ast.ClassDef)
            and [getattr(node, "name", "<lambda>") for node in item.parents] == wanted[:-1]
        ]

    def text_of(self, node: ast.stmt | ast.expr) -> str:
        """Return the lines of a node, decorators included."""
        # Not `splitlines`: a form feed or a Unicode line separator ends no line of Python.
        lines = self.text.split("\n")
        first = first_line(node) if isinstance(node, _DEFINITIONS) else node.lineno
        return "\n".join(lines[first - 1 : node.end_lineno]) + "\n"

    def is_stale(self, functions: list[FunctionType]) -> bool:
        """Whether the file was edited after these functions were compiled from it.

        Their code is compared with what the file compiles to now. That is only asked of a file
        that was touched since the process started: tools that rewrite code on import (assertions
        in pytest, run-time type checkers) make a difference too.
        """
        if self.is_cell or self.written_ns <= _STARTED_NS:
            return False
        return any(function.__code__ not in self._codes for function in functions)

    @_Lazy
    def _codes(self) -> set[CodeType]:
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                module = compile(self.text, self.file, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return set()
        return _codes_in(module)


def _codes_in(module: CodeType) -> set[CodeType]:
    found: set[CodeType] = set()
    stack = [module]
    while stack:
        code = stack.pop()
        found.add(code)
        stack += [item for item in code.co_consts if isinstance(item, CodeType)]
    return found


def first_line(node: ast.AST) -> int:
    """Return the line where Python says that a definition starts: that of its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    line: int = getattr(node, "lineno", 1)
    return decorators[0].lineno if decorators else line


def _argument_names(node: Definition) -> tuple[str, ...]:
    arguments = getattr(node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return ()
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return tuple(argument.arg for argument in every)


def _flat(statements: list[ast.stmt]) -> Iterator[tuple[ast.stmt, tuple[ast.stmt, ...]]]:
    """Yield the statements of a module, those within `if` and `try` with their conditions."""
    stack: list[tuple[ast.stmt, tuple[ast.stmt, ...]]]
    stack = [(statement, ()) for statement in reversed(statements)]
    while stack:
        statement, conditions = stack.pop()
        if isinstance(statement, (ast.If, ast.Try)) or type(statement).__name__ == "TryStar":
            if isinstance(statement, ast.If):
                condition = ast.copy_location(ast.Expr(statement.test), statement.test)
                yield condition, conditions  # it may bind a name itself: `if x := ...`
                conditions = (*conditions, condition)
            inner: list[ast.stmt] = []
            for block in ("body", "handlers", "orelse", "finalbody"):
                for item in getattr(statement, block, []):
                    inner += item.body if isinstance(item, ast.ExceptHandler) else [item]
            stack += [(item, conditions) for item in reversed(inner)]
        else:
            yield statement, conditions


def _bound(statement: ast.stmt) -> list[tuple[str, Binding]]:
    """Return the names that a statement binds, or whose value it changes, each once."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [(statement.name, statement)]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return list(imported(statement))
    names: dict[str, Binding] = {}
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names[node.name] = statement  # in a loop or a `with` block
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(imported(node))
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names[node.id] = statement
        elif isinstance(node, (ast.Subscript, ast.Attribute)):
            changed = _root(node) if not isinstance(node.ctx, ast.Load) else None
            if changed is not None:  # TABLE["key"] = ...
                names.setdefault(changed, statement)
        names.update(dict.fromkeys(captured(node), statement))
        stack.extend(ast.iter_child_nodes(node))
    return list(names.items())


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


_files: dict[str, tuple[tuple[int, int, int], Source]] = {}


def load_file(path: str) -> Source | None:
    """Return a source file, read again if it changed; None if it cannot be read."""
    try:
        stat = os.stat(path)
        signature = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = _files.get(path)
        if known is not None and known[0] == signature:
            return known[1]
        if stat.st_size > MAX_FILE:
            return None
        data = Path(path).read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (OSError, ValueError, SyntaxError, LookupError):
        return None
    source = Source(path, text, written_ns=max(stat.st_mtime_ns, stat.st_ctime_ns))
    _files[path] = (signature, source)
    return source


_cells: dict[str, Source] = {}


def load_cell(name: str) -> Source | None:
    """Return a cell of a notebook, or an input at the prompt, by the name of its code's file."""
    text = "".join(linecache.getlines(name))
    if not text:
        return None
    return _cell(name, text)


def cells(scope: dict[str, Any]) -> Iterator[Source]:
    """Yield what was typed into a notebook or at a prompt, the latest first."""
    history = scope.get("_ih")  # IPython's own list of the cells that were run
    if isinstance(history, list):
        for number, text in reversed(list(enumerate(history))):
            if isinstance(text, str) and text:
                yield _cell(f"<cell {number}>", text)
        return
    for name in reversed(list(linecache.cache)):
        if name.startswith("<python-input-"):
            source = load_cell(name)
            if source is not None:
                yield source


def _cell(name: str, text: str) -> Source:
    known = _cells.get(name)
    if known is None or known.text != text:
        known = _cells[name] = Source(name, text, is_cell=True)
    return known


def functions_of(scope: dict[str, Any]) -> list[FunctionType]:
    """Return the functions and methods that a module's variables hold and that it defined."""
    name = scope.get("__name__")
    found: list[FunctionType] = []
    for value in list(scope.values()):
        if isinstance(value, type) and value.__module__ != name:
            continue
        members = vars(value).values() if isinstance(value, type) else (value,)
        for member in list(members):
            inner = getattr(member, "__func__", member)
            if not isinstance(inner, FunctionType):  # an object around a function
                inner = getattr(inner, "__dict__", {}).get("__wrapped__")
            if isinstance(inner, FunctionType):
                found.append(inner)
    return [
        function
        for function in found
        if function.__globals__ is scope and not function.__code__.co_filename.startswith("<")
    ]


def _process_start_ns() -> int:
    """Return when this process started, by the clock that file times are taken from."""
    now = time.time_ns()
    try:
        text = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(text.rpartition(")")[2].split()[19])
        age = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - ticks * 10**9 // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return now  # elsewhere: when this module was imported, soon after the start
    return min(now, now - age)


# Taken at import: a forked child runs what its parent imported.
_STARTED_NS: Final = _process_start_ns()
