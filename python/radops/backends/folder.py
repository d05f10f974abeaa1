"""A backend in a folder: the local home, or a shared folder used as a remote."""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typing_extensions import override

from radops import native
from radops.backends import folder_temp
from radops.backends.base import Backend, Entry, KeyNotFoundError, Upload
from radops.backends.folder_errors import ABSENT, translate, translated
from radops.backends.folder_files import FileReader, FileUpload
from radops.backends.folder_list import list_folder
from radops.backends.folder_tree import FILE_MODE, Tree, discard
from radops.backends.forking import renew_after_fork
from radops.backends.parts import PART_SIZE, Parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.backends.base import Reader


class FolderBackend(Backend):
    """Keys are paths below `root`; unfinished files are in `<root>/tmp/`.

    Files have mode 0444 and appear whole: written under a temporary name, made durable, then
    linked (`create`) or renamed (the rest) to their own. Folders come and go with their files.
    Links are not followed at a key; keys under `tmp/` are refused.

    Args:
        root: The folder. A home is made at the first write; a remote's must be there.
        remote: Whether it is used as a remote: a missing folder is then no empty store but an
            error, and errors are `RemoteRefusedError` and `RemoteUnavailableError`.
        shared: "group" makes folders g+rws and files readable, whatever the umask.
        part_size: Bytes of a part of an upload.
        durable: Whether `flush` is a barrier. Without it everything is as atomic as ever, but
            may be gone after a loss of power: for leases.

    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        remote: bool = False,
        shared: Literal["group"] | None = None,
        part_size: int = PART_SIZE,
        durable: bool = True,
    ) -> None:
        self._root = Path(os.path.normpath(Path(root).absolute()))
        self._remote = remote
        self._part_size = part_size
        self._shared = shared
        self._fleeting: FolderBackend | None = None
        self._tree = Tree(self._root, remote=remote, group=shared == "group", durable=durable)
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the locks, which threads of the parent may hold."""
        self._tree.after_fork()

    @property
    @override
    def url(self) -> str:
        return self._root.as_uri()

    @property
    def root(self) -> Path:
        """The folder itself."""
        return self._root

    @property
    @override
    def is_local(self) -> bool:
        return True

    @property
    @override
    def max_connections(self) -> int:
        return 1

    def fleeting(self) -> FolderBackend:
        """Return a backend on the same folder that waits for no disk; the same one every time."""
        if self._fleeting is None:
            self._fleeting = FolderBackend(
                self._root,
                remote=self._remote,
                shared=self._shared,
                part_size=self._part_size,
                durable=False,
            )
        return self._fleeting

    # Reading

    @override
    def stat(self, key: str) -> Entry | None:
        path = self._tree.path(key)
        with self._translated():
            status = self._lstat(path)
            if status is None or not stat.S_ISREG(status.st_mode):
                return None
            return Entry(key, status.st_size, status.st_mtime)

    @override
    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        if start < 0 or (length is not None and length < 0):
            raise ValueError(f"{key}: no bytes at {start} + {length}")
        path = self._tree.path(key)
        with self._translated():
            try:
                return FileReader(path, key, start, length)
            except KeyNotFoundError:
                self._tree.check_root()
                raise

    def path(self, key: str) -> Path:
        """Return where the key's file is or would be, for readers that need a path."""
        return Path(self._tree.path(key))

    @override
    def now(self) -> float:
        with self._translated():
            if self._tree.prepare().local:  # one kernel, one clock
                return time.time()
            with self._tree.written([b""]) as (path,):
                return os.lstat(path).st_mtime

    # Writing

    @override
    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        with self._written(items) as (temporaries, targets):
            self._tree.rename(temporaries, targets)

    @override
    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        with self._written(items) as (temporaries, targets):
            return self._tree.create(temporaries, targets)

    @override
    def upload(self, key: str, size: int) -> Upload:
        target = self._tree.path(key)
        parts = Parts(key, size, self._part_size)
        with self._translated():
            barrier = self._tree.prepare()
            (path,) = self._tree.new_temporaries(1)
            file = self._tree.new_file(path)
            try:
                if size and barrier.can_preallocate:  # a full disk errs now, not after hours
                    os.posix_fallocate(file.fileno(), 0, size)
            except BaseException:
                file.close()
                discard(path)
                raise
        return FileUpload(
            parts, (path, file), lambda: self._tree.rename([path], [target]), self._translate
        )

    def new_temporaries(self, count: int) -> list[Path]:
        """Return paths that do not exist yet, for files that `adopt` will take over."""
        with self._translated():
            self._tree.prepare()
        return [Path(path) for path in self._tree.new_temporaries(count)]

    def adopt(self, items: Sequence[tuple[Path, str]]) -> None:
        """Rename finished files to their keys, replacing; one batch.

        The files were made at paths of `new_temporaries`. They become read-only, and their time
        of modification becomes now: `Entry.modified` is when something came into the store.
        Durable after the next `flush`, content never after name.
        """
        targets = [self._tree.path(key) for _, key in items]
        with self._translated():
            barrier = self._tree.prepare()
            paths = [str(path) for path, _ in items]
            for failure in native.finish_files(paths, mode=FILE_MODE):
                if failure is not None:
                    raise failure
            barrier.sync_contents(paths)
            self._tree.rename(paths, targets)

    # The rest

    @override
    def move(self, source: str, target: str) -> None:
        path, new = self._tree.path(source), self._tree.path(target)
        with self._translated():
            before = self._lstat(path)
            if before is None or not stat.S_ISREG(before.st_mode):
                raise KeyNotFoundError(source)
            if path == new:
                return
            self._tree.prepare()
            try:
                self._tree.rename([path], [new])
            except FileNotFoundError:  # another process was faster
                raise KeyNotFoundError(source) from None
            # rename(2) does nothing where both names are links to one file.
            with suppress(FileNotFoundError):
                if os.path.samestat(before, os.lstat(path)):
                    Path(path).unlink()
            self._tree.prune(path)

    @override
    def delete(self, keys: Sequence[str]) -> None:
        paths = [self._tree.path(key) for key in keys]
        with self._translated():
            self._tree.check_root()
            if not self._root.is_dir():
                return
            self._tree.prepare()
            for path in paths:
                status = self._lstat(path)
                if status is None or stat.S_ISDIR(status.st_mode):
                    continue
                Path(path).unlink(missing_ok=True)
                self._tree.prune(path)

    @override
    def include(self, keys: Sequence[str]) -> None:
        paths = [self._tree.path(key) for key in keys]
        if paths:
            with self._translated():
                self._tree.prepare()
            self._tree.touched(paths)

    @override
    def flush(self) -> None:
        barrier = self._tree.barrier
        if barrier is not None:
            with self._translated():
                barrier.flush()

    @override
    def close(self) -> None:
        self._tree.close()
        if self._fleeting is not None:
            self._fleeting.close()

    def prepare_root(self) -> None:
        """Make the root where it is absent, also for a remote: for setting one up."""
        with self._translated():
            self._tree.make_folder(str(self._root), may_be_root=True)

    @override
    def remove_stale(self, grace: float) -> int:
        # Also what processes of this host left that are gone, whatever the grace.
        with self._translated():
            return folder_temp.remove_stale(Path(self._tree.tmp), grace)

    @contextmanager
    def _written(self, items: Sequence[tuple[str, bytes]]) -> Iterator[tuple[list[str], list[str]]]:
        """Give temporary files with the contents, and the paths that they are to have."""
        targets = [self._tree.path(key) for key, _ in items]
        with self._translated(), self._tree.written([body for _, body in items]) as temporaries:
            yield temporaries, targets

    def _lstat(self, path: str) -> os.stat_result | None:
        try:
            return os.lstat(path)
        except OSError as error:
            if error.errno not in ABSENT:
                raise
        self._tree.check_root()
        return None

    def _translate(self, error: OSError) -> Exception:
        return translate(error, self._root, remote=self._remote)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with translated(self._root, remote=self._remote):
            yield

    @override
    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        # Last in the class: below it, `list` is this method and no type any more.
        with self._translated():
            self._tree.check_root()
            yield from list_folder(str(self._root), prefix, recursive=recursive)
