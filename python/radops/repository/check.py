"""Checking what stands on this machine, first part: the records of a lake, and its edges.

Every record is read, and what it needs is noted, each object once however many files share it.
`check_bytes` hashes what was noted, `check_store` looks for what does not belong.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from radops.errors import (
    CorruptDataError,
    LocalStorageError,
    NewerFormatError,
    RadopsError,
    RemoteUnavailableError,
)
from radops.model.edge import decode_edge
from radops.model.record import FileRecord, FolderRecord, Tombstone
from radops.model.uid import UID, folders_of, is_reserved, slot_key
from radops.repository import findings, layout
from radops.repository.findings import REPAIR, RIGHTS, Tally
from radops.repository.slots import Free, Pending, Taken
from radops.repository.worklist import View, Worklist

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.model.digest import Digest
    from radops.repository.mirror import Mirror
    from radops.repository.slots import State


class RecordCheck:
    """Reads the records of one lake on this machine, and notes what has to be hashed.

    Args:
        mirror: The lake. Its remote is asked only about files that are missing and that nothing
            here says the remote holds.
        has_remote: Whether the lake has a remote, in use or not: then not all files are here.
        complete: Files that are only in the remote are findings.
    """

    def __init__(self, mirror: Mirror, *, has_remote: bool, complete: bool) -> None:
        self.mirror = mirror
        self.store = mirror.store
        self.here = mirror.here
        self.tally = Tally()
        self.work = Worklist()
        self.has_remote = has_remote
        self._complete = complete
        self._folders: set[UID] = set()
        self._ask = mirror.remote is not None

    # -- records -----------------------------------------------------------------------------

    def take(self, uid: UID) -> bool:
        """Look at a file's record and note what it needs; False if there is no such file here."""
        if self.work.has_file(uid):
            return True
        state = self._state(uid)
        if state is None:
            return self.work.add_file(uid)
        if isinstance(state, Free) or isinstance(state.record, FolderRecord):
            return False
        taken = Taken(uid, state.number, state.record)
        # The intent of a commit that never happened, or the cached record of a file whose
        # siblings are not cached: then its bytes are here, or it is nothing.
        if (
            isinstance(state, Pending)
            and not self.mirror.is_confirmed(taken)
            and not (self.has_remote and self.store.has(state.record.digest, state.record.size))
        ):
            return False
        self.work.add_file(uid)
        self._take(taken, state.record)
        return True

    def _state(self, uid: UID) -> State | None:
        try:
            return self.here.slots.state(uid)
        except NewerFormatError as error:
            self.tally.find(findings.NEWER, error.message, error.hint or "update radops", [uid])
        except CorruptDataError as error:
            hint = REPAIR if self.has_remote else "restore it from a backup of local storage"
            self.tally.find(
                findings.RECORD, error.message, hint, [uid], path=self.here.prefix + slot_key(uid)
            )
        except LocalStorageError as error:
            message, key = f"its record cannot be read: {error.message}", slot_key(uid)
            self.tally.find(
                findings.UNREADABLE, message, RIGHTS, [uid], path=self.here.prefix + key
            )
        return None

    def _take(self, taken: Taken, record: FileRecord) -> None:
        uid = taken.uid
        for digest in sorted({record.digest, *record.keeps}):
            size = record.size if digest == record.digest else -1
            if self._stands(digest):
                self.work.add_object(digest, size, uid)
                self.tally.files += digest == record.digest
            else:
                self._absent(taken, digest, size, is_file=digest == record.digest)
        key = f"{self.here.prefix}files/{uid}"
        if os.path.lexists(self.store.root / key):
            self.work.add_view(View(key, uid, record.digest, record.size))
        if self.has_remote and self.mirror.is_confirmed(taken):
            return  # a cache of the remote has slots only; its edges are there
        self._check_edges(record)
        if not self.has_remote:
            self._check_folders(uid)

    def take_kept(self, uid: str, objects: Iterable[tuple[Digest, int]]) -> None:
        """Note what a finished result needs that waits to be published: it is nowhere else."""
        for digest, size in objects:
            if self._stands(digest):
                self.work.add_object(digest, size, uid)
            else:
                message = "the bytes of this finished result, which waits for sync, are gone"
                hint = "run what makes it again"
                self.tally.find(findings.MISSING, message, hint, [uid], digest, None, size)

    def _stands(self, digest: Digest) -> bool:
        return os.path.lexists(self.store.object_path(digest))

    def _absent(self, taken: Taken, digest: Digest, size: int, *, is_file: bool) -> None:
        if self.has_remote and (self.mirror.is_confirmed(taken) or self._remote_has(taken)):
            self.tally.not_local += is_file
            if is_file and self._complete:
                self.not_local(taken.uid, digest)
            return
        key = layout.object_key(digest)
        if self.store.catalog.knows(key) or self.store.quarantined(digest):
            kind, message = findings.MISSING, "its bytes are gone from local storage"
        else:
            kind, message = findings.DANGLING, "its bytes were never stored"
        where = ", and the remote is not known to hold them" if self.has_remote else ""
        self.tally.find(kind, message + where, REPAIR, [taken.uid], digest=digest, size=size)

    def not_local(self, uid: str, digest: Digest | None = None) -> None:
        """Note a file that is only in the remote, where all were to be here."""
        hint = f"radops datalake download {uid}"
        self.tally.find(findings.NOT_LOCAL, "is not on this machine", hint, [uid], digest=digest)

    def _remote_has(self, taken: Taken) -> bool:
        """Ask about a file of which nothing here says that the remote holds it."""
        if self.mirror.remote is None or not self._ask:
            return False
        try:
            there = self.mirror.remote.slots.read(taken.uid, taken.number)
        except RemoteUnavailableError:
            self._ask = False
            return False
        except RadopsError:
            return False
        return there is not None and there.raw == taken.record.raw

    def _check_edges(self, record: FileRecord) -> None:
        try:
            call = self.here.call_of(record)
        except RadopsError:
            return  # the object with the call is missing or wrong: found as such
        for source in sorted({one.uid for one in (*call.inputs, *call.reads)} if call else ()):
            key = self.here.prefix + layout.edge_key(source, UID(record.uid))
            try:
                decode_edge((self.store.root / key).read_bytes(), UID(record.uid))
            except (OSError, RadopsError):
                self.tally.find(
                    findings.EDGE,
                    f"{source} does not know that this file was made from it",
                    REPAIR,
                    [record.uid],
                    path=key,
                ).edge = (source, record.uid)

    def _check_folders(self, uid: UID) -> None:
        for folder in () if is_reserved(uid) else folders_of(uid):
            if folder in self._folders:
                continue
            self._folders.add(folder)
            try:
                state = self.here.slots.state(folder)
            except RadopsError:
                continue  # found as a bad record
            if not (isinstance(state, Taken) and isinstance(state.record, FolderRecord)):
                message = "has no record that it is a folder, so a file could take its name"
                self.tally.find(findings.FOLDER, message, REPAIR, [folder])

    def check_slot(self, uid: UID, number: int, *, gone: bool) -> None:
        """Check that a listed slot has its place: tombstones before it, and under its mark."""
        try:
            before = None if gone or not number else self.here.slots.read(uid, number - 1)
            marked = self.here.slots.read(uid, number) if gone else None
        except RadopsError:
            return  # found as a bad record
        key = self.here.prefix + slot_key(uid, number)
        if gone and not isinstance(marked, Tombstone):
            message = f"slot {number} is marked as deleted and is not, so listings hide it"
            self.tally.find(findings.SLOT, message, REPAIR, [uid], path=f"{key}-gone")
        elif not gone and number and not isinstance(before, Tombstone):
            message = f"slot {number} stands without the tombstone before it"
            self.tally.find(findings.SLOT, message, REPAIR, [uid], path=key)
