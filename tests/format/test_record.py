import copy
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import (
    CALL,
    COMMIT_ID,
    IMPORT,
    NOW,
    cbor_values,
    digest,
    make_call,
    records,
    relaxed,
    thorough,
)
from radops.errors import CorruptRecordError, NewerFormatError
from radops.format import cbor
from radops.format.build import build_import
from radops.format.call import decode_call, encode_call
from radops.format.marker import decode_marker, new_marker
from radops.format.record import (
    MAX_RECORD_SIZE,
    FileRecord,
    FolderRecord,
    Tombstone,
    decode_slot,
    folder_record,
    folder_size,
    tombstone,
)
from radops.format.uid import UID
from radops.format.wire import format_time, parse_time

FIRST, SECOND = records()
TOMBSTONE = tombstone(FIRST.raw, NOW, "bob@example.org")


def changed(raw, *path, to=None, drop=False):
    """Return the stored thing with one field replaced, or without it."""
    tree = cbor.decode(raw)
    inner = tree
    for step in path[:-1]:
        inner = inner[step]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return cbor.encode(tree)


def test_an_import_says_what_it_was_given():
    assert decode_slot(IMPORT.raw, UID("datasets/train.csv")) == IMPORT
    assert IMPORT.name == "train.csv"
    assert IMPORT.imported.source == "https://example.org/train.csv"
    assert IMPORT.call is None
    assert IMPORT.call_object is None
    assert IMPORT.created == NOW
    assert IMPORT.keeps == (IMPORT.digest,)
    assert (IMPORT.commit.id, IMPORT.commit.primary) == (
        COMMIT_ID,
        "refs/datasets/train.csv.radops",
    )


def test_a_call_is_read_as_it_was_written():
    call = decode_slot(FIRST.raw).call
    stripped = call.code.git.remote
    assert stripped == "github.com:org/repo.git"
    assert call.outputs == CALL.outputs
    assert call.inputs == CALL.inputs
    assert call.params == CALL.params
    assert call.environment == CALL.environment


def test_records_compare_hash_pickle_and_copy_by_their_bytes():
    folder = decode_slot(folder_record(UID("a")))
    for thing in (IMPORT, FIRST, folder, decode_slot(TOMBSTONE), new_marker(bytes(16))):
        assert pickle.loads(pickle.dumps(thing)) == copy.deepcopy(thing) == thing
        assert len({thing, copy.copy(thing)}) == 1
        assert thing.record_digest == thing.record_digest
        with pytest.raises(AttributeError):
            thing.raw = b""
        with pytest.raises(AttributeError):
            thing.uid = UID("x")
    assert IMPORT != FIRST
    assert IMPORT.raw != IMPORT


def test_a_field_named_raw_does_not_replace_the_stored_bytes():
    raw = changed(IMPORT.raw, "raw", to=b"hostile")
    assert decode_slot(raw).raw == raw
    raw = changed(IMPORT.raw, "record_digest", to=b"hostile")
    assert decode_slot(raw).record_digest != b"hostile"


def test_unknown_fields_are_kept_and_do_no_harm():
    raw = changed(FIRST.raw, "origin", "call", "later", to=[1, {"a": None}])
    raw = changed(raw, "also", to="x")
    record = decode_slot(raw)
    assert record.raw == raw
    assert record.call.module == CALL.module


def test_a_tombstone_keeps_the_record():
    stone = decode_slot(TOMBSTONE, UID("splits/test.csv"))
    assert isinstance(stone, Tombstone)
    assert stone.inner() == FIRST
    assert stone.inner() is stone.inner()
    assert not stone.aborted
    assert parse_time(stone.deleted_at) == NOW
    assert decode_slot(tombstone(FIRST.raw, NOW, "x", aborted=True)).aborted


@pytest.mark.parametrize("raw", [TOMBSTONE, folder_record(UID("a")), b"", b"\xa0"])
def test_only_a_file_is_buried(raw):
    with pytest.raises(CorruptRecordError):
        tombstone(raw, NOW, "x")


