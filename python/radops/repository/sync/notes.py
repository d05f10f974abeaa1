"""Sending notes that were written offline, after the files that they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.record import FileRecord
from radops.format.uid import UID
from radops.repository.refs.notes import Notes
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from radops.format.note import Note
    from radops.repository.refs.remote import Remote
    from radops.repository.working_lake import WorkingLake

# Names that are looked up at once.
_BATCH = 1024


def send_notes(
    lake: WorkingLake,
    remote: Remote,
    uids: Iterable[UID] | None,
    published: AbstractSet[str],
    *,
    dry_run: bool,
) -> int:
    """Send the notes that the remote does not have; return how many.

    A note goes there only if the remote holds the file that it describes. Notes of a file that was
    deleted, or whose name others took with other bytes, stay on this machine.

    Args:
        lake: The lake.
        remote: Its remote.
        uids: Only the notes of these names; None for all.
        published: Names that were just published; in a dry run, those that would be.
        dry_run: Only count them.
    """
    here, there = Notes(lake.local), Notes(remote)
    if uids is None:
        keys = here.keys()
        missing = keys - there.keys() if keys else set()
    else:
        wanted = {*uids, *map(UID, published)}
        missing = {key for uid in wanted if (k := here.keys(uid)) for key in k - there.keys(uid)}
    by_name: dict[UID, list[Note]] = {}
    for note in here.load(missing):
        by_name.setdefault(note.uid, []).append(note)
    names = sorted(by_name)
    sent = 0
    for start in range(0, len(names), _BATCH):
        some = names[start : start + _BATCH]
        digests = {}
        for uid, state in remote.states(some, {}).items():
            if isinstance(state, Taken) and isinstance(state.record, FileRecord):
                digests[uid] = state.record.digest
        would = {uid for uid in some if dry_run and uid in published}
        wanted_notes = [
            note
            for uid in some
            for note in by_name[uid]
            if uid in would or digests.get(uid) == note.digest
        ]
        if not dry_run:
            there.write(wanted_notes)
        sent += len(wanted_notes)
    return sent
