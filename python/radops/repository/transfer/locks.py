"""Advisory locks between the processes of one machine. They only help: nothing depends on them.

Of eight training processes that need one file, one fetches it and seven wait. Where a file system
has no `flock`, all eight fetch it, and all get the right bytes.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from radops.backends.forking import LockDescriptors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class holding:  # noqa: N801 - used like a function
    """Hold locks of these names during a `with` block, waiting for each.

    They are taken in sorted order, so that two processes never wait for each other. A forked
    child holds none of them.

    Args:
        folder: Where the lock files are; None where there can be none.
        names: File names.
    """

    def __init__(self, folder: Path | None, names: Iterable[str]) -> None:
        self._folder = folder
        self._names = sorted(set(names))
        self._descriptors = LockDescriptors()

    def __enter__(self) -> None:
        # A class, so that an interrupt leaves no lock taken: a generator could be interrupted after
        # it took the locks and before the `with` block begins.
        try:
            self._take_all()
        except BaseException:
            self._descriptors.close()
            raise

    def _take_all(self) -> None:
        if self._folder is None:
            return
        with contextlib.suppress(OSError, ImportError):
            import fcntl  # noqa: PLC0415 - absent on Windows

            for name in self._names:
                path = self._folder / name
                descriptor = self._descriptors.open(lambda path=path: _open(path))  # type: ignore[misc]
                fcntl.flock(descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._descriptors.close()


def _open(path: Path) -> int:
    flags = os.O_CREAT | os.O_CLOEXEC
    try:
        # NFS gives an exclusive lock only to those who may write.
        descriptor = os.open(path, os.O_RDWR | flags, 0o666)
    except PermissionError:  # made by another member of the group
        return os.open(path, os.O_RDONLY | flags, 0o666)
    with contextlib.suppress(OSError):  # another member's: it is as its maker left it
        os.fchmod(descriptor, path.parent.stat().st_mode & 0o666)
    return descriptor


def remove_unheld(folder: Path, limit: float) -> int:
    """Remove lock files made before `limit` (seconds since the epoch) that are not held now.

    Returns:
        How many were removed. None where the file system has no `flock`.
    """
    removed = 0
    with contextlib.suppress(OSError, ImportError):
        import fcntl  # noqa: PLC0415 - absent on Windows

        for path in sorted(folder.iterdir()):
            descriptors = LockDescriptors()
            with contextlib.suppress(OSError):
                if path.stat().st_mtime <= limit:
                    descriptor = descriptors.open(lambda path=path: os.open(path, os.O_RDONLY))  # type: ignore[misc]
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed += 1
            descriptors.close()
    return removed
