"""A backend in a folder: the local home, or a shared folder used as a remote."""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typing_extensions import override

from radops.backends.base import Backend, Entry, KeyNotFoundError, Upload
from radops.backends.folder import temporary
from radops.backends.folder.errors import ABSENT, translate, translated
from radops.backends.folder.files import FileReader, FileUpload
from radops.backends.folder.listing import list_folder
from radops.backends.folder.tree import Tree
from radops.backends.forking import renew_after_fork
from radops.backends.parts import PART_SIZE, Parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.backends.base import Reader


class FolderBackend(Backend):
    """Keys are paths below `root`; unfinished files are in `<root>/tmp/`.

    Files are read-only (0400, 0440 or 0444, by who may use the root), and appear whole: written
    under a temporary name, made durable, then linked (`create`) or renamed (the rest) to their own.
    Folders come and go with their files. Links are not followed at a key; keys under `tmp/` are
    refused.

    Args:
        root: The folder. A home is made at the first write; a remote's must be there.
        remote: Whether it is used as a remote: a missing folder is then no empty store but an
            error, and errors are `RemoteRefusedError` and `RemoteUnavailableError`.
        shared: "group" makes folders g+rws and files readable, whatever the umask.
        private: Whether a root that does not exist is made for its owner alone.
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
        private: bool = False,
        part_size: int = PART_SIZE,
        durable: bool = True,
    ) -> None:
        self._root = Path(os.path.normpath(Path(root).absolute()))
        self._remote = remote
        self._part_size = part_size
        self._shared = shared
        self._undurable: FolderBackend | None = None
        self._private = private
        self._tree = Tree(
            self._root, remote=remote, group=shared == "group", private=private, durable=durable
        )
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the locks, which threads of the parent may hold."""
        self._tree.after_fork()

    @property
    @override
    def url(self) -> str:
        return self._root.as_uri()

    @property
    @override
    def root(self) -> Path:
        return self._root

    @property
    @override
    def is_local(self) -> bool:
        return True

    @property
    @override
    def max_connections(self) -> int:
        return 1

    @override
    def without_durability(self) -> FolderBackend:
        """Return a backend on the same folder whose `flush` is free; the same one every time."""
        if self._undurable is None:
            self._undurable = FolderBackend(
                self._root,
                remote=self._remote,
                shared=self._shared,
                private=self._private,
                part_size=self._part_size,
                durable=False,
            )
        return self._undurable

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
                return FileReader(self._tree.calls, path, key, start, length)
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
                return self._tree.calls.lstat(path).st_mtime

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
                if size and barrier.can_preallocate:  # a full disk fails now, not after hours
                    os.posix_fallocate(file.fileno(), 0, size)
            except BaseException:
                file.close()
                temporary.discard(path)
                raise
        return FileUpload(
            parts, (path, file), lambda: self._tree.rename([path], [target]), self._translate
        )

    @property
    def file_mode(self) -> int:
        """The mode that finished files get: read-only, for those that may use the root."""
        return self._tree.file_mode

    @property
    def is_group(self) -> bool:
        """Whether the folder is shared by a group, whatever each member's umask."""
        return self._shared == "group"

    def lstat(self, name: str) -> os.stat_result:
        """Return the stat of a file below the root, whatever its kind; raises `OSError`."""
        return self._tree.calls.lstat(self._tree.below(name))

    def unlink(self, name: str) -> None:
        """Remove a file below the root, whatever its kind; raises `OSError`. Its folder stays."""
        self._tree.calls.unlink(self._tree.below(name))

    def rename(self, source: str | Path, name: str) -> None:
        """Rename a file below the root over what has the name; raises `OSError`. Not durable."""
        self._tree.calls.rename(str(source), self._tree.below(name))

    def rename_all(self, pairs: Sequence[tuple[str, str]]) -> Sequence[OSError | None]:
        """Do what `rename` does for many files; return what is wrong with each.

        Folders that are not there are made.
        """
        return self._tree.rename_all([(path, self._tree.below(name)) for path, name in pairs])

    def make_folder(self, path: Path) -> None:
        """Make a folder below the root, with those above it, unless it exists.

        Raises `OSError`, as its callers make files in it.
        """
        self._tree.make_folder(str(path))

    def new_temporaries(self, count: int) -> list[Path]:
        """Return paths that do not exist yet, for files that `adopt` will take over."""
        with self._translated():
            self._tree.prepare()
            self._tree.check_tmp()
            return [Path(path) for path in self._tree.new_temporaries(count)]

    def adopt(
        self, items: Sequence[tuple[Path, str]], finished: frozenset[Path] = frozenset()
    ) -> None:
        """Rename finished files to their keys, replacing; one batch.

        The files were made at paths of `new_temporaries`. They become read-only, and their time
        of modification becomes now: `Entry.modified` is when something came into the store.
        Durable after the next `flush`, content never after name.

        Args:
            items: Path and key of each.
            finished: Paths of files whose mode and time are set already.
        """
        targets = [self._tree.path(key) for _, key in items]
        for path, _ in items:
            temporary.check_ours(path)
        with self._translated():
            barrier = self._tree.prepare()
            paths = [str(path) for path, _ in items]
            self._tree.finish([str(path) for path, _ in items if path not in finished])
            barrier.sync_contents(paths)
            self._tree.rename(paths, targets)

    def sync_tree(self, folder: Path) -> None:
        """Make all that was written below a folder of this store durable."""
        with self._translated():
            self._tree.prepare().sync_tree(str(folder))

    # The rest

    @override
    def move(self, source: str, target: str) -> None:
        if not self.move_all([(source, target)])[0]:
            raise KeyNotFoundError(source)

    def move_all(self, pairs: Sequence[tuple[str, str]]) -> list[bool]:
        """Do what `move` does for many keys, in one batch; False for each that is not there."""
        paths = [(self._tree.path(source), self._tree.path(target)) for source, target in pairs]
        with self._translated():
            self._tree.prepare()
            before = [self._lstat(path) for path, _ in paths]
            moved = [status is not None and stat.S_ISREG(status.st_mode) for status in before]
            places = [i for i, (path, new) in enumerate(paths) if moved[i] and path != new]
            answers = self._tree.move([paths[place] for place in places])
            for place, answer in zip(places, answers, strict=True):
                moved[place] = answer
                status = before[place]
                # rename(2) does nothing where both names are links to one file.
                if answer and status is not None and status.st_nlink > 1:
                    self._remove_same(paths[place][0], status)
            return moved

    def _remove_same(self, path: str, status: os.stat_result) -> None:
        with suppress(FileNotFoundError):
            if os.path.samestat(status, self._tree.calls.lstat(path)):
                self._tree.remove([path])

    @override
    def delete(self, keys: Sequence[str]) -> None:
        paths = [self._tree.path(key) for key in keys]
        with self._translated():
            self._tree.check_root()
            if not self._root.is_dir():
                return
            self._tree.prepare()
            self._tree.remove(paths)

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
        if self._undurable is not None:
            self._undurable.close()

    @override
    def create_root(self) -> bool:
        with self._translated():
            missing = not os.path.lexists(self._root)
            self._tree.make_folder(str(self._root), may_be_root=True)
            return missing

    @override
    def remove_stale(self, grace: float, below: Sequence[str] = ("",)) -> int:
        # Also what ended processes of this host left, whatever the grace.
        with self._translated():
            if not self._tree.calls.is_folder(self._tree.tmp):
                return 0  # absent, or a link was put in its place
            return temporary.remove_stale(Path(self._tree.tmp), grace)

    @contextmanager
    def _written(self, items: Sequence[tuple[str, bytes]]) -> Iterator[tuple[list[str], list[str]]]:
        """Give temporary files with the contents, and the paths that they are to have."""
        targets = [self._tree.path(key) for key, _ in items]
        with self._translated(), self._tree.written([body for _, body in items]) as temporaries:
            yield temporaries, targets

    def _lstat(self, path: str) -> os.stat_result | None:
        try:
            return self._tree.calls.lstat(path)
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
            yield from list_folder(self._tree.calls, str(self._root), prefix, recursive=recursive)
