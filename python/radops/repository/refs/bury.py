"""Deleting records: a tombstone replaces the record, and a key lets listings skip the slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptRecordError, NewerFormatError
from radops.format.record import Tombstone, decode_slot, tombstone
from radops.format.uid import slot_key
from radops.repository.refs.remote_cache import take_away
from radops.repository.refs.repository import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.format.uid import UID
    from radops.repository.refs.repository import Repository

# Each try fails only if another process changed the same slot of this home.
_MAX_TRIES = 8


def bury(
    repository: Repository, uid: UID, number: int, raw: bytes, *, aborted: bool = False
) -> bytes | None:
    """Replace one record by its tombstone; see `bury_all`."""
    return bury_all(repository, [(uid, number, raw)], aborted=aborted)[0]


def bury_all(
    repository: Repository, slots: Sequence[tuple[UID, int, bytes]], *, aborted: bool = False
) -> list[bytes | None]:
    """Replace records by their tombstones, in one batch.

    Args:
        repository: The repository that holds the records.
        slots: UID, number of the slot, and the record in it.
        aborted: Whether the commits of the records were aborted, so that the files never existed.

    Returns:
        For each slot the tombstone of this record that it now holds, durable. None if it holds
        something else, or nothing, because another process changed it meanwhile: that happens in
        the local cache of a remote only. In a lake's own slots a record is followed by nothing
        but its tombstone.
    """
    dead = [tombstone(raw, now(), repository.originator, aborted=aborted) for *_, raw in slots]
    held: list[bytes | None]
    if repository.marks_tombstones:
        repository.slots.replace(
            [(uid, number, one) for (uid, number, _), one in zip(slots, dead, strict=True)]
        )
        held = [*dead]
    else:
        held = [
            _bury_cached(repository, uid, number, raw, one)
            for (uid, number, raw), one in zip(slots, dead, strict=True)
        ]
    # Durable before the marks: a listing must not skip a record whose tombstone was lost.
    repository.backend.flush()
    repository.mark_tombstones([slot_key(uid, number) for uid, number, _ in slots])
    return held


def _bury_cached(
    repository: Repository, uid: UID, number: int, raw: bytes, dead: bytes
) -> bytes | None:
    """Replace a record of a cache by its tombstone; return the tombstone that is there, or None."""
    for _ in range(_MAX_TRIES):
        take_away(repository, uid, number, raw, dead)
        # Whatever that returned: another process may have changed the slot right after.
        held = repository.slots.read_raw(slot_key(uid, number))
        if held == dead or (held is not None and _is_tombstone_of(held, raw)):
            return held
        if held is not None and held != raw:
            return None
    return None


def _is_tombstone_of(held: bytes, raw: bytes) -> bool:
    try:
        content = decode_slot(held)
    except (CorruptRecordError, NewerFormatError):
        return False
    return isinstance(content, Tombstone) and content.record == raw
