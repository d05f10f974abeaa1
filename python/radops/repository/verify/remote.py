"""Checking a repository against itself: slots, records, edges, outlines and objects.

Everything is listed once, every record read; which object is wanted and which is there meet in
a database on disk, so that memory is small however large the bucket. Of objects this compares
sizes; `read_objects` hashes them.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from radops.format.digest import Digest
from radops.format.outline import outline_size
from radops.format.record import FileRecord
from radops.format.uid import UID, folders_of, gone_key, is_reserved, parse_slot_key, slot_key
from radops.repository import layout
from radops.repository.objects.trash import parse_path, parse_trash_key
from radops.repository.verify import findings
from radops.repository.verify.findings import REPAIR_REMOTE, Tally
from radops.repository.verify.remote_records import RemoteRecords
from radops.repository.verify.worklist import BATCH, Worklist, batches
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from radops.backends.base import Entry
    from radops.repository.progress import Count
    from radops.repository.refs.remote import Remote
    from radops.repository.working_lake import WorkingLake

_NOT_OURS = "nothing that radops puts there: remove it if it is not needed"

# Keys of one call that asks about many.
_ASKED = 64

_OBJECT = "INSERT OR IGNORE INTO objects VALUES (?, ?, ?)"
_OUTLINE = "INSERT OR IGNORE INTO outlines VALUES (?, ?)"
_EDGE = "INSERT OR IGNORE INTO edges VALUES (?)"

_SCHEMA = """
CREATE TABLE slots (uid TEXT, number INTEGER, gone INTEGER, kind TEXT,
    PRIMARY KEY (uid, number, gone)) WITHOUT ROWID;
