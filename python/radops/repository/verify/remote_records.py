"""Reading the records of a remote: most of them many at once, decoded in Rust.

Rust decodes a batch of records, and what is as it should be is noted at once. A record is read by
itself, in Python, if Rust does not decide it, if only another request can say what it means (of
a commit whose primary slot was not read yet, with a call in an object of its own, of a
directory), or if it differs from what this machine has in the same slot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptDataError, CorruptRecordError, NewerFormatError, RadopsError
from radops.format.digest import Digest
from radops.format.record import FileRecord, Tombstone, decode_slot
from radops.format.uid import UID, slot_key
from radops.repository import layout
from radops.repository.refs.slots import Unfinished
from radops.repository.trees.parts import DamagedPartError, known_objects
from radops.repository.verify import findings
from radops.repository.verify.findings import REPAIR_REMOTE
from radops.repository.verify.worklist import batches
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.repository.progress import Count
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.slots import SlotContent
    from radops.repository.verify.findings import Tally
    from radops.repository.verify.worklist import Worklist
    from radops.repository.working_lake import WorkingLake

# Slots of one call into Rust. Each worker holds the bytes of so many in memory.
_GROUP = 64

_KINDS = {"record": "FileRecord", "folder": "FolderRecord", "tombstone": "Tombstone"}


class RemoteRecords:
    """Reads the slots of a remote and notes what their records need.

    Args:
        lake: The lake: what this machine read before is compared with what is there now.
        remote: Its remote.
        workers: How many calls to the remote at once.
        tally: Gets the findings.
        work: Has the tables `slots`, `uses` and `made`, which get what was read.
    """

    def __init__(
        self, lake: WorkingLake, remote: Remote, workers: int, tally: Tally, work: Worklist
    ) -> None:
        self.directories: dict[tuple[Digest, Digest], str] = {}
        """Root and layout of each directory, with the first name it was found under."""
        self._lake = lake
        self._remote = remote
        self._workers = workers
        self._tally = tally
        self._db = work.db

    def read(self, slots: Iterable[tuple[str, int]], count: Count) -> None:
        """Read slots.

        Args:
            slots: Name and number of each.
            count: Called with slots as they are read.
        """
        for _, group in each(self._read_group, batches(slots, _GROUP), self._workers):
            self._take(group)
            count(0, group.read)

    def known(self, uid: UID, number: int) -> SlotContent | None:
        """Return what the remote was found to hold in a slot before; None if that is not known."""
        try:
            known = self._lake.local.slots.read(uid, number)
        except RadopsError:
            return None  # found by a check of this machine
        slot = self._lake.local.prefix + slot_key(uid, number)
        catalog = self._lake.store.catalog
        if known is None or catalog.confirmed_at(slot, known.record_digest) is None:
            return None
        return known

    # -- in the threads of the workers -------------------------------------------------------

    def _read_group(self, slots: Sequence[tuple[str, int]]) -> _Group:
        group = _Group(len(slots))
        places = [(UID(uid), number) for uid, number in slots]
        keys = [slot_key(*place) for place in places]
        try:
            raws = self._remote.slots.read_many(keys)
        except CorruptRecordError:  # one of them is too long for a record
            group.rest = [self._read_alone(*place) for place in places]
            return group
        decoded = native.decode_slots(
            [(raw or b"", uid) for raw, (uid, _) in zip(raws, places, strict=True)], threads=1
        )
        local = self._local_digests(keys)
        for place, key, raw, slot, here in zip(places, keys, raws, decoded, local, strict=True):
            if slot is None or here not in (None, slot.record_digest):
                group.rest.append(self._read(*place, raw))
            elif slot.kind != "record":
                group.kinds.append((_KINDS[slot.kind], *place))
            elif self._is_plain(key, slot):
                group.add(*place, slot)
            else:
                group.rest.append(self._read(*place, raw))
        return group

    def _local_digests(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the digests of what this machine has in slots.

        None for one that is absent here; for one that cannot be read no digest at all.
        """
        root = f"{self._lake.store.root}/{self._lake.local.prefix}"
        found = native.hash_files([root + key for key in keys], threads=1)
        return [
            one.digest
            if isinstance(one, native.FileHash)
            else None
            if isinstance(one, FileNotFoundError)
            else b""
            for one in found
        ]

    def _is_plain(self, key: str, slot: native.DecodedSlot) -> bool:
        """Return whether no further request is needed to know what a file's record means."""
        if slot.origin not in ("import", "call"):
            return False
        if slot.primary != key and not self._remote.slots.is_known(slot.commit_id):
            return False
        return all(
            (Digest(root), Digest(tree_layout)) in self.directories
            for root, tree_layout in slot.trees
        )

    def _read_alone(self, uid: UID, number: int) -> _Read:
        try:
            raw = self._remote.slots.read_raw(slot_key(uid, number))
        except CorruptDataError as error:
            one = _Read(uid, number)
            one.error = error
            return one
        return self._read(uid, number, raw)

    def _read(self, uid: UID, number: int, raw: bytes | None) -> _Read:
        one = _Read(uid, number)
        if raw is None:
            return one  # slots are never removed, but this one was, just now
        try:
            one.content = decode_slot(raw, uid)
            if isinstance(one.content, FileRecord):
                one.pending = isinstance(
                    self._remote.slots.judge(uid, number, one.content), Unfinished
                )
                if not one.pending:
                    call = self._remote.call_of(one.content)
                    first = one.content.commit.primary_uid == uid
                    if call is not None and (first or not one.content.has_shared_call):
                        one.sources = sorted({i.uid for i in (*call.inputs, *call.reads)})
                    self._read_directories(one, one.content)
        except (CorruptDataError, NewerFormatError) as error:
            one.error = error
        return one

    def _read_directories(self, one: _Read, record: FileRecord) -> None:
        """Note what the directories of a record consist of, each once."""
        for pair in record.directories:
            if pair in self.directories:
                continue
            self.directories[pair] = one.uid
            try:
                # Root and layout are found missing by `keeps`, source lists by this.
                sources, structure = known_objects(self._remote.backend, *pair)
                one.objects += sources + structure
            except DamagedPartError as error:
                one.damaged = error

    # -- in the thread of the check ----------------------------------------------------------

    def _take(self, group: _Group) -> None:
        for one in group.rest:
            self._take_one(one, group)
        self._tally.files += group.files
        self._db.executemany(
            "UPDATE slots SET kind = ? WHERE uid = ? AND number = ? AND gone = 0", group.kinds
        )
        self._db.executemany("INSERT OR IGNORE INTO uses VALUES (?, ?, ?)", group.uses)
        self._db.executemany("INSERT OR IGNORE INTO made VALUES (?, ?, ?)", group.made)

    def _take_one(self, one: _Read, group: _Group) -> None:
        uid, key = one.uid, slot_key(one.uid, one.number)
        content = one.content
        kind = "none" if content is None else type(content).__name__
        group.kinds.append(("Unfinished" if one.pending else kind, uid, one.number))
        if isinstance(one.error, NewerFormatError) and self.known(uid, one.number) is None:
            self._find(findings.NEWER, one.error.message, "update radops", uid, key)
        elif one.error is not None and not self._is_absence(one):
            self._find(findings.RECORD, one.error.message, REPAIR_REMOTE, uid, key)
        self._compare(one)
        if not isinstance(content, FileRecord) or one.pending:
            return
        group.add_needs(uid, content.digest, content.size, content.keeps, one.sources)
        group.uses += [(digest.raw, uid, size) for digest, size in one.objects]
        if one.damaged is not None and (digest := one.damaged.digest) is not None:
            message = one.damaged.message
            self._find(
                findings.BYTES, message, REPAIR_REMOTE, uid, layout.object_key(digest), digest
            )

    def _is_absence(self, one: _Read) -> bool:
        """Return whether only a missing object is wrong, which is a finding of its own."""
        call = one.content.call_object if isinstance(one.content, FileRecord) else None
        return call is not None and self._remote.backend.stat(layout.object_key(call)) is None

    def _compare(self, one: _Read) -> None:
        """Compare a slot with what this machine read from it before."""
        known = self.known(one.uid, one.number)
        if known is None or one.content is None or known.raw == one.content.raw:
            return
        key = slot_key(one.uid, one.number)
        if isinstance(one.content, Tombstone) and one.content.record == known.raw:
            return
        if isinstance(known, Tombstone) and known.record == one.content.raw:
            message = "was deleted and is back: the remote was set back to an older state"
            hint = f"radops datalake delete {one.uid}"
            self._find(findings.ROLLED_BACK, message, hint, one.uid, key)
            return
        message = "its record is another than the remote gave before"
        hint = "find out who wrote to the remote without radops; the files that were are kept here"
        self._find(findings.REPLACED, message, hint, one.uid, key)

    def _find(
        self,
        kind: findings.Kind,
        message: str,
        hint: str,
        uid: UID,
        path: str,
        digest: Digest | None = None,
    ) -> None:
        self._tally.find(kind, message, hint, (uid,), digest, path)


