"""What a function reads beside its arguments: local files it opens, variables its code names.

Files are noticed by an audit hook of Python, which sees `open` of Python code and of most
libraries, not of those that open files in C. The hook is installed with the first call that runs
and only takes down paths; files are looked at when the function has ended. Environment variables
are found in the source: `os.environ["MODE"]`, `os.getenv("MODE")`.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.request import url2pathname

from radops.format.call import Noticed
from radops.format.digest import Digest
from radops.provenance.project import installed_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_FILES: Final = 50
"""Files of one call that are noticed; a function that reads more reads data, not settings."""
MAX_BYTES: Final = 1024 * 1024
"""A file of more bytes is named, but not read again."""

_NOT_NOTICED: Final = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/run/")
_CODE: Final = (".py", ".pyc", ".pyo", ".pyd", ".so", ".dylib", ".pth", ".egg", ".whl")
# Credentials change without a result changing, and nothing that depends on them is kept.
_SECRET: Final = re.compile(
    r"token|secret|passw|passphrase|credential|auth|key(?!board|word)|cookie|session|_pat\b",
    re.IGNORECASE,
)


class Notes:
    """The paths that one call has opened. Thread-safe."""

    def __init__(self) -> None:
        self.began_ns = time.time_ns()
        self.read: dict[str, None] = {}
        self.written: set[str] = set()

    def take(self, path: object, mode: object, flags: object) -> None:
        """Note one opening, as Python reports it."""
        if not isinstance(path, (str, bytes)):
            return
        name = os.path.abspath(os.fsdecode(path))
        if _is_writing(mode, flags):
            self.written.add(name)
        elif len(self.read) < MAX_FILES * 4 and not name.endswith(_CODE):
            self.read.setdefault(name)


def _is_writing(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) != 0


_running: dict[int, Notes] = {}
_whose: Callable[[], object] | None = None
_busy = threading.local()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _running or _whose is None or getattr(_busy, "is_busy", False):
        return
    _busy.is_busy = True  # to find out whose code this is may open a file itself
    try:
        notes = _running.get(id(_whose()))
        if notes is not None:
            notes.take(*arguments)
    except Exception:  # noqa: BLE001, S110 - an error would make the opening fail
        pass
    finally:
        _busy.is_busy = False


@contextlib.contextmanager
def notice(run: object, whose: Callable[[], object]) -> Iterator[Notes]:
    """Note which files the code of a run opens in this block, in whichever thread.

    Args:
        run: The run.
        whose: Returns the run that the code which calls it belongs to.
    """
    global _whose  # noqa: PLW0603 - one for each process
    if _whose is None:
        _whose = whose
        sys.addaudithook(_hook)
    notes = _running[id(run)] = Notes()
    try:
        yield notes
    finally:
        del _running[id(run)]


def look(
    notes: Notes,
    variables: Mapping[str, str | None],
    *,
    salt: Digest,
    root: str | None,
    without: Iterable[str],
) -> Noticed | None:
    """Return what a call has read, as its record keeps it; None if that is nothing.

    Args:
        notes: The paths that it has opened.
        variables: The values of the variables that its code names, as they were when it began.
        salt: The call's key.
        root: The folder of the function's project, to which paths are relative.
        without: Folders, or their `file://` URLs, whose files don't count, such as the lake's own.
    """
    folders = [
        url2pathname(place[7:]) if place.startswith("file://") else place for place in without
    ]
    ignored = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in folders)
    files: dict[str, bytes | None] = {}
    for path in notes.read:
        if len(files) == MAX_FILES:
            break
        if path in notes.written or not _counts(path, notes.began_ns, ignored):
            continue
        if not _is_text(path):  # nor could a record hold it
            continue
        files[_shown(path, root)] = _check_file(path, salt)
    named = {
        name: None if value is None else _check(value.encode("utf-8", "surrogateescape"), salt)
        for name, value in variables.items()
        if not _SECRET.search(name)
    }
    return Noticed(files=files, variables=named) if files or named else None


def changed(
    noticed: Noticed, variables: Mapping[str, str | None], *, salt: Digest, root: str | None
) -> list[str]:
    """Return what is different now: `config.yaml`, `the environment variable MODE`.

    A file that is not here does not count: the result may have been made on another machine.

    Args:
        noticed: Of the record.
        variables: The present values of the variables that the code names.
        salt: The call's key.
        root: The folder of the function's project.
    """
    found = []
    for shown, check in noticed.files.items():
        path = os.path.join(root or os.getcwd(), os.path.expanduser(shown))
        now = _check_file(path, salt)
        if check is not None and now is not None and now != check:
            found.append(shown)
    for name, check in noticed.variables.items():
        if name in variables:
            value = variables[name]
            now = None if value is None else _check(value.encode("utf-8", "surrogateescape"), salt)
            if now != check:
                found.append(f"the environment variable {name}")
    return found


def values(names: Iterable[str]) -> dict[str, str | None]:
    """Return the present values of environment variables; None for one that is not set."""
    return {name: os.environ.get(name) for name in names}


def _counts(path: str, began_ns: int, ignored: tuple[str, ...]) -> bool:
    """Return whether a file is something that the function was written to depend on."""
    real = os.path.realpath(path)
    if real.startswith((*_NOT_NOTICED, *ignored)) or installed_root(os.path.dirname(real)):
        return False
    try:
        found = os.stat(real)
    except OSError:
        return False
    # What was written after the call began is its own, or of a program that it ran.
    return stat.S_ISREG(found.st_mode) and found.st_mtime_ns < began_ns


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str, root: str | None) -> str:
    home = os.path.expanduser("~")
    if root is not None and path.startswith(root + os.sep):
        return path[len(root) + 1 :].replace(os.sep, "/")
    if path.startswith(home + os.sep):
        return f"~/{path[len(home) + 1 :]}"
    return path


def _check_file(path: str, salt: Digest) -> bytes | None:
    try:
        if os.path.getsize(path) > MAX_BYTES:
            return None
        with open(path, "rb") as stream:
            return _check(stream.read(), salt)
    except OSError:
        return None


def _check(data: bytes, salt: Digest) -> bytes:
    return Digest.of(salt.raw + data).raw[:3]
