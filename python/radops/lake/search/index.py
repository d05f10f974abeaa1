"""The search index of a lake: an SQLite file that can be dropped at any time.

Each name is a row with what people search for. SQLite's full-text module FTS5 finds words by their
beginnings; a Python whose SQLite lacks it uses a file of its own, and finds any part of the text.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from radops.backends.forking import shielded
from radops.format.uid import RESERVED
from radops.lake.reports import SearchHit
from radops.repository.objects.cache_file import CacheFile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS names (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, recorded INTEGER NOT NULL,
    originator TEXT NOT NULL, function TEXT NOT NULL, params TEXT NOT NULL,
    description TEXT NOT NULL, tags TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tags (
    tag TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tag, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listed (uid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folders (
    path TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    folder TEXT NOT NULL, name TEXT NOT NULL, inode INTEGER NOT NULL, PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (what TEXT PRIMARY KEY) WITHOUT ROWID;
"""
# Words are what is between punctuation, so `train_2.csv` has three; accents and case do not count.
_WORDS: Final = """
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
    uid, tags, description, function, originator, params,
    tokenize = "unicode61 remove_diacritics 2", prefix = "1 2 3"
);
"""
_WEIGHTS: Final = "10, 8, 5, 4, 2, 1"
"""How much a word counts in each of these columns."""

_FEW: Final = 2_000
"""Up to so many names that match are sorted by relevance. Ten times as many take too long, and so
many match only one or two letters: then names come first."""

_MOST_WORDS: Final = 32
_MOST_TEXT: Final = 1_000

_GENERATED: Final = f"{RESERVED}/"
_END: Final = "\U0010ffff"
_FIELDS: Final = "uid, originator, function, description, tags"


class Entry(NamedTuple):
    """What is searched of one name."""

    uid: str
    originator: str = ""
    function: str = ""
    params: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    recorded: bool = True
    """Whether the record was read; otherwise a listing of the remote showed the name."""


class Change(NamedTuple):
    """How a folder of slots or notes differs from what was indexed."""

    path: str
    mtime_ns: int
    seen_ns: int
    """When that was looked at, by the wall clock; before it was."""
    written: list[tuple[str, int]]
    """Names of files that are new or replaced, with their inodes."""
    removed: list[str]
    folders: list[str]
    """Paths of the folders in it that are new; they are looked at next."""


@functools.cache
def has_words() -> bool:
    """Return whether this Python's SQLite has FTS5."""
    with shielded():
        connection = sqlite3.connect(":memory:")
        try:
            connection.executescript(_WORDS)
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
    return True


