"""Whether a process has a file open for writing.

Linux grants a read lease (fcntl(2), F_SETLEASE) only on a file that no process has open for
writing or mapped writable. No other system offers such a proof.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from radops.errors import FileChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform == "linux":
    import fcntl

    # Not a name in the module of Python 3.10.
    _F_SETSIG = getattr(fcntl, "F_SETSIG", 10)


@contextlib.contextmanager
def lease(descriptor: int) -> Iterator[bool | None]:
    """Hold a read lease on an open file, if it can be had.

    While it is held, a process that opens the file for writing waits until it is given back.

    Args:
        descriptor: A descriptor opened for reading only.

    Yields:
        True if no process has the file open for writing; False if one has; None if the system or
        the file system cannot tell.
    """
    if sys.platform != "linux":
        yield None
        return
    try:
        # The kernel signals a writer that waits, by default with SIGIO, which ends a process.
        # SIGURG is ignored by default.
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        # A network file system answers "try again" also where it knows nothing of other machines.
        yield False if error.errno == errno.EAGAIN else None
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def has_no_writer(path: Path) -> bool | None:
    """Return whether no process has the file open for writing; None if that is not known.

    Raises:
        OSError: The file cannot be opened for reading.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        with lease(descriptor) as free:
            return free
    finally:
        os.close(descriptor)


def check_no_writer(path: Path) -> bool:
    """Return whether it is proven that no process has the file open for writing.

    Raises:
        FileChangedError: A process has; the message names it where it can be found.
        OSError: The file cannot be opened for reading.
    """
    free = has_no_writer(path)
    if free is False:
        raise in_use(path)
    return free is True


def in_use(path: Path) -> FileChangedError:
    """Return the error for a source of a move that a process has open for writing."""
    return FileChangedError(
        f"{path} is still open for writing{_by(path)}",
        hint="close it first, or add a copy of it: leave out --move",
    )


def _by(path: Path) -> str:
    """Return which process writes to a file, as far as /proc shows it."""
    with contextlib.suppress(OSError):
        wanted = path.stat()
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and _writes(process, wanted):
                if int(process.name) == os.getpid():
                    return " by this process"
                with contextlib.suppress(OSError):
                    name = (process / "comm").read_text(errors="replace").strip()
                    return f" by process {process.name} ({name})"
                return f" by process {process.name}"
    return ""


def _writes(process: Path, wanted: os.stat_result) -> bool:
    """Return whether a process has a file open with a mode that allows writing."""
    with contextlib.suppress(OSError):  # another user's, or it has ended
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if not os.path.samestat(descriptor.stat(), wanted):
                    continue
                for line in (process / "fdinfo" / descriptor.name).read_text().splitlines():
                    name, _, value = line.partition(":")
                    if name == "flags" and int(value, 8) & os.O_ACCMODE != os.O_RDONLY:
                        return True
    return False
