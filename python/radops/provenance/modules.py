"""Finding the source file that an import statement refers to, without importing anything.

An import inside a function may not have run yet when the function's code is inspected; the result
must not depend on that.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from radops.provenance.project import installed_root, is_own_code, real_path, source_file

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import FunctionType

    from radops.provenance.references import Import


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the user's own code."""

    name: str
    file: str | None
    """The source file; None for a folder without `__init__.py`."""
    folders: tuple[str, ...] = ()
    """Where the submodules of a package lie."""


@dataclass(frozen=True, slots=True)
class External:
    """A module that is not the user's own, or that is not there."""

    name: str


def find(
    name: str, territory: str | None = None, folders: tuple[str, ...] = ()
) -> Module | External:
    """Return the module of an absolute name.

    Args:
        name: `pkg.mod`.
        territory: An installed package that counts as the user's own, because the function
            that refers to it is part of it.
        folders: Where it is looked for first; what is imported comes after that.
    """
    top = name.partition(".")[0]
    spec = PathFinder.find_spec(top, list(folders)) if folders else None
    loaded = sys.modules.get(name) if spec is None else None
    if loaded is not None and name != "__main__":
        return _of_loaded(name, loaded, territory)
    try:
        spec = spec or importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return External(name)
    module = _of_spec(top, spec, territory)
    for part in name.split(".")[1:]:
        if isinstance(module, External):
            return External(name)
        module = submodule(module, part, territory) or External(name)
    return module


def submodule(module: Module, name: str, territory: str | None = None) -> Module | External | None:
    """Return a submodule of a package, None if there is none."""
    full = f"{module.name}.{name}"
    try:
        spec = PathFinder.find_spec(full, list(module.folders)) if module.folders else None
    except (ImportError, ValueError):
        return None
    return None if spec is None else _of_spec(full, spec, territory)


def find_from(
    file: str, what: Import, territory: str | None = None, folders: tuple[str, ...] = ()
) -> Module | External:
    """Return the module that an import statement in `file` names; see `find`."""
    if what.level == 0:
        return find(what.module, territory, folders)
    folder = os.path.dirname(file)
    for _ in range(what.level - 1):
        folder = os.path.dirname(folder)
    init = os.path.join(folder, "__init__.py")
    # Without a name: that of the folder may be no more than where a checkout lies.
    found: Module | External | None = Module(
        "",
        init if os.path.isfile(init) else None,
        (folder,),
    )
    for part in filter(None, what.module.split(".")):
        if not isinstance(found, Module):
            break
        found = submodule(found, part, territory)
    return found or External("." * what.level + what.module)


def _of_loaded(name: str, loaded: object, territory: str | None) -> Module | External:
    file = getattr(loaded, "__file__", None)
    try:
        folders = tuple(str(folder) for folder in getattr(loaded, "__path__", ()))
    except TypeError:
        folders = ()
    return _classify(name, file if isinstance(file, str) else None, folders, territory)


def _of_spec(name: str, spec: ModuleSpec | None, territory: str | None) -> Module | External:
    if spec is None:
        return External(name)
    file = spec.origin if spec.has_location else None
    folders = tuple(spec.submodule_search_locations or ())
    return _classify(name, file, folders, territory)


def _classify(
    name: str, file: str | None, folders: tuple[str, ...], territory: str | None
) -> Module | External:
    if file is None:
        own = [folder for folder in folders if is_in_reach(os.path.join(folder, "_.py"), territory)]
        return Module(name, None, tuple(own)) if own else External(name)
    if not is_in_reach(file, territory):
        return External(name)
    return Module(name, cached_path(file), folders)


@lru_cache(maxsize=4096)
def cached_path(file: str) -> str:
    """Return `real_path(file)`."""
    return real_path(file)


def is_in_reach(file: str, territory: str | None) -> bool:
    """Whether a source file counts as the user's own."""
    path = cached_path(file)
    if territory is not None and (path == territory or path.startswith(territory + os.sep)):
        return path.endswith(".py")
    return is_own_code(path)


def territory_of(function: FunctionType) -> str | None:
    """Return the installed package that a function is part of; None if it is not installed."""
    file = source_file(function)
    if file is None:
        return None
    path = cached_path(file)
    root = installed_root(os.path.dirname(path))
    if root is None:
        return None
    return os.path.join(root, os.path.relpath(path, root).partition(os.sep)[0])
