"""Partial downloads: what they hold outlives a crash, and no other process has them open.

::

    tmp/partial-<digest>              left by a download that stopped: the next continues it
    tmp/partial-<digest>.<process>    a download that runs, or one whose process was killed

A download works under a name of its own process, taken by rename. So no other process can still
write into the file once it has become an object, even where locks do not work.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from typing import TYPE_CHECKING

from radops import native
from radops.backends.folder import temporary
from radops.backends.folder.permissions import set_mode
from radops.backends.forking import Owner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.format.digest import Digest

_MODE = 0o644

# A download writes all the time. One that has not for this long has ended, or sleeps with its
# machine: its file is copied, so that it cannot write into the copy when it wakes up.
_QUIET_SECONDS = 3600.0


class Partial:
    """A file that threads write blocks into, each at its place.

    Args:
        free: Its name once this download has stopped.
        path: Its name while this process writes it.
        file: The open file.
    """

    def __init__(self, free: Path, path: Path, file: io.FileIO) -> None:
        self.path = path
        self._free = free
        self._file = file
        self._lock = threading.Lock()
        self._owner = Owner()

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
        """Close the file: no thread can write to it any more."""
        with self._lock:
            self._file.close()

    def finish(self) -> None:
        """Make it read-only and close it."""
        with self._lock:
            set_mode(self._file.fileno(), 0o444)
            self._file.close()

    def leave(self) -> None:
        """Leave it to the next download; nothing if it has become an object or is the parent's."""
        if not self._owner.is_this_process():
            return
        self.close()
        with contextlib.suppress(OSError):
            self.path.rename(self._free)

    def remove(self) -> None:
        """Remove it: what it holds is wrong."""
        if not self._owner.is_this_process():
            return
        self.close()
        self.path.unlink(missing_ok=True)


def take(unused: Path, digest: Digest, seed: Callable[[Path], None]) -> Partial:
    """Continue a download that stopped, or begin a new one.

    Args:
        unused: A fresh path of the store in `tmp/`, which the store has made, and checked where
            others can put a link in its place.
        digest: Of the object.
        seed: Makes the file at a path where there is something to begin with.
    """
    folder = unused.parent
    free = folder / f"partial-{digest}"
    path = folder / f"{free.name}.{unused.name}"
    if not _take_up(folder, free, path):
        seed(path)
    try:
        return Partial(free, path, _open(path))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def drop(folder: Path, digest: Digest) -> None:
    """Remove what a download that stopped has left, to make room."""
    with contextlib.suppress(OSError):
        (folder / f"partial-{digest}").unlink()


def _take_up(folder: Path, free: Path, path: Path) -> bool:
    """Rename what another download left to our own name; False if there is nothing usable."""
    with contextlib.suppress(FileNotFoundError):
        free.rename(path)
        return True
    for left in sorted(folder.glob(f"{free.name}.*")):
        with contextlib.suppress(OSError):
            if temporary.is_over(left.name):
                left.rename(path)
                return True
            if time.time() - left.stat().st_mtime > _QUIET_SECONDS:
                native.copy_file(left, path, mode=_MODE)
                left.unlink(missing_ok=True)
                return True
    return False


def _open(path: Path) -> io.FileIO:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return io.FileIO(os.open(path, flags, _MODE), "r+")
    except PermissionError:
        # It was finished and made read-only just before its process was killed; or it belongs to
        # another user, and then the download starts again.
        try:
            path.chmod(_MODE)
        except OSError:
            path.unlink()
        return io.FileIO(os.open(path, flags, _MODE), "r+")
