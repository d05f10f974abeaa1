"""System calls on paths below a root: as they are, or never through a symbolic link.

In a shared folder others can put a symbolic link in the place of a folder, at any time. `Beneath`
opens the folder of each file without following a link (see `rust/radops-core/src/beneath.rs`), so
whatever is done happens below the root. `Plain` is for the home of one person, who may move a part
of it to another disk by a link.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from radops import native

if TYPE_CHECKING:
    from collections.abc import Iterator


class Plain:
    """The system calls themselves. Paths are absolute; errors are `OSError`."""

    def lstat(self, path: str) -> os.stat_result:
        """Return the stat of a path; a link in its place is not followed."""
        return os.lstat(path)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Open a file."""
        return os.open(path, flags, mode)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name, unless it is taken."""
        os.link(source, target)

    def rename(self, source: str, target: str) -> None:
        """Rename a file over what has the name."""
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def mkdir(self, path: str, mode: int) -> None:
        """Make a folder."""
        os.mkdir(path, mode)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        os.rmdir(path)

    def chmod_folder(self, path: str, mode: int) -> None:
        """Set the mode of a folder."""
        os.chmod(path, mode)

    def is_folder(self, path: str) -> bool:
        """Return whether a path leads to a folder; it may be a link where links are followed."""
        return os.path.isdir(path)

    def scan(self, path: str) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of a folder. Use only their names, kinds and stats."""
        with os.scandir(path) as entries:
            yield from entries


class Beneath(Plain):
    """The same below one root, where no link on the way is followed.

    Args:
        root: An absolute path; links on the way to it are followed.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def lstat(self, path: str) -> os.stat_result:
        """Return the stat of a path."""
        with self._folder_of(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Open a file; a link in its place is an error."""
        with self._folder_of(path) as (folder, name):
            return os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=folder)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name, unless it is taken."""
        with self._folder_of(source) as (old, name), self._folder_of(target) as (new, other):
            os.link(name, other, src_dir_fd=old, dst_dir_fd=new, follow_symlinks=False)

    def rename(self, source: str, target: str) -> None:
        """Rename a file over what has the name."""
        with self._folder_of(source) as (old, name), self._folder_of(target) as (new, other):
            os.rename(name, other, src_dir_fd=old, dst_dir_fd=new)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        with self._folder_of(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def mkdir(self, path: str, mode: int) -> None:
        """Make a folder; the root itself as it is."""
        if not self._is_below(path):
            os.mkdir(path, mode)
            return
        with self._folder_of(path) as (folder, name):
            os.mkdir(name, mode, dir_fd=folder)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        with self._folder_of(path) as (folder, name):
            os.rmdir(name, dir_fd=folder)

    def chmod_folder(self, path: str, mode: int) -> None:
        """Set the mode of a folder."""
        with self._opened(path) as folder:
            os.fchmod(folder, mode)

    def is_folder(self, path: str) -> bool:
        """Return whether a path is a folder, and below the root no link to one."""
        if not self._is_below(path):
            return os.path.isdir(path)
        with suppress(OSError), self._opened(path):
            return True
        return False

    def scan(self, path: str) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of a folder. Use only their names, kinds and stats."""
        with self._opened(path) as folder, os.scandir(folder) as entries:
            yield from entries

    def _is_below(self, path: str) -> bool:
        return path.startswith(f"{self._root}/")

    @contextmanager
    def _folder_of(self, path: str) -> Iterator[tuple[int, str]]:
        parent, _, name = path.rpartition("/")
        with self._opened(parent, whole=path) as folder:
            try:
                yield folder, name
            except OSError as error:
                error.filename = path  # not the bare name
                error.filename2 = None
                raise

    @contextmanager
    def _opened(self, path: str, *, whole: str | None = None) -> Iterator[int]:
        try:
            folder = native.open_folder_beneath(self._root, path)
        except OSError as error:
            error.filename = whole or path
            raise
        try:
            yield folder
        finally:
            os.close(folder)