def test_the_largest_record_can_still_be_buried():
    raw = changed(IMPORT.raw, "filler", to="")
    raw = changed(IMPORT.raw, "filler", to="x" * (MAX_RECORD_SIZE - len(raw) - 4))
    assert len(raw) == MAX_RECORD_SIZE
    assert decode_slot(raw).uid == IMPORT.uid
    stone = tombstone(raw, NOW, "🦀" * 5000)
    assert decode_slot(stone, IMPORT.uid).inner().raw == raw
    with pytest.raises(CorruptRecordError, match="larger"):
        decode_slot(changed(raw, "filler", to="x" * (MAX_RECORD_SIZE - 200)))


@pytest.mark.parametrize("raw", [IMPORT.raw, tombstone(IMPORT.raw, NOW, "x")])
def test_a_record_that_answers_for_another_uid_is_an_error_that_says_so(raw):
    with pytest.raises(CorruptRecordError, match=r"datasets/Train\.csv.*datasets/train\.csv") as e:
        decode_slot(raw, UID("datasets/Train.csv"))
    assert e.value.uid == "datasets/Train.csv"
    assert "case-insensitive" in e.value.hint
    with pytest.raises(CorruptRecordError, match="'a' answers"):
        decode_slot(folder_record(UID("A")), UID("a"))


def test_errors_name_the_uid_that_was_asked_for():
    for raw, error in ((b"", CorruptRecordError), (changed(IMPORT.raw, "v", to=2),
                                                   NewerFormatError)):  # fmt: skip
        with pytest.raises(error) as caught:
            decode_slot(raw, UID("a/b"))
        assert caught.value.uid == "a/b"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "radops/later"),
        (("kind",), "\x1b[31m"),
        (("v",), 2),
        (("v",), 2**62),
        (("type",), "device"),
        (("origin",), {"clone": {}}),
    ],
)
def test_what_a_later_version_wrote_is_never_called_corrupt(path, value):
    with pytest.raises(NewerFormatError) as caught:
        decode_slot(changed(IMPORT.raw, *path, to=value))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["radops/folder", "radops/tombstone"])
def test_later_folders_and_tombstones(kind):
    with pytest.raises(NewerFormatError, match="version 7"):
        decode_slot(cbor.encode({"kind": kind, "v": 7}))


