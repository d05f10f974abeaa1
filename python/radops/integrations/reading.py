"""Open files for libraries that leave it to the garbage collector to close them."""

from __future__ import annotations

import atexit
import io
import os
import sys
import threading
import time
import weakref
from typing import BinaryIO, Final

# Seconds that the end of a process waits for files which threads of a library still hold.
_PATIENCE: Final = 0.5
_PAUSE: Final = 0.05

_streams: weakref.WeakSet[io.BufferedIOBase | BinaryIO] = weakref.WeakSet()
_is_read_by_pyarrow = threading.Event()


class _ClosedInSilence(io.FileIO):
    """A file that is closed without a warning when nothing refers to it any more."""

    def _dealloc_warn(self, source: object) -> None:
        """Do nothing where a file of Python warns."""


def for_libraries(stream: BinaryIO) -> io.BufferedIOBase | BinaryIO:
    """Return a stream to read, without the `ResourceWarning` that an open file ends with.

    pyarrow, for one, drops its files. Other file systems of fsspec do not warn either.
    """
    opened: io.BufferedIOBase | BinaryIO = stream
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        pass
    else:
        with stream:
            opened = io.BufferedReader(_ClosedInSilence(os.dup(descriptor), "rb"))
    _streams.add(opened)
    if "pyarrow" in sys.modules:
        _is_read_by_pyarrow.set()
    return opened


@atexit.register
def _wait_for_threads() -> None:
    """Let threads of pyarrow release their files while there is an interpreter.

    They do it a moment after the result is there. If the interpreter is at its end by then, that
    aborts the process.
    """
    if not _is_read_by_pyarrow.is_set():
        return
    until = time.monotonic() + _PATIENCE
    while any(not stream.closed for stream in list(_streams)) and time.monotonic() < until:
        time.sleep(_PAUSE)
    time.sleep(_PAUSE)  # for what else they release, such as the file system
