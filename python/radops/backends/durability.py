"""Barriers: what was written before one survives a loss of power after it."""

from __future__ import annotations

import errno
import itertools
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl

_FEW = 8
"""Up to this many files or folders are synced one by one: `syncfs` also waits for whatever all
other programs have written to that file system, which can be a hundred gigabytes."""

_MOST_FOLDERS = 10_000
"""Above this many touched folders, `syncfs` needs no list of them any more."""

_SYNCFS_KINDS = frozenset(
    (
        "bcachefs",
        "btrfs",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "jfs",
        "nilfs2",
        "overlay",
        "tmpfs",
        "xfs",
        "zfs",
    )
)
"""Local file systems, for which `syncfs` is a barrier. For all others (NFS, Lustre, CIFS, FUSE)
it may do less than fsync, so each file and folder is synced by itself."""

_PREALLOCATING_KINDS = frozenset(("btrfs", "ext4", "f2fs", "tmpfs", "xfs"))
"""File systems that reserve space at once. Elsewhere the C library would write zeros instead."""


class Barrier:
    """What was touched below one folder since the last flush, and how to make it durable.

    Thread-safe. Errors are `OSError`; after one, what was to be flushed is to be flushed still.

    Args:
        root: An existing folder.

    """

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()  # the list of folders
        self._flushing = threading.Lock()  # one flush at a time; others wait, and find it done
        self._folders: set[str] = set()
        self._overflow = False
        kind = file_system(root)
        self.can_preallocate = kind in _PREALLOCATING_KINDS and hasattr(os, "posix_fallocate")
        # Opened before the first write: the kernel reports to a descriptor only those errors of
        # writing back that happened after it was opened.
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.local = kind in _SYNCFS_KINDS
        self._syncfs = self.local

    def after_fork(self) -> None:
        """Start with nothing to flush in a child: what the parent wrote, the parent flushes."""
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._folders = set()
        self._overflow = False

    def close(self) -> None:
        """Close the descriptor; harmless twice."""
        root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    def __del__(self) -> None:
        """Close the descriptor of a backend that was dropped without `close`."""
        if hasattr(self, "_root"):  # not so if it could not be opened
            self.close()

    def touched(self, folders: Iterable[str]) -> None:
        """Note folders in which names were made or removed, after that was done."""
        with self._lock:
            self._folders.update(folders)
            if self._syncfs and len(self._folders) > _MOST_FOLDERS:
                self._folders.clear()
                self._overflow = True

    def sync_contents(self, files: Sequence[str]) -> None:
        """Make the contents of finished files durable, before they get their names."""
        if len(files) > _FEW and self._sync_all():
            return
        for file in files:
            sync_path(file)

    def sync_tree(self, folder: str) -> None:
        """Make all that is below a finished folder durable, before the folder gets its name."""
        paths = (
            path
            for top, _, names in os.walk(folder)
            for path in (top, *(f"{top}/{name}" for name in names))
        )
        few = list(itertools.islice(paths, _FEW + 1))
        if len(few) > _FEW and self._sync_all():
            return
        for path in itertools.chain(few, paths):
            if not Path(path).is_symlink():
                sync_path(path)

    def flush(self) -> None:
        """Make all names durable that were made or removed before this call."""
        with self._flushing:
            with self._lock:
                folders, self._folders = self._folders, set()
                overflow, self._overflow = self._overflow, False
            try:
                if not (overflow or len(folders) > _FEW) or not self._sync_all():
                    for folder in folders:
                        # A folder that is gone holds no name of ours: it was empty when it was
                        # removed.
                        with suppress(FileNotFoundError):
                            sync_path(folder)
            except BaseException:
                with self._lock:
                    self._folders |= folders
                    self._overflow |= overflow
                raise

    def _sync_all(self) -> bool:
        """Sync the whole file system; False where that is no barrier."""
        if self._syncfs:
            # False: a kernel before 5.8 (which would hide errors), or not Linux at all.
            # Or a sandbox or container runtime does not know the call.
            try:
                self._syncfs = native.sync_filesystem(self._root)
            except OSError as error:
                if error.errno not in (*_NO_SUCH_OPERATION, errno.ENOSYS):
                    raise
                self._syncfs = False
        return self._syncfs


class NoBarrier(Barrier):
    """For what need not survive a loss of power: nothing is waited for."""

    def touched(self, folders: Iterable[str]) -> None:
        """Do nothing."""

    def sync_contents(self, files: Sequence[str]) -> None:
        """Do nothing."""

    def sync_tree(self, folder: str) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""


def sync_path(path: str) -> None:
    """Make one file's content or one folder's names durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """Make an open file or folder durable, down to the medium on macOS too."""
    if sys.platform == "darwin":
        try:
            fcntl(descriptor, F_FULLFSYNC)
        except OSError as error:  # a file system that does not have it: network folders
            if error.errno not in _NO_SUCH_OPERATION:
                raise
        else:
            return
    try:
        os.fsync(descriptor)
    except OSError as error:  # folders on some network file systems
        if error.errno not in _NO_SUCH_OPERATION:
            raise


_NO_SUCH_OPERATION = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY))


def file_system(path: Path) -> str:
    """Return the kind of file system a path lies on, such as "ext4"; "" where it is not known."""
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    target = Path(os.path.realpath(path))
    best = ""
    kind = ""
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        point = _unescape(left.split(" ")[4])
        # Of two mounts on one point the later hides the earlier: hence >=.
        if len(point) >= len(best) and target.is_relative_to(point):
            best, kind = point, right.split(" ", 1)[0]
    return kind


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
