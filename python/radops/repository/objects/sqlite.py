"""SQLite databases that a fork never catches in the middle of a statement.

SQLite has locks of its own in the C library. If a thread holds one while another thread forks, it
stays locked in the child, and the child hangs in its first `sqlite3.connect`. So every call into
SQLite is a block that a fork waits for. The classes of the standard library are wrapped, not
derived from: their methods written in C call each other without regard to overrides.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from radops.backends.forking import shielded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Rows:
    """The result of a statement: an iterator over rows, read as they are asked for."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.rowcount = cursor.rowcount
        """How many rows an INSERT, UPDATE or DELETE changed."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:  # noqa: ANN401 - SQLite's values
        with shielded():
            return next(self._cursor)

    def fetchone(self) -> Any:  # noqa: ANN401 - SQLite's values
        """Return the next row; None at the end."""
        with shielded():
            return self._cursor.fetchone()

    def fetchmany(self, size: int) -> list[Any]:
        """Return the next rows, at most `size`."""
        with shielded():
            return self._cursor.fetchmany(size)

    def fetchall(self) -> list[Any]:
        """Return all further rows."""
        with shielded():
            return self._cursor.fetchall()

    def __del__(self) -> None:
        """End the statement, where not all of its rows were read."""
        with shielded(), suppress(sqlite3.ProgrammingError):  # the database may be closed
            self._cursor.close()


class Database:
    """A database that one process alone uses, and no fork of it.

    Args:
        connection: The connection, which nothing else uses.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """Run one statement."""
        with shielded():
            return Rows(self._connection.execute(statement, values))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> Rows:
        """Run one statement for each of several rows of values."""
        known = list(rows)  # computing them may take long
        with shielded():
            return Rows(self._connection.executemany(statement, known))

    def executescript(self, statements: str) -> None:
        """Run several statements."""
        with shielded():
            self._connection.executescript(statements).close()

    def close(self) -> None:
        """Close the database. Can be called several times."""
        with shielded():
            self._connection.close()

    def __del__(self) -> None:
        """Close a database that was dropped without `close`."""
        self.close()


def open_private() -> Database:
    """Open a database without a name: in memory while small, in a temporary file after that."""
    with shielded():
        return Database(sqlite3.connect("", isolation_level=None, check_same_thread=False))
