"""Making records: of imports, of calls with their outputs, and of siblings from each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from radops.format import cbor
from radops.format.call import CALL_INLINE_LIMIT, call_tree, decode_call, encode_call
from radops.format.digest import Digest
from radops.format.record import (
    COMMIT_ID_SIZE,
    MAX_ORIGINATOR,
    MAX_RECORD_SIZE,
    Commit,
    FileRecord,
    Import,
    Origin,
    file_record,
)
from radops.format.uid import last_segment, slot_key
from radops.format.wire import CALL_KIND, RECORD_KIND, VERSION, format_time, keep_raw, read_header
from radops.redact import strip_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from radops.format.call import Call, CallOutput
    from radops.format.uid import UID


class Contents(NamedTuple):
    """The fields in the record of a directory besides the root's digest and size."""

    layout: Digest
    files: int
    """How many files the directory has."""
    bytes: int
    """Bytes of these files."""


def build_import(  # noqa: PLR0913 - an argument for each field of the record
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
    directory: Contents | None = None,
) -> FileRecord:
    """Return the record of a file or directory that comes from outside the lake.

    Args:
        uid: Its name.
        digest: Of its bytes; of a directory, those of its root.
        size: Of the same bytes.
        source: File name or URL; of a URL, user info and query are left out. What of a name is no
            text becomes question marks.
        created_at: When, with time zone.
        originator: Who.
        radops_version: Which version of radops writes this.
        number: Of the slot that the record is meant for.
        commit_id: 16 random bytes; None: new ones.
        directory: What a directory holds; None: it is a file.
    """
    source = source.encode(errors="replace").decode()
    imported = Import(strip_url(source) if "://" in source else source)
    tree = _frame(
        created_at=created_at,
        originator=originator,
        radops_version=radops_version,
        primary=slot_key(uid, number),
        commit_id=commit_id,
        keeps=[digest] if directory is None else [digest, directory.layout],
        origin={"import": {"source": imported.source}},
        trees=() if directory is None else [(digest, directory.layout)],
    )
    tree |= _own(uid, digest, size, directory)
    if directory is not None:
        return _finish(tree)
    # Made directly: there may be very many of them, and validating each like foreign input takes as
    # long as all else.
    record = FileRecord(
        uid=uid,
        digest=digest,
        size=size,
        type="file",
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

    Where `call_object` of the records is not None, the call is too long for them or has very many
    outputs: then `encode_call(call)` is an object that must be stored as well.

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
    # All siblings keep everything: the record that exists while the commit is being made must
    # hold all of its objects.
    keeps = call.keeps
    if call.is_shared or len(cbor.encode(inline)) > CALL_INLINE_LIMIT:
        raw = encode_call(call)
        decode_call(raw)  # a call in the record itself is checked with it
        call_object = Digest.of(raw)
        if call.is_shared:
            origin = {"shared_call": call_object.raw}
        else:
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
        trees=call.trees,
    )
    return [_for_output(tree, out) for out in call.outputs]


def sibling(record: FileRecord, output: CallOutput) -> FileRecord:
    """Return the record of another output of the same commit, to the byte.

    Any one of its records is enough to finish a commit that was interrupted.

    Args:
        record: Any record of the commit.
        output: One of the outputs of its call (`record.call.outputs`, or those of the call that
            `record.call_object` holds).

    Raises:
        ValueError: The record's call did not make that output.
    """
    if record.call is not None and output not in record.call.outputs:
        raise ValueError(f"the call that made {record.uid!r} did not make {output.uid!r}")
    return _for_output(_tree(record), output)


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
    if record.has_shared_call:
        tree["origin"]["shared_call"] = call_object.raw
        tree["keeps"] = sorted({record.digest.raw, call_object.raw})
        return _finish(tree)
    tree["origin"]["call"] = call_object.raw
    others = (item for item in record.keeps if item != old)
    tree["keeps"] = sorted({item.raw for item in (*others, call_object)})
    return _finish(tree)


def _frame(  # noqa: PLR0913 - an argument for each field that siblings share
    *,
    created_at: datetime,
    originator: str,
    radops_version: str,
    primary: str,
    commit_id: bytes | None,
    keeps: Iterable[Digest],
    origin: dict[str, Any],
    trees: Sequence[tuple[Digest, Digest]],
) -> dict[str, Any]:
    """Return what the records of one commit have in common."""
    tree = {
        "kind": RECORD_KIND,
        "v": VERSION,
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
    if trees:
        tree["trees"] = [[root.raw, layout.raw] for root, layout in trees]
    return tree


def _for_output(tree: dict[str, Any], output: CallOutput) -> FileRecord:
    """Return the record of one output: the only fields in which siblings differ."""
    common = {name: value for name, value in tree.items() if name not in {"files", "bytes"}}
    directory = None
    if output.layout is not UNSET and output.files is not UNSET and output.bytes is not UNSET:
        directory = Contents(output.layout, output.files, output.bytes)
    own = _own(output.uid, output.digest, output.size, directory)
    if (shared := tree["origin"].get("shared_call")) is not None:
        own["keeps"] = sorted({output.digest.raw, shared})
    return _finish({**common, **own})


def _own(uid: UID, digest: Digest, size: int, directory: Contents | None) -> dict[str, Any]:
    own = {"uid": uid, "digest": digest.raw, "size": size, "name": last_segment(uid)}
    if directory is None:
        return {**own, "type": "file"}
    return {**own, "type": "directory", "files": directory.files, "bytes": directory.bytes}


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
