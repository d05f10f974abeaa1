"""Finishing or aborting commits that were interrupted, and the folder records of new names.

The records of all outputs of a commit but the first are intents until the first one's slot, the
primary slot, holds the commit's id. A client that finds an intent in its way finishes the commit,
or aborts it where another record is in one of its slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptRecordError, RadopsError, UIDConflictError
from radops.format.build import sibling
from radops.format.record import (
    FileRecord,
    FolderRecord,
    Tombstone,
    decode_slot,
    folder_record,
    tombstone,
)
from radops.format.uid import folders_of, is_reserved, parse_slot_key
from radops.repository.refs.bury import bury
from radops.repository.refs.repository import now
from radops.repository.refs.slots import Free, Taken, Unfinished, commits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.format.uid import UID
    from radops.repository.refs.repository import Repository


def resolve(repository: Repository, record: FileRecord) -> bool:
    """Finish the commit that an intent belongs to, or abort it.

    It is finished if every sibling slot is free or its own. If one of them holds another record,
    the primary slot gets an aborted tombstone, and the intents get tombstones. Of two commits
    that block each other, the one with the lower id goes first, so that they cannot keep
    aborting each other.

    Returns:
        Whether the commit has happened.
    """
    call = repository.call_of(record)
    if call is None:
        raise CorruptRecordError(f"{record.uid} has no call, yet belongs to another slot")
    siblings = [sibling(record, output) for output in call.outputs]
    if (raw := repository.slots.read_raw(record.commit.primary)) is not None:
        return _settle(repository, siblings, raw)
    while True:
        missing = []
        for one in siblings[1:]:
            found = _make_way(repository, one)
            if isinstance(found, Free):
                missing.append((one.uid, found.number, one.raw))
            elif found.record.raw != one.raw:
                return _give_up(repository, siblings)
        if not missing or all(repository.slots.create(missing)):
            break
    repository.include((), [one.uid for one in siblings])
    repository.backend.flush()
    head = siblings[0]
    if not all(repository.slots.create([(head.uid, _primary_number(head), head.raw)])):
        return _give_up(repository, siblings)
    return True


def _make_way(repository: Repository, record: FileRecord) -> Free | Taken:
    """Find a record or a free slot for it, resolving intents of commits with higher ids."""
    while True:
        found = find_slot(repository, record)
        if (
            isinstance(found, Free)
            or isinstance(found.record, FolderRecord)
            or found.record.commit.id <= record.commit.id
            or repository.slots.is_committed(found.record, found.number)
        ):
            return found
        resolve(repository, found.record)


def find_slot(repository: Repository, record: FileRecord) -> Free | Taken:
    """Return the slot that holds a record, or held it before it was deleted or aborted.

    If there is none: the free slot of its UID, or the record that is in its way. A record is never
    put into a second slot.
    """
    for number, content in repository.slots.walk(record.uid):
        if content is None:
            return Free(record.uid, number)
        if not isinstance(content, Tombstone):
            return Taken(record.uid, number, content)
        if content.record == record.raw:
            break
    return Taken(record.uid, number, record)


def _primary_number(record: FileRecord) -> int:
    name = parse_slot_key(record.commit.primary)
    if name is None or name.uid != record.uid:
        raise CorruptRecordError(f"{record.uid} names {record.commit.primary} as its primary slot")
    return name.number


def _give_up(repository: Repository, records: Sequence[FileRecord]) -> bool:
    """Abort this commit by a tombstone in its primary slot, and bury its intents.

    Returns:
        Whether another client finished the commit before that.
    """
    head = records[0]
    closed = tombstone(head.raw, now(), repository.originator, aborted=True)
    if all(repository.slots.create([(head.uid, _primary_number(head), closed)])):
        repository.mark_tombstones([head.commit.primary])
    raw = repository.slots.read_raw(head.commit.primary)
    return raw is not None and _settle(repository, records, raw)


def _settle(repository: Repository, records: Sequence[FileRecord], primary: bytes) -> bool:
    """Bury the intents, unless by the content of the primary slot they are committed."""
    content = decode_slot(primary)
    if commits(content, records[0].commit.id):
        return True
    for record in records[1:]:
        for number, held in repository.slots.walk(record.uid):
            if isinstance(held, FileRecord) and held.raw == record.raw:
                bury(repository, record.uid, number, held.raw, aborted=True)
    return False


def ensure_folders(repository: Repository, uids: Iterable[UID]) -> dict[UID, RadopsError]:
    """Make sure that every folder above these UIDs has its record.

    A folder's record has the key of a file of that name, so that only one of both can exist.
    Reserved folders need none, as no file can be given their name.

    Returns:
        The UIDs that cannot exist, each with the reason: a file or directory is above it.
    """
    above = {uid: [] if is_reserved(uid) else folders_of(uid) for uid in uids}
    errors: dict[UID, RadopsError] = {}
    depth = 0
    while True:
        level = {
            folders[depth]
            for uid, folders in above.items()
            if uid not in errors and depth < len(folders)
        }
        if not level and all(depth >= len(folders) for folders in above.values()):
            return errors
        files = _make_folders(repository, sorted(level - repository.folders_seen))
        for uid, folders in above.items():
            if uid not in errors and depth < len(folders) and folders[depth] in files:
                errors[uid] = UIDConflictError(
                    f"{uid} cannot exist: {folders[depth]} is a {files[folders[depth]]}",
                    uid=uid,
                    hint="choose a name that is not below it",
                )
        depth += 1


def _make_folders(repository: Repository, folders: Sequence[UID]) -> dict[UID, str]:
    """Create folder records; return the types of those that are files or directories instead."""
    files: dict[UID, str] = {}
    if not folders:
        return files
    answers = repository.slots.create([(folder, 0, folder_record(folder)) for folder in folders])
    for folder, ours in zip(folders, answers, strict=True):
        done = ours
        while not done:
            state = repository.slots.state(folder)
            if isinstance(state, Unfinished):
                resolve(repository, state.record)
            elif isinstance(state, Free):
                item = (folder, state.number, folder_record(folder))
                done = all(repository.slots.create([item]))
            else:
                done = True
                if isinstance(state.record, FileRecord):
                    files[folder] = state.record.type
    repository.folders_seen.update(folder for folder in folders if folder not in files)
    return files
