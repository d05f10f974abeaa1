import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from format.samples import relaxed
from radops.errors import ArgumentTypeError, InvalidUIDError
from radops.format.uid import (
    UID,
    check_stored_uid,
    folders_of,
    gone_key,
    is_reserved,
    last_segment,
    parse_prefix,
    parse_slot_key,
    parse_uid,
    slot_key,
)

GOOD = [
    "a",
    "a/b/c.parquet",
    "Käse/日本語.txt",
    "with space.txt",
    " ",
    "a/-b",
    ".hidden",
    "..a/...",
    "a.radops.txt",
    "radops",
    "x.radops-",
    "x.radops-1x",
    "x.radops-gone-1",
    "x.radopsgone",
    "x" * 200,
    "/".join(["x" * 127] * 4),
    ".generated_uids/abc_0.csv",
    "\u202eabc",
    "a\u2028b",
    "a\u200bb",
    "%2e%2e/a#b;c&d=e",
    "a<b>|c\"'",
    "🦀",
]
BAD = {
    "": "empty",
    "/": "empty part",
    "/a": "empty part",
    "a/": "empty part",
    "a//b": "empty part",
    ".": "part '.'",
    "..": "part '..'",
    "a/./b": "part '.'",
    "a/../b": "part '..'",
    "a/..": "part '..'",
    "a\x00b": "control character",
    "a\nb": "control character",
    "a\x1b[31m": "control character",
    "a\x7f": "control character",
    "a\x85b": "control character",
    "a\x9f": "control character",
    "a\ud800": "surrogate",
    "a\udcffb": "surrogate",
    "a\\b": r"holds '\\\\'",
    "a@b": "holds '@'",
    "*.csv": "holds '*'",
    "a?": "holds '?'",
    "a[0]": "holds '['",
    "a]": "holds ']'",
    "s3://bucket/key": "holds ':'",
    "-": "begins with '-'",
    "-rf/a": "begins with '-'",
    "x.radops": "ends in '.radops'",
    ".radops": "ends in '.radops'",
    "x.radops/y": "ends in '.radops'",
    "x.radops-1": "ends in '.radops-1'",
    "x.radops-01": "ends in '.radops-01'",
    "a/x.radops-123/b": "ends in '.radops-123'",
    "x.radops-gone": "ends in '.radops-gone'",
    "x.radops-gone/y": "ends in '.radops-gone'",
    "x.radops-7-gone": "ends in '.radops-7-gone'",
    "x.Radops/y": "ends in '.Radops'",
    "x" * 201: "201 bytes, at most 200",
    "a/" + "é" * 101: "202 bytes, at most 200",
    "/".join(["x" * 170] * 3) + "/y": "514 bytes, at most 512",
}


@pytest.mark.parametrize("text", GOOD)
def test_good_names(text):
    assert parse_uid(text) == check_stored_uid(text) == text
    assert parse_slot_key(slot_key(UID(text), 3)) == (text, 3, False)


@pytest.mark.parametrize("text", BAD)
def test_bad_names_say_which_rule_they_break(text):
    for check in (parse_uid, check_stored_uid):
        with pytest.raises(InvalidUIDError) as caught:
            check(text)
        assert BAD[text].replace("\\\\\\\\", "\\\\") in str(caught.value)
        # Nothing in the message may move a terminal's cursor, or fail to print.
        assert str(caught.value).encode().decode().isprintable()
        assert len(str(caught.value)) < 200
    assert parse_slot_key(f"refs/{text}.radops") is None


def test_a_name_has_at_most_512_bytes():
    longest = "/".join(["x" * 170] * 3)
    assert len(longest.encode()) == 512
    assert parse_uid(longest) == longest


@pytest.mark.parametrize("value", [None, 1, b"a", ["a"]])
def test_only_text_is_a_name(value):
    with pytest.raises(ArgumentTypeError, match="is text, not"):
        parse_uid(value)


