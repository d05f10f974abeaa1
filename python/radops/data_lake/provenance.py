"""What a record says of the code that ran and what it ran in.

Everything is read once per process and repository; a call after the first adds what is new.
Nothing here fails because of the state of a repository or an installation: what cannot be known is
left open, and said so.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from radops.data_lake.code import git
from radops.data_lake.code.distributions import Installed
from radops.data_lake.code.modules import cached_path
from radops.data_lake.code.project import installed_root, source_file
from radops.data_lake.identity import identify, innermost
from radops.model.call import Code, Environment, Git
from radops.model.urls import strip_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.data_lake.fingerprint import Fingerprint

_installed = Installed()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where code came from."""

    code: Code
    """As the record holds it. `git.patch` is left open: see `git_patch`."""
    repository: str | None
    """The root of the git working tree that holds the function; None if it is in none."""
    notes: tuple[str, ...]
    """Why the commit may not show the code that ran, in words."""


def capture_code(function: Callable[..., Any], fingerprint: Fingerprint) -> Provenance:
    """Return where the code of a function came from.

    Args:
        function: The function.
        fingerprint: Of that function.

    Raises:
        CreatorError: `function` is not written in Python.
    """
    found, notes, root = _git(fingerprint)
    code = Code(
        fingerprint=fingerprint.digest,
        source=fingerprint.source,
        run_as=identify(function).run_as,
        git=found,
    )
    return Provenance(code, root, notes)


def _git(fingerprint: Fingerprint) -> tuple[Git | None, tuple[str, ...], str | None]:
    path = fingerprint.file
    if path is None:
        return None, (), None
    folder = os.path.dirname(path)  # noqa: PTH120 text, for speed
    # An environment within the repository holds other people's code.
    repository = None if installed_root(folder) else git.repository_of(folder)
    if repository is None:
        return None, (), None
    state = git.state(repository)
    place = _place(repository, path)
    tracked = git.is_tracked(repository, place, lambda: _files_in(repository))
    remote = git.remote_url(repository)
    notes = _notes(state, tracked=tracked)
    return (
        Git(
            remote=strip_url(remote) if remote else None,
            commit=state.commit,
            path=place,
            line=fingerprint.line,
            # A file that the commit lacks differs from it; and what git cannot tell is not clean.
            dirty=state.dirty is not False or tracked is False,
            pushed=state.pushed,
            patch=None,
        ),
        notes,
        repository.root,
    )


def _notes(state: git.GitState, *, tracked: bool | None) -> tuple[str, ...]:
    notes: list[str] = []
    if state.commit is None:
        return ("nothing was committed yet",)
    if tracked is False:
        notes.append("the file is not committed")
    if state.dirty:
        notes.append("the working tree had uncommitted changes")
    elif state.dirty is None:
        notes.append("git could not say whether there were uncommitted changes")
    if state.pushed is False:
        notes.append("the commit was not pushed")
    elif state.pushed is None:
        notes.append("git could not say whether the commit was pushed")
    return tuple(notes)


def _place(repository: git.GitRepository, path: str) -> str:
    return os.path.relpath(path, repository.root).replace(os.sep, "/")


def _files_in(repository: git.GitRepository) -> list[str]:
    """Return the loaded source files of a repository: likely to be asked about next."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    paths = (cached_path(file) for file in files if isinstance(file, str))
    inside = repository.root + os.sep
    return sorted(_place(repository, path) for path in paths if path.startswith(inside))


def git_patch(root: str) -> bytes | None:
    """Return how tracked files of a working tree differ from the commit, as `git apply` reads it.

    Covers tracked files only. At most 1 MiB; a longer one ends in a line that says so.

    Args:
        root: `Provenance.repository`.

    Returns:
        None if nothing differs, or git cannot say.
    """
    return git.patch(root)


def capture_environment() -> Environment:
    """Return what the process runs in, with the distributions that it has imported so far.

    Names of distributions are in their normal form (`scikit-learn`).
    """
    python, kind = _interpreter()
    return Environment(python=python, platform=kind, distributions=_installed.imported())


@lru_cache(maxsize=1)
def _interpreter() -> tuple[str, str]:
    version = platform.python_version()
    name = platform.python_implementation()
    return (version if name == "CPython" else f"{name} {version}"), sysconfig.get_platform()


def package_version(function: Callable[..., Any]) -> str | None:
    """Return the version of the distribution that holds a function's module.

    Also of one that is installed in place (`pip install -e`); None for scripts and notebooks.

    Raises:
        CreatorError: `function` is not written in Python.
    """
    file = source_file(innermost(function))
    return _installed.version_of(file) if file is not None else None
