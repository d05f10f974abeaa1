"""Temporary files of a folder. Their names identify the process that made them.

A name is `<boot>.<namespace>.<pid>.<start>.<random>-<number>`, see `backends/process.py`; where
the system does not tell the identity of a process, and in files of earlier versions,
`<host>.<pid>.<random>-<number>`.
"""

from __future__ import annotations

import functools
import itertools
import os
import platform
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from radops.backends.process import from_file_name, in_file_name, is_gone, this_process
from radops.errors import UsageError

FOLDER = "tmp"
"""The folder of unfinished files, below the root and so on its file system."""

_NAME = re.compile(r"(?P<maker>[A-Za-z0-9_.-]+)\.[0-9a-f]+-\d+")
_HOST_AND_PID = re.compile(r"[A-Za-z0-9_-]+\.\d+")
_PARTIAL = re.compile(r"partial-[0-9a-f]{64}\.")


class TemporaryNames:
    """Makes names that no other process, machine or thread makes."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(6)
        self._numbers = itertools.count()

    def take(self, count: int) -> list[str]:
        """Return so many names that were never used."""
        stem = f"{_this_maker()}.{self._token}"
        return [f"{stem}-{number}" for number in itertools.islice(self._numbers, count)]


def maker_of(name: str) -> str | None:
    """Return the part of a temporary file's name that identifies its maker; None for others."""
    if (partial := _PARTIAL.match(name)) is not None:
        name = name[partial.end() :]
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    maker = match["maker"]
    return maker if from_file_name(maker) or _HOST_AND_PID.fullmatch(maker) else None


def is_over(name: str) -> bool:
    """Return whether the process that made a temporary file is known to have ended."""
    process = from_file_name(maker_of(name) or "")
    return process is not None and is_gone(process)


def is_ours(path: Path | str) -> bool:
    """Return whether this process may publish or remove a file.

    False for a temporary file of another process, such as the one that this one was forked from.
    """
    name, ours = os.path.basename(path), _this_maker()
    if name.startswith(f"{ours}.") and "." not in name[len(ours) + 1 :]:
        return True  # as almost all names are that are asked about
    maker = maker_of(name)
    return maker is None or maker == ours


def check_ours(path: Path | str) -> None:
    """Refuse to publish what another process is writing.

    Raises:
        UsageError: A forked child reaches the end of a block that its parent began.
    """
    if not is_ours(path):
        raise UsageError(
            "a forked process cannot publish a file that its parent began to write",
            hint="write it in one process, or end the child with os._exit()",
        )


def discard(path: str) -> None:
    """Remove a temporary file of this process; if that fails, it is removed later as a leftover."""
    if is_ours(path):
        with suppress(OSError):
            os.unlink(path)


def remove_stale(folder: Path, grace: float) -> int:
    """Remove temporary files that are no longer written, and return how many.

    These are files not written to for `grace` seconds, and those of processes of this machine
    that have ended. Files that were not named by `TemporaryNames` stay, and so do partial
    downloads, which the next download takes up.
    """
    removed = 0
    now = time.time()
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return 0
    with entries:
        for entry in entries:
            if maker_of(entry.name) is None or _PARTIAL.match(entry.name):
                continue
            with suppress(FileNotFoundError):
                age = now - entry.stat(follow_symlinks=False).st_mtime
                if age > grace or is_over(entry.name):
                    _remove(entry)
                    removed += 1
    return removed


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        import shutil  # noqa: PLC0415 - slow to import, and most commands do without

        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        Path(entry.path).unlink()


def _this_maker() -> str:
    return _maker(this_process(), os.getpid())


@functools.lru_cache(maxsize=1)
def _maker(process: str, pid: int) -> str:
    return in_file_name(process) or f"{host_name()}.{pid}"


def host_name() -> str:
    """Return this host's name with nothing in it but letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", platform.node()) or "unknown"