class _Group:
    """What reading some slots gave: rows to note, and records that were read by themselves."""

    def __init__(self, read: int) -> None:
        self.read = read
        self.files = 0
        self.kinds: list[tuple[str, str, int]] = []
        self.uses: list[tuple[bytes, str, int]] = []
        self.made: list[tuple[str, str, str]] = []
        self.rest: list[_Read] = []

    def add(self, uid: UID, number: int, slot: native.DecodedSlot) -> None:
        """Note the record of a file that was decoded in Rust."""
        self.kinds.append((_KINDS[slot.kind], uid, number))
        keeps = map(Digest, slot.keeps)
        self.add_needs(uid, Digest(slot.digest), slot.size, keeps, slot.sources)

    def add_needs(
        self, uid: UID, own: Digest, size: int, keeps: Iterable[Digest], sources: Iterable[str]
    ) -> None:
        """Note what a file needs: objects, and edges from the files that it was made from."""
        self.files += 1
        for digest in {own, *keeps}:
            self.uses.append((digest.raw, uid, size if digest == own else -1))
        for source in sources:
            self.made.append((layout.edge_key(UID(source), uid), source, uid))


class _Read:
    """What reading a slot by itself gave."""

    def __init__(self, uid: UID, number: int) -> None:
        self.uid = uid
        self.number = number
        self.content: SlotContent | None = None
        self.pending = False
        self.sources: list[str] = []
        self.objects: list[tuple[Digest, int]] = []
        """What directories consist of."""
        self.damaged: DamagedPartError | None = None
        self.error: RadopsError | None = None
