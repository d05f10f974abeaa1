"""Rows of listings: of the records in first slots whose commits have happened, and of no others."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from format.decoded import make
from format.samples import NOW, records
from radops import native
from radops.format.record import decode_slot, folder_record, tombstone
from radops.format.uid import UID, slot_key

if TYPE_CHECKING:
    from radops.format.record import FileRecord


def listed(slots: dict[str, bytes]) -> dict[str, tuple]:
    """Return the rows that a listing gets of some slots, by name."""
    folder = Path(tempfile.mkdtemp())
    try:
        for key, raw in slots.items():
            path = folder / "lake" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        reader = native.FileRows(folder / "store", folder / "lake", "")
        found, left = [], []
        while (batch := reader.read(3)) is not None:
            found += batch[0]
            left += batch[1]
        assert len(found) + len(left) == len(slots)
        return {row[0]: row[1:] for row in found}
    finally:
        shutil.rmtree(folder)


def row(record: FileRecord) -> tuple:
    return record.size, record.digest.raw, record.created_at, record.originator, False


def test_rows_are_of_first_slots() -> None:
    raw, uid = make(), UID("a/b.csv")
    assert listed({"refs/a/b.csv.radops": raw}) == {uid: row(decode_slot(raw))}
    for other in (folder_record(uid), tombstone(raw, NOW, "ada"), b"", raw[:-1], raw + b"\0"):
        assert listed({"refs/a/b.csv.radops": other}) == {}
    slots = {"refs/a/b.csv.radops-1": raw, "refs/a/b.csv.radops-gone": b"", "refs/a/b.csv": raw}
    assert listed(slots) == {}
    assert listed({"refs/a/b.csv.radops": raw, "refs/a/c.csv.radops": raw}).keys() == {uid}
    large = make(origin={"import": {"source": "x" * 100_000}})
    assert listed({"refs/a/b.csv.radops": large}).keys() == {uid}
    large = make(origin={"import": {"source": "x" * 300_000}})
    assert listed({"refs/a/b.csv.radops": large}) == {}


def test_rows_are_of_commits_that_happened() -> None:
    first, second = records()
    key = slot_key(first.uid)
    other = make(first.uid, commit={"id": bytes(16), "primary": key})
    sibling = {slot_key(second.uid): second.raw}
    assert listed({**sibling, key: first.raw}) == {first.uid: row(first), second.uid: row(second)}
    assert listed({**sibling, key: tombstone(first.raw, NOW, "ada")}) == {second.uid: row(second)}
    for absent in (
        {},
        {key: other},
        {key: tombstone(other, NOW, "ada")},
        {key: tombstone(first.raw, NOW, "ada", aborted=True)},
        {key: folder_record(first.uid)},
        {key: b"damaged"},
    ):
        assert second.uid not in listed({**sibling, **absent})
    _, later = records(number=1)
    sibling = {slot_key(later.uid): later.raw}
    assert later.uid not in listed({**sibling, key: first.raw})
    assert later.uid in listed({**sibling, slot_key(first.uid, 1): records(number=1)[0].raw})
