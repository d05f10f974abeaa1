"""Checking a repository against itself: slots, records, edges, outlines and objects.

Everything is listed once, every record read; which object is wanted and which is there meet in
a database on disk, so that memory is small however large the bucket. Of objects this compares
sizes; `read_objects` hashes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptDataError, NewerFormatError, RadopsError
from radops.model.digest import Digest
from radops.model.outline import outline_size
from radops.model.record import FileRecord, Tombstone, decode_slot
from radops.model.uid import UID, folders_of, gone_key, is_reserved, parse_slot_key, slot_key
from radops.repository import findings, layout
from radops.repository.findings import Tally
from radops.repository.slots import Pending
from radops.repository.transfer import each
from radops.repository.trash import parse_path, parse_trash_key
from radops.repository.worklist import BATCH, Worklist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from radops.repository.mirror import Mirror
    from radops.repository.remote import Remote
    from radops.repository.slots import SlotContent

REPAIR_REMOTE = "radops datalake verify --remote --repair"
_NOT_OURS = "nothing that radops puts there: remove it if it is nobody's"

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
        mirror: The lake: what this machine was told before is compared with what is there now.
        remote: Its remote.
        workers: How many requests at once.
    """

    def __init__(self, mirror: Mirror, remote: Remote, workers: int) -> None:
        self.mirror = mirror
        self.remote = remote
        self.workers = workers
        self.tally = Tally()
        self.work = Worklist(_SCHEMA)
        self.db = self.work.db

    # -- what is there -----------------------------------------------------------------------

    def list_slots(self, prefix: str, wanted: Callable[[str], bool]) -> bool:
        """Note the slots below a prefix; return whether there are any that are wanted."""
        found = False
        for entry in self.remote.backend.list(layout.REFS + prefix):
            name = parse_slot_key(entry.key)
            if name is None:
                self._find(findings.STRAY, "no slot", _NOT_OURS, path=entry.key)
            elif wanted(name.uid):
                found = True
                row = (name.uid, name.number, name.gone)
                self.db.execute("INSERT OR IGNORE INTO slots VALUES (?, ?, ?, NULL)", row)
        return found

    def list_rest(self) -> None:
        """Note all objects, outlines and edges."""
        backend = self.remote.backend
        for prefix, table in ((layout.OBJECTS, "objects"), (layout.OUTLINES, "outlines")):
            for entry in backend.list(prefix):
                digest = parse_path(entry.key[len(prefix) :])
                if digest is None:
                    self._find(findings.STRAY, f"none of the {table}", _NOT_OURS, path=entry.key)
                elif table == "objects":
                    self._note_object(digest, entry.size, entry.modified)
                else:
                    row = (digest.raw, entry.size)
                    self.db.execute("INSERT OR IGNORE INTO outlines VALUES (?, ?)", row)
        for entry in backend.list(layout.EDGES):
            self.db.execute("INSERT OR IGNORE INTO edges VALUES (?)", (entry.key,))
        self._list_trash()

    def ask_rest(self) -> None:
        """Note what wanted files need, each by a request of its own."""
        backend = self.remote.backend

        def ask(key: str) -> tuple[str, int, float] | None:
            entry = backend.stat(key)
            return None if entry is None else (key, entry.size, entry.modified)

        rows = self.db.execute("SELECT DISTINCT digest FROM uses").fetchall()
        digests = {layout.object_key(Digest(raw)): Digest(raw) for (raw,) in rows}
        outlines = {layout.outline_key(digest): digest for digest in digests.values()}
        edges = [key for (key,) in self.db.execute("SELECT key FROM made")]
        for _, found in each(ask, [*digests, *outlines, *edges], self.workers):
            if found is None:
                continue
            key, size, modified = found
            if key in digests:
                self._note_object(digests[key], size, modified)
            elif key in outlines:
                row = (outlines[key].raw, size)
                self.db.execute("INSERT OR IGNORE INTO outlines VALUES (?, ?)", row)
            else:
                self.db.execute("INSERT OR IGNORE INTO edges VALUES (?)", (key,))
        self._list_trash()

    def _note_object(self, digest: Digest, size: int, modified: float) -> None:
        row = (digest.raw, size, modified)
        self.db.execute("INSERT OR IGNORE INTO objects VALUES (?, ?, ?)", row)

    def _list_trash(self) -> None:
        for entry in self.remote.backend.list(layout.TRASH):
            parsed = parse_trash_key(entry.key)
            if parsed is not None and parsed[1] is not None:
                row = (parsed[1].raw, entry.key)
                self.db.execute("INSERT OR IGNORE INTO trash VALUES (?, ?)", row)

    # -- records -----------------------------------------------------------------------------

    def slot_count(self) -> int:
        """Return how many slots there are to be read."""
        (number,) = self.db.execute("SELECT count(*) FROM slots WHERE gone = 0").fetchone()
        return int(number)

    def read_slots(self, count: Callable[[int, int], None]) -> None:
        """Read every slot that was noted, and note what its record needs."""

        def read(slot: tuple[str, int]) -> _Read:
            return self._read(UID(slot[0]), slot[1])

        query = "SELECT uid, number FROM slots WHERE gone = 0 ORDER BY uid, number"
        for batch in self._batches(query):
            for _, one in each(read, batch, min(self.workers, len(batch))):
                self._take(one)
                count(0, 1)

    def _read(self, uid: UID, number: int) -> _Read:
        one = _Read(uid, number)
        try:
            raw = self.remote.slots.read_raw(slot_key(uid, number))
            if raw is None:
                return one  # nothing ever removes a slot, but somebody did, just now
            one.content = decode_slot(raw, uid)
            if isinstance(one.content, FileRecord):
                one.pending = isinstance(self.remote.slots.judge(uid, number, one.content), Pending)
                if not one.pending:
                    call = self.remote.call_of(one.content)
                    if call is not None:
                        one.sources = sorted({i.uid for i in (*call.inputs, *call.reads)})
        except (CorruptDataError, NewerFormatError) as error:
            one.error = error
        return one

    def _take(self, one: _Read) -> None:
        uid, key = one.uid, slot_key(one.uid, one.number)
        content = one.content
        kind = "none" if content is None else type(content).__name__
        row = ("Pending" if one.pending else kind, uid, one.number)
        self.db.execute("UPDATE slots SET kind = ? WHERE uid = ? AND number = ? AND gone = 0", row)
        if isinstance(one.error, NewerFormatError) and self._known(uid, one.number) is None:
            self._find(findings.NEWER, one.error.message, "update radops", [uid], path=key)
        elif one.error is not None and not self._is_absence(one):
            self._find(findings.RECORD, one.error.message, REPAIR_REMOTE, [uid], path=key)
        self._compare(one)
        if not isinstance(content, FileRecord) or one.pending:
            return
        self.tally.files += 1
        for digest in {content.digest, *content.keeps}:
            size = content.size if digest == content.digest else -1
            row_of_use = (digest.raw, uid, size)
            self.db.execute("INSERT OR IGNORE INTO uses VALUES (?, ?, ?)", row_of_use)
        for source in one.sources:
            row_of_edge = (layout.edge_key(UID(source), uid), source, uid)
            self.db.execute("INSERT OR IGNORE INTO made VALUES (?, ?, ?)", row_of_edge)

    def _is_absence(self, one: _Read) -> bool:
        """Say whether all that is wrong is an object that is not there: found as such."""
        call = one.content.call_object if isinstance(one.content, FileRecord) else None
        return call is not None and self.remote.backend.stat(layout.object_key(call)) is None

    def _compare(self, one: _Read) -> None:
        """Compare a slot with what the remote told this machine of it before."""
        known = self._known(one.uid, one.number)
        if known is None or one.content is None or known.raw == one.content.raw:
            return
        key = slot_key(one.uid, one.number)
        if isinstance(one.content, Tombstone) and one.content.record == known.raw:
            return
        if isinstance(known, Tombstone) and known.record == one.content.raw:
            message = "was deleted and is back: the remote was set back to an older state"
            hint = f"radops datalake delete {one.uid}"
            self._find(findings.ROLLED_BACK, message, hint, [one.uid], path=key)
            return
        message = "its record is another than the remote gave before"
        hint = "find out who wrote to the remote without radops; the files that were are kept here"
        self._find(findings.REPLACED, message, hint, [one.uid], path=key)

    def _known(self, uid: UID, number: int) -> SlotContent | None:
        try:
            known = self.mirror.here.slots.read(uid, number)
        except RadopsError:
            return None  # found by a check of this machine
        slot = self.mirror.here.prefix + slot_key(uid, number)
        if known is None or self.mirror.store.catalog.asked(slot, known.record_digest) is None:
            return None
        return known

    def find_lost(self, prefix: str, wanted: Callable[[str], bool]) -> None:
        """Find slots that the remote confirmed to this machine and no longer has."""
        for slot in self.mirror.here.slots.list(prefix):
            if slot.gone or not wanted(slot.uid):
                continue
            place = (slot.uid, slot.number)
            query = "SELECT 1 FROM slots WHERE uid = ? AND number = ? AND gone = 0"
            if self.db.execute(query, place).fetchone() is not None:
                continue
            known = self._known(UID(slot.uid), slot.number)
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
            message = f"slot {number} stands without the tombstone before it"
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

    def _batches(self, query: str) -> Iterator[list[tuple[str, int]]]:
        # Rows change while they are gone through, so each batch begins where the last one ended.
        last: tuple[str, int] = ("", -1)
        ordered = query.replace("ORDER", "AND (uid, number) > (?, ?) ORDER") + f" LIMIT {BATCH}"
        while batch := self.db.execute(ordered, last).fetchall():
            yield batch
            last = batch[-1]

    def _find(
        self,
        kind: str,
        message: str,
        hint: str,
        uids: Iterable[str] = (),
        digest: Digest | None = None,
        path: str | None = None,
        size: int = -1,
    ) -> findings.Finding:
        return self.tally.find(kind, message, hint, tuple(uids), digest, path, size)


class _Read:
    """What reading a slot gave."""

    def __init__(self, uid: UID, number: int) -> None:
        self.uid = uid
        self.number = number
        self.content: SlotContent | None = None
        self.pending = False
        self.sources: list[str] = []
        self.error: RadopsError | None = None
