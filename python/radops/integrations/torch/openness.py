"""Who may use the cache of runs: those who may use the home's storage, whatever their umask."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from radops.streams import storage_beside

if TYPE_CHECKING:
    from pathlib import Path

_PRIVATE: Final = 0o700


class Openness:
    """Makes folders as open as the storage, and files open to its group where that is a group's.

    Args:
        root: The folder of all data sets' runs.
    """

    def __init__(self, root: Path) -> None:
        self._mode = _PRIVATE
        for folder in (root, storage_beside(root)):
            with contextlib.suppress(OSError):
                self._mode = stat.S_IMODE(folder.stat().st_mode)
                return

    def make(self, folder: Path) -> None:
        """Make a folder and those above it, where they are absent."""
        absent = []
        while not folder.exists():
            absent.append(folder)
            folder = folder.parent
        for one in reversed(absent):
            with contextlib.suppress(FileExistsError):
                one.mkdir(self._mode)
                one.chmod(self._mode)

    def share(self, file: Path | int) -> None:
        """Let the group write to a file that this process made, if the storage is a group's."""
        if self._mode & stat.S_IWGRP:
            with contextlib.suppress(OSError):  # another member's
                os.chmod(file, 0o660 | (self._mode & stat.S_IROTH))  # noqa: PTH101 - or a handle
