"""Making records: of imports, of calls with their outputs, and of siblings from each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from radops.model import cbor
from radops.model.call import CALL_INLINE_LIMIT, call_tree, decode_call, encode_call
from radops.model.digest import Digest
from radops.model.record import (
    COMMIT_ID_SIZE,
    MAX_ORIGINATOR,
    MAX_RECORD_SIZE,
    Commit,
    FileRecord,
    Import,
    Origin,
    file_record,
)
from radops.model.uid import last_segment, slot_key
from radops.model.urls import strip_url
from radops.model.wire import CALL_KIND, RECORD_KIND, VERSION, format_time, keep_raw, read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from radops.model.call import Call, CallOutput
    from radops.model.uid import UID


def build_import(
    *,
    uid: UID,
    digest: Digest,
    size: int,
    source: str,
    created_at: datetime,
    originator: str,
    radops_version: str,
    number: int = 0,
    commit_id: bytes | None = None,
) -> FileRecord:
    """Return the record of a file that comes from outside the lake.

    Args:
        uid: Its name.
        digest: Of its bytes.
        size: Of its bytes.
        source: File name or URL; of a URL, user info and query are left out. What of a name is no
            text becomes question marks.
        created_at: When, with time zone.
        originator: Who.
        radops_version: Which version of radops writes this.
        number: Of the slot that the record is meant for.
        commit_id: 16 random bytes; None: new ones.
    """
    source = source.encode(errors="replace").decode()
    imported = Import(strip_url(source) if "://" in source else source)
    tree = _frame(
        created_at=created_at,
        originator=originator,
        radops_version=radops_version,
        primary=slot_key(uid, number),
        commit_id=commit_id,
        keeps=[digest],
        origin={"import": {"source": imported.source}},
    )
    tree |= _own(uid, digest, size)
    # Made directly: there may be very many of them, and to check each as if it came from a
    # stranger takes as long as all else.
    record = FileRecord(
        uid=uid,
        digest=digest,
        size=size,
        name=tree["name"],
        created_at=tree["created_at"],
        originator=tree["originator"],
        radops_version=radops_version,
        commit=Commit(**tree["commit"]),
        keeps=(digest,),
        origin=Origin(imported=imported),
    )
    return keep_raw(record, cbor.encode(tree, MAX_RECORD_SIZE))


def build_call(
    *,
    call: Call,
    created_at: datetime,
    originator: str,
    radops_version: str,
    number: int = 0,
    commit_id: bytes | None = None,
) -> list[FileRecord]:
    """Return the records of all outputs of a call, sorted by UID: one commit, the first last.

    Where `call_object` of the records is not None, the call was too long to stand in them: then
    `encode_call(call)` is an object that must be stored as well.

    Args:
        call: The finished call with its outputs.
        created_at: When, with time zone.
        originator: Who.
        radops_version: Which version of radops writes this.
        number: Of the slot that the first output's record is meant for.
        commit_id: 16 random bytes; None: new ones.

    Raises:
        UsageError: The records would be too large.
        CorruptRecordError: The call is not one that a reader would accept.
    """
    inline = call_tree(call)
    origin: dict[str, Any] = {"call": inline}
    # All siblings keep everything: the record that stands while the commit is being made must
    # hold all of its objects.
    keeps = call.keeps
    if len(cbor.encode(inline)) > CALL_INLINE_LIMIT:
        raw = encode_call(call)
        decode_call(raw)  # a call in the record itself is checked with it
        call_object = Digest.of(raw)
        origin = {"call": call_object.raw}
        keeps.add(call_object)
    tree = _frame(
        created_at=created_at,
        originator=originator,
        radops_version=radops_version,
        primary=slot_key(call.outputs[0].uid, number),
        commit_id=commit_id,
        keeps=keeps,
        origin=origin,
    )
    return [_for_output(tree, out.uid, out.digest, out.size) for out in call.outputs]


def sibling(record: FileRecord, output: CallOutput) -> FileRecord:
    """Return the record of another output of the same commit, to the byte.

    Whoever meets half a commit can finish it from any one of its records.

    Args:
        record: Any record of the commit.
        output: One of the outputs of its call (`record.call.outputs`, or those of the call that
            `record.call_object` holds).

    Raises:
        ValueError: The record's call did not make that output.
    """
    if record.call is not None and output not in record.call.outputs:
        raise ValueError(f"the call that made {record.uid!r} did not make {output.uid!r}")
    return _for_output(_tree(record), output.uid, output.digest, output.size)


def recommit(records: Iterable[FileRecord], primary: str) -> list[FileRecord]:
    """Return the records as a commit of their own, under a new id and another primary slot.

    Args:
        records: All records of a commit, or one of them alone.
        primary: The key of the slot that is to commit: that of the first of them by UID.

    Raises:
        CorruptRecordError: The slot is neither that of the call's first output nor the record's.
    """
    commit = {"id": os.urandom(COMMIT_ID_SIZE), "primary": primary}
    return [_finish({**_tree(record), "commit": commit}) for record in records]


def with_inputs(record: FileRecord, records: Mapping[Digest, Digest]) -> FileRecord:
    """Return the record with its inputs' records replaced, all else and the commit unchanged.

    For records that were made before their inputs were published. The siblings of a commit are
    still siblings after all of them were rewritten so.

    Args:
        record: A record that holds its call itself; else see `call_with_inputs`.
        records: Old to new digests of records; what is not in it stays.

    Raises:
        ValueError: The record's call is an object of its own.
    """
    if record.call_object is not None:
        raise ValueError("the call is an object: rewrite that, then use `with_call_object`")
    tree = _tree(record)
    if record.call is not None:
        _replace_inputs(tree["origin"]["call"], records)
    return _finish(tree)


def call_with_inputs(raw: bytes, records: Mapping[Digest, Digest]) -> bytes:
    """Return a call object with its inputs' records replaced, all else unchanged.

    Args:
        raw: What `encode_call` wrote.
        records: Old to new digests of records; what is not in it stays.

    Raises:
        CorruptRecordError: `raw` is not a call.
        NewerFormatError: A later version of radops wrote it.
    """
    tree = read_header(raw, CALL_KIND)
    _replace_inputs(tree["call"], records)
    return cbor.encode(tree)


def with_call_object(record: FileRecord, call_object: Digest) -> FileRecord:
    """Return the record with another call object in place of its own, in `keeps` too.

    Raises:
        ValueError: The record holds its call itself, or has none.
    """
    old = record.call_object
    if old is None:
        raise ValueError("the record has no call object")
    tree = _tree(record)
    tree["origin"]["call"] = call_object.raw
    others = (item for item in record.keeps if item != old)
    tree["keeps"] = sorted({item.raw for item in (*others, call_object)})
    return _finish(tree)


def _frame(
    *,
    created_at: datetime,
    originator: str,
    radops_version: str,
    primary: str,
    commit_id: bytes | None,
    keeps: Iterable[Digest],
    origin: dict[str, Any],
) -> dict[str, Any]:
    """Return what the records of one commit have in common."""
    return {
        "kind": RECORD_KIND,
        "v": VERSION,
        "type": "file",
        "created_at": format_time(created_at),
        "originator": originator[:MAX_ORIGINATOR],
        "radops_version": radops_version,
        "commit": {
            "id": os.urandom(COMMIT_ID_SIZE) if commit_id is None else commit_id,
            "primary": primary,
        },
        "keeps": sorted({digest.raw for digest in keeps}),
        "origin": origin,
    }


def _for_output(tree: dict[str, Any], uid: UID, digest: Digest, size: int) -> FileRecord:
    """Return the record of one output: the only fields in which siblings differ."""
    return _finish({**tree, **_own(uid, digest, size)})


def _own(uid: UID, digest: Digest, size: int) -> dict[str, Any]:
    return {"uid": uid, "digest": digest.raw, "size": size, "name": last_segment(uid)}


def _finish(tree: dict[str, Any]) -> FileRecord:
    return file_record(tree, cbor.encode(tree, MAX_RECORD_SIZE))


def _tree(record: FileRecord) -> dict[str, Any]:
    """Return the record's fields, those included that this version does not know."""
    return read_header(record.raw, RECORD_KIND)


def _replace_inputs(call: dict[str, Any], records: Mapping[Digest, Digest]) -> None:
    for item in (*call["inputs"], *call["reads"]):
        new = records.get(Digest(item["record"]))
        if new is not None:
            item["record"] = new.raw