CREATE TABLE objects (digest BLOB PRIMARY KEY, size INTEGER, modified REAL) WITHOUT ROWID;
CREATE TABLE trash (digest BLOB PRIMARY KEY, key TEXT) WITHOUT ROWID;
CREATE TABLE outlines (digest BLOB PRIMARY KEY, size INTEGER) WITHOUT ROWID;
CREATE TABLE edges (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE uses (digest BLOB, uid TEXT, size INTEGER, PRIMARY KEY (digest, uid)) WITHOUT ROWID;
CREATE TABLE made (key TEXT PRIMARY KEY, source TEXT, output TEXT) WITHOUT ROWID;
"""


class RemoteCheck:
    """A check of the remote of a lake.

    Args:
        lake: The lake: what this machine read before is compared with what is there now.
        remote: Its remote.
        workers: How many requests at once.
    """

    def __init__(self, lake: WorkingLake, remote: Remote, workers: int) -> None:
        self.lake = lake
        self.remote = remote
        self.workers = workers
        self.tally = Tally()
        self.work = Worklist(_SCHEMA)
        self.db = self.work.db
        self._records = RemoteRecords(lake, remote, workers, self.tally, self.work)

    @property
    def directories(self) -> Mapping[tuple[Digest, Digest], str]:
        """Root and layout of each directory, with the first name it was found under."""
        return self._records.directories

    # -- what is there -----------------------------------------------------------------------

    def list_slots(self, prefix: str, wanted: Callable[[str], bool]) -> bool:
        """Note the slots below a prefix; return whether there are any that are wanted."""

        def rows() -> Iterator[tuple[object, ...]]:
            for entry in self.remote.backend.list(layout.REFS + prefix):
                name = parse_slot_key(entry.key)
                if name is None:
                    self._find(findings.STRAY, "no slot", _NOT_OURS, path=entry.key)
                elif wanted(name.uid):
                    yield name.uid, name.number, name.gone

        return self.work.insert("INSERT OR IGNORE INTO slots VALUES (?, ?, ?, NULL)", rows()) > 0

    def list_rest(self) -> None:
        """Note all objects, outlines and edges."""
        self.work.insert(_OBJECT, self._listed(layout.OBJECTS, "objects"))
        outlines = self._listed(layout.OUTLINES, "outlines")
        self.work.insert(_OUTLINE, (row[:2] for row in outlines))
        self.work.insert(_EDGE, ((entry.key,) for entry in self.remote.backend.list(layout.EDGES)))
        self._list_trash()

    def _listed(self, prefix: str, what: str) -> Iterator[tuple[bytes, int, float]]:
        for entry in self.remote.backend.list(prefix):
            digest = parse_path(entry.key[len(prefix) :])
            if digest is None:
                self._find(findings.STRAY, f"none of the {what}", _NOT_OURS, path=entry.key)
            else:
                yield digest.raw, entry.size, entry.modified

    def ask_rest(self) -> None:
        """Note what wanted files need: the store is asked about each object, outline and edge."""
        rows = self.db.execute("SELECT DISTINCT digest FROM uses").fetchall()
        edges = self.db.execute("SELECT key FROM made").fetchall()
        digests = [Digest(raw) for (raw,) in rows]
        objects = {layout.object_key(digest): digest.raw for digest in digests}
        outlines = {layout.outline_key(digest): digest.raw for digest in digests}
        there = self._there(objects)
        self.work.insert(_OBJECT, ((objects[e.key], e.size, e.modified) for e in there))
        there = self._there(outlines)
        self.work.insert(_OUTLINE, ((outlines[e.key], e.size) for e in there))
        self.work.insert(_EDGE, ((e.key,) for e in self._there([key for (key,) in edges])))
        self._list_trash()

    def _there(self, keys: Iterable[str]) -> Iterator[Entry]:
        """Yield those of many keys that exist, in no order."""
        stats = self.remote.backend.stats
        for _, found in each(stats, batches(keys, _ASKED), self.workers):
            yield from (entry for entry in found if entry is not None)

    def _list_trash(self) -> None:
        def rows() -> Iterator[tuple[object, ...]]:
            for entry in self.remote.backend.list(layout.TRASH):
                parsed = parse_trash_key(entry.key)
                if parsed is not None and parsed[1] is not None:
                    yield parsed[1].raw, entry.key

        self.work.insert("INSERT OR IGNORE INTO trash VALUES (?, ?)", rows())

    # -- records -----------------------------------------------------------------------------

    def slot_count(self) -> int:
        """Return how many slots there are to be read."""
        (number,) = self.db.execute("SELECT count(*) FROM slots WHERE gone = 0").fetchone()
        return int(number)

    def read_slots(self, count: Count) -> None:
        """Read every slot that was noted, and note what its record needs."""
        self._records.read(itertools.chain.from_iterable(self._live_slots()), count)

    def find_lost(self, prefix: str, wanted: Callable[[str], bool]) -> None:
        """Find slots that the remote confirmed to this machine and no longer has."""
        for slot in self.lake.local.slots.list(prefix):
            if slot.gone or not wanted(slot.uid):
                continue
            place = (slot.uid, slot.number)
            query = "SELECT 1 FROM slots WHERE uid = ? AND number = ? AND gone = 0"
            if self.db.execute(query, place).fetchone() is not None:
                continue
            known = self._records.known(UID(slot.uid), slot.number)
            if isinstance(known, FileRecord):
                message = "the remote had it and no longer has: it was set back to an older state"
                key = slot_key(UID(slot.uid), slot.number)
                self._find(findings.ROLLED_BACK, message, REPAIR_REMOTE, [slot.uid], path=key)

    # -- against each other ------------------------------------------------------------------

    def compare(self, *, everything: bool) -> None:
        """Find what is wanted and missing, and what does not fit.

        Args:
            everything: All slots, objects and edges were listed, not only those of some files.
        """
        self._compare_objects()
        self._compare_outlines()
        for key, source, output in self.db.execute(
            "SELECT key, source, output FROM made WHERE key NOT IN (SELECT key FROM edges)"
        ):
            message = f"{source} does not know that this file was made from it"
            finding = self._find(findings.EDGE, message, REPAIR_REMOTE, [output], path=key)
            finding.edge = (source, output)
        self._compare_slots()
        if everything:
            self._compare_folders()

    def _compare_objects(self) -> None:
        (self.tally.objects, self.tally.bytes) = self.db.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM objects"
        ).fetchone()
        rows = self.db.execute(
            "SELECT uses.digest, max(uses.size), objects.size, trash.key FROM uses"
            " LEFT JOIN objects USING (digest) LEFT JOIN trash USING (digest) GROUP BY uses.digest"
            " HAVING objects.size IS NULL"
            " OR (max(uses.size) >= 0 AND objects.size != max(uses.size))"
        ).fetchall()
        for raw, size, there, in_trash in rows:
            digest = Digest(raw)
            key, uids = layout.object_key(digest), self.users(digest)
            if there is not None:
                message = f"has {there:,} bytes instead of {size:,}"
                self._find(findings.SIZE, message, REPAIR_REMOTE, uids, digest, key, size)
            elif in_trash is not None:
                message = "its bytes are on their way out, though it needs them"
                self._find(findings.TRASHED, message, REPAIR_REMOTE, uids, digest, in_trash, size)
            else:
                message = "its bytes are not in the remote"
                self._find(findings.MISSING, message, REPAIR_REMOTE, uids, digest, key, size)

    def _compare_outlines(self) -> None:
        rows = self.db.execute(
            "SELECT digest, outlines.size, objects.size FROM outlines JOIN objects USING (digest)"
        )
        for raw, length, size in rows:
            if length != outline_size(size):
                self.bad_outline(Digest(raw), size)

    def bad_outline(self, digest: Digest, size: int) -> None:
        """Note that an outline does not belong to its object."""
        message, key = "its outline does not belong to its digest", layout.outline_key(digest)
        uids = self.users(digest)
        self._find(findings.OUTLINE, message, REPAIR_REMOTE, uids, digest, key, size)

    def _compare_slots(self) -> None:
        for uid, number in self.db.execute(
            "SELECT uid, number FROM slots AS one WHERE gone = 0 AND number > 0 AND NOT EXISTS"
            " (SELECT 1 FROM slots WHERE uid = one.uid AND number = one.number - 1 AND gone = 0"
            "  AND kind IN ('Tombstone', 'none'))"
        ):
            message = f"slot {number} exists without the tombstone before it"
            hint = "find out who wrote to the remote without radops"
            self._find(findings.SLOT, message, hint, [uid], path=slot_key(UID(uid), number))
        for uid, number, gone, kind in self.db.execute(
            "SELECT uid, number, max(gone), max(kind) FROM slots GROUP BY uid, number"
            " HAVING max(gone) != coalesce(max(kind) = 'Tombstone', 0)"
        ):
            if kind == "none":
                continue  # found as a bad record
            message = f"slot {number} is marked as deleted and is not, so listings hide it"
            if not gone:
                message = f"slot {number} is deleted and not marked so, so listings show it"
            key = gone_key(slot_key(UID(uid), number))
            self._find(findings.SLOT, message, REPAIR_REMOTE, [uid], path=key)

    def _compare_folders(self) -> None:
        seen: set[UID] = set()
        for (uid,) in self.db.execute("SELECT DISTINCT uid FROM slots WHERE kind = 'FileRecord'"):
            for folder in () if is_reserved(UID(uid)) else folders_of(UID(uid)):
                if folder in seen:
                    continue
                seen.add(folder)
                row = self.db.execute(
                    "SELECT 1 FROM slots WHERE uid = ? AND kind IN ('FolderRecord', 'none')",
                    (folder,),
                )
                if row.fetchone() is None:
                    message = "has no record that it is a folder, so a file could take its name"
                    self._find(findings.FOLDER, message, REPAIR_REMOTE, [folder])

    # -- helpers -----------------------------------------------------------------------------

    def users(self, digest: Digest) -> tuple[str, ...]:
        """Return the files that need an object, sorted."""
        return self.work.users(digest)

    def _live_slots(self) -> Iterator[list[tuple[str, int]]]:
        # Rows change while they are gone through, so each batch begins where the last one ended.
        query = (
            "SELECT uid, number FROM slots WHERE gone = 0 AND (uid, number) > (?, ?)"
            " ORDER BY uid, number LIMIT ?"
        )
        last: tuple[str, int] = ("", -1)
        while batch := self.db.execute(query, (*last, BATCH)).fetchall():
            yield batch
            last = batch[-1]

    def _find(
        self,
        kind: findings.Kind,
        message: str,
        hint: str,
        uids: Iterable[str] = (),
        digest: Digest | None = None,
        path: str | None = None,
        size: int = -1,
    ) -> findings.Finding:
        return self.tally.find(kind, message, hint, tuple(uids), digest, path, size)