BAD_FIELDS = [
    ("kind", None), ("kind", 1), ("kind", "radops/lake"), ("kind", "radops/call"),
    ("v", 0), ("v", -1), ("v", True), ("v", 1.0), ("v", None), ("v", "1"),
    ("type", None), ("type", 1),
    ("uid", "a//b"), ("uid", "../x"), ("uid", "a\u0308"), ("uid", 1), ("uid", "other.csv"),
    ("digest", bytes(31)), ("digest", "0" * 64), ("digest", None), ("digest", "A" * 44),
    ("digest", bytes(32)),
    ("size", -1), ("size", 1.0), ("size", "1"), ("size", True), ("size", None),
    ("name", "../../etc/passwd"), ("name", ""), ("name", "Train.csv"), ("name", None),
    ("created_at", "2026-11-22T12:21:03Z"), ("created_at", "2026-11-22T12:21:03.000000+00:00"),
    ("created_at", "2026-02-30T12:21:03.000000Z"), ("created_at", "2026-11-22T24:21:03.000000Z"),
    ("created_at", "0000-01-01T00:00:00.000000Z"), ("created_at", "٢٠٢٦-11-22T12:21:03.000000Z"),
    ("created_at", "2026-11-22T12:21:03.000000Z\n"), ("created_at", 1), ("created_at", ""),
    ("originator", 1), ("originator", "x" * 513), ("radops_version", None),
    ("commit", None), ("commit", {}), ("commit", {"id": bytes(15), "primary": "refs/a.radops"}),
    ("commit", {"id": bytes(16), "primary": "refs/a.radops"}),
    ("commit", {"id": bytes(16), "primary": "refs/datasets/train.csv.radops-gone"}),
    ("commit", {"id": bytes(16), "primary": "refs/../x.radops"}),
    ("commit", {"id": "0" * 16, "primary": "refs/datasets/train.csv.radops"}),
    ("keeps", []), ("keeps", None), ("keeps", [bytes(32)]), ("keeps", [bytes([17]) * 32] * 2),
    ("keeps", [bytes([18]) * 32, bytes([17]) * 32]), ("keeps", [b"x"]), ("keeps", {}),
    ("origin", {}), ("origin", None), ("origin", []), ("origin", {"import": None}),
    ("origin", {"import": {}}), ("origin", {"import": {"source": 1}}),
    ("origin", {"import": {"source": "x"}, "call": bytes(32)}), ("origin", {"call": bytes(31)}),
    ("origin", {"call": "0" * 64}), ("origin", {"call": {}}), ("origin", {"call": bytes(32)}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_a_corrupt_record(field, value):
    with pytest.raises(CorruptRecordError) as caught:
        decode_slot(changed(IMPORT.raw, field, to=value), IMPORT.uid)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("field", sorted(cbor.decode(IMPORT.raw)))
def test_a_missing_field_is_a_corrupt_record(field):
    with pytest.raises(CorruptRecordError):
        decode_slot(changed(IMPORT.raw, field, drop=True))


CALL_FIELDS = sorted(set(cbor.decode(FIRST.raw)["origin"]["call"]))


@pytest.mark.parametrize("field", CALL_FIELDS)
def test_every_field_of_a_call_is_there_and_of_its_type(field):
    path = ("origin", "call", field)
    with pytest.raises(CorruptRecordError):
        decode_slot(changed(FIRST.raw, *path, drop=True))
    with pytest.raises(CorruptRecordError):
        decode_slot(changed(FIRST.raw, *path, to=False))


def item(uid, arg="f"):
    return {"arg": arg, "uid": uid, "digest": bytes(32), "record": bytes(32)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("key",), bytes(31)),
        (("module",), ""),
        (("name",), ""),
        (("params",), []),
        (("inputs",), [item("a", "b"), item("a", "a")]),
        (("inputs",), [item("a"), item("b")]),
        (("inputs",), [item("../a")]),
        (("reads",), [item("b", ""), item("a", "")]),
        (("outputs",), []),
        (("outputs",), [{"uid": "z", "digest": bytes(32), "size": 1, "place": None}]),
        (("outputs", 0, "size"), 101),
        (("outputs", 0, "digest"), bytes(32)),
        (("outputs", 1, "digest"), bytes(32)),
        (("outputs", 0, "uid"), "splits/tesu.csv"),
        (("outputs", 0, "place"), -1),
        (("outputs", 0, "place"), 1.5),
        (("outputs", 1, "uid"), "a"),
        (("code", "fingerprint"), "x"),
        (("code", "git", "commit"), "HEAD"),
        (("code", "git", "commit"), "A" * 40),
        (("code", "git", "commit"), "a" * 41),
        (("code", "git", "line"), 0),
        (("code", "git", "dirty"), None),
        (("code", "git", "patch"), bytes(32)),
        (("environment", "distributions"), {"a": 1}),
        (("started_at",), "yesterday"),
        (("seconds",), -0.5),
        (("seconds",), float("nan")),
        (("seconds",), float("inf")),
    ],
)
def test_a_bad_call_is_a_corrupt_record(path, value):
    with pytest.raises(CorruptRecordError):
        decode_slot(changed(FIRST.raw, "origin", "call", *path, to=value))


@pytest.mark.parametrize(
    ("field", "value"),
    [("record", b""), ("record", "x"), ("record", None), ("deleted_at", "x"), ("aborted", None),
     ("aborted", 0), ("originator", None), ("originator", "x" * 513)],
)  # fmt: skip
def test_a_bad_tombstone_is_a_corrupt_record(field, value):
    with pytest.raises(CorruptRecordError):
        decode_slot(changed(TOMBSTONE, field, to=value), FIRST.uid)


@pytest.mark.parametrize("inner", [b"", b"\xa0", folder_record(UID("a")), TOMBSTONE])
def test_what_is_buried_is_the_record_of_a_file(inner):
    stone = decode_slot(changed(TOMBSTONE, "record", to=inner))
    with pytest.raises(CorruptRecordError):
        stone.inner()


