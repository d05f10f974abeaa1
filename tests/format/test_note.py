"""Notes: strict records of changes, merged in one order on every machine."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import GOLDEN, cbor_values, digest, relaxed, thorough
from radops.errors import CorruptRecordError, NewerFormatError, UsageError
from radops.format import cbor
from radops.format.note import (
    MAX_NOTE_SIZE,
    MAX_TAG,
    MAX_TAG_CHANGES,
    MAX_TEXT,
    Description,
    Note,
    decode_note,
    describe,
    following,
    new_note,
    parse_note_key,
    parse_tag,
    parse_text,
)
from radops.format.uid import UID
from radops.format.wire import format_time, parse_time

RAW = bytes.fromhex((GOLDEN / "note.hex").read_text())
KEY = "notes/datasets/train.csv/20261122T122103000456Z-0001020304050607.radops"
NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.timezone.utc)


def make(**changes: object) -> Note:
    values = {
        "uid": UID("a/b"),
        "digest": digest(1),
        "originator": "ada@example.org",
        "written_at": "2026-11-22T12:21:03.000456Z",
    }
    return new_note(**{**values, **changes})


def changed(**fields: object) -> bytes:
    return cbor.encode({**cbor.decode(RAW), **fields})


def test_a_note_is_read_from_its_key():
    note = decode_note(RAW, KEY)
    assert (note.uid, note.digest, note.text) == (
        "datasets/train.csv", digest(0x11), "Cleaned by hand.",
    )  # fmt: skip
    assert (note.add, note.remove, note.originator) == (("gold",), (), "ada@example.org")
    assert note.key == KEY
    assert parse_note_key(KEY).uid == "datasets/train.csv"


def test_unknown_fields_are_kept():
    raw = changed(later=[1, "x"])
    assert decode_note(raw, KEY).raw == raw


@pytest.mark.parametrize(
    "key",
    [
        "notes/a",
        "notes/a/x.radops",
        "notes/a/20261122T122103000456Z-0001020304050607",
        "notes/a/20261122T122103000456Z-0001020304050607.radops-1",
        "notes/a/20261122T122103000456Z-000102030405060.radops",
        "notes/a/20261122T122103000456Z-000102030405060G.radops",
        "notes/a/20261122T122103000456Z-0001020304050607.radops/b",
        "notes/../a/20261122T122103000456Z-0001020304050607.radops",
        "notes//20261122T122103000456Z-0001020304050607.radops",
        "refs/a/20261122T122103000456Z-0001020304050607.radops",
    ],
)
def test_other_keys_are_none_of_notes(key):
    assert parse_note_key(key) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"uid": "../x"},
        {"digest": b"short"},
        {"id": bytes(7)},
        {"written_at": "2026-11-22"},
        {"written_at": "3000-01-01T00:00:00.000000Z"},
        {"originator": "x" * 513},
        {"text": 1},
        {"text": "x" * (MAX_TEXT + 1)},
        {"add": ["b", "a"]},
        {"add": ["a", "a"]},
        {"add": [""]},
        {"add": ["two words"]},
        {"add": ["one,two"]},
        {"add": ["-x"]},
        {"add": ["x" * (MAX_TAG + 1)]},
        {"add": ["e\u0301"]},
        {"add": ["a\x1b"]},
        {"remove": ["gold"]},
        {"remove": [f"{n:04}" for n in range(MAX_TAG_CHANGES + 1)]},
        {"add": b"gold"},
    ],
)
def test_what_breaks_a_rule_is_corrupt(fields):
    with pytest.raises(CorruptRecordError):
        decode_note(changed(**fields), KEY)


@pytest.mark.parametrize("field", [one for one in cbor.decode(RAW) if one not in ("kind", "v")])
def test_every_field_must_be_there(field):
    tree = cbor.decode(RAW)
    del tree[field]
    with pytest.raises(CorruptRecordError):
        decode_note(cbor.encode(tree), KEY)


def test_a_note_under_the_key_of_another_is_corrupt():
    for key in (KEY.replace("train", "Train"), KEY.replace("0607", "0608")):
        with pytest.raises(CorruptRecordError, match="answers for"):
            decode_note(RAW, key)


def test_later_versions_are_not_called_corrupt():
    for fields in ({"v": 2}, {"kind": "radops/note-of-later"}):
        with pytest.raises(NewerFormatError):
            decode_note(changed(**fields), KEY)
    with pytest.raises(CorruptRecordError, match="larger"):
        decode_note(bytes(MAX_NOTE_SIZE + 1), KEY)


def test_the_largest_note_can_be_read():
    tags = [f"{n:04}" + "\U00010000" * (MAX_TAG - 4) for n in range(2 * MAX_TAG_CHANGES)]
    note = make(
        uid=UID("/".join(["\U00010000" * 50] * 2)),
        text="\U00010000" * MAX_TEXT,
        originator="\U00010000" * 512,
        add=tags[:MAX_TAG_CHANGES],
        remove=tags[MAX_TAG_CHANGES:],
    )
    assert decode_note(note.raw, note.key) == note


@thorough
@given(st.binary(max_size=200) | cbor_values.map(cbor.encode))
def test_any_bytes_are_refused(raw):
    with pytest.raises((CorruptRecordError, NewerFormatError)):
        decode_note(raw, KEY)


@relaxed
@given(st.data())
def test_any_change_of_a_note_is_refused_or_keeps_its_bytes(data):
    at = data.draw(st.integers(0, len(RAW) - 1))
    raw = RAW[:at] + data.draw(st.binary(min_size=1, max_size=3)) + RAW[at + 1 :]
    try:
        note = decode_note(raw, KEY)
    except (CorruptRecordError, NewerFormatError):
        return
    assert note.raw == raw
    assert note.key == KEY


# -- together --------------------------------------------------------------------------------------

TAGS = st.sampled_from(["a", "b", "c"])


@st.composite
def notes(draw):
    add = draw(st.sets(TAGS))
    return make(
        written_at=format_time(NOW + dt.timedelta(microseconds=draw(st.integers(0, 3)))),
        text=draw(st.none() | st.sampled_from(["", "x", "y"])),
        add=add,
        remove=draw(st.sets(TAGS)) - add,
        digest=digest(draw(st.sampled_from([1, 1, 1, 2]))),
    )


@relaxed
@given(st.lists(notes(), max_size=4))
def test_the_order_in_which_notes_arrive_does_not_count(made):
    found = {describe(some, digest(1)) for some in itertools.permutations(made)}
    assert len(found) == 1


def test_tags_of_two_machines_both_stay_and_the_last_text_counts():
    first = make(text="one", add=["a", "b"])
    at = parse_time(first.written_at)
    second = make(text="two", add=["c"], remove=["a"], written_at=following([first], at))
    assert describe([second, first], digest(1)) == Description("two", ("b", "c"))
    assert describe([first], digest(1)) == Description("one", ("a", "b"))
    assert describe([first, second], digest(2)) == Description()


def test_a_note_follows_those_of_a_clock_that_is_ahead():
    ahead = make(written_at="2999-12-31T23:59:59.000000Z")
    assert following([ahead], NOW) == "2999-12-31T23:59:59.000001Z"
    assert following([], NOW) == format_time(NOW)
    last = make(written_at="2999-12-31T23:59:59.999999Z")
    with pytest.raises(UsageError):
        following([last], NOW)


# -- what people type ------------------------------------------------------------------------------


def test_tags_and_texts_are_brought_into_one_form():
    assert parse_tag("e\u0301") == "é"
    assert parse_text("  e\u0301\n line two\t. \n") == "é\n line two\t."
    assert parse_text(" ") == ""


@pytest.mark.parametrize("tag", ["", " ", "a b", "a,b", "-a", "a\n", "x" * 65, "\ud800", None])
def test_what_cannot_be_a_tag_is_refused(tag):
    with pytest.raises(UsageError, match="tag"):
        parse_tag(tag)


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\x00", "\ud800", "x" * (MAX_TEXT + 1), 5])
def test_what_cannot_be_a_description_is_refused(text):
    with pytest.raises(UsageError, match="description"):
        parse_text(text)
