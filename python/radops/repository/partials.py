"""Partial downloads: what they hold outlives a crash, and nobody else has them open.

::

    tmp/partial-<digest>              left by a download that stopped: the next takes it up
    tmp/partial-<digest>.<process>    a download that runs, or one whose process was killed

A download works under a name of its own process, taken by rename, so that no other can still
write into the file once it has become an object, also where no lock works.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from typing import TYPE_CHECKING

from radops import native
from radops.backends import folder_temp
from radops.repository.leases import is_gone, this_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.model.digest import Digest

_MODE = 0o644

# A download writes all the time. One that has not for this long is over, or sleeps with its
# machine: what it has is copied, so that it cannot write into the copy when it wakes up.
_QUIET_SECONDS = 3600.0


class Partial:
    """A file that threads write blocks into, each at its place.

    Args:
        free: The name for whoever comes next.
        path: Our own name, by which it is open.
        file: The open file.
    """

    def __init__(self, free: Path, path: Path, file: io.FileIO) -> None:
        self.path = path
        self._free = free
        self._file = file
        self._lock = threading.Lock()

    def begin(self, size: int) -> bool:
        """Make it as large as the object; return whether it was, and so may hold blocks."""
        if os.fstat(self._file.fileno()).st_size == size:
            return True
        self._file.truncate(size)
        return False

    def write(self, data: bytes, offset: int) -> None:
        """Write at a place."""
        view = memoryview(data)
        # A thread that is still under way after Ctrl-C must not write through a descriptor that
        # is closed, and may be another file's by now.
        with self._lock:
            while view:
                written = os.pwrite(self._file.fileno(), view, offset)
                view, offset = view[written:], offset + written

    def close(self) -> None:
        """Let nobody write any more."""
        with self._lock:
            self._file.close()

    def finish(self) -> None:
        """Make it read-only, and let nobody write any more."""
        with self._lock:
            os.fchmod(self._file.fileno(), 0o444)
            self._file.close()

    def leave(self) -> None:
        """Leave it to whoever comes next; nothing if it is an object by now."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.rename(self._free)

    def remove(self) -> None:
        """Remove it: what it holds is wrong."""
        self.close()
        self.path.unlink(missing_ok=True)


def take(folder: Path, digest: Digest, seed: Callable[[Path], None]) -> Partial:
    """Take up a download that stopped, or begin a new one.

    Args:
        folder: Where partial files are; made if absent.
        digest: Of the object.
        seed: Makes the file at a path where there is something to begin with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = folder / f"partial-{digest}"
    process = this_process().replace("/", "~")
    path = folder / f"{free.name}.{folder_temp.TemporaryNames().take(1)[0]}~{process}"
    if not _take_up(folder, free, path):
        seed(path)
    try:
        return Partial(free, path, _open(path))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _take_up(folder: Path, free: Path, path: Path) -> bool:
    """Give what another download left our own name, whichever is there and can be had."""
    with contextlib.suppress(FileNotFoundError):
        free.rename(path)
        return True
    for left in sorted(folder.glob(f"{free.name}.*")):
        with contextlib.suppress(OSError):
            if _is_over(left.name[len(free.name) + 1 :]):
                left.rename(path)
                return True
            if time.time() - left.stat().st_mtime > _QUIET_SECONDS:
                native.copy_file(left, path, mode=_MODE)
                left.unlink(missing_ok=True)
                return True
    return False


def _is_over(name: str) -> bool:
    """Say whether the process that a partial file belongs to has ended."""
    temporary, _, process = name.partition("~")
    if process:
        return is_gone(process.replace("~", "/"))
    owner = folder_temp.owner_of(temporary)
    return owner is not None and folder_temp.is_gone(owner)


def _open(path: Path) -> io.FileIO:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return io.FileIO(os.open(path, flags, _MODE), "r+")
    except PermissionError:
        # It was finished and made read-only an instant before a kill; or it is another user's,
        # and then we begin anew.
        try:
            path.chmod(_MODE)
        except OSError:
            path.unlink()
        return io.FileIO(os.open(path, flags, _MODE), "r+")
