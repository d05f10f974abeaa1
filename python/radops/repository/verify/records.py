"""Checking what is on this machine, first part: the records of a lake, and its edges.

Every record is read, and what it needs is noted, each object once however many files share it.
`ByteCheck` hashes what was noted, `check_store` looks for what does not belong. Small files that
are whole do not come here: `SweepCheck` checks them in bulk.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import (
    CorruptDataError,
    LocalStorageError,
    NewerFormatError,
    RadopsError,
    RemoteUnavailableError,
)
from radops.format.cbor import MAX_SIZE
from radops.format.digest import Digest
from radops.format.edge import decode_edge
from radops.format.record import FileRecord, FolderRecord, Tombstone
from radops.format.uid import UID, folders_of, is_reserved, slot_key
from radops.repository import layout
from radops.repository.refs.slots import Free, Taken, Unfinished
from radops.repository.verify import findings
from radops.repository.verify.findings import NO_COPY, REPAIR, RIGHTS
from radops.repository.verify.worklist import BATCH, View, Worklist

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.repository.refs.slots import State
    from radops.repository.verify.directories import DirectoryCheck
    from radops.repository.working_lake import WorkingLake


# Almost every record is shorter. To ask for the most that one can have would map and unmap 8 MiB
# of memory for each.
_MOST_RECORDS = 16 * 1024


class Needs(NamedTuple):
    """The fields of a file's record that a check needs."""

    uid: UID
    number: int
    """Of its slot."""
    record: Digest
    """Digest of the record's bytes."""
    digest: Digest
    size: int
    more: tuple[Digest, ...]
    """Further objects that must stay as long as the record."""
    sources: tuple[str, ...]
    """The UIDs of the lake files that it was made from."""
    trees: tuple[tuple[Digest, Digest], ...] = ()
    """Root and layout of the directories that the record keeps."""

    @classmethod
    def of(cls, record: FileRecord, number: int, sources: tuple[str, ...]) -> Needs:
        """Take it from a record."""
        more = tuple(digest for digest in record.keeps if digest != record.digest)
        uid, digest = UID(record.uid), record.digest
        record_digest, trees = record.record_digest, record.directories
        return cls(uid, number, record_digest, digest, record.size, more, sources, trees)

    def encode(self) -> bytes:
        """Return all but UID, number, record and directories, for the catalogue."""
        more = b"".join(digest.raw for digest in self.more)
        head = struct.pack(">QI", self.size, len(self.more))
        return head + self.digest.raw + more + "\n".join(self.sources).encode()

    @classmethod
    def decode(cls, noted: bytes, uid: UID, record: Digest) -> Needs:
        """Take it from the catalogue; it is that of the UID's first slot."""
        size, count = struct.unpack_from(">QI", noted)
        digests = [Digest(noted[at : at + 32]) for at in range(12, 44 + 32 * count, 32)]
        text = noted[44 + 32 * count :].decode()
        sources = tuple(text.split("\n")) if text else ()
        return cls(uid, 0, record, digests[0], size, tuple(digests[1:]), sources)


