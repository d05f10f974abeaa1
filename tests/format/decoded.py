"""Compares the decoder of slots in Rust with the one in Python, which defines the rules."""

from __future__ import annotations

from typing import Any

import cbor2

from format.samples import COMMIT_ID, IMPORT
from radops import native
from radops.errors import CorruptRecordError, NewerFormatError
from radops.format import cbor
from radops.format.record import FileRecord, FolderRecord, Tombstone, decode_slot
from radops.format.uid import UID


def by_rust(raw: bytes, uid: str) -> dict[str, Any] | None:
    """Return what Rust decodes; None if that is not decided there."""
    (one,) = native.decode_slots([(raw, uid)])
    if one is None:
        return None
    names = ["kind", "record_digest", "deleted_at", "deleted_by", "aborted"]
    if one.kind != "folder":
        names += ["digest", "size", "directory", "created_at", "originator", "commit_id", "primary"]
        names += ["keeps", "trees", "origin", "call_object", "sources", "outputs"]
    return {name: getattr(one, name) for name in names}


def by_python(raw: bytes, uid: str) -> dict[str, Any] | None:
    """Return the same by Python; None if it refuses the bytes."""
    try:
        found = decode_slot(raw, UID(uid))
    except (CorruptRecordError, NewerFormatError):
        return None
    fields = {
        "kind": "record",
        "record_digest": found.record_digest.raw,
        "deleted_at": None,
        "deleted_by": None,
        "aborted": False,
    }
    if isinstance(found, FolderRecord):
        return {**fields, "kind": "folder"}
    if isinstance(found, Tombstone):
        fields |= {
            "kind": "tombstone",
            "deleted_at": found.deleted_at,
            "deleted_by": found.originator,
            "aborted": found.aborted,
        }
        found = found.inner()
    return {**fields, **_record(found)}


def _record(record: FileRecord) -> dict[str, Any]:
    call, call_object = record.call, record.call_object
    kinds = {"shared call": record.has_shared_call, "call object": call_object, "call": call}
    layout = record.layout
    return {
        "digest": record.digest.raw,
        "size": record.size,
        "directory": None if layout is None else (layout.raw, record.files, record.bytes),
        "created_at": record.created_at,
        "originator": record.originator,
        "commit_id": record.commit.id,
        "primary": record.commit.primary,
        "keeps": tuple(one.raw for one in record.keeps),
        "trees": tuple((root.raw, layout.raw) for root, layout in record.directories),
        "origin": next((kind for kind, found in kinds.items() if found), "import"),
        "call_object": None if call_object is None else call_object.raw,
        "sources": sorted({one.uid for one in (*call.inputs, *call.reads)}) if call else [],
        "outputs": [_output(one) for one in call.outputs] if call else [],
    }


def _output(one: Any) -> tuple[Any, ...]:
    is_directory = isinstance(one.files, int)
    directory = (one.layout.raw, one.files, one.bytes) if is_directory else None
    return one.uid, one.digest.raw, one.size, directory


def agree(raw: bytes, uid: str) -> bool:
    """Check that Python accepts what Rust accepts, with equal fields; return whether Rust does."""
    found = by_rust(raw, uid)
    if found is not None:
        assert found == by_python(raw, uid)
    return found is not None


def uid_within(raw: bytes) -> str:
    """Return the UID that a slot's bytes name, valid or not; any other if they name none."""
    for _ in range(2):
        try:
            tree = cbor2.loads(raw)
        except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError):
            break
        if not isinstance(tree, dict):
            break
        uid, raw = tree.get("uid"), tree.get("record")
        if isinstance(uid, str) and uid.isprintable():
            return uid
        if not isinstance(raw, bytes):
            break
    return "datasets/train.csv"


def is_decided(raw: bytes, uid: str) -> bool:
    """Check that both give the same answer; return whether the bytes are valid."""
    found = by_rust(raw, uid)
    assert found == by_python(raw, uid)
    return found is not None


def make(uid: str = "a/b.csv", **changes: object) -> bytes:
    """Return the record of an imported file with some fields changed or added."""
    tree = {**cbor2.loads(IMPORT.raw), "uid": uid, "name": uid.rpartition("/")[2]}
    tree["commit"] = {"id": COMMIT_ID, "primary": f"refs/{uid}.radops"}
    return cbor.encode({**tree, **changes})
