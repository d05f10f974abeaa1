"""Temporary files of a folder: named so that a leftover can be told from one in use."""

from __future__ import annotations

import itertools
import os
import platform
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FOLDER = "tmp"
"""The folder of unfinished files, below the root and so on its file system."""

_NAME = re.compile(r"(?P<host>[A-Za-z0-9_-]+)\.(?P<pid>\d+)\.[0-9a-f]+-\d+")
_SETTLED = 600.0  # seconds: a process of another container can share our host name, not our pids


class Owner(NamedTuple):
    """Who made a temporary file."""

    host: str
    pid: int


class TemporaryNames:
    """Makes names that no other process, host or thread makes: host, process, random, number."""

    def __init__(self) -> None:
        self._host = host_name()
        self._token = secrets.token_hex(6)
        self._numbers = itertools.count()

    def take(self, count: int) -> list[str]:
        """Return so many names that were never used."""
        stem = f"{self._host}.{os.getpid()}.{self._token}"
        return [f"{stem}-{number}" for number in itertools.islice(self._numbers, count)]


def host_name() -> str:
    """Return this host's name with nothing in it but letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", platform.node()) or "unknown"


def owner_of(name: str) -> Owner | None:
    """Return who made the temporary file of that name; None for a file that is not ours."""
    match = _NAME.fullmatch(name)
    return Owner(match["host"], int(match["pid"])) if match else None


def remove_stale(folder: Path, grace: float) -> int:
    """Remove temporary files that nobody writes any more, and return how many.

    These are files not written to for `grace` seconds, and those of processes of this host
    that are gone. Files that were not made by `TemporaryNames` stay.
    """
    removed = 0
    now = time.time()
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return 0
    with entries:
        for entry in entries:
            owner = owner_of(entry.name)
            if owner is None:
                continue
            with suppress(FileNotFoundError):
                age = now - entry.stat(follow_symlinks=False).st_mtime
                if age > grace or (age > _SETTLED and is_gone(owner)):
                    Path(entry.path).unlink()
                    removed += 1
    return removed


def is_gone(owner: Owner) -> bool:
    """Say whether a process of this host has ended; False if nothing is known of it."""
    if owner.host != host_name():
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and someone else's
        return False
    return False
