"""The folders below one root: made, removed and given modes while other processes do the same."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from radops.backends import durability
from radops.backends.durability import Barrier, NoBarrier
from radops.backends.folder import permissions
from radops.backends.folder.beneath import Beneath, Plain
from radops.backends.folder.temporary import FOLDER, TemporaryNames
from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

_TRIES = 20
"""How often a name is tried again while others remove its empty folder or create it. Each try
is lost only when another process made progress in between."""


class Folders:
    """A root and the folders below it. Raises `OSError`; the backend turns that into its errors.

    Args:
        root: The folder, an absolute path.
        remote: Whether the root must be there already.
        group: Whether folders are made g+rws and files readable, whatever the umask.
        private: Whether a root that is absent is made for its owner alone.
        durable: Whether what is written must survive a loss of power.
    """

    def __init__(
        self,
        root: Path,
        *,
        remote: bool,
        group: bool,
        private: bool = False,
        durable: bool = True,
    ) -> None:
        self.root = root
        self.tmp = f"{root}/{FOLDER}"
        self.barrier: Barrier | None = None
        self._root = str(root)
        self._remote = remote
        self._group = group
        self._private = private
        self._file_mode = 0
        self._durable = durable
        self._names = TemporaryNames()
        # Where several people write, one of them may put a link in the place of a folder.
        self._shared = remote or group
        self.calls = Beneath(self._root) if self._shared else Plain()
        self._beneath: dict[str, Any] = {"beneath": self._root} if self._shared else {}
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """Replace the locks, which threads of the parent may hold."""
        self._lock = threading.Lock()
        if self.barrier is not None:
            self.barrier.after_fork()

    @property
    def file_mode(self) -> int:
        """The mode of finished files, by that of the root when it is first needed."""
        if not self._file_mode and self.root.is_dir():
            self._file_mode = permissions.file_mode(self.root, group=self._group)
        return self._file_mode or permissions.file_mode(self.root, group=self._group)

    @property
    def _folder_mode(self) -> int | None:
        """The mode of folders, whatever the umask; None where the umask of each writer counts."""
        if self._group:
            return permissions.group_folder_mode(self.root)
        return permissions.shared_folder_mode(self.root) if self._remote else None

    def check_root(self) -> None:
        """Tell a key that is absent from a remote that is: an unmounted share is not empty."""
        if self._remote and not self.root.is_dir():
            raise RemoteUnavailableError(
                f"there is no folder {self.root}", hint="mount it, or make it"
            )

    def prepare(self) -> Barrier:
        """Make what the first write needs."""
        barrier = self.barrier
        if barrier is None:
            self.make_folder(self.tmp)
            if self._durable:  # nothing below the root is durable before the root is
                with suppress(OSError):  # another user's folder
                    durability.sync_path(str(self.root.parent))
            with self._lock:
                if self.barrier is None:
                    self.barrier = (Barrier if self._durable else NoBarrier)(self.root)
                barrier = self.barrier
        return barrier

    def close(self) -> None:
        """Give the descriptor back."""
        with self._lock:
            barrier, self.barrier = self.barrier, None
        if barrier is not None:
            barrier.close()

    def in_folder(self, path: str, attempt: Callable[[], T]) -> T:
        """Make the folder of `path` if `attempt` misses it, while others may remove it again."""
        for number in range(_TRIES):
            try:
                return attempt()
            except SourceGoneError:  # noqa: PERF203
                raise
            except FileNotFoundError:
                with suppress(FileNotFoundError):  # removed again at once
                    self.make_folder(path.rpartition("/")[0])
            except PermissionError:
                # Another member of the group may have made the folder an instant ago and not
                # opened it to the group yet.
                if self._folder_mode is None:
                    raise
                time.sleep(0.001 * number)
        return attempt()

    def make_folder(self, path: str, *, may_be_root: bool = False) -> None:
        """Make a folder and those above it; a remote's root only if `may_be_root`."""
        if path == self._root and not may_be_root:
            self.check_root()
        try:
            mode = permissions.PRIVATE_ROOT if self._private and path == self._root else 0o777
            try:
                self.calls.mkdir(path, mode)
            except FileNotFoundError:
                parent = path.rpartition("/")[0]
                self.make_folder(parent or "/", may_be_root=may_be_root)
                self.calls.mkdir(path, mode)
        except FileExistsError:
            if not self.calls.is_folder(path):
                # FileNotFoundError if it was removed again at once: then callers try again.
                self.calls.lstat(path)
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        else:
            if path == self._root and self._group:
                permissions.set_mode(path, permissions.GROUP_ROOT)
            elif path.startswith(f"{self._root}/") and (shared := self._folder_mode) is not None:
                with permissions.allowed_to_fail():
                    self.calls.chmod_folder(path, shared)
            if self._durable and self._root.startswith(f"{path}/"):
                with suppress(OSError):
                    durability.sync_path(path.rpartition("/")[0] or "/")

    def prune(self, path: str) -> None:
        """Remove the folders that became empty when the file at `path` was removed."""
        self.touched([path])
        # Stops at the first folder that is not empty, or gone, or not ours.
        with suppress(OSError):
            while (path := path.rpartition("/")[0]) != self._root:
                self.calls.rmdir(path)

    def touched(self, paths: Iterable[str]) -> None:
        """Note for the next flush that names were made or removed.

        All folders up to the root count: another process may have made them an instant ago
        and not have made them durable.
        """
        if self.barrier is None:
            return
        folders = {self._root}
        for path in paths:
            folder = path.rpartition("/")[0]
            while folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        self.barrier.touched(folders)


class SourceGoneError(FileNotFoundError):
    """What was to be renamed is not there; making folders would not help."""
