"""Which permissions files and folders get: those of the root, without write permission for files.

Files are never written in place, as `put` renames over them: so none is writable. They are as
readable as the root is open: a private folder holds no file that others could read through a
hard link, a backup or a later change of the root's mode.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFUSED = frozenset((errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL))
"""Errors of file systems on which modes or times cannot be set."""

# Seconds; a file younger than this came into the store just now. Far below any grace.
_ABOUT_NOW = 600.0

PRIVATE_ROOT = 0o700
GROUP_ROOT = 0o2775


def file_mode(root: Path, *, group: bool = False) -> int:
    """Return the mode of finished files below a root; a root that is absent counts as open."""
    mode = GROUP_ROOT if group else 0o777
    with suppress(FileNotFoundError):
        mode = _group_root_mode(root) if group else os.stat(root).st_mode
    allowed = 0o400
    for read_and_enter, read in ((0o050, 0o040), (0o005, 0o004)):
        if mode & read_and_enter == read_and_enter:
            allowed |= read
    return allowed


def group_folder_mode(root: Path) -> int:
    """Return the mode of folders of a group's root: all for the group, for others as the root."""
    try:
        return 0o2770 | (_group_root_mode(root) & 0o005)
    except FileNotFoundError:
        return GROUP_ROOT


def _group_root_mode(root: Path) -> int:
    mode = os.stat(root).st_mode
    # Another member made it an instant ago and has not opened it to the group yet.
    return mode if mode & 0o020 else GROUP_ROOT


def shared_folder_mode(root: Path) -> int | None:
    """Return the mode of folders of a remote whose root its group can write to; else None.

    As open as the root, whatever the umask of the user who makes them.
    """
    try:
        mode = os.stat(root).st_mode
    except OSError:
        return None
    return 0o2770 | (mode & 0o007) if mode & 0o020 else None


@contextmanager
def allowed_to_fail() -> Iterator[None]:
    """Ignore that the file system or the owner of a file refuses to set a mode."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSED:
            raise


def set_mode(file: Path | str | int, mode: int) -> None:
    """Set a mode, where the file system has modes (gcsfuse and CIFS may refuse)."""
    with allowed_to_fail():
        os.chmod(file, mode)


def set_time_to_now(path: Path | str) -> None:
    """Set the time of modification to now; nothing if it is about now already.

    Raises:
        OSError: It is old, and the file system refuses to set it.
    """
    try:
        os.utime(path)
    except OSError as error:
        age = time.time() - os.stat(path).st_mtime
        if error.errno not in REFUSED or age > _ABOUT_NOW:
            raise


def readers(root: Path) -> str:
    """Return who besides the owner can read a folder: "everyone", "group", or empty."""
    mode = file_mode(root) if root.is_dir() else 0o400
    return "everyone" if mode & 0o004 else "group" if mode & 0o040 else ""