class RecordCheck:
    """Reads the records of one lake on this machine, and notes what has to be hashed.

    Args:
        lake: The lake. Its remote is asked only about missing files of which this machine has no
            sign that the remote holds them.
        directories: Notes the directories that records keep; has the tally.
        has_remote: Whether the lake has a remote, in use or not: then not all files are here.
        quick: Take what was noted of records that have the same bytes as then.
        complete: Files that are only in the remote are findings.
    """

    def __init__(
        self,
        lake: WorkingLake,
        directories: DirectoryCheck,
        *,
        has_remote: bool,
        quick: bool,
        complete: bool,
    ) -> None:
        self.lake = lake
        self.store = lake.store
        self.local = lake.local
        self.tally = directories.tally
        self.work = Worklist()
        self.directories = directories
        self.has_remote = has_remote
        self._quick = quick
        self._complete = complete
        self._root = str(self.store.root)
        self._new: list[tuple[str, Digest, bytes]] = []
        self._folders: set[UID] = set()
        self._ask = lake.remote is not None

    # -- records -----------------------------------------------------------------------------

    def take(self, uid: UID) -> bool:
        """Look at a file's record and note what it needs; False if there is no such file here."""
        if not self.work.add_file(uid):
            return True
        needs = self._noted(uid) if self._quick else None
        if needs is None:
            state = self._state(uid)
            if state is None:
                return True
            needs = self._judge(state)
            if needs is None:
                self.work.drop_file(uid)
                return False
        self._take(needs)
        return True

    def _noted(self, uid: UID) -> Needs | None:
        """Return what was noted of a record when it was last decoded, if it has the same bytes."""
        slot = self.local.prefix + slot_key(uid)
        try:
            with open(f"{self._root}/{slot}", "rb", buffering=0) as file:  # noqa: PTH123 - quick
                raw = file.read(_MOST_RECORDS)
                if len(raw) == _MOST_RECORDS:
                    raw += file.read(MAX_SIZE + 1 - _MOST_RECORDS)
                record = Digest.of(raw)
        except OSError:
            return None
        noted = self.store.catalog.needs(slot, record)
        return None if noted is None else Needs.decode(noted, uid, record)

    def _judge(self, state: State) -> Needs | None:
        if isinstance(state, Free) or isinstance(state.record, FolderRecord):
            return None
        sources = self._sources(state.record)
        needs = Needs.of(state.record, state.number, sources or ())
        if isinstance(state, Unfinished):
            # The intent of a commit that never happened, or the cached record of a file whose
            # siblings are not cached: then its bytes are here, or it is nothing.
            if self._confirmed(needs) or (
                self.has_remote and self.store.has(needs.digest, needs.size)
            ):
                return needs
            return None
        first = state.record.commit.primary == slot_key(needs.uid)
        if sources is not None and first and not needs.trees:
            # What this record needs never changes, whatever other slots hold.
            slot = self.local.prefix + slot_key(needs.uid)
            self._new.append((slot, needs.record, needs.encode()))
            if len(self._new) >= BATCH:
                self.note()
        return needs

    def note(self) -> None:
        """Save what was decoded, for a quick check."""
        new, self._new = self._new, []
        self.store.catalog.remember_needs(new)

    def _sources(self, record: FileRecord) -> tuple[str, ...] | None:
        if record.has_shared_call and record.commit.primary_uid != record.uid:
            return ()  # the edges of a call of many outputs lead to the first
        try:
            call = self.local.call_of(record)
        except RadopsError:
            return None  # the object with the call is missing or wrong: found as such
        return tuple(sorted({one.uid for one in (*call.inputs, *call.reads)} if call else ()))

    def _confirmed(self, needs: Needs) -> bool:
        slot = self.local.prefix + slot_key(needs.uid, needs.number)
        return self.store.catalog.confirmed_at(slot, needs.record) is not None

    def _state(self, uid: UID) -> State | None:
        try:
            return self.local.slots.state(uid)
        except NewerFormatError as error:
            self.tally.find(findings.NEWER, error.message, error.hint or "update radops", [uid])
        except CorruptDataError as error:
            hint = REPAIR if self.has_remote else "restore it from a backup of local storage"
            self.tally.find(
                findings.RECORD, error.message, hint, [uid], path=self.local.prefix + slot_key(uid)
            )
        except LocalStorageError as error:
            message, key = f"its record cannot be read: {error.message}", slot_key(uid)
            self.tally.find(
                findings.UNREADABLE, message, RIGHTS, [uid], path=self.local.prefix + key
            )
        return None

    def _take(self, needs: Needs) -> None:
        uid = needs.uid
        for digest in (needs.digest, *needs.more):
            is_file = digest is needs.digest
            if self._is_here(digest):
                self.work.add_object(digest, needs.size if is_file else -1, uid)
                self.tally.files += is_file
            else:
                self._absent(needs, digest, is_file=is_file)
        for root, tree_layout in needs.trees:
            self._take_tree(needs, root, tree_layout)
        key = f"{self.local.prefix}files/{uid}"
        path = Path(f"{self._root}/{key}")
        # A folder there is of views of files that came after this one was deleted elsewhere.
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            self.work.add_view(View(key, uid, needs.digest, needs.size))
        if self._confirmed(needs):
            return  # a cache of a remote has slots only; its edges and folders are there
        self._check_edges(needs)
        if not self.has_remote:
            self._check_folders(uid)

    def _take_tree(self, needs: Needs, root: Digest, tree_layout: Digest) -> None:
        """Note what a directory consists of; what is not here is counted once."""
        absent = 0
        for digest, size in self.directories.objects(root, tree_layout, needs.uid):
            if self._is_here(digest):
                self.work.add_object(digest, size, needs.uid)
            elif self.has_remote and self._confirmed(needs):
                absent += 1
            else:
                self._absent(needs, digest, is_file=False)
        for digest, size in self.directories.kept(root):
            if self._is_here(digest):
                self.work.add_object(digest, size, needs.uid)
        if absent:
            self.tally.not_local += 1
            if self._complete:
                message = f"{absent:,} of its packs and files are not on this machine"
                hint = f"radops datalake download {needs.uid}"
                self.tally.find(findings.NOT_LOCAL, message, hint, [needs.uid])

    def take_confirmed(self, uids: Sequence[str]) -> None:
        """Note files whose records were read and whose objects are checked elsewhere."""
        if self.lake.remote is not None:  # whose list is compared with what is here
            self.work.add_confirmed(uids)
        if not self.has_remote:
            for uid in {uid.rpartition("/")[0]: uid for uid in uids}.values():
                self._check_folders(UID(uid))

    def take_kept(self, uid: str, objects: Iterable[tuple[Digest, int]]) -> None:
        """Note what a finished result needs that waits to be published: it is nowhere else."""
        for digest, size in objects:
            if self._is_here(digest):
                self.work.add_object(digest, size, uid)
            else:
                message = "the bytes of this finished result, which waits for sync, are gone"
                hint = "run what makes it again"
                self.tally.find(findings.MISSING, message, hint, [uid], digest, None, size)

    def _is_here(self, digest: Digest) -> bool:
        return os.path.lexists(f"{self._root}/{layout.object_key(digest)}")

    def _absent(self, needs: Needs, digest: Digest, *, is_file: bool) -> None:
        if self.has_remote and (self._confirmed(needs) or self._remote_has(needs)):
            self.tally.not_local += is_file
            if is_file and self._complete:
                self.not_local(needs.uid, digest)
            return
        key, size = layout.object_key(digest), needs.size if is_file else -1
        if self.store.take_back(digest):  # the collector's trash returns what is kept
            self.work.add_object(digest, size, needs.uid)
            self.tally.files += is_file
            return
        kind: findings.Kind
        if self.store.catalog.knows(key) or self.store.quarantined(digest):
            kind, message = findings.MISSING, "its bytes are gone from local storage"
        else:
            kind, message = findings.DANGLING, "its bytes were never stored"
        where = ", and the remote is not known to hold them" if self.has_remote else ""
        hint = REPAIR if self.has_remote else NO_COPY
        self.tally.find(kind, message + where, hint, [needs.uid], digest, size=size)

    def not_local(self, uid: str, digest: Digest | None = None) -> None:
        """Note a file that is only in the remote, where all were to be here."""
        hint = f"radops datalake download {uid}"
        self.tally.find(findings.NOT_LOCAL, "is not on this machine", hint, [uid], digest=digest)

    def _remote_has(self, needs: Needs) -> bool:
        """Query the remote about a file if nothing here shows that it holds it."""
        if self.lake.remote is None or not self._ask:
            return False
        try:
            there = self.lake.remote.slots.read(needs.uid, needs.number)
        except RemoteUnavailableError:
            self._ask = False
            return False
        except RadopsError:
            return False
        return there is not None and there.record_digest == needs.record

    def _check_edges(self, needs: Needs) -> None:
        for source in needs.sources:
            key = self.local.prefix + layout.edge_key(UID(source), needs.uid)
            try:
                decode_edge((self.store.root / key).read_bytes(), needs.uid)
            except (OSError, RadopsError):
                message = f"{source} does not know that this file was made from it"
                finding = self.tally.find(findings.EDGE, message, REPAIR, [needs.uid], path=key)
                finding.edge = (source, needs.uid)

    def _check_folders(self, uid: UID) -> None:
        for folder in () if is_reserved(uid) else folders_of(uid):
            if folder in self._folders:
                continue
            self._folders.add(folder)
            try:
                state = self.local.slots.state(folder)
            except RadopsError:
                continue  # found as a bad record
            if isinstance(state, Taken) and isinstance(state.record, FolderRecord):
                continue
            if not self._is_cache(folder):
                message = "has no record that it is a folder, so a file could take its name"
                self.tally.find(findings.FOLDER, message, REPAIR, [folder])

    def _is_cache(self, folder: UID) -> bool:
        """Return whether a remote, in use or not, holds all that is known below a folder.

        Then the folder's record is there too, and no other.
        """
        beginning = f"{folder}/"
        known = self.store.catalog.confirmed(self.local.prefix + layout.REFS + beginning, None)
        return all(
            self.local.prefix + slot_key(UID(listed.uid), listed.number) in known
            for listed in self.local.slots.list(beginning)
            if listed.is_slot
        )

    def check_slot(self, uid: UID, number: int, *, gone: bool) -> None:
        """Check that a listed slot is in order: tombstones before it, and under its `-gone` key."""
        try:
            before = None if gone or not number else self.local.slots.read(uid, number - 1)
            marked = self.local.slots.read(uid, number) if gone else None
        except RadopsError:
            return  # found as a bad record
        key = self.local.prefix + slot_key(uid, number)
        if gone and not isinstance(marked, Tombstone):
            message = f"slot {number} is marked as deleted and is not, so listings hide it"
            self.tally.find(findings.SLOT, message, REPAIR, [uid], path=f"{key}-gone")
        elif not gone and number and not isinstance(before, Tombstone):
            message = f"slot {number} exists without the tombstone before it"
            self.tally.find(findings.SLOT, message, REPAIR, [uid], path=key)
