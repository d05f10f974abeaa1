"""Checking a remote for real, step by step, before a context relies on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.backends.folder.backend import FolderBackend
from radops.backends.folder.permissions import readers
from radops.backends.open import open_backend
from radops.errors import RadopsError, RemoteUnavailableError, UnsafeRemoteError
from radops.lake.context_binding import read_binding
from radops.repository.refs.remote import foreign, read_marker

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.backends.base import Backend
    from radops.config import Settings


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One thing that was tried on a remote."""

    name: str
    ok: bool
    message: str
    hint: str | None = None
    exit_code: int = 0
    """What a command that fails so ends with."""


def check_remote(settings: Settings, *, create: bool = False) -> list[CheckStep]:
    """Try what radops needs of a remote: read, list, write, create once, delete.

    What was written for the purpose is removed again. The first step that fails ends the check,
    except for rights that only writers or curators need.

    Args:
        settings: The settings of the context.
        create: Make the shared folder of the remote if it is missing and its parent exists.

    Returns:
        Every step that was tried, in order.
    """
    home = _check_home(settings)
    if settings.remote is None:
        none = CheckStep("remote", ok=True, message="none: everything stays on this machine")
        return [*home, none]
    try:
        backend = open_backend(settings.remote, settings.options, shared=settings.shared)
    except RadopsError as error:
        return [*home, _failed("remote", error)]
    try:
        return home + _Check(settings, backend, create=create).run()
    finally:
        backend.close()


def _check_home(settings: Settings) -> list[CheckStep]:
    """Tell if others can read a home that is not shared: homes of earlier versions were open."""
    storage = settings.home / "storage"
    others = readers(storage)
    if settings.shared is not None or not others:
        return []
    who = "everyone on this machine" if others == "everyone" else "its group"
    message = f"{storage} can be read by {who}, and so can all files of its lakes"
    hint = f"if that is not meant: chmod -R go= {storage}"
    return [CheckStep("home", ok=True, message=f"{message}; {hint}", hint=hint)]


def _failed(name: str, error: RadopsError) -> CheckStep:
    return CheckStep(
        name, ok=False, message=error.message, hint=error.hint, exit_code=error.exit_code
    )


class _Check:
    def __init__(self, settings: Settings, backend: Backend, *, create: bool) -> None:
        self._settings = settings
        self._create_root = create
        self._backend = backend
        # Below `leases/`, where a collector cleans up if this process is killed.
        self._key = f"leases/check-{os.urandom(8).hex()}"

    def run(self) -> list[CheckStep]:
        steps: list[CheckStep] = []
        for name, attempt in (
            ("read and list", self._read),
            ("lake", self._lake),
            ("write", self._write),
            ("create once", self._create),
            ("delete", self._delete),
        ):
            steps.append(self._step(name, attempt))
            if not steps[-1].ok:
                break
        if any(step.name == "write" and step.ok for step in steps[:-1]) and not steps[-1].ok:
            self._step("clean up", self._delete)
        return steps

    @staticmethod
    def _step(name: str, attempt: Callable[[], str]) -> CheckStep:
        try:
            return CheckStep(name, ok=True, message=attempt())
        except RadopsError as error:
            return _failed(name, error)

    def _read(self) -> str:
        made = self._find_root()
        # First, since the answer to a listing names the problem with credentials: a HEAD's cannot.
        next(iter(self._backend.list("refs/", recursive=False)), None)
        found = self._backend.stat("radops.cbor")
        if made:
            return f"{self._backend.url} did not exist: the folder was made"
        return f"{self._backend.url} {'answers' if found is None else 'holds a lake'}"

    def _find_root(self) -> bool:
        """Return whether the remote's folder was missing and has been made.

        Raises:
            RemoteUnavailableError: The folder, or its parent, is missing: misspelt or not mounted.
        """
        root = self._backend.root
        if root is None or os.path.lexists(root):
            return False
        if not os.path.lexists(root.parent):
            raise RemoteUnavailableError(
                f"{self._backend.url} does not exist, nor does the folder around it",
                hint=f"check the spelling; mount or make {root.parent} first",
            )
        if not self._create_root:
            raise RemoteUnavailableError(
                f"{self._backend.url} does not exist",
                hint="mount it, or make it: radops config setup",
            )
        return self._backend.create_root()

    def _lake(self) -> str:
        marker = read_marker(self._backend)
        storage = FolderBackend(self._settings.home / "storage")
        binding = read_binding(storage, self._settings.context)
        if marker is None:
            return "none yet: the first write makes one"
        if binding is None:
            return f"lake {marker.lake_id[:8]}…, which this context will join"
        if binding.lake_id == marker.lake_id:
            return f"lake {marker.lake_id[:8]}…, the one of this context"
        files = next(iter(storage.list(f"lakes/{binding.lake_id}/refs/")), None)
        if files is None:
            return f"lake {marker.lake_id[:8]}…, which this context will join: it is empty here"
        raise foreign(self._backend.url, marker.lake_id, binding.lake_id)

    def _write(self) -> str:
        self._backend.put([(self._key, b"first")])
        with self._backend.open(self._key) as reader:
            if reader.read() != b"first":
                raise UnsafeRemoteError("what was written was not read back")
        return "what is written is read back"

    def _create(self) -> str:
        if self._backend.create([(self._key, b"second")]) != [False]:
            raise UnsafeRemoteError(
                f"{self._backend.url} ignores create-if-absent (If-None-Match)",
                hint="two writers could overwrite each other's files; use a server that honours it",
            )
        return "of two writers of one name, one is told"

    def _delete(self) -> str:
        self._backend.delete([self._key])
        return "works; only curators need it"