uid_texts = st.sampled_from(
    ["a", "x" * 16, "x" * 17, "x" * 22, "x" * 23, "x" * 24, "x" * 25, "a/" + "é" * 100,
     "/".join(["x" * 127, "y" * 127]), "/".join(["x" * 127, "y" * 128]), "/".join(["x" * 170] * 3)]
)  # fmt: skip


@relaxed
@given(uid_texts)
def test_a_folder_is_told_from_all_else_by_its_size(text):
    uid = UID(text)
    raw = folder_record(uid)
    assert len(raw) == folder_size(uid)
    assert decode_slot(raw, uid) == decode_slot(folder_record(uid))
    assert isinstance(decode_slot(raw), FolderRecord)
    smallest = build_import(
        uid=uid, digest=digest(1), size=0, source="", created_at=NOW, originator="",
        radops_version="",
    )  # fmt: skip
    assert len(smallest.raw) > len(raw)
    assert len(tombstone(smallest.raw, NOW, "")) > len(raw)


@pytest.mark.parametrize(
    "tree",
    [{"kind": "radops/folder", "v": 1, "uid": "a", "more": 1}, {"kind": "radops/folder", "v": 1},
     {"kind": "radops/folder", "v": 1, "uid": "a//b"}, {"kind": "radops/folder", "v": 1, "uid": 1}],
)  # fmt: skip
def test_a_folder_has_three_fields(tree):
    with pytest.raises(CorruptRecordError):
        decode_slot(cbor.encode(tree))


def test_times():
    assert format_time(NOW) == "2026-11-22T12:21:03.000456Z"
    assert parse_time(format_time(NOW)) == NOW
    with pytest.raises(ValueError, match="time zone"):
        format_time(NOW.replace(tzinfo=None))


VALID = [
    IMPORT.raw, FIRST.raw, records(make_call(params={"x": "y" * 70000}))[0].raw, TOMBSTONE,
    folder_record(UID("a/b")), new_marker(bytes(16)).raw, encode_call(CALL),
]  # fmt: skip


def decode_all(raw):
    """Decode as everything; nothing but the two documented errors may come out."""
    decode_one(decode_slot, raw)
    decode_one(lambda raw: decode_slot(raw, UID("a/b")), raw)
    decode_one(decode_marker, raw)
    decode_one(decode_call, raw)


def decode_one(decode, raw):
    try:
        thing = decode(raw)
        if isinstance(thing, Tombstone):
            thing.inner()
        if isinstance(thing, FileRecord):
            repr((thing, thing.call_object, thing.created, thing.commit.primary_uid))
    except (CorruptRecordError, NewerFormatError) as error:
        assert str(error).isprintable()  # noqa: PT017 whichever of the two


@thorough
@given(st.sampled_from(VALID), st.integers(0), st.integers(1, 4))
def test_mutated_bytes(raw, seed, count):
    mutated = bytearray(raw)
    source = random.Random(seed)
    for _ in range(count):
        at = source.randrange(len(mutated) + 1)
        action = source.randrange(4)
        if action == 0:
            mutated[at : at + 1] = bytes([source.randrange(256)])
        elif action == 1:
            mutated[at : at + source.randrange(9)] = source.randbytes(source.randrange(9))
        elif action == 2:
            del mutated[at:]
        else:
            mutated[at:at] = mutated[at : at + source.randrange(40)]
    decode_all(bytes(mutated))


def spots(tree, path=()):
    """Return the paths of all values in a decoded thing."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for step, inner in steps:
        found.append((*path, step))
        if isinstance(inner, (dict, list)):
            found += spots(inner, (*path, step))
    return found


SPOTS = [(raw, path) for raw in VALID for path in spots(cbor.decode(raw))]


@thorough
@given(st.sampled_from(SPOTS), cbor_values, st.booleans())
def test_mutated_values(spot, value, drop):
    raw, path = spot
    decode_all(changed(raw, *path, to=value, drop=drop))


@relaxed
@given(cbor_values)
def test_any_value_is_refused_properly(value):
    decode_all(cbor.encode(value))
