"""Notes of files that were deleted: removed once both they and the delete are old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.note import NOTES, parse_note_key
from radops.format.record import FileRecord
from radops.format.uid import UID, slot_key
from radops.repository.refs.notes import Notes
from radops.repository.refs.slots import Taken, Unfinished

if TYPE_CHECKING:
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import State

# Names that are looked up, and keys that are deleted, at once.
_BATCH = 1000


def collect_notes(repository: Repository, grace: float, *, dry_run: bool) -> int:
    """Remove notes that describe nothing any more; return how many.

    Only names of which a file was deleted are looked at: a note of any other name describes its
    file, or its file was not seen by this machine yet.

    Args:
        repository: The lake's repository in one place. Deleted files are marked in its listings.
        grace: Seconds, by the store's clock, for which a note and a deleted file are left alone.
        dry_run: Only count them.
    """
    backend, prefix = repository.backend, repository.prefix
    limit = backend.now() - grace
    old: dict[str, list[str]] = {}
    for entry in backend.list(prefix + NOTES):
        name = parse_note_key(entry.key[len(prefix) :])
        if name is not None and entry.modified <= limit:
            old.setdefault(name.uid, []).append(name.key)
    if not old:
        return 0
    deleted = {one.uid for one in repository.slots.list() if one.number or one.gone}
    names = sorted(UID(uid) for uid in old.keys() & deleted)
    lost: list[str] = []
    for start in range(0, len(names), _BATCH):
        states = repository.states(names[start : start + _BATCH], {})
        for uid, state in states.items():
            if _is_long_deleted(repository, state, limit):
                lost += _of_nothing(Notes(repository), old[uid], state)
    if not dry_run:
        for start in range(0, len(lost), _BATCH):
            backend.delete([prefix + key for key in lost[start : start + _BATCH]])
    return len(lost)


def _is_long_deleted(repository: Repository, state: State, limit: float) -> bool:
    """Return whether the last file of a name that was deleted was so before a point in time."""
    if isinstance(state, Unfinished) or not state.number:
        return False
    tombstone = repository.prefix + slot_key(state.uid, state.number - 1)
    entry = repository.backend.stat(tombstone)
    return entry is not None and entry.modified <= limit


def _of_nothing(notes: Notes, keys: list[str], state: State) -> list[str]:
    """Return those notes of a name that do not describe what it is now."""
    if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
        return keys
    digest = state.record.digest
    return [note.key for note in notes.load(keys) if note.digest != digest]
