"""The identity of a process, by which others can tell whether it has ended.

A process is known by the boot of its machine, its PID namespace, its number and its start time.
A host name and a number are not enough: containers share host names, every PID namespace counts
from 1, and numbers are used again.

Two spellings: `boot:namespace/number/start` in leases, and one without special characters for
names of files.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from pathlib import Path

from radops.backends.forking import call_after_fork

_PID = re.compile("[0-9]{1,10}")
_LINUX = re.compile(r"(?P<boot>[^/:]+):pid:\[(?P<namespace>\d+)\]/(?P<pid>\d+)/(?P<start>\d+)")
_FILE_NAME = re.compile(
    r"(?P<boot>[0-9A-Za-z-]{1,64})\.(?P<namespace>\d+)\.(?P<pid>\d{1,10})\.(?P<start>\d+)"
)


def this_process() -> str:
    """Return the identity of this process; empty where the system does not tell."""
    return _own(os.getpid())


def is_gone(process: str) -> bool:
    """Return whether a process is known to have ended; False if nothing is known of it.

    Args:
        process: What `this_process` returned there.
    """
    place, _, pid = process.rpartition("/")[0].rpartition("/")
    if not place or place != _this_place() or not _PID.fullmatch(pid):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it lives and is another user's, or there is no such number
        return False
    return _named(int(pid)) != process


def is_running(process: str) -> bool:
    """Return whether a process is known to run; False if nothing is known of it.

    Args:
        process: What `this_process` returned there.
    """
    place = process.rpartition("/")[0].rpartition("/")[0]
    return bool(place) and place == _this_place() and not is_gone(process)


def in_file_name(process: str) -> str | None:
    """Return an identity spelled for a file name; None if it is empty or of another system."""
    match = _LINUX.fullmatch(process)
    if match is None:
        return None
    return ".".join(match[part] for part in ("boot", "namespace", "pid", "start"))


def from_file_name(text: str) -> str | None:
    """Return the identity that `in_file_name` spelled; None for any other text."""
    match = _FILE_NAME.fullmatch(text)
    if match is None:
        return None
    return f"{match['boot']}:pid:[{match['namespace']}]/{match['pid']}/{match['start']}"


@functools.lru_cache(maxsize=1)
def _own(pid: int) -> str:
    return _named(pid)


def _named(pid: int) -> str:
    """Return the identity of a process of this machine; empty if it has ended."""
    place = _this_place()
    if sys.platform == "darwin":
        # The start time is left out: a number that was used again only looks alive.
        return f"{place}/{pid}/0" if place else ""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = status.rpartition(")")[2].split()
        if fields[0] in "ZX":  # killed, but its parent has not waited for it yet
            return ""
        return f"{place}/{pid}/{fields[19]}" if place else ""
    except (OSError, IndexError):
        return ""


@functools.lru_cache(maxsize=1)
def _this_place() -> str:
    """Return boot and PID namespace; empty where the system does not tell."""
    if sys.platform == "darwin":
        boot = _darwin_boot()
        return f"{boot}:pid:[0]" if boot else ""  # there are no PID namespaces
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except (OSError, ValueError):
        return ""
    return f"{boot}:{namespace.name}"


def _darwin_boot() -> str:
    import ctypes  # noqa: PLC0415 - macOS only, and slow to import

    size = ctypes.c_size_t(64)
    buffer = ctypes.create_string_buffer(size.value)
    try:
        system = ctypes.CDLL(None)
        failed = system.sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, 0)
    except (OSError, AttributeError):
        return ""
    return "" if failed else buffer.value.decode("ascii", errors="replace")


def _forget() -> None:
    """Look again in a forked child: its number is another, and its namespace can be."""
    _own.cache_clear()
    _this_place.cache_clear()


call_after_fork(_forget)
