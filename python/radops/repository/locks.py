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

            folder.mkdir(parents=True, exist_ok=True)
            for name in sorted(set(names)):
                descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


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
