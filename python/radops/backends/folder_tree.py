"""Names below one folder, made and removed while other processes do the same.

Everything here raises `OSError`; `folder.py` turns that into errors of radops.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from radops import native
from radops.backends import durability
from radops.backends.durability import Barrier, NoBarrier
from radops.backends.folder_errors import NO_HARD_LINKS, NO_SUCH_RENAME
from radops.backends.folder_temp import FOLDER, TemporaryNames
from radops.backends.keys import check_key
from radops.errors import RemoteUnavailableError, UnsafeRemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

# Nothing is ever written in place, so nothing needs to be writable: `put` renames over it.
FILE_MODE = 0o444
_GROUP_FOLDER_MODE = 0o2775

_TRIES = 20
"""How often a name is tried again while others remove its empty folder or create it. Each try
is lost only when another process made progress in between."""


class Tree:
    """Keys as paths below a root, finished files only; the unfinished ones are in `tmp/`.

    Args:
        root: The folder, an absolute path.
        remote: Whether the root must be there already.
        group: Whether folders are made g+rws and files readable, whatever the umask.
        durable: Whether what is written must survive a loss of power.

    """

    def __init__(self, root: Path, *, remote: bool, group: bool, durable: bool = True) -> None:
        self.root = root
        self.tmp = f"{root}/{FOLDER}"
        self.barrier: Barrier | None = None
        self._root = str(root)
        self._remote = remote
        self._group = group
        self._durable = durable
        self._names = TemporaryNames()
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """Replace the locks, which threads of the parent may hold."""
        self._lock = threading.Lock()
        if self.barrier is not None:
            self.barrier.after_fork()

    def path(self, key: str) -> str:
        """Return the path of a key; `ValueError` for one that could be elsewhere."""
        check_key(key)
        if key.partition("/")[0] == FOLDER:
            raise ValueError(f"not a key: {key!r} is where unfinished files are")
        return f"{self._root}/{key}"

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
                with suppress(OSError):  # a folder of somebody else's
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

    # Unfinished files

    def new_temporaries(self, count: int) -> list[str]:
        """Return paths below `tmp/` that were never used."""
        return [f"{self.tmp}/{name}" for name in self._names.take(count)]

    def new_file(self, path: str) -> io.FileIO:
        """Make a file to write to, which nobody can open for writing a second time."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        file = self._in_folder(path, lambda: io.FileIO(os.open(path, flags, FILE_MODE), "r+"))
        if self._group:
            os.fchmod(file.fileno(), FILE_MODE)
        return file

    @contextmanager
    def written(self, bodies: Sequence[bytes]) -> Iterator[list[str]]:
        """Give temporary files with these contents, durable already: one barrier for all.

        Those that are still there at the end of the block are removed. What `create` and
        `rename` gave a name to, they take out of the list.
        """
        barrier = self.prepare()
        paths = self.new_temporaries(len(bodies))
        try:
            self._write(list(zip(paths, bodies, strict=True)))
            barrier.sync_contents(paths)
            yield paths
        finally:
            for path in paths:
                discard(path)

    def _write(self, files: list[tuple[str, bytes]]) -> None:
        failures = native.write_files(files, mode=FILE_MODE)
        for (path, body), failure in zip(files, failures, strict=True):
            if isinstance(failure, FileNotFoundError):  # the folder was removed by others
                with self.new_file(path) as file:
                    view = memoryview(body)
                    while view:
                        view = view[file.write(view) :]
            elif failure is not None:
                raise failure
            elif self._group:
                os.chmod(path, FILE_MODE)  # noqa: PTH101 - one of very many

    # Names

    def create(self, temporaries: list[str], targets: Sequence[str]) -> list[bool]:
        """Give finished files the paths of their keys, unless one is taken: then False.

        Files that have their names are taken out of `temporaries`.
        """
        pairs = list(zip(temporaries, targets, strict=True))
        # A network folder that lost the reply would say that the name is taken, by ourselves.
        alone = self.barrier is not None and self.barrier.local and not self._group
        try:
            failures = native.place_files(pairs, replace=False) if alone else [True] * len(pairs)
            answers = [
                failure is None or self._create_one(temporary, target)
                for (temporary, target), failure in zip(pairs, failures, strict=True)
            ]
        finally:
            # Also what was found: who wrote it may not have come to flush it. And of a batch that
            # fails some have their names all the same.
            self.touched(targets)
        temporaries[:] = [
            temporary
            for temporary, failure in zip(temporaries, failures, strict=True)
            if failure is not None
        ]
        return answers

    def _create_one(self, temporary: str, target: str) -> bool:
        def attempt() -> bool:
            try:
                self._link(temporary, target)
            except FileExistsError:
                if os.lstat(temporary).st_nlink > 1:
                    return True  # NFS: the first try did it, its reply was lost
                if not stat.S_ISREG(os.lstat(target).st_mode):
                    raise  # a folder or a link: neither is this key
                return False
            return True

        return self._in_folder(target, attempt)

    def _link(self, temporary: str, target: str) -> None:
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
        else:
            return
        try:
            native.rename_noreplace(temporary, target)
        except OSError as error:
            if error.errno not in NO_SUCH_RENAME:
                raise
            raise UnsafeRemoteError(
                f"the file system of {self.root} cannot create a file only if it is absent",
                hint="it has neither hard links nor an exclusive rename; use another folder",
            ) from error

    def rename(self, paths: list[str], targets: Sequence[str]) -> None:
        """Give finished files the paths of their keys, replacing what is there.

        They are taken out of `paths`, as nothing is there any more.
        """
        pairs = list(zip(paths, targets, strict=True))
        alone = not self._group  # folders of a group have rights of their own
        try:
            failures = native.place_files(pairs, replace=True) if alone else [True] * len(pairs)
            for (path, target), failure in zip(pairs, failures, strict=True):
                if failure is not None:
                    self._rename_one(path, target)
        finally:  # of a batch that fails some have their names all the same
            self.touched(targets)
        paths.clear()

    def _rename_one(self, path: str, target: str) -> None:
        def attempt() -> None:
            try:
                os.rename(path, target)  # noqa: PTH104 - as its errors are told apart
            except FileNotFoundError:
                if not os.path.lexists(path):
                    raise _SourceGoneError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
                raise

        self._in_folder(target, attempt)

    def _in_folder(self, path: str, attempt: Callable[[], T]) -> T:
        """Make the folder of `path` if `attempt` misses it, while others may remove it again."""
        for number in range(_TRIES):
            try:
                return attempt()
            except _SourceGoneError:  # noqa: PERF203
                raise
            except FileNotFoundError:
                with suppress(FileNotFoundError):  # removed again at once
                    self.make_folder(path.rpartition("/")[0])
            except PermissionError:
                # Another member of the group may have made the folder an instant ago and not
                # opened it to the group yet.
                if not self._group:
                    raise
                time.sleep(0.001 * number)
        return attempt()

    def make_folder(self, path: str, *, may_be_root: bool = False) -> None:
        """Make a folder and those above it; a remote's root only if `may_be_root`."""
        if path == self._root and not may_be_root:
            self.check_root()
        try:
            try:
                Path(path).mkdir()
            except FileNotFoundError:
                parent = path.rpartition("/")[0]
                self.make_folder(parent or "/", may_be_root=may_be_root)
                Path(path).mkdir()
        except FileExistsError:
            # FileNotFoundError if it was removed again at once: then callers try again.
            if not stat.S_ISDIR(Path(path).stat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        else:
            if self._group and path.startswith(self._root):
                Path(path).chmod(_GROUP_FOLDER_MODE)
            if self._durable and self._root.startswith(f"{path}/"):
                with suppress(OSError):
                    durability.sync_path(path.rpartition("/")[0] or "/")

    def prune(self, path: str) -> None:
        """Remove the folders that became empty when the file at `path` went away."""
        self.touched([path])
        # Stops at the first folder that is not empty, or gone, or not ours.
        with suppress(OSError):
            while (path := path.rpartition("/")[0]) != self._root:
                Path(path).rmdir()

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


class _SourceGoneError(FileNotFoundError):
    """What was to be renamed is not there; making folders would not help."""


def discard(path: str) -> None:
    """Remove a temporary file; if that fails, it is removed later as a leftover."""
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - one of very many
