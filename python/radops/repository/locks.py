"""Advisory locks between the processes of one host. They only help: nothing depends on them.

Eight training processes that ask for one file fetch it once, as seven wait for the first. Where
a file system has no `flock`, all eight fetch it, and all get the right bytes.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def holding(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Hold locks of these names, waiting for each.

    They are taken in sorted order, so that two processes never wait for each other.

    Args:
        folder: Where the lock files are; made if absent.
        names: File names.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ImportError):
            import fcntl  # noqa: PLC0415 - absent on Windows

            _make_folder(folder)
            for name in sorted(set(names)):
                descriptor = _open(folder / name)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _make_folder(folder: Path) -> None:
    """Make the folder, open to those to whom the one above it is."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True)
        folder.chmod(folder.parent.stat().st_mode & 0o7777)


def _open(path: Path) -> int:
    flags = os.O_CREAT | os.O_CLOEXEC
    try:
        # NFS gives an exclusive lock only to those who may write.
        return os.open(path, os.O_RDWR | flags, 0o666)
    except PermissionError:  # made by another member of the group
        return os.open(path, os.O_RDONLY | flags, 0o666)


def remove_unheld(folder: Path, limit: float) -> int:
    """Remove lock files made before `limit` (seconds since the epoch) that nobody holds now.

    Returns:
        How many were removed. None where the file system has no `flock`.
    """
    removed = 0
    with contextlib.suppress(OSError, ImportError):
        import fcntl  # noqa: PLC0415 - absent on Windows

        for path in sorted(folder.iterdir()):
            with contextlib.suppress(OSError), path.open("rb") as file:
                if path.stat().st_mtime <= limit:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed += 1
    return removed
