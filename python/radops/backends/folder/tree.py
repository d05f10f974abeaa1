"""Names below one folder, made and removed while other processes do the same.

Everything here raises `OSError`; `backend.py` turns that into errors of radops.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from radops import native
from radops.backends.base import check_key
from radops.backends.folder import permissions
from radops.backends.folder.errors import ABSENT, NO_HARD_LINKS, NO_SUCH_RENAME
from radops.backends.folder.folders import Folders, SourceGoneError
from radops.backends.folder.temporary import FOLDER, discard
from radops.errors import UnsafeRemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Tree(Folders):
    """Keys as paths below a root, finished files only; the unfinished ones are in `tmp/`.

    See `Folders` for the arguments.
    """

    def path(self, key: str) -> str:
        """Return the path of a key; `ValueError` for one that could be elsewhere."""
        check_key(key)
        if key.partition("/")[0] == FOLDER:
            raise ValueError(f"not a key: {key!r} is where unfinished files are")
        return f"{self._root}/{key}"

    def below(self, name: str) -> str:
        """Return the path of a name below the root, such as a view's; it need not be a key."""
        if any(part in {"", ".", ".."} for part in name.split("/")) or "\0" in name:
            raise ValueError(f"not a name below a folder: {name!r}")
        return f"{self._root}/{name}"

    # Unfinished files

    def new_temporaries(self, count: int) -> list[str]:
        """Return paths below `tmp/` that were never used.

        Raises:
            PermissionError: The folder can only be read; names the root, not a file in it.
        """
        if not os.access(self.tmp, os.W_OK | os.X_OK, **_EFFECTIVE) and self.calls.is_folder(
            self.tmp
        ):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._root)
        return [f"{self.tmp}/{name}" for name in self._names.take(count)]

    def check_tmp(self) -> None:
        """Check that in a shared folder `tmp/` is no link, before others write to paths in it."""
        if self._shared:
            self.make_folder(self.tmp)

    def new_file(self, path: str) -> io.FileIO:
        """Make a file to write to, which cannot be opened for writing a second time."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = self.in_folder(path, lambda: self.calls.open(path, flags, self.file_mode))
        file = io.FileIO(descriptor, "r+")
        if self._shared:
            permissions.set_mode(file.fileno(), self.file_mode)
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
        failures = self._in_one_call(
            lambda: native.write_files(files, mode=self.file_mode, **self._beneath), len(files)
        )
        # The folder was removed by others, or another member of the group has just made it.
        again = (FileNotFoundError, PermissionError) if self._shared else FileNotFoundError
        for (path, body), failure in zip(files, failures, strict=True):
            if isinstance(failure, again):
                with self.new_file(path) as file:
                    view = memoryview(body)
                    while view:
                        view = view[file.write(view) :]
            elif failure is not None:
                raise failure

    @staticmethod
    def _in_one_call(
        call: Callable[[], list[OSError | None]], count: int
    ) -> Sequence[OSError | None]:
        """Make a call about many files; if it cannot begin, that is the error of each."""
        try:
            return call() if count else ()
        except OSError as error:  # the root is gone
            return [error] * count

    # Names

    def create(self, temporaries: list[str], targets: Sequence[str]) -> list[bool]:
        """Give finished files the paths of their keys, unless one is taken: then False.

        Files that have their names are taken out of `temporaries`.
        """
        pairs = list(zip(temporaries, targets, strict=True))
        # If a network folder loses the reply to a rename, the retry finds the name taken, by this
        # process itself; of a link, the number of names shows that.
        link = self.barrier is None or not self.barrier.local
        try:
            failures = self._place(pairs, replace=False, link=link)
            answers = [
                failure is None or self._create_one(temporary, target)
                for (temporary, target), failure in zip(pairs, failures, strict=True)
            ]
        finally:
            # Also files that were found: their writer may not have flushed them yet. And if a batch
            # fails, some of its files have got their names.
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
                if self.calls.lstat(temporary).st_nlink > 1:
                    return True  # NFS: the first try did it, its reply was lost
                if not stat.S_ISREG(self.calls.lstat(target).st_mode):
                    raise  # a folder or a link: neither is this key
                return False
            return True

        return self.in_folder(target, attempt)

    def _link(self, temporary: str, target: str) -> None:
        try:
            self.calls.link(temporary, target)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
        else:
            return
        try:
            (failure,) = self._place([(temporary, target)], replace=False)
            if failure is not None:
                raise failure
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
        try:
            failures = self._place(pairs, replace=True)
            for (path, target), failure in zip(pairs, failures, strict=True):
                if failure is not None:
                    self._rename_one(path, target)
        finally:  # if a batch fails, some files have got their names
            self.touched(targets)
        paths.clear()

    def rename_all(self, pairs: list[tuple[str, str]]) -> Sequence[OSError | None]:
        """Rename files over what has the names, not durably; return what is wrong with each."""
        return self._place(pairs, replace=True)

    def move(self, pairs: list[tuple[str, str]]) -> list[bool]:
        """Rename files that have their names already; False for each that is not there."""
        try:
            failures = self._place(pairs, replace=True)
            moved = [
                failure is None or self._is_moved(path, target)
                for (path, target), failure in zip(pairs, failures, strict=True)
            ]
        finally:
            self.touched([path for pair in pairs for path in pair])
        for path in {path.rpartition("/")[0]: path for path, _ in pairs}.values():
            self.prune(path)
        return moved

    def _is_moved(self, path: str, target: str) -> bool:
        try:
            self._rename_one(path, target)
        except SourceGoneError:  # another process was faster
            return False
        return True

    def _place(
        self, pairs: list[tuple[str, str]], *, replace: bool, link: bool = False
    ) -> Sequence[OSError | None]:
        """Give many files new names in one call; return what is wrong with each."""
        options = dict(self._beneath)
        if link:
            options["link"] = True
        if (mode := self._folder_mode) is not None:
            options["folder_mode"] = mode
        return self._in_one_call(
            lambda: native.place_files(pairs, replace=replace, **options), len(pairs)
        )

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files and the folders that become empty; what is absent or a folder is left."""
        failures = self._in_one_call(
            lambda: native.remove_files(paths, **self._beneath), len(paths)
        )
        removed: dict[str, str] = {}
        for path, failure in zip(paths, failures, strict=True):
            if failure is None:
                removed[path.rpartition("/")[0]] = path
        self.touched(removed.values())
        for path in removed.values():
            self.prune(path)
        for path, failure in zip(paths, failures, strict=True):
            if failure is None or failure.errno in ABSENT or self._is_folder_itself(path):
                continue
            raise failure

    def _is_folder_itself(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(self.calls.lstat(path).st_mode)
        except OSError:
            return False

    def finish(self, paths: Sequence[str]) -> None:
        """Give finished files their mode, and now as their time, where the file system can."""
        failures = self._in_one_call(
            lambda: native.finish_files(paths, mode=self.file_mode, **self._beneath), len(paths)
        )
        for path, failure in zip(paths, failures, strict=True):
            if failure is not None:
                if failure.errno not in permissions.REFUSED:
                    raise failure
                permissions.set_time_to_now(path)

    def _rename_one(self, path: str, target: str) -> None:
        def attempt() -> None:
            try:
                self.calls.rename(path, target)
            except FileNotFoundError:
                if not self._exists(path):
                    raise SourceGoneError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
                raise

        self.in_folder(target, attempt)

    def _exists(self, path: str) -> bool:
        try:
            self.calls.lstat(path)
        except OSError:
            return False
        return True


_EFFECTIVE: dict[str, Any] = {"effective_ids": os.access in os.supports_effective_ids}
