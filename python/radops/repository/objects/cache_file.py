"""An SQLite file whose contents can be lost without harm: the catalogue, and the search index.

A damaged file is removed and started again. Where SQLite cannot lock (some network file systems)
or write, what is stored lives in memory, for this process only.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from radops.backends.forking import put_away_before_fork, shielded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

# Errors of SQLite for a file that may be good, but cannot be used now.
_UNUSABLE = re.compile(
    "unable to open|readonly|read-only|locked|busy|disk I/O|full|protocol|memory"
)

_LOG = logging.getLogger("radops")

_abandoned: list[sqlite3.Connection] = []


class CacheFile:
    """One such file. Thread-safe; no connection is open while the process forks.

    Args:
        path: The SQLite file.
        schema: Statements that make the tables where they are absent.
        loss: What it means that a damaged file is started again, for the warning.
        group: Whether all members of the home's group may write to it, whatever the umask.
    """

    def __init__(self, path: Path, schema: str, loss: str, *, group: bool = False) -> None:
        self.path = path
        """The SQLite file; what is stored is not always in it."""
        self._schema = schema
        self._loss = loss
        self._group = group
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._working = False
        put_away_before_fork(self)

    def before_fork(self) -> None:
        """Close the connection: SQLite does not allow one to be used on both sides of a fork."""
        if not self._working:
            self._disconnect()

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have been about to take."""
        self._lock = threading.RLock()
        self._working = False
        if self._connection is not None:
            # A signal handler forked in the middle of a statement. Closing the connection here
            # would remove the write-ahead log that the parent is using: so it is never closed.
            _abandoned.append(self._connection)
            self._connection = None

    def __del__(self) -> None:
        """Close the connection of a lake that was dropped without `close`."""
        with shielded():
            self._disconnect()

    def close(self) -> None:
        """Close the connection of this process."""
        with shielded(), self._lock:
            self._disconnect()

    def run(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return what an action does with the database, which a fork waits for.

        Args:
            action: What to do; it ends every transaction that it begins.
            otherwise: The answer if the file cannot be used or was damaged: as if it were empty.
        """
        with shielded(), self._lock:
            self._working = True
            try:
                if self._connection is None:
                    if self._group:
                        _open_to_group(self.path)
                    self._connection = self._connect(str(self.path))
                return action(self._connection)
            except sqlite3.Error as error:
                self._recover(error)
                return self._again(action, otherwise)
            finally:
                self._working = False

    def start_again(self, why: str) -> None:
        """Remove a damaged file: it is only a cache."""
        with shielded(), self._lock:
            self._start_again(why)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _recover(self, error: sqlite3.Error) -> None:
        if isinstance(error, sqlite3.OperationalError) and _UNUSABLE.search(str(error)):
            self._disconnect()
            self._connection = self._connect(":memory:")
        else:
            self._start_again(str(error))

    def _again(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do in memory what the file cannot be used for."""
        if self._connection is None:  # damaged, and to be made again
            return otherwise
        with suppress(sqlite3.Error):
            return action(self._connection)
        return otherwise

    def _start_again(self, why: str) -> None:
        self._disconnect()
        _LOG.warning("%s is damaged (%s) and is started again; %s", self.path, why, self._loss)
        try:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        except OSError:  # another user's, or the home can only be read
            self._connection = self._connect(":memory:")

    def _connect(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
        try:
            # With a write-ahead log a loss of power costs the last rows, never the file.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(self._schema)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _open_to_group(path: Path) -> None:
    """Make the file, if it is absent, so that the group can write; SQLite makes its logs alike."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
        try:
            os.fchmod(descriptor, 0o660)
        finally:
            os.close(descriptor)
