"""docs/format.md is normative: what it shows is what the code and the golden files say."""

import json
import re

import msgspec
import pytest

from format.samples import GOLDEN
from radops.format import cbor, uid
from radops.format.call import (
    CALL_INLINE_LIMIT,
    Call,
    CallInput,
    CallOutput,
    Code,
    Environment,
    Git,
)
from radops.format.digest import Digest
from radops.format.edge import Edge
from radops.format.key import KEY_LIMIT
from radops.format.marker import Marker
from radops.format.note import MAX_NOTE_SIZE, MAX_TAG, MAX_TAG_CHANGES, MAX_TEXT, Note
from radops.format.outline import BLOCK_SIZE
from radops.format.params import MAX_VALUE_DEPTH
from radops.format.record import (
    MAX_ORIGINATOR,
    MAX_RECORD_SIZE,
    Commit,
    FileRecord,
    FolderRecord,
    Import,
    Origin,
    Tombstone,
)
from radops.format.uid import parse_slot_key

PAGE = (GOLDEN.parent.parent / "docs" / "format.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- golden: (.+?) -->\n```text\n(.*?)```", PAGE, re.DOTALL))
NAMES = sorted(name for name in EXAMPLES if " " not in name)


def read(example):
    """Return the bytes of an example without its comments."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in example.splitlines()))


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_the_golden_bytes(name):
    golden = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())
    assert read(EXAMPLES[name]).hex() == golden.hex()


def test_every_stored_thing_has_an_example():
    plain = [name for name in NAMES if "/" not in name]
    assert plain == ["call-first", "edge", "folder", "import", "marker", "note", "tombstone"]
    parts = {f"directory/{path.stem}" for path in (GOLDEN / "directory").glob("*.hex")}
    shown_elsewhere = {"directory/pack", "directory/record-call"}
    assert {name for name in NAMES if "/" in name} == parts - shown_elsewhere


def test_the_pack_is_the_golden_one():
    golden = bytes.fromhex((GOLDEN / "directory" / "pack.hex").read_text())
    assert read(EXAMPLES["directory/pack with bytes"]) == golden


def texts(value):
    """Return all text in a decoded value, in the order of its encoding."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", NAMES)
def test_comments_say_what_the_bytes_are(name):
    shown = re.findall(r'# (".*")$', EXAMPLES[name], re.MULTILINE)
    assert [json.loads(text) for text in shown] == texts(cbor.decode(read(EXAMPLES[name])))


def test_the_key_is_the_golden_one():
    case = json.loads((GOLDEN / "keys.json").read_text())[2]
    assert read(EXAMPLES["keys.json 2"]).hex() == case["preimage"]
    assert f"```text\n{case['key']}\n```" in PAGE
    assert Digest.of(read(EXAMPLES["keys.json 2"])).hex == case["key"]
    for shown in (case["name"], case["module"], json.dumps(case["params"])):
        assert f"`{shown}`" in PAGE


def test_the_canonical_values_are_the_golden_ones():
    vectors = json.loads((GOLDEN / "canonical.json").read_text(encoding="utf-8"))
    known = {case["encoding"] for case in vectors}
    section = PAGE.partition("## Canonical values")[2].partition("## Key of a call")[0]
    shown = re.findall(r"^\| `.+` \| `([0-9a-f]+)` \|$", section, re.MULTILINE)
    assert len(shown) == 19
    assert set(shown) <= known
    types = set(re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \|", section, re.MULTILINE))
    documented = {name for pair in types for name in pair if name}
    made = {
        decoded[0]
        for decoded in (cbor.decode(bytes.fromhex(encoding)) for encoding in known)
        if isinstance(decoded, list)
    }
    assert documented >= made | {"file"}


def test_slot_keys_mean_what_the_table_says():
    section = PAGE.partition("### Slots")[2].partition("## What all maps")[0]
    rows = re.findall(r"^\| `(refs/\S+)` \| `(.+)` \| (\d+)(, gone)? \|$", section, re.MULTILINE)
    assert len(rows) == 3
    for key, name, number, gone in rows:
        assert parse_slot_key(key) == (name, int(number), bool(gone))
    ignored = re.search(r"^\| (.+) \| none: ignored", section, re.MULTILINE)
    keys = re.findall(r"`(.+?)`", ignored[1])
    assert len(keys) == 4
    assert [parse_slot_key(key) for key in keys] == [None] * 4


@pytest.mark.parametrize(
    "text",
    [
        f"({cbor.MAX_SIZE:,} bytes)",
        f"{cbor.MAX_DEPTH} arrays around an integer are allowed",
        f"at most {MAX_RECORD_SIZE:,} bytes",
        f"more than {CALL_INLINE_LIMIT:,} bytes",
        f"({KEY_LIMIT:,} bytes)",
        f"({BLOCK_SIZE:,} bytes)",
        f"at most {MAX_VALUE_DEPTH} levels",
        f"at most {MAX_ORIGINATOR} characters",
        f"1 to {uid.MAX_UID_BYTES} bytes",
        f"1 to {uid.MAX_SEGMENT_BYTES} bytes",
        f"1 to {uid.MAX_SLOT_NUMBER} without",
        f"below `{uid.RESERVED}/`",
        f"at most {MAX_NOTE_SIZE:,} bytes",
        f"at most {MAX_TEXT:,} characters",
        f"1 to {MAX_TAG} characters",
        f"at most {MAX_TAG_CHANGES} tags",
    ],
)
def test_limits_are_those_of_the_code(text):
    assert text in PAGE


@pytest.mark.parametrize(
    "kind",
    [Marker, FileRecord, FolderRecord, Tombstone, Origin, Import, Commit, Edge, Note, Call,
     CallInput, CallOutput, Code, Git, Environment],
)  # fmt: skip
def test_every_field_is_described(kind):
    for field in msgspec.structs.fields(kind):
        assert f"`{field.encode_name}`" in PAGE, field.encode_name
