"""The identity of a pipeline function: the part of a call's key that is equal on every machine.

The rule goes by the file that the function was written in, so that import, `python -m`, a script
and a spawned child agree, and neither the place of a checkout nor `sys.path` matters:

1. Installed (`site-packages`, the standard library, `pip install --target`): the name it is
   imported under, `pkg.mod`.
2. In a package, that is in a folder with `__init__.py`: the name that the package gives it, from
   the outermost such folder on, `pkg.mod`. The root of a project is never such a folder, nor is
   its `src`, even with an `__init__.py` in it: their names say nothing about the code.
3. Any other file of a project: `<project>:<dotted path from the project's root>`, a leading `src`
   dropped: `demo:pipeline`, `demo:scripts.clean`. So the files `pipeline.py` of two projects have
   different names, and `import pipeline` is the same function as `python pipeline.py`. Files in a
   package below `src`, where `src` is itself a package, are named so too.
4. Any other file: its stem, and the fingerprint of the code joins the key.
5. No file (a notebook, `python -c`, the prompt, code from a pipe): `notebook`, and the
   fingerprint joins the key.

A function whose qualified name does not tell it from others of its module has the fingerprint in
its key too: a lambda, and a nested function with variables of the function around it.
Modules are at times imported or run under other names (`scripts.clean`, `__main__`,
`__mp_main__`); `run_as` keeps the one that people saw.
"""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import dataclass
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from radops.errors import CreatorError
from radops.provenance.bytecode import byte_code
from radops.provenance.project import (
    MAIN_NAMES,
    dotted,
    installed_root,
    project_of,
    projects_around,
    real_path,
    scope_file,
    source_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable


NOTEBOOK: Final = "notebook"
"""The module of functions that were typed into a notebook or at a prompt."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The names of a function in a call's key."""

    module: str
    """`pkg.mod`, `project:pipeline`, `notebook`: see the rule in this module's text."""
    name: str
    """The qualified name: `process`, `Model.fit`, `make.<locals>.process`."""
    keyed_by_code: bool
    """Whether the fingerprint of the code joins the key, because the name alone is not enough."""
    run_as: str
    """The name that the module ran under: `__main__` for a script, however it was started."""


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    named_by_place: bool
    """Whether the name comes from a project or a package."""
    run_as: str


_modules: dict[tuple[str, object, str | None], _Module] = {}


def identify(function: Callable[..., Any]) -> Identity:
    """Return the identity of a Python function, method or nested function.

    Wrappers that name what they wrap (`functools.wraps`) are looked through.

    Raises:
        CreatorError: `function` is not written in Python, or is an object with `__call__`.
    """
    inner = innermost(function)
    module = _module_of(inner)
    name = inner.__qualname__
    variables = any(variable != "__class__" for variable in inner.__code__.co_freevars)
    return Identity(
        module=module.name,
        name=name,
        keyed_by_code=not module.named_by_place or variables or "<lambda>" in name,
        run_as=module.run_as,
    )


def innermost(function: Callable[..., Any]) -> FunctionType:
    """Return the Python function below methods and wrappers that name what they wrap.

    Raises:
        CreatorError: There is none.
    """
    seen = 0
    found: Any = function
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        if isinstance(found, (staticmethod, classmethod, MethodType)):
            found = found.__func__
        elif hasattr(found, "__wrapped__") and not isinstance(found, partial):
            found = inspect.getattr_static(found, "__wrapped__", None) or found.__wrapped__
        else:
            raise CreatorError(
                f"{function!r} is not a Python function",
                hint="decorate a function or method that is written with def",
            )
        seen += 1
        if seen > 100:
            raise CreatorError(f"{function!r} wraps itself")
    return found


def module_of(kind: type) -> str:
    """Return the module that a class counts as defined in, by the rule for functions.

    So a dataclass or enum of a script is the same one when the script is imported.
    """
    name = kind.__module__
    module = sys.modules.get(name)
    if module is None:
        return name
    scope = vars(module)
    for member in vars(kind).values():
        inner = getattr(member, "__func__", member)
        if not isinstance(inner, FunctionType) or inner.__globals__ is not scope:
            continue
        # A method shows whether a class was typed at a prompt or is one of the script before;
        # methods that `dataclass` makes do not.
        if not inner.__code__.co_filename.startswith("<string"):
            return _module_of(inner).name
    return _module_at(name, scope, scope_file(scope), None).name


def _module_of(function: FunctionType) -> _Module:
    scope = function.__globals__
    name = scope.get("__name__")
    if not isinstance(name, str):
        name = "__main__"
    # By the file of the code too: functions typed at a prompt share the variables of a script.
    code_file = function.__code__.co_filename
    found = _modules.get((name, scope.get("__file__"), code_file))
    return found or _module_at(name, scope, source_file(function), code_file)


def _module_at(
    name: str, scope: dict[str, Any], file: str | None, code_file: str | None
) -> _Module:
    key = (name, scope.get("__file__"), code_file)
    found = _modules.get(key)
    if found is None:
        found = _modules[key] = _name_module(name, scope.get("__spec__"), file)
    return found


def _name_module(name: str, spec: object, file: str | None) -> _Module:
    spec_name = getattr(spec, "name", None)
    imported = spec_name if isinstance(spec_name, str) and spec_name not in MAIN_NAMES else None
    run_as = "__main__" if name in MAIN_NAMES else (imported or name)
    if file is None:
        if name in MAIN_NAMES or imported is None:
            return _Module(NOTEBOOK, named_by_place=False, run_as=run_as)
        # Built in, or from a loader of its own.
        return _Module(imported, named_by_place=True, run_as=run_as)
    path = real_path(file)
    root = installed_root(os.path.dirname(path))
    if root is not None:
        place = dotted(os.path.relpath(path, root))
        return _Module(imported or place, named_by_place=True, run_as=run_as)
    if not os.path.exists(path):  # in a zip archive, or gone
        bare = imported if imported and "." in imported else None
        return _Module(bare or dotted(os.path.basename(path)), bare is not None, run_as)
    return _Module(*name_by_place(path), run_as)


def name_by_place(path: str) -> tuple[str, bool]:
    """Return the module's name by rules 2 to 4, and whether it comes from a package or project."""
    folder = os.path.dirname(path)
    project = project_of(folder)
    source = os.path.join(project.root, "src") if project else None
    top, depth = folder, 0
    while (
        not (project and top == project.root)
        and top != source
        and os.path.isfile(os.path.join(top, "__init__.py"))
        and os.path.dirname(top) != top
    ):
        top, depth = os.path.dirname(top), depth + 1
    nameless = top == source and os.path.isfile(os.path.join(top, "__init__.py"))
    if depth and not nameless:
        return dotted(os.path.relpath(path, top)), True
    if project is not None:
        place = dotted(os.path.relpath(path, project.root))
        return f"{project.name}:{place.removeprefix('src.')}", True
    return dotted(os.path.basename(path)), False


def earlier_names(function: Callable[..., Any]) -> list[tuple[str, bool]]:
    """Return the names that a function's module would have had before housekeeping.

    Such as before the repository had a remote or another one, before there was a `pyproject.toml`
    or an `__init__.py`: the stem of the file, and its place in every project or repository around.

    Returns:
        Names, each with whether the fingerprint of the code was part of the key. The present name
        may be among them.

    Raises:
        CreatorError: `function` is not written in Python.
    """
    inner = innermost(function)
    file = source_file(inner)
    if file is None:
        return []
    path = real_path(file)
    folder = os.path.dirname(path)
    if installed_root(folder) is not None:
        return []
    by_itself = any(name != "__class__" for name in inner.__code__.co_freevars)
    by_itself = by_itself or "<lambda>" in inner.__qualname__
    found = {(dotted(os.path.basename(path)), True): None}
    top = folder
    while os.path.isfile(os.path.join(top, "__init__.py")) and os.path.dirname(top) != top:
        top = os.path.dirname(top)
        found[dotted(os.path.relpath(path, top)), by_itself] = None
    for project in projects_around(folder):
        place = dotted(os.path.relpath(path, project.root))
        found[f"{project.name}:{place.removeprefix('src.')}", by_itself] = None
    return list(found)


def is_replaced(function: Callable[..., Any]) -> bool:
    """Return whether the function's module now has other code under the function's name.

    Objects around functions keep the old function when a module is reloaded, in every place that
    imported them by name. Never true for scripts and notebooks, where names are bound again on
    purpose, and for functions within functions.

    Raises:
        CreatorError: `function` is not written in Python.
    """
    inner = innermost(function)
    name = inner.__qualname__
    module = sys.modules.get(inner.__module__)
    if module is None or inner.__module__ in MAIN_NAMES or "<locals>" in name:
        return False
    found: Any = module
    for part in name.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    try:
        other = innermost(found)
    except CreatorError:
        return False
    if other is inner or (other.__module__, other.__qualname__) != (inner.__module__, name):
        return False
    return byte_code(other.__code__) != byte_code(inner.__code__)