def test_what_people_type_is_normalised_and_what_is_stored_must_be():
    typed = "Ka\u0308se"
    assert parse_uid(typed) == "K\u00e4se"
    with pytest.raises(InvalidUIDError, match="normal form C"):
        check_stored_uid(typed)
    assert parse_slot_key(f"refs/{typed}.radops") is None


def test_a_subclass_of_str_becomes_text():
    class Name(str):
        __slots__ = ()

    assert type(parse_uid(Name("a/b"))) is str


@pytest.mark.parametrize(
    ("uid", "reserved"),
    [(".generated_uids/x", True), (".generated_uids", True), (".generated_uids2/x", False),
     ("a/.generated_uids/x", False)],
)  # fmt: skip
def test_generated_names_are_reserved(uid, reserved):
    assert is_reserved(UID(uid)) is reserved


def test_folders_and_last_segment():
    assert folders_of(UID("a/b/c")) == ("a", "a/b")
    assert folders_of(UID("a")) == ()
    assert last_segment(UID("a/b/c.csv")) == "c.csv"
    assert last_segment(UID("a")) == "a"


def test_slot_keys():
    assert slot_key(UID("a/b")) == "refs/a/b.radops"
    assert slot_key(UID("a/b"), 12) == "refs/a/b.radops-12"
    assert gone_key("refs/a.radops-1") == "refs/a.radops-1-gone"
    for number in (-1, 10**9):
        with pytest.raises(ValueError, match="no slot"):
            slot_key(UID("a"), number)


uids = st.builds(
    "/".join,
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
             min_size=1, max_size=4),
)  # fmt: skip


@relaxed
@given(uids, st.integers(0, 10**9 - 1), st.booleans())
def test_slot_keys_there_and_back(text, number, gone):
    try:
        uid = parse_uid(text)
    except InvalidUIDError:
        assume(False)
        return
    key = slot_key(uid, number)
    assert parse_slot_key(gone_key(key) if gone else key) == (uid, number, gone)
    assert parse_slot_key(key + "x") is None
    assert parse_slot_key("x" + key) is None
    # The longest key, below the longest prefix, is one that S3 takes; so is its last part on disks.
    assert len(key.encode()) <= 540
    assert len(gone_key(key).rpartition("/")[2].encode()) <= 255


@relaxed
@given(st.text(max_size=40))
def test_any_text_is_a_canonical_key_or_none(text):
    for key in (text, f"refs/{text}", f"refs/{text}.radops", f"refs/a.radops{text}"):
        name = parse_slot_key(key)
        if name is not None:
            canonical = slot_key(name.uid, name.number)
            assert key == (gone_key(canonical) if name.gone else canonical)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "refs/",
        "refs/.radops",
        "refs/a",
        "refs/a.radops-0",
        "refs/a.radops-01",
        "refs/a.radops-1000000000",
        "refs/a.radops--1",
        "refs/a.radops-+1",
        "refs/a.radops-\u0661",
        "refs/a.radops-",
        "refs/a.radops-gone-gone",
        "refs/a.radops-gone-1",
        "refs/a.radops\n",
        "refs/a.radops/",
        "refs/a.RADOPS",
        "refs//a.radops",
        "refs/../a.radops",
        "refs/a/../b.radops",
        "Refs/a.radops",
        "objects/a.radops",
        "prefix/refs/a.radops",
        "refs/a.radops.tmp",
        "refs/a.radops.radops",
        "refs/a.radops-gone.radops",
    ],
)
def test_hostile_keys_are_no_slots(key):
    assert parse_slot_key(key) is None


@pytest.mark.parametrize("text", ["", "a", "a/", "a/b", "a/b/", ".generated_uids/"])
def test_prefixes(text):
    assert parse_prefix(text) == text


@pytest.mark.parametrize("text", ["/", "//", "a//", "../", "a*", "-x/"])
def test_bad_prefixes(text):
    with pytest.raises(InvalidUIDError):
        parse_prefix(text)


def test_a_prefix_is_normalised():
    assert parse_prefix("a\u0308/") == "\u00e4/"
    assert unicodedata.is_normalized("NFC", parse_prefix("a\u0308/"))
