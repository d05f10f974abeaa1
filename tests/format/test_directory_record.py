"""Records of directories, and of the files that were made with them."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from directories import reference as ref
from directories.vectors import FOLDER, records
from format.samples import COMMIT_ID, IMPORT, NOW, digest, make_call
from radops.errors import CorruptRecordError
from radops.format import cbor
from radops.format.build import Contents, build_call, build_import, sibling
from radops.format.call import CallInput, CallOutput, decode_call, encode_call
from radops.format.digest import Digest
from radops.format.inner import check_inner_path
from radops.format.record import FileRecord, check_call, decode_slot, file_record, tombstone
from radops.format.uid import UID

CONTENTS = Contents(layout=digest(0x88), files=3, bytes=4000)

IMPORTED = build_import(
    uid=UID("datasets/images"),
    digest=digest(0x77),
    size=400,
    source="images",
    created_at=NOW,
    originator="ada@example.org",
    radops_version="0.1.0",
    commit_id=COMMIT_ID,
    directory=CONTENTS,
)
CALL = make_call(
    inputs=(
        CallInput("f", UID("datasets/images"), digest(0x99), IMPORTED.record_digest, "cats/1.jpg"),
    ),
    reads=(
        CallInput("", UID("datasets/images"), digest(0x77), IMPORTED.record_digest),
        CallInput("", UID("datasets/images"), digest(0x99), IMPORTED.record_digest, "cats/2.jpg"),
    ),
    outputs=(
        CallOutput(UID("made/images"), digest(0xAA), 500, 0, digest(0xBB), 7, 9000),
        CallOutput(UID("made/index.csv"), digest(0x33), 100, 1),
    ),
)


def made(call=CALL, **more):
    common = {"created_at": NOW, "originator": "ada@example.org", "radops_version": "0.1.0"}
    return build_call(call=call, commit_id=COMMIT_ID, **common, **more)


MADE, INDEX = made()


def read(raw: bytes) -> FileRecord:
    return file_record(cbor.decode(raw), raw)


def changed(raw, **fields):
    """Return a record with some fields replaced; those that are `UNSET` are left out."""
    tree = cbor.decode(raw) | fields
    return cbor.encode({name: value for name, value in tree.items() if value is not UNSET})


def test_records_are_the_golden_bytes():
    golden = {
        name: bytes.fromhex((FOLDER / f"record-{name}.hex").read_text())
        for name in ("import", "call")
    }
    assert {"import": IMPORTED.raw, "call": MADE.raw} == golden
    assert records(CALL.key.raw, CALL.code.git.patch.raw) == golden


def test_an_import_of_a_directory():
    record = read(IMPORTED.raw)
    assert (record.type, record.files, record.bytes) == ("directory", 3, 4000)
    assert record.directories == ((digest(0x77), digest(0x88)),)
    assert record.layout == digest(0x88)
    assert record.keeps == (digest(0x77), digest(0x88))
    assert record == IMPORTED


def test_siblings_differ_in_what_follows_from_the_outputs():
    made_tree, index_tree = cbor.decode(MADE.raw), cbor.decode(INDEX.raw)
    assert index_tree["trees"] == made_tree["trees"] == [[digest(0xAA).raw, digest(0xBB).raw]]
    assert made_tree.keys() - index_tree.keys() == {"files", "bytes"}
    differ = {name for name in index_tree if index_tree[name] != made_tree[name]}
    assert differ == {"uid", "digest", "size", "name", "type"}
    assert INDEX.layout is None
    assert digest(0xBB) in INDEX.keeps
    assert sibling(MADE, CALL.outputs[1]) == INDEX
    assert sibling(INDEX, CALL.outputs[0]) == MADE


def test_a_record_without_directories_has_none_of_the_fields():
    assert not {"trees", "files", "bytes"} & cbor.decode(IMPORT.raw).keys()
    (record,) = made(make_call(outputs=(CallOutput(UID("a.csv"), digest(1), 1),)))
    tree = cbor.decode(record.raw)
    assert not {"trees", "files", "bytes"} & tree.keys()
    assert not {"layout", "files", "bytes"} & tree["origin"]["call"]["outputs"][0].keys()
    assert "inner" not in tree["origin"]["call"]["inputs"][0]


def test_a_call_object_holds_the_same():
    raw = encode_call(CALL)
    assert (decode_call(raw).outputs, decode_call(raw).reads) == (CALL.outputs, CALL.reads)
    long = make_call(outputs=CALL.outputs, params={"text": "x" * 70_000})
    record, index = made(long)
    assert record.call_object == Digest.of(encode_call(long))
    for each in (record, index):
        check_call(each, long)
    with pytest.raises(CorruptRecordError, match="trees"):
        check_call(read(changed(index.raw, trees=UNSET)), long)


ROOT, LAYOUT = digest(0x77).raw, digest(0x88).raw


@pytest.mark.parametrize(
    "fields",
    [
        {"trees": UNSET},
        {"trees": []},
        {"trees": None},
        {"trees": [[ROOT, LAYOUT, LAYOUT]]},
        {"trees": [[LAYOUT, ROOT]]},
        {"trees": [[ROOT, LAYOUT], [ROOT, LAYOUT]]},
        {"trees": [[digest(1).raw, LAYOUT], [ROOT, LAYOUT]]},
        {"keeps": [ROOT]},
        {"keeps": [LAYOUT]},
        {"files": UNSET},
        {"bytes": None},
        {"files": -1},
        {"type": "file"},
        {"type": "file", "files": UNSET, "bytes": UNSET},
        {"digest": digest(1).raw},
    ],
)
def test_an_import_that_contradicts_itself_is_corrupt(fields):
    with pytest.raises(CorruptRecordError):
        read(changed(IMPORTED.raw, **fields))


@pytest.mark.parametrize("record", [MADE, INDEX], ids=["directory", "file"])
@pytest.mark.parametrize(
    "fields",
    [
        {"trees": UNSET},
        {"trees": [[digest(0xAA).raw, digest(0xCC).raw]]},
        {"trees": [[digest(0xAB).raw, digest(0xBB).raw]]},
        {"files": 8},
        {"files": UNSET},
        {"type": "directory"},
        {"type": "file"},
        {"keeps": [digest(0x33).raw, digest(0xAA).raw, digest(0x66).raw]},
    ],
)
def test_a_result_that_contradicts_its_call_is_corrupt(record, fields):
    raw = changed(record.raw, **fields)
    if raw != record.raw:
        with pytest.raises(CorruptRecordError):
            read(raw)


@pytest.mark.parametrize(
    "outputs",
    [
        [CallOutput(UID("a"), digest(1), 1, None, digest(2), 1, 1),
         CallOutput(UID("b"), digest(1), 1, None, digest(3), 1, 1)],
    ],
)  # fmt: skip
def test_one_root_with_two_layouts_is_no_call(outputs):
    with pytest.raises(ValueError, match="two layouts"):
        make_call(outputs=tuple(outputs))


def test_outputs_have_all_fields_of_a_directory_or_none():
    with pytest.raises(ValueError, match="only some"):
        CallOutput(UID("a"), digest(1), 1, None, digest(2))


def test_inner_paths_follow_the_rules_of_entries():
    for path in ("a", "a/b", "..a", "e\u0301", "x" * 255, "/".join(["x" * 255] * 4)):
        check_inner_path(path)
    for path in ("", "/a", "a/", "a//b", ".", "a/..", "a\0", "x" * 256, "x/" * 512 + "x", "\ud800"):
        with pytest.raises(ValueError, match="directory"):
            check_inner_path(path)
        with pytest.raises(ValueError, match="directory"):
            CallInput("f", UID("a"), digest(1), digest(2), path)


def test_reads_are_sorted_by_uid_and_inner_path():
    whole, first, second = (
        *CALL.reads,
        CallInput("", UID("datasets/images"), digest(1), digest(2), "z"),
    )
    make_call(reads=(whole, first, second))
    for reads in ((first, whole), (second, first), (whole, whole)):
        with pytest.raises(ValueError, match="reads"):
            make_call(reads=reads)


@pytest.mark.parametrize("raw", [IMPORTED.raw, MADE.raw, INDEX.raw])
def test_slots_hold_records_that_keep_directories(raw):
    record = decode_slot(raw)
    assert record == read(raw)
    assert decode_slot(tombstone(raw, NOW, "bob@example.org"), record.uid).inner() == record


def test_the_reference_agrees_with_the_profile():
    assert ref.encode(cbor.decode(MADE.raw)) == MADE.raw
