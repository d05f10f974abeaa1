"""What a source file belongs to: an installed distribution, a project of the user, or neither.

Identity, fingerprint and provenance use the same answer. It depends on files alone: not on how
Python was started, on `sys.path`, or on a `git` program.
"""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import sysconfig
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from radops.provenance import git

if TYPE_CHECKING:
    from types import FunctionType

MAIN_NAMES: Final = frozenset({"__main__", "__mp_main__"})
"""The names of the main module: the second in children that multiprocessing spawned."""

_SITE_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})
_RADOPS: Final = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the user, wherever its checkout is.

    The name comes from the nearest `pyproject.toml` that has one (`[project]`, else
    `[tool.poetry]`), else from the git remote of the repository that encloses the file.
    """

    root: str
    """The folder of that `pyproject.toml`, or of the repository."""
    name: str


def real_path(file: str) -> str:
    """Return the path of a source file without symbolic links, unless links make it installed.

    Installers may link each file of `site-packages` into a cache; such a file is where it was
    found, not where its bytes are.
    """
    path = os.path.abspath(file)
    return path if installed_root(os.path.dirname(path)) else os.path.realpath(path)


@lru_cache(maxsize=4096)
def installed_root(folder: str) -> str | None:
    """Return the folder that modules of `folder` were installed into; None if they were not.

    Installed are the standard library, everything below a folder named `site-packages` or
    `dist-packages`, and everything below a folder that holds `*.dist-info`, which is
    what `pip install --target` leaves.
    """
    path = Path(folder)
    for parent in (path, *path.parents):
        if parent.name in _SITE_FOLDERS:
            return str(parent)
        if _holds_distributions(str(parent)):
            return str(parent)
    for root in _standard_library():
        if path == Path(root) or Path(root) in path.parents:
            return root
    return None


@lru_cache(maxsize=4096)
def _holds_distributions(folder: str) -> bool:
    # Only a folder on the import path can be one, so folders of data are never listed.
    if folder not in _import_path(tuple(sys.path)):
        return False
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".dist-info") for entry in entries)
    except OSError:
        return False


@lru_cache(maxsize=8)
def _import_path(entries: tuple[str, ...]) -> frozenset[str]:
    return frozenset(os.path.abspath(entry) for entry in entries)


@lru_cache(maxsize=1)
def _standard_library() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths["stdlib"], paths["platstdlib"], str(Path(os.__file__).parent)}
    return tuple(sorted(found | {os.path.realpath(path) for path in found}))


def is_own_code(path: str) -> bool:
    """Whether the file is source code of the user: not installed, and not radops itself."""
    if not path.endswith((".py", ".pyw")) or path.startswith(_RADOPS + os.sep):
        return False
    return installed_root(os.path.dirname(path)) is None


@lru_cache(maxsize=4096)
def project_of(folder: str) -> Project | None:
    """Return the project that `folder` (an absolute path without links) belongs to.

    The search goes upwards and ends with the first folder that is a git repository: the folders
    around a checkout differ from machine to machine.
    """
    path = Path(folder)
    for parent in (path, *path.parents):
        name = _declared_name(parent)
        if name:
            return Project(str(parent), name)
        repository = git.repository_at(str(parent))
        if repository is not None:
            remote = git.remote_url(repository)
            name = git.repository_name(remote) if remote else None
            return Project(str(parent), name) if name else None
    return None


def projects_around(folder: str) -> list[Project]:
    """Return every project that `folder` could count to, by whichever name: the nearest first."""
    found = []
    path = Path(folder)
    for parent in (path, *path.parents):
        if name := _declared_name(parent):
            found.append(Project(str(parent), name))
        repository = git.repository_at(str(parent))
        if repository is not None:
            names = {git.repository_name(url) for url in git.remote_urls(repository).values()}
            found += [Project(str(parent), name) for name in sorted(filter(None, names))]
            break
    return found


@lru_cache(maxsize=4096)
def root_of(folder: str) -> str:
    """Return the folder of the project or repository that `folder` lies in, else `folder`."""
    project = project_of(folder)
    if project is not None:
        return project.root
    repository = git.repository_of(folder)
    return folder if repository is None else repository.root


def _declared_name(folder: Path) -> str | None:
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    # The parser had another name before it joined the standard library.
    parser = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        content: dict[str, Any] = parser.loads(text)
    except ValueError:
        # A pyproject.toml that does not parse is reported by other tools; here it has no name.
        return None
    for table in (content.get("project"), _table(content.get("tool")).get("poetry")):
        name = _table(table).get("name")
        if isinstance(name, str) and name.strip():
            return name.strip()
    return None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def dotted(relative: str) -> str:
    """Return the dotted form of a source file's path relative to some root.

    `__init__` becomes the name of its folder. Names are in Unicode's normal form C, because file
    systems differ in what they hand back.
    """
    parts = list(Path(relative).with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "__init__":
        del parts[-1]
    return unicodedata.normalize("NFC", ".".join(parts))


def source_file(function: FunctionType) -> str | None:
    """Return the source file of the module that a function was written in.

    None for what was typed into a notebook or at a prompt, or came from a pipe. The path is
    as Python has it: see `real_path`.
    """
    scope = function.__globals__
    code_file = function.__code__.co_filename
    if scope.get("__name__") in MAIN_NAMES:
        if _is_typed_in(code_file, scope.get("__file__")):
            return None
        name = os.path.basename(code_file)
        if scope.get("__file__") is None and name != os.path.basename(_SCRIPT or ""):
            # `python -i script.py`, and radops was imported at the prompt only.
            return os.path.abspath(code_file) if os.path.isfile(code_file) else None
    return scope_file(scope)


def scope_file(scope: dict[str, Any]) -> str | None:
    """Return the source file of the module whose variables these are."""
    file = scope.get("__file__")
    if file is None and scope.get("__name__") in MAIN_NAMES:
        # Python removes `__file__` once a script has ended, but threads may still run.
        file = _SCRIPT
    if not isinstance(file, str) or file.startswith("<"):
        return None
    return file[:-1] if file.endswith(".pyc") else file


def _is_typed_in(code_file: str, module_file: object) -> bool:
    """Whether code of a main module came from a prompt or a cell, not from the module's file."""
    if code_file.startswith("<"):  # a script from a pipe has `<stdin>` as both
        return True
    if code_file == module_file:
        return False
    # Cells of a notebook have names of files that need not exist; their lines never expire.
    entry = linecache.cache.get(code_file)
    return entry is not None and (len(entry) == 1 or entry[1] is None)


def _script() -> str | None:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.abspath(file) if isinstance(file, str) else None


_SCRIPT: Final = _script()
