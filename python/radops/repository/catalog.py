"""The stat cache of a home: which local files were checked, and which slots the remote confirmed.

Everything in here can be lost without harm: what is not catalogued is checked again. Where
SQLite cannot lock (some network file systems) or its file is damaged, the catalogue lives in
memory for this process only.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from radops.model.digest import Digest

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, digest BLOB NOT NULL,
    checked_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    slot TEXT NOT NULL, remote TEXT NOT NULL, record BLOB NOT NULL, stands INTEGER NOT NULL,
    asked REAL NOT NULL, PRIMARY KEY (slot, remote)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    slot TEXT PRIMARY KEY, record BLOB NOT NULL, needs BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (
    object BLOB PRIMARY KEY, used REAL NOT NULL
) WITHOUT ROWID;
"""

# A file changed within this time of its check may carry the same times again afterwards, as the
# kernel's clock for time stamps is coarse (git calls such entries racy): it is checked again.
RACY_NS = 50_000_000

# The numbers of SQLite have 64 bits with sign. Inodes can need all 64, times even more.
_BEYOND = 1 << 63

# What one statement names; SQLite allowed 999 for long.
_MOST_NAMED = 500

Row: TypeAlias = tuple[str, int, int, int, int, bytes, int]
"""Path, size, mtime and ctime in nanoseconds, inode, digest, and when that was checked. Numbers of
more than 63 bits come back with another sign."""


class Stamp(NamedTuple):
    """The stat of a file at the time its bytes were checked."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        """Take the stamp from a stat result."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


