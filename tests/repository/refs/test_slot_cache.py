"""Slots in memory: what changed on disk, by whomever, is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.record import FileRecord
from radops.format.uid import UID, slot_key
from radops.repository.refs.slot_cache import RememberingSlots

if TYPE_CHECKING:
    from radops.data_lake import DataLake

A, B, C, D = UID("a.txt"), UID("b.txt"), UID("c.txt"), UID("d.txt")


def test_only_what_is_in_memory_and_unchanged_is_recalled(lake: DataLake) -> None:
    for uid in (A, B, C):
        lake.file(uid).write_text(f"{uid}'s bytes")
    local = lake.session.lake.local
    slots = local.slots
    assert isinstance(slots, RememberingSlots)
    expected = {uid: slots.read(uid, 0) for uid in (A, B, C)}
    assert slots.recall([A, B, C, D]) == (expected, {D})
    assert isinstance(expected[A], FileRecord)
    # Another process deletes one file; of another the slot is absent for a moment.
    other = RememberingSlots(local.backend, local.prefix)
    assert other.recall([A, B, C, D]) == ({}, {D})
    other.replace([(B, 0, b"a tombstone, say")])
    (lake.session.store.root / local.prefix / slot_key(C, 0)).unlink()
    assert slots.recall([A, B, C, D]) == ({A: expected[A]}, {C, D})


def test_a_folder_in_the_place_of_a_slot_is_left_to_a_single_read(lake: DataLake) -> None:
    lake.file(A).write_text("bytes")
    local = lake.session.lake.local
    (lake.session.store.root / local.prefix / slot_key(B, 0)).mkdir()
    assert local.slots.recall([B, D]) == ({}, {D})
