"""What a check has still to look at: on disk, so that memory is bounded whatever the numbers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from radops.format.digest import Digest
from radops.format.uid import UID
from radops.repository.objects.sqlite import open_private
from radops.repository.refs.listing import Listed, live_slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE files (uid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE confirmed (uid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE objects (digest BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE uses (digest BLOB, uid TEXT, PRIMARY KEY (digest, uid)) WITHOUT ROWID;
CREATE TABLE listed (uid TEXT, number INTEGER, gone INTEGER, size INTEGER,
    PRIMARY KEY (uid, number, gone)) WITHOUT ROWID;
CREATE TABLE views (key TEXT PRIMARY KEY, uid TEXT, digest BLOB, size INTEGER) WITHOUT ROWID;
"""

# Rows that one statement fetches, and files that one call into Rust checks: enough to keep all
# cores busy, few enough that a batch of them takes little memory.
BATCH = 1024


class View(NamedTuple):
    """A file with a human name that has to show an object's bytes."""

    key: str
    uid: str
    digest: Digest
    size: int


def batches(items: Iterable[T], most: int = BATCH) -> Iterator[list[T]]:
    """Yield the items in lists of at most so many."""
    rest = iter(items)
    while batch := list(itertools.islice(rest, most)):
        yield batch


class Worklist:
    """Files, the objects that they need, and the views of them.

    A database without a name: SQLite keeps it in memory while it is small and in a temporary
    file after that, and nothing of it is left when it is closed or the process is killed.
    """

    def __init__(self, schema: str = _SCHEMA) -> None:
        self.db = open_private()
        for line in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16384"):
            self.db.execute(f"PRAGMA {line}")
        self.db.executescript(schema)
        self.db.execute("BEGIN")
        self._new: list[tuple[bytes, int, str]] = []

    def insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> int:
        """Give a statement many rows, in batches; return how many rows there were."""
        count = 0
        # Not the iterator itself: what it does can take long, and a fork waits for SQLite.
        for batch in batches(rows):
            self.db.executemany(statement, batch)
            count += len(batch)
        return count

    def add_file(self, uid: str) -> bool:
        """Note a file; False if it was noted before."""
        return self.db.execute("INSERT OR IGNORE INTO files VALUES (?)", (uid,)).rowcount == 1

    def add_confirmed(self, uids: Iterable[str]) -> None:
        """Note files that are here and need no further check."""
        rows = [(uid,) for uid in uids]
        self.db.executemany("INSERT OR IGNORE INTO confirmed VALUES (?)", rows)

    def drop_file(self, uid: str) -> None:
        """Take a file back that turned out to be none."""
        self.db.execute("DELETE FROM files WHERE uid = ?", (uid,))

    def add_object(self, digest: Digest, size: int, uid: str) -> None:
        """Note that a file needs an object; `size` is -1 if unknown."""
        self._new.append((digest.raw, size, uid))
        if len(self._new) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        new, self._new = self._new, []
        self.db.executemany(
            "INSERT INTO objects VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET size = excluded.size WHERE size < 0",
            [(digest, size) for digest, size, _ in new],
        )
        self.db.executemany(
            "INSERT OR IGNORE INTO uses VALUES (?, ?)", [(digest, uid) for digest, _, uid in new]
        )

    def size(self, digest: Digest) -> int | None:
        """Return the size of an object that a file needs, -1 if unknown; None if no file does."""
        row = self.db.execute("SELECT size FROM objects WHERE digest = ?", (digest.raw,)).fetchone()
        return None if row is None else int(row[0])

    def users(self, digest: Digest) -> tuple[str, ...]:
        """Return the files that need an object, sorted."""
        rows = self.db.execute("SELECT uid FROM uses WHERE digest = ? ORDER BY uid", (digest.raw,))
        return tuple(uid for (uid,) in rows)

    def add_view(self, view: View) -> None:
        """Note a view to look at."""
        row = (view.key, view.uid, view.digest.raw, view.size)
        self.db.execute("INSERT OR IGNORE INTO views VALUES (?, ?, ?, ?)", row)

    def add_listed(self, slot: Listed) -> None:
        """Note a slot that the remote lists."""
        row = (slot.uid, slot.number, slot.gone, slot.size)
        self.db.execute("INSERT OR IGNORE INTO listed VALUES (?, ?, ?, ?)", row)

    def only_listed(self) -> Iterator[UID]:
        """Yield the files that the remote lists and that were not noted here, sorted."""
        rows = self.db.execute(
            "SELECT uid, number, size, gone FROM listed AS one"
            " WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.uid = one.uid)"
            " AND NOT EXISTS (SELECT 1 FROM confirmed WHERE confirmed.uid = one.uid) ORDER BY uid"
        )
        slots = (
            Listed(uid, number, size, bool(gone))
            for batch in iter(lambda: rows.fetchmany(BATCH), [])
            for uid, number, size, gone in batch
        )
        for uid, of_name in itertools.groupby(slots, lambda one: one.uid):
            if live_slot(of_name) is not None:
                yield UID(uid)

    def totals(self) -> tuple[int, int]:
        """Return bytes and number of all that is to be looked at."""
        self._flush()
        row: tuple[int, int] = self.db.execute(
            "SELECT coalesce(sum(size), 0), count(*) FROM"
            " (SELECT max(size, 0) size FROM objects UNION ALL SELECT size FROM views)"
        ).fetchone()
        return row

    def objects(self) -> Iterator[list[tuple[Digest, int]]]:
        """Yield digest and size of all objects in batches, in the order of the disk's folders."""
        self._flush()
        rows = self.db.execute("SELECT digest, size FROM objects ORDER BY digest")
        while batch := rows.fetchmany(BATCH):
            yield [(Digest(digest), size) for digest, size in batch]

    def views(self) -> Iterator[list[View]]:
        """Yield all views in batches."""
        rows = self.db.execute("SELECT key, uid, digest, size FROM views ORDER BY key")
        while batch := rows.fetchmany(BATCH):
            yield [View(key, uid, Digest(digest), size) for key, uid, digest, size in batch]

    def close(self) -> None:
        """Drop everything."""
        self.db.close()
