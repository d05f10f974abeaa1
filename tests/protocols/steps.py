"""What a slot may change from and to."""

from __future__ import annotations

from radops.format.record import FolderRecord, Tombstone, decode_slot
from radops.format.uid import parse_slot_key


def check_step(key: str, old: bytes | None, new: bytes | None) -> str | None:
    """Say what is wrong with a slot that goes from `old` to `new` (None: absent), if anything.

    A slot goes absent -> record -> tombstone, never back and never to other bytes. The primary
    slot of a commit that was given up goes from absent to an aborted tombstone.
    """
    if old == new:
        return None
    name = parse_slot_key(key)
    if name is None or name.gone:
        return None
    if new is None:
        return "a slot was removed"
    after = decode_slot(new, name.uid)
    if old is None:
        if isinstance(after, Tombstone) and not after.aborted:
            return "a tombstone of nothing that was there"
        return None
    before = decode_slot(old, name.uid)
    if not isinstance(after, Tombstone):
        return f"a {type(before).__name__} became a {type(after).__name__}"
    if isinstance(before, FolderRecord):
        return "a folder was removed"
    inner = before.record if isinstance(before, Tombstone) else before.raw
    if after.record != inner:
        return "the tombstone's record is not the one that was there"
    if isinstance(before, Tombstone) and before.aborted != after.aborted:
        return "a tombstone changed its mind on whether the file ever was"
    return None
