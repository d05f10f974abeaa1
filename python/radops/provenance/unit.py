"""The pieces of code that a fingerprint consists of, and what people call them."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from radops.provenance.modules import cached_path
from radops.provenance.resolve import MISSING

if TYPE_CHECKING:
    from types import CellType, FunctionType

    from radops.provenance.source_files import Source

MOST_NAMED: Final = 3
"""Variables of one statement that its label names."""


@dataclass(slots=True, eq=False)
class Unit:
    """One piece of code to be followed."""

    label: str
    source: Source | None
    nodes: tuple[ast.AST, ...]
    """What it was compiled from: several only for lambdas in one line, of which `which` is one;
    none if there is no source or not the right one any more."""
    scope: dict[str, Any] | None = None
    """Where names are looked up if that is not the source: the variables of a notebook."""
    functions: tuple[FunctionType, ...] = ()
    """The function itself, for its closure; without nodes: the functions whose code counts."""
    parents: tuple[ast.AST, ...] = ()
    """The functions and classes around it."""
    which: int | None = None
    """If there are several nodes: which of them it is; None if that cannot be told."""

    @property
    def part_name(self) -> str:
        """The name under which a record keeps it, `clean (helpers.py)`; that names no line."""
        node = self.nodes[0] if self.nodes else None
        if self.source is None or not isinstance(node, ast.stmt):
            return self.label
        names = getattr(node, "name", "") or joined(bound_names(self.source, node))
        file = "" if self.source.is_cell else os.path.basename(self.source.file)
        return f"{names} ({file})" if names and file else names or file


def label(source: Source, node: ast.AST, name: str = "") -> str:
    """Return what messages call a piece of source: `clean (helpers.py:5)`."""
    name = name or getattr(node, "name", "")
    place = f"{os.path.basename(source.file)}:{getattr(node, 'lineno', 0)}"
    return f"{name} ({place})" if name else place


def joined(names: list[str]) -> str:
    """Return the first few names as one text."""
    return ", ".join(names[:MOST_NAMED])


def bound_names(source: Source, node: ast.stmt) -> list[str]:
    """Return the variables of a module that a statement of it binds or decides upon."""
    return [name for name, found in source.bindings.items() if any(one is node for one in found)]


class LoadedModules:
    """The variables of the modules of this process, by source file; looked up once."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] | None = None

    def variables(self, source: Source) -> dict[str, Any]:
        """Return the variables of the module that was loaded from a file; none if it was not."""
        if self._found is None:
            self._found = {}
            for module in list(sys.modules.values()):
                file = getattr(module, "__file__", None)
                if isinstance(file, str):
                    self._found.setdefault(cached_path(file), vars(module))
        return self._found.get(source.file, {})


def closure_of(function: FunctionType) -> dict[str, Any]:
    """Return the variables of a function's closure; `MISSING` for those that are not set."""
    names = function.__code__.co_freevars
    return {
        name: _content(cell) for name, cell in zip(names, function.__closure__ or (), strict=True)
    }


def _content(cell: CellType) -> Any:  # noqa: ANN401
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def binds(node: ast.AST, name: str) -> bool:
    """Whether a function or class around a unit may bind a name; by its spelling alone."""
    return any(
        name in {getattr(item, field, None) for field in ("id", "arg", "name", "asname")}
        for item in ast.walk(node)
    )
