"""What Rust takes for a plain record is what Python accepts as one, with the same fields."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import unicodedata
from pathlib import Path

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.samples import COMMIT_ID, IMPORT, digest, records, relaxed
from radops import native
from radops.errors import CorruptRecordError, InvalidUIDError, NewerFormatError
from radops.model import cbor
from radops.model.build import build_import
from radops.model.record import FileRecord, decode_slot, folder_record, tombstone
from radops.model.uid import UID, check_stored_uid, slot_key

FIELDS = set(cbor2.loads(IMPORT.raw))
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc)
TIMES = [
    "2026-11-22T12:21:03.000456Z", "2024-02-29T23:59:59.999999Z", "2000-02-29T00:00:00.000000Z",
    "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z",
    "2026-02-29T00:00:00.000000Z", "1900-02-29T00:00:00.000000Z", "2026-04-31T00:00:00.000000Z",
    "2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-01-00T00:00:00.000000Z",
    "0000-01-01T00:00:00.000000Z", "2026-01-01T24:00:00.000001Z", "2026-01-01T00:60:00.000000Z",
    "2026-01-01T00:00:60.000000Z", "2026-01-01T00:00:00.00000Z", "2026-01-01T00:00:00.000000",
    "2026-01-01 00:00:00.000000Z", "\uff12026-01-01T00:00:00.000000Z", "",
]  # fmt: skip


def read(slots: dict[str, bytes]) -> dict[str, tuple]:
    """The plain records among slots, by name, as Rust reads them."""
    folder = Path(tempfile.mkdtemp())
    try:
        for key, raw in slots.items():
            path = folder / "lake" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        reader = native.PlainRecords(folder / "store", folder / "lake", "")
        found, left = [], []
        while (batch := reader.read(3)) is not None:
            found += batch[0]
            left += batch[1]
        assert len(found) + len(left) == len(slots)
        return {row[0]: row[1:] for row in found}
    finally:
        shutil.rmtree(folder)


def expected(raw: bytes, uid: UID) -> tuple | None:
    """The same by the rules in Python."""
    try:
        record = decode_slot(raw, uid)
    except (CorruptRecordError, NewerFormatError):
        return None
    tree = cbor2.loads(raw)
    if (
        not isinstance(record, FileRecord)
        or record.imported is None
        or record.keeps != (record.digest,)
        or record.commit.primary != slot_key(uid)
        or (set(tree), set(tree["commit"])) != (FIELDS, {"id", "primary"})
        or (set(tree["origin"]), set(tree["origin"]["import"])) != ({"import"}, {"source"})
        or len(raw) > 4096
    ):
        return None
    return record.size, record.digest.raw, record.created_at, record.originator, False


def agree(raw: bytes, uid: UID) -> bool:
    """Check that both say the same; return whether the record is plain."""
    plain = expected(raw, uid)
    assert read({slot_key(uid): raw}) == ({} if plain is None else {uid: plain})
    return plain is not None


def make(uid: str = "a/b.csv", **changes: object) -> bytes:
    tree = {**cbor2.loads(IMPORT.raw), "uid": uid, "name": uid.rpartition("/")[2]}
    tree["commit"] = {"id": COMMIT_ID, "primary": f"refs/{uid}.radops"}
    return cbor.encode({**tree, **changes})


names = st.text(st.sampled_from("ab.-_ é日かн~0"), min_size=1, max_size=12)


@relaxed
@given(
    names, st.integers(0, 2**63 - 1), st.text(max_size=600), st.text(max_size=600), st.datetimes()
)
def test_what_add_writes_is_plain(name, size, source, originator, moment) -> None:
    try:
        uid = check_stored_uid(f"sets/{name}")
    except InvalidUIDError:
        return
    record = build_import(
        uid=uid,
        digest=digest(3),
        size=size,
        source=source.replace("://", ""),
        created_at=moment.replace(tzinfo=dt.timezone.utc),
        originator=originator,
        radops_version="1",
    )
    assert agree(record.raw, uid) == (len(record.raw) <= 4096)


@pytest.mark.parametrize("time", TIMES)
def test_times(time: str) -> None:
    agree(make(created_at=time), UID("a/b.csv"))


@pytest.mark.parametrize(
    "changes",
    [
        {"size": -1},
        {"size": 2**63 - 1},
        {"size": 1.0},
        {"v": 2},
        {"v": 0},
        {"kind": "radops/folder"},
        {"kind": "radops/unknown"},
        {"type": "dir"},
        {"name": "c.csv"},
        {"more": 1},
        {"keeps": []},
        {"keeps": [b"1" * 32]},
        {"keeps": [b"\x11" * 32, b"1" * 32]},
        {"keeps": [b"\x01" * 32, b"\x11" * 32]},
        {"digest": b"1" * 31},
        {"digest": b"1" * 32},
        {"digest": "1" * 32},
        {"originator": "ü" * 512},
        {"originator": "ü" * 513},
        {"radops_version": ""},
        {"origin": {"import": {"source": "x" * 3800}}},
        {"origin": {"import": {"source": "x" * 5000}}},
        {"origin": {"import": {"source": "x", "more": 1}}},
        {"origin": {"import": {}}},
        {"origin": {"call": b"1" * 32}},
        {"origin": {"copy": 1}},
        {"commit": {"id": COMMIT_ID, "primary": "refs/a/b.csv.radops-1"}},
        {"commit": {"id": COMMIT_ID, "primary": "refs/a/a.csv.radops"}},
        {"commit": {"id": COMMIT_ID[1:], "primary": "refs/a/b.csv.radops"}},
        {"commit": {"id": COMMIT_ID, "primary": "refs/a/b.csv.radops", "x": 0}},
    ],
)
def test_fields(changes: dict[str, object]) -> None:
    agree(make(**changes), UID("a/b.csv"))


def test_what_else_slots_hold_is_left() -> None:
    raw, uid = make(), UID("a/b.csv")
    assert agree(raw, uid)
    for other in (folder_record(uid), tombstone(raw, NOW, "ada"), b"", raw[:-1], raw + b"\0"):
        assert not agree(other, uid)
    for record in records():
        assert not agree(record.raw, record.uid)
    slots = {"refs/a/b.csv.radops-1": raw, "refs/a/b.csv.radops-gone": b"", "refs/a/b.csv": raw}
    assert read(slots) == {}
    assert read({"refs/a/b.csv.radops": raw, "refs/a/c.csv.radops": raw}).keys() == {uid}


@relaxed
@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    raw, uid = bytearray(make()), UID("a/b.csv")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["flip", "set", "cut", "insert", "drop"])):
            case "flip":
                raw[at] ^= 1 << data.draw(st.integers(0, 7))
            case "set":
                raw[at] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[max(at, 1) :]
            case "insert":
                raw[at:at] = data.draw(st.binary(min_size=1, max_size=3))
            case "drop" if len(raw) > 1:
                del raw[at]
    agree(bytes(raw), uid)


@relaxed
@given(st.text(st.sampled_from("aAéがḍ\u0307\u0323日ᄀ각ё \u3099-./:@~\x85"), max_size=8))
@example("x.radops")
@example("x.RADOPS-1")
@example("x.radops-gone/y")
@example("-x")
@example("a//b")
@example("../b")
@example("x" * 201)
@example("x" * 200)
@example("/".join(["x" * 200] * 3))
def test_every_plain_name_is_a_name(name: str) -> None:
    if name.endswith("/") or not all(0 < len(part) < 249 for part in name.split("/")):
        return  # no file can be made there
    if {".", ".."} & set(name.split("/")):
        return
    if read({f"refs/{name}.radops": make(name)}):
        assert check_stored_uid(name) == name


def test_plain_characters_combine_with_nothing() -> None:
    seconds = set()
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
    hangul = set(range(0x1161, 0x1176)) | set(range(0x11A7, 0x11C3))
    codes = {*range(0x20, 0xD800, 7), *seconds, *hangul, *map(ord, "a~éя日각")} - {ord("/")}
    slots = {f"refs/x{chr(code)}.radops": make(f"x{chr(code)}") for code in codes}
    plain = {ord(name[1]) for name in read(slots)}
    assert plain >= {*map(ord, "a~éя日각")}
    for code in plain:
        assert code not in seconds | hangul
        assert unicodedata.combining(chr(code)) == 0
        assert unicodedata.is_normalized("NFC", chr(code))
