"""Writing the tombstones of a delete: in the remote and in this home.

The delete of files that are in the remote can be cut short between the remote's tombstones and
those of this home. A note of what was begun lies in the home until both are written, so that the
command can be repeated and then finishes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptRecordError, UIDConflictError
from radops.format import cbor
from radops.format.record import FileRecord, Tombstone, decode_slot
from radops.format.uid import slot_key
from radops.repository.refs.bury import bury_all
from radops.repository.refs.remote_cache import is_same_file
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.format.uid import UID
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import SlotContent
    from radops.repository.working_lake import WorkingLake

BEGUN: Final = "deleting/"
"""Where the notes of begun deletes are, below the prefix of the lake."""

# Each further try needs another process that moved or published the same file just then.
_MAX_TRIES = 8


def delete_files(lake: WorkingLake, states: Sequence[Taken]) -> None:
    """Replace the records of files by tombstones, durably; remove their views.

    Args:
        lake: The lake, ready to be written to.
        states: The files, as they were looked up.

    Raises:
        UIDConflictError: Another process kept changing the slot of a file.
    """
    todo = list(states)
    for _ in range(_MAX_TRIES):
        in_remote = [one for one in todo if _is_in_remote(lake, one)]
        there = {one.uid for one in in_remote}
        only_here = [one for one in todo if one.uid not in there]
        _delete_in_remote(lake, in_remote)
        todo = _delete_here(lake, only_here)
        if not todo:
            break
    else:
        raise UIDConflictError(
            f"{todo[0].uid} was changed by another process while it was deleted",
            uid=todo[0].uid,
            hint="run the same command again",
        )
    for one in states:
        lake.store.remove_view(view_key(lake, one.uid))


def _delete_in_remote(lake: WorkingLake, states: Sequence[Taken]) -> None:
    if lake.remote is None or not states:
        return
    begun = {slot_key(one.uid, one.number): one.record.record_digest.raw for one in states}
    note = lake.local_key(f"{BEGUN}{os.urandom(8).hex()}")
    lake.local.put([(note, cbor.encode(begun))])
    slots = [(one.uid, one.number, one.record.raw) for one in states]
    dead = bury_all(lake.remote, slots)
    lake.remote.backend.flush()
    chains: list[tuple[UID, list[tuple[int, SlotContent | None]]]] = [
        (one.uid, [(one.number, decode_slot(raw))])
        for one, raw in zip(states, dead, strict=True)
        if raw is not None
    ]
    lake.cache_all(chains)
    lake.local.backend.delete([note])


def _delete_here(lake: WorkingLake, states: Sequence[Taken]) -> list[Taken]:
    """Delete files that only this home has; return those that still exist, as they are now.

    A `sync` of this home can publish such a file at the same time. It looks for the tombstone
    after it has published, and this looks in the remote after the tombstone is written: whatever
    the order, one of them finds the file in the remote and deletes it there.
    """
    if not states:
        return []
    dead = bury_all(lake.local, [(one.uid, one.number, one.record.raw) for one in states])
    lake.local.backend.flush()
    left = []
    published = _published(lake, states)
    for one, tombstone in zip(states, dead, strict=True):
        if one.uid in published:
            left.append(published[one.uid])
        elif tombstone is None and not _is_deleted(lake.local, one):
            left.append(one)
    return left


def _published(lake: WorkingLake, states: Sequence[Taken]) -> dict[UID, Taken]:
    """Return which files the remote holds, and where: maybe in another slot, by other records."""
    remote = lake.remote
    if remote is None:
        return {}
    found: dict[UID, Taken] = {}
    with remote.slots.read_ahead([one.uid for one in states], {}):
        for one in states:
            state = remote.slots.state(one.uid)
            if isinstance(state, Taken) and _is_file_of(state.record, one):
                found[one.uid] = state
    return found


def _is_deleted(local: Repository, one: Taken) -> bool:
    """Return whether a slot of this home holds the tombstone of a file."""
    return any(
        isinstance(content, Tombstone) and _is_file_of(content.inner(), one)
        for _, content in local.slots.walk(one.uid)
    )


def _is_file_of(record: object, one: Taken) -> bool:
    return (
        isinstance(record, FileRecord)
        and isinstance(one.record, FileRecord)
        and is_same_file(record, one.record)
    )


def _is_in_remote(lake: WorkingLake, state: Taken) -> bool:
    if lake.remote is None:
        return False
    if lake.is_confirmed(state):
        return True
    return lake.remote.slots.read_raw(slot_key(state.uid, state.number)) == state.record.raw


def read_begun(local: Repository) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield what deletes that were cut short have noted: key, and slot to digest of its record."""
    for entry in local.backend.list(f"{local.prefix}{BEGUN}"):
        try:
            with local.backend.open(entry.key) as reader:
                noted = cbor.decode(reader.read())
        except (KeyNotFoundError, CorruptRecordError):
            continue  # just finished by another process, or damaged: a hint only
        if isinstance(noted, dict):
            yield entry.key, noted


def view_key(lake: WorkingLake, uid: UID) -> str:
    """Return where the view of a file is, below the store's root."""
    return lake.local_key(f"files/{uid}")