class SearchIndex:
    """The index of one lake on this machine. Thread-safe.

    Args:
        storage: The local storage of the home.
        lake_id: The lake.
        group: Whether all members of the home's group may write to it.
    """

    def __init__(self, storage: Path, lake_id: str, *, group: bool = False) -> None:
        self.lake_id = lake_id
        self._words = has_words()
        # The number is that of the tables: another version of radops makes other ones.
        kind = "words-1" if self._words else "plain-1"
        schema = _TABLES + (_WORDS if self._words else "")
        loss = "names are indexed again when they are next searched"
        path = storage / f"search-{lake_id}-{kind}.sqlite"
        self._file = CacheFile(path, schema, loss, group=group)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    # -- what it was made of -------------------------------------------------------------------

    def folders(self) -> dict[str, tuple[int, int]]:
        """Return the folders that were indexed: their mtime, and when they were looked at."""
        rows = self._all("SELECT path, mtime_ns, seen_ns FROM folders")
        return {path: (mtime, seen) for path, mtime, seen in rows}

    def files(self, folder: str) -> dict[str, int]:
        """Return the files of a folder that were indexed, with their inodes."""
        rows = self._all("SELECT name, inode FROM files WHERE folder = ?", folder)
        return dict(rows)

    def note(self, change: Change) -> None:
        """Note that a change of a folder was indexed."""

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                    [(change.path, *one) for one in change.written],
                )
                connection.executemany(
                    "DELETE FROM files WHERE folder = ? AND name = ?",
                    [(change.path, name) for name in change.removed],
                )
                connection.execute(
                    "INSERT OR REPLACE INTO folders VALUES (?, ?, ?)",
                    (change.path, change.mtime_ns, change.seen_ns),
                )
                # If this is interrupted, the next search finds that these were not indexed.
                connection.executemany(
                    "INSERT OR IGNORE INTO folders VALUES (?, -1, 0)",
                    [(path,) for path in change.folders],
                )

        self._file.run(write, None)

    def forget_folder(self, path: str) -> None:
        """Note that a folder is gone."""

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("DELETE FROM files WHERE folder = ?", (path,))
                connection.execute("DELETE FROM folders WHERE path = ?", (path,))

        self._file.run(write, None)

    # -- names -----------------------------------------------------------------------------------

    def put(self, entries: Sequence[Entry]) -> None:
        """Index names, replacing what was indexed of them."""
        self._change([entry.uid for entry in entries], entries)

    def drop(self, uids: Collection[str]) -> None:
        """Remove names."""
        self._change(uids, ())

    def _change(self, uids: Collection[str], entries: Sequence[Entry]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for uid in uids:
                    row = connection.execute("SELECT id FROM names WHERE uid = ?", (uid,))
                    for (number,) in row.fetchall():
                        self._remove(connection, number)
                for entry in entries:
                    self._insert(connection, entry)

        if uids:
            self._file.run(write, None)

    def _remove(self, connection: sqlite3.Connection, number: int) -> None:
        connection.execute("DELETE FROM names WHERE id = ?", (number,))
        connection.execute("DELETE FROM tags WHERE id = ?", (number,))
        if self._words:
            connection.execute("DELETE FROM words WHERE rowid = ?", (number,))

    def _insert(self, connection: sqlite3.Connection, entry: Entry) -> None:
        tags = " ".join(entry.tags)
        number = connection.execute(
            "INSERT INTO names VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.uid,
                entry.recorded,
                entry.originator,
                entry.function,
                entry.params,
                entry.description,
                tags,
            ),
        ).lastrowid
        connection.executemany(
            "INSERT OR IGNORE INTO tags VALUES (?, ?)", [(tag, number) for tag in entry.tags]
        )
        if self._words:
            connection.execute(
                "INSERT INTO words (rowid, uid, tags, description, function, originator, params)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    entry.uid,
                    tags,
                    entry.description,
                    entry.function,
                    entry.originator,
                    entry.params,
                ),
            )

    # -- names that only the remote has ------------------------------------------------------------

    def note_listed(
        self, prefix: str, uids: Iterable[str], *, recursive: bool, generated: bool
    ) -> None:
        """Note names that a listing of the remote showed and whose records are not here.

        Args:
            prefix: What was listed.
            uids: The names.
            recursive: Whether these are all names that begin so, also in folders.
            generated: Whether names that radops gave are among them.
        """
        rows = [(uid,) for uid in uids]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                changed = 0
                if recursive:
                    connection.execute("CREATE TEMP TABLE IF NOT EXISTS now (uid TEXT PRIMARY KEY)")
                    connection.execute("DELETE FROM now")
                    connection.executemany("INSERT OR IGNORE INTO now VALUES (?)", rows)
                    changed += connection.execute(
                        "DELETE FROM listed WHERE uid >= ? AND uid < ?"
                        " AND uid NOT IN (SELECT uid FROM now)"
                        " AND (? OR substr(uid, 1, ?) != ?)",
                        (prefix, prefix + _END, generated, len(_GENERATED), _GENERATED),
                    ).rowcount
                changed += connection.executemany(
                    "INSERT OR IGNORE INTO listed VALUES (?)", rows
                ).rowcount
                if changed:
                    connection.execute("INSERT OR IGNORE INTO state VALUES ('listed')")

        self._file.run(write, None)

    def listed_changes(self) -> tuple[list[str], list[str]]:
        """Return listed names that are not indexed yet, and indexed ones no longer listed."""
        if not self._all("SELECT 1 FROM state WHERE what = 'listed'"):
            return [], []
        new = self._all("SELECT uid FROM listed WHERE uid NOT IN (SELECT uid FROM names)")
        old = self._all(
            "SELECT uid FROM names WHERE NOT recorded AND uid NOT IN (SELECT uid FROM listed)"
        )
        return [uid for (uid,) in new], [uid for (uid,) in old]

    def listed_done(self) -> None:
        """Note that the listed names are indexed."""
        self._execute("DELETE FROM state WHERE what = 'listed'")

    # -- searching -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many names there are."""
        rows = self._all("SELECT count(*) FROM names")
        return int(rows[0][0]) if rows else 0

    def tagged(self, tag: str) -> set[str]:
        """Return the names that have a tag."""
        rows = self._all("SELECT uid FROM names JOIN tags USING (id) WHERE tag = ?", tag)
        return {uid for (uid,) in rows}

    def search(self, text: str, tag: str | None, limit: int) -> list[SearchHit]:
        """Return names that match, the most relevant first, then by name.

        Args:
            text: Words; each must be the beginning of a word of what is known of a name.
            tag: Names that have this tag only.
            limit: The most that are returned.
        """
        words = _clean(text).split()[:_MOST_WORDS]
        if self._words:
            # What holds no letter or digit is in no word.
            words = [word for word in words if any(map(str.isalnum, word))]
        if limit < 1 or (text.strip() and not words):
            return []
        rows = self._search_words(words, tag, limit) if self._words and words else None
        if rows is None:
            rows = self._search_text(words, tag, limit)
        return [
            SearchHit(uid, originator, function, description, tags.split())
            for uid, originator, function, description, tags in rows
        ]

    def _search_words(self, words: list[str], tag: str | None, limit: int) -> list[Any]:
        match = " AND ".join('"' + word.replace('"', '""') + '" *' for word in words)
        having, values = _having(tag)
        of_words, _ = _having(tag, "words.rowid")
        counted = self._all(
            f"SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ?{of_words} LIMIT ?)",  # noqa: S608
            match, *values, _FEW + 1,
        )  # fmt: skip
        if not counted or counted[0][0] <= _FEW:
            return self._all(
                f"SELECT {', '.join('names.' + one for one in _FIELDS.split(', '))} FROM words"  # noqa: S608
                f" JOIN names ON names.id = words.rowid WHERE words MATCH ?{of_words}"
                f" ORDER BY bm25(words, {_WEIGHTS}), names.uid LIMIT ?",
                match, *values, limit,
            )  # fmt: skip
        found: list[Any] = []
        for one in (f"{{uid}} : ({match})", match):  # in the name; then anywhere
            known = {row[0] for row in found}
            found += [
                row
                for row in self._all(
                    f"SELECT {_FIELDS} FROM names INDEXED BY sqlite_autoindex_names_1 WHERE +id IN"  # noqa: S608
                    f" (SELECT rowid FROM words WHERE words MATCH ?){having} ORDER BY uid LIMIT ?",
                    one, *values, limit + len(known),
                )
                if row[0] not in known
            ]  # fmt: skip
            if len(found) >= limit:
                break
        return found[:limit]

    def _search_text(self, words: list[str], tag: str | None, limit: int) -> list[Any]:
        """Search without FTS5: each word may be any part of the text. By name only."""
        having, values = _having(tag)
        text = "uid || ' ' || originator || ' ' || function || ' ' || params || ' ' || description"
        where = f" AND ({text} || ' ' || tags) LIKE ? ESCAPE '\\'" * len(words)
        likes = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
        return self._all(
            f"SELECT {_FIELDS} FROM names WHERE 1{having}{where} ORDER BY uid LIMIT ?",  # noqa: S608
            *values, *likes, limit,
        )  # fmt: skip

    # -- helpers ---------------------------------------------------------------------------------

    def _all(self, statement: str, *values: object) -> list[Any]:
        def read(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(statement, values).fetchall()

        return self._run(read)

    def _run(self, action: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        return self._file.run(action, [])

    def _execute(self, statement: str, *values: object) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(statement, values)

        self._file.run(write, None)


def _clean(text: str) -> str:
    """Return a text that SQLite takes, whatever a person typed or pasted."""
    return text[:_MOST_TEXT].replace("\0", " ").encode(errors="replace").decode()


def _having(tag: str | None, column: str = "id") -> tuple[str, tuple[str, ...]]:
    """Return the condition that a name has a tag, and its values."""
    if tag is None:
        return "", ()
    return f" AND {column} IN (SELECT id FROM tags WHERE tag = ?)", (tag,)  # noqa: S608
