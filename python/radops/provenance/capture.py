"""The provenance that a record keeps: the code that ran, its git state and its environment.

Each repository is read once per process. The state of a repository or an installation is never an
error: what cannot be determined is None, and a note says why.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from radops.format.call import Code, Environment, Git
from radops.provenance import git
from radops.provenance.distributions import Installed
from radops.provenance.identity import identify, innermost
from radops.provenance.modules import cached_path
from radops.provenance.project import installed_root, source_file
from radops.redact import strip_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.provenance.fingerprint import Fingerprint

_installed = Installed()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the code of a function came from."""

    code: Code
    """As the record holds it. `git.patch` is None: see `git_patch`."""
    repository: str | None
    """The root of the git working tree that holds the function; None if it is in none."""
    notes: tuple[str, ...]
    """Reasons why the commit may not show the code that ran."""


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
        parts=dict(fingerprint.parts) or None,
    )
    return Provenance(code, root, notes)


def _git(fingerprint: Fingerprint) -> tuple[Git | None, tuple[str, ...], str | None]:
    path = fingerprint.file
    if path is None:
        return None, (), None
    folder = os.path.dirname(path)
    # A virtual environment inside the repository holds installed code, not the user's.
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
            # A file that is not in the commit counts as a difference, and so does an unknown state.
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
    """Return the loaded source files of a repository: the next questions are likely about these."""
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
    """Return the environment of the process, with the distributions that it has imported so far.

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