class Catalog:
    """The catalogue of one home. Thread-safe; makes a new connection after a fork.

    Args:
        path: The SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reset()

    def _reset(self) -> None:
        # A connection that came through a fork is dropped, not closed: closing it would give up
        # the parent's file locks. The lock may have been held by a thread that is not here.
        self._owner = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def checked(self, path: str, stamp: Stamp, digest: Digest, *, strict: bool = False) -> bool:
        """Say whether this very file, unchanged since, was found to hold `digest`.

        Args:
            path: The file.
            stamp: What it looks like now.
            digest: What it should hold.
            strict: Do not trust a check made within the clock's granularity of the last change.
        """
        row = self._one(
            "SELECT size, mtime_ns, ctime_ns, inode, digest, checked_ns FROM files WHERE path = ?",
            path,
        )
        if row is None or row[:4] != _signed(stamp) or row[4] != digest.raw:
            return False
        return not strict or row[5] - max(stamp.mtime_ns, stamp.ctime_ns) > RACY_NS

    def remember(self, files: Iterable[tuple[str, Stamp, Digest]], checked_ns: int) -> None:
        """Note that these files were found to hold these digests.

        Args:
            files: Path, stat and digest of each.
            checked_ns: When the check began, by the wall clock.
        """
        self.remember_rows(
            [(path, *stamp, digest.raw, checked_ns) for path, stamp, digest in files]
        )

    def rows(self, paths: Sequence[str]) -> list[Row]:
        """Return what is known of these files: the rows of those that were checked.

        Args:
            paths: The files, sorted.
        """
        if not paths:
            return []
        # Where most of what lies between the first and the last is asked for, one look is enough.
        most = 2 * len(paths)
        rows = self._all(
            "SELECT * FROM files WHERE path BETWEEN ? AND ? LIMIT ?", (paths[0], paths[-1], most)
        )
        if len(rows) < most:
            return rows
        rows = []
        for start in range(0, len(paths), _MOST_NAMED):
            some = paths[start : start + _MOST_NAMED]
            marks = ", ".join("?" * len(some))
            rows += self._all(f"SELECT * FROM files WHERE path IN ({marks})", (*some,))  # noqa: S608
        return rows

    def remember_rows(self, rows: Sequence[Row]) -> None:
        """Note rows as `rows` returns them."""
        statement = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)"
        try:
            self._many(statement, rows)
        except OverflowError:
            self._many(statement, [(row[0], *_signed(row[1:5]), *row[5:]) for row in rows])

    def knows(self, path: str) -> bool:
        """Say whether this file was ever found whole, however it looks now."""
        return self._one("SELECT 1 FROM files WHERE path = ?", path) is not None

    def forget(self, paths: Iterable[str]) -> None:
        """Drop what is known of these files."""
        self._many("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def asked(self, slot: str, record: Digest, remote: str | None = None) -> float | None:
        """Return when a remote last confirmed that `slot` holds `record`; None if never.

        Args:
            slot: The slot's local key.
            record: What it should hold.
            remote: Which remote; None for any.
        """
        rows = self._all(
            "SELECT remote, asked FROM answers WHERE slot = ? AND record = ? AND stands",
            (slot, record.raw),
        )
        return max((row[1] for row in rows if remote in (None, row[0])), default=None)

    def confirmed(self, prefix: str, remote: str | None) -> set[str]:
        """Return the slots below a local prefix of which a remote (None: any) holds a record."""
        where = "stands AND slot >= ? AND slot < ?" + ("" if remote is None else " AND remote = ?")
        keys = (prefix, prefix + "\U0010ffff") + (() if remote is None else (remote,))
        rows = self._all(f"SELECT slot FROM answers WHERE {where}", keys)  # noqa: S608 - no input
        return {row[0] for row in rows}

    def heard(self, slot: str, record: Digest, remote: str) -> float | None:
        """Return when a remote was last asked about a record, whatever it said; None if never."""
        rows = self._all(
            "SELECT asked FROM answers WHERE slot = ? AND remote = ? AND record = ?",
            (slot, remote, record.raw),
        )
        return float(rows[0][0]) if rows else None

    def confirm(self, slots: Iterable[tuple[str, Digest]], remote: str) -> None:
        """Note that a remote holds these records in these slots, as of now."""
        self._answer(slots, remote, stands=True)

    def deny(self, slots: Iterable[tuple[str, Digest]], remote: str) -> None:
        """Note that a remote was asked, and holds something else or nothing."""
        self._answer(slots, remote, stands=False)

    def _answer(self, slots: Iterable[tuple[str, Digest]], remote: str, *, stands: bool) -> None:
        now = time.time()
        rows = [(slot, remote, record.raw, stands, now) for slot, record in slots]
        self._many("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", rows)

    def doubt(self, slots: Iterable[str], remote: str) -> None:
        """Forget what a remote said of these slots."""
        rows = [(slot, remote) for slot in slots]
        self._many("DELETE FROM answers WHERE slot = ? AND remote = ?", rows)

    def note_uses(self, uses: Iterable[tuple[Digest, float]]) -> None:
        """Note when objects were used, in seconds since the epoch."""
        rows = [(digest.raw, when) for digest, when in uses]
        self._many("INSERT OR REPLACE INTO uses VALUES (?, ?)", rows)

    def last_used(self, digest: Digest) -> float:
        """Return when an object was last noted as used; 0 if never."""
        row = self._one("SELECT used FROM uses WHERE object = ?", digest.raw)
        return 0.0 if row is None else float(row[0])

    def forget_uses(self, digests: Iterable[Digest]) -> None:
        """Drop what is known of objects that are gone."""
        self._many("DELETE FROM uses WHERE object = ?", [(digest.raw,) for digest in digests])

    def needs(self, slot: str, record: Digest) -> bytes | None:
        """Return what was noted of the record with that digest, None if nothing was."""
        row = self._one("SELECT record, needs FROM records WHERE slot = ?", slot)
        return bytes(row[1]) if row is not None and row[0] == record.raw else None

    def remember_needs(self, rows: Iterable[tuple[str, Digest, bytes]]) -> None:
        """Note what records say, in short, so that they need not be decoded again.

        Args:
            rows: Slot, digest of its record, and what is to be noted.
        """
        values = [(slot, record.raw, needs) for slot, record, needs in rows]
        self._many("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", values)

    def close(self) -> None:
        """Close the connection of this process."""
        if self._owner != os.getpid():
            self._reset()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _all(self, statement: str, keys: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self._run(lambda connection: connection.execute(statement, keys).fetchall())

    def _one(self, statement: str, key: str | bytes) -> tuple[Any, ...] | None:
        rows = self._run(lambda connection: connection.execute(statement, (key,)).fetchall())
        return rows[0] if rows else None

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            with connection:
                connection.executemany(statement, rows)
            return []

        if rows:
            self._run(write)

    def _run(
        self, action: Callable[[sqlite3.Connection], list[tuple[Any, ...]]]
    ) -> list[tuple[Any, ...]]:
        if self._owner != os.getpid():
            self._reset()
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(str(self._path))
                return action(self._connection)
            except sqlite3.Error as error:
                return self._recover(error)

    def _recover(self, error: sqlite3.Error) -> list[tuple[Any, ...]]:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if type(error) is sqlite3.DatabaseError:
            # Damaged, or no database at all: it is only a cache, so begin anew.
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        else:
            self._connection = _connect(":memory:")
        return []


def _signed(numbers: Sequence[int]) -> tuple[int, ...]:
    """Return numbers as SQLite can hold them: of larger ones the last 64 bits, with sign."""
    return tuple((number + _BEYOND) % (2 * _BEYOND) - _BEYOND for number in numbers)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        # With a write-ahead log a loss of power costs the last rows, never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
