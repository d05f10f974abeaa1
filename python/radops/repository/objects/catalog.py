"""The stat cache of a home: which local files were checked, and which slots the remote confirmed.

Everything in here can be lost without harm: what is not catalogued is checked again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from radops.repository.objects.cache_file import CacheFile
from radops.repository.objects.settled import unsettled_ns

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from radops.format.digest import Digest


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
CREATE TABLE IF NOT EXISTS proofs (
    pair TEXT PRIMARY KEY
) WITHOUT ROWID;
"""

_LOSS = "files on this machine are verified again when they are used"

# The numbers of SQLite have 64 bits with sign. Inodes can need all 64, times even more.
_BEYOND = 1 << 63

# What one statement names; SQLite allowed 999 for long.
_MOST_NAMED = 500

_FILE = (str, int, int, int, int, bytes, int)

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
    """The catalogue of one home. Thread-safe; no connection is open while the process forks.

    Args:
        path: The SQLite file.
        group: Whether all members of the home's group may write to it, whatever the umask.
    """

    def __init__(self, path: Path, *, group: bool = False) -> None:
        self.file = CacheFile(path, _SCHEMA, _LOSS, group=group)

    def checked(self, path: str, stamp: Stamp, digest: Digest, *, strict: bool = False) -> bool:
        """Return whether this file, unchanged since, was found to hold `digest`.

        Args:
            path: The file.
            stamp: What it looks like now.
            digest: What it should hold.
            strict: Do not trust a check so soon after the last change that a later one may not
                show in the times.
        """
        row = self._one(
            "SELECT size, mtime_ns, ctime_ns, inode, digest, checked_ns FROM files WHERE path = ?",
            path,
            (int, int, int, int, bytes, int),
        )
        if row is None or row[:4] != _signed(stamp) or row[4] != digest.raw:
            return False
        return not strict or unsettled_ns(stamp.mtime_ns, stamp.ctime_ns, row[5]) < 0

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
            "SELECT * FROM files WHERE path BETWEEN ? AND ? LIMIT ?",
            (paths[0], paths[-1], most),
            _FILE,
        )
        if len(rows) < most:
            return rows
        rows = []
        for start in range(0, len(paths), _MOST_NAMED):
            some = paths[start : start + _MOST_NAMED]
            marks = ", ".join("?" * len(some))
            statement = f"SELECT * FROM files WHERE path IN ({marks})"  # noqa: S608
            rows += self._all(statement, (*some,), _FILE)
        return rows

    def remember_rows(self, rows: Sequence[Row]) -> None:
        """Note rows as `rows` returns them."""
        statement = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)"
        try:
            self._many(statement, rows)
        except OverflowError:
            self._many(statement, [(row[0], *_signed(row[1:5]), *row[5:]) for row in rows])

    def check_times(self, beginning: str) -> list[tuple[int]]:
        """Return when each file whose path begins so was last checked, sorted, in ns."""
        statement = "SELECT checked_ns FROM files WHERE path >= ? AND path < ? ORDER BY 1"
        return self._all(statement, (beginning, f"{beginning}\U0010ffff"), (int,))

    def knows(self, path: str) -> bool:
        """Return whether this file was ever verified, in whatever state it is now."""
        return self._one("SELECT 1 FROM files WHERE path = ?", path, (int,)) is not None

    def forget(self, paths: Iterable[str]) -> None:
        """Drop what is known of these files."""
        self._many("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def confirmed_at(self, slot: str, record: Digest, remote: str | None = None) -> float | None:
        """Return when a remote last confirmed that `slot` holds `record`; None if never.

        Args:
            slot: The slot's local key.
            record: What it should hold.
            remote: Which remote; None for any.
        """
        rows = self._all(
            "SELECT remote, asked FROM answers WHERE slot = ? AND record = ? AND stands",
            (slot, record.raw),
            (str, float),
        )
        return max((row[1] for row in rows if remote in (None, row[0])), default=None)

    def confirmed(self, prefix: str, remote: str | None) -> set[str]:
        """Return the slots below a local prefix of which a remote (None: any) holds a record."""
        where = "stands AND slot >= ? AND slot < ?" + ("" if remote is None else " AND remote = ?")
        keys = (prefix, prefix + "\U0010ffff") + (() if remote is None else (remote,))
        statement = f"SELECT slot FROM answers WHERE {where}"  # noqa: S608 - no input
        rows = self._all(statement, keys, (str,))
        return {row[0] for row in rows}

    def has_confirmed(self, prefix: str) -> bool:
        """Return whether some remote holds a record in a slot below a local prefix."""
        statement = "SELECT 1 FROM answers WHERE slot >= ? AND slot < ? AND stands LIMIT 1"
        return bool(self._all(statement, (prefix, prefix + "\U0010ffff"), (int,)))

    def confirmed_records(self, prefix: str, remote: str | None) -> dict[str, set[bytes]]:
        """Return the slots below a local prefix with the digests of the records confirmed there."""
        where = "stands AND slot >= ? AND slot < ?" + ("" if remote is None else " AND remote = ?")
        keys = (prefix, prefix + "\U0010ffff") + (() if remote is None else (remote,))
        statement = f"SELECT slot, record FROM answers WHERE {where}"  # noqa: S608 - no input
        found: dict[str, set[bytes]] = {}
        for slot, record in self._all(statement, keys, (str, bytes)):
            found.setdefault(slot, set()).add(record)
        return found

    def last_queried_at(self, slot: str, record: Digest, remote: str) -> float | None:
        """Return when a remote was last asked about a record, whatever it said; None if never."""
        rows = self._all(
            "SELECT asked FROM answers WHERE slot = ? AND remote = ? AND record = ?",
            (slot, remote, record.raw),
            (float,),
        )
        return float(rows[0][0]) if rows else None

    def confirm(self, slots: Iterable[tuple[str, Digest]], remote: str) -> None:
        """Note that a remote holds these records in these slots, as of now."""
        self._answer(slots, remote, holds=True)

    def deny(self, slots: Iterable[tuple[str, Digest]], remote: str) -> None:
        """Note that a remote was asked, and holds something else or nothing."""
        self._answer(slots, remote, holds=False)

    def _answer(self, slots: Iterable[tuple[str, Digest]], remote: str, *, holds: bool) -> None:
        now = time.time()
        rows = [(slot, remote, record.raw, holds, now) for slot, record in slots]
        self._many("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", rows)

    def doubt(self, slots: Iterable[str], remote: str) -> None:
        """Forget what a remote answered about these slots."""
        rows = [(slot, remote) for slot in slots]
        self._many("DELETE FROM answers WHERE slot = ? AND remote = ?", rows)

    def note_uses(self, uses: Iterable[tuple[Digest, float]]) -> None:
        """Note when objects were used, in seconds since the epoch."""
        rows = [(digest.raw, when) for digest, when in uses]
        self._many("INSERT OR REPLACE INTO uses VALUES (?, ?)", rows)

    def last_used(self, digest: Digest) -> float:
        """Return when an object was last noted as used; 0 if never."""
        row = self._one("SELECT used FROM uses WHERE object = ?", digest.raw, (float,))
        return 0.0 if row is None else float(row[0])

    def forget_uses(self, digests: Iterable[Digest]) -> None:
        """Drop what is known of objects that are gone."""
        self._many("DELETE FROM uses WHERE object = ?", [(digest.raw,) for digest in digests])

    def needs(self, slot: str, record: Digest) -> bytes | None:
        """Return what was noted of the record with that digest, None if nothing was."""
        statement = "SELECT record, needs FROM records WHERE slot = ?"
        row = self._one(statement, slot, (bytes, bytes))
        return bytes(row[1]) if row is not None and row[0] == record.raw else None

    def remember_needs(self, rows: Iterable[tuple[str, Digest, bytes]]) -> None:
        """Note what records say, in short, so that they need not be decoded again.

        Args:
            rows: Slot, digest of its record, and what is to be noted.
        """
        values = [(slot, record.raw, needs) for slot, record, needs in rows]
        self._many("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", values)

    def is_page_proven(self, page: Digest, layout_page: Digest) -> bool:
        """Return whether every slice that a layout page names was found to be that of the page."""
        pair = f"{page} {layout_page}"
        return self._one("SELECT pair FROM proofs WHERE pair = ?", pair, (str,)) is not None

    def remember_proofs(self, pairs: Iterable[tuple[Digest, Digest]]) -> None:
        """Note pages whose slices were found to be right, each with its layout page."""
        rows = [(f"{page} {layout_page}",) for page, layout_page in pairs]
        self._many("INSERT OR IGNORE INTO proofs VALUES (?)", rows)

    def forget_proofs(self, pairs: Iterable[tuple[Digest, Digest]]) -> None:
        """Drop what is known of pages and their layout pages."""
        rows = [(f"{page} {layout_page}",) for page, layout_page in pairs]
        self._many("DELETE FROM proofs WHERE pair = ?", rows)

    def close(self) -> None:
        """Close the connection of this process."""
        self.file.close()

    def _all(
        self, statement: str, keys: tuple[object, ...], types: tuple[type, ...]
    ) -> list[tuple[Any, ...]]:
        rows = self._run(lambda connection: connection.execute(statement, keys).fetchall())
        # SQLite stores any type in any column, and a flipped bit makes one into another.
        if all(tuple(map(type, row)) == types for row in rows):
            return rows
        self.file.start_again("it holds values of wrong types")
        return []

    def _one(
        self, statement: str, key: str | bytes, types: tuple[type, ...]
    ) -> tuple[Any, ...] | None:
        rows = self._all(statement, (key,), types)
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
        return self.file.run(action, [])


def _signed(numbers: Sequence[int]) -> tuple[int, ...]:
    """Return numbers as SQLite can hold them: of larger ones the last 64 bits, with sign."""
    return tuple((number + _BEYOND) % (2 * _BEYOND) - _BEYOND for number in numbers)


# A program that opens one file and computes for days is noted at once; one that opens thousands
# of files pays for a write to the catalogue now and then, not for each of them.
_EVERY_SECONDS = 1.0
_MOST_HELD = 1024


class Usage:
    """Notes uses of objects, in batches, so that the longest unused can be removed first.

    The file system's access times do not serve: many mounts do not keep them, and a verification
    or a backup reads everything. A use that was lost only makes an object look as old as its
    arrival on this machine.

    Args:
        catalog: Where they are kept.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._noted: dict[Digest, float] = {}
        self._written = float("-inf")

    def note(self, digest: Digest) -> None:
        """Note that an object is used now."""
        self._noted[digest] = time.time()
        if time.monotonic() - self._written > _EVERY_SECONDS or len(self._noted) >= _MOST_HELD:
            self.flush()

    def last(self, digest: Digest) -> float:
        """Return when an object was last used, in seconds since the epoch; 0 if never noted."""
        return max(self._noted.get(digest, 0.0), self._catalog.last_used(digest))

    def flush(self) -> None:
        """Write down what was noted since the last time."""
        noted, self._noted = self._noted, {}
        self._written = time.monotonic()
        if noted:
            self._catalog.note_uses(noted.items())
