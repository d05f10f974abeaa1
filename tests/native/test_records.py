"""What Rust decodes, Python decodes with the same fields; and Rust decodes what radops writes."""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from format.decoded import agree, by_rust, is_decided, make, uid_within
from format.samples import CALL, IMPORT, LONG_CALL, NOW, digest, make_call, records, relaxed
from fuzz import targets
from radops import native
from radops.errors import InvalidUIDError
from radops.format import cbor
from radops.format.build import Contents, build_import, recommit
from radops.format.call import CallInput, CallOutput, Code, Noticed
from radops.format.digest import Digest
from radops.format.record import folder_record, tombstone
from radops.format.uid import UID, check_stored_uid, slot_key

if TYPE_CHECKING:
    from radops.format.call import Call

# -- what radops writes ------------------------------------------------------------------------


names = st.text(st.sampled_from("ab.-_ é日かн~0"), min_size=1, max_size=12)


@relaxed
@given(
    names,
    st.integers(0, 2**63 - 1),
    st.text(max_size=600),
    st.text(max_size=600),
    st.datetimes(),
    st.none() | st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)),
    st.integers(0, 2),
)
def test_imports_are_decoded(name, size, source, originator, moment, totals, number) -> None:
    try:
        uid = check_stored_uid(f"sets/{name}")
    except InvalidUIDError:
        return
    moment = moment.replace(tzinfo=dt.timezone.utc)
    record = build_import(
        uid=uid,
        digest=digest(3),
        size=size,
        source=source.replace("://", ""),
        created_at=moment,
        originator=originator,
        radops_version="1",
        number=number,
        directory=None if totals is None else Contents(digest(4), *totals),
    )
    assert is_decided(record.raw, uid)
    for aborted in (False, True):
        assert is_decided(tombstone(record.raw, moment, originator, aborted=aborted), uid)


def outputs(count: int, *, directories: int = 0) -> tuple[CallOutput, ...]:
    return tuple(
        CallOutput(
            UID(f"made/{number:03}.csv"),
            digest(number % 7),
            number % 7,
            [number, f"key {number}", None][number % 3],
            **({"layout": digest(100 + number % 7), "files": 2, "bytes": 9} if is_tree else {}),
        )
        for number in range(count)
        for is_tree in [number % 7 < directories]
    )


def call_input(arg: str, uid: str, **more: Any) -> CallInput:
    return CallInput(arg, UID(uid), digest(1), digest(2), **more)


CALLS = {
    "two files": CALL,
    "in an object": LONG_CALL,
    "one file": make_call(outputs=outputs(1)),
    "few outputs": make_call(outputs=outputs(64)),
    "shared": make_call(outputs=outputs(65)),
    "a directory": make_call(outputs=outputs(1, directories=1)),
    "directories": make_call(outputs=outputs(20, directories=3)),
    "many with directories": make_call(outputs=outputs(70, directories=3)),
    "no code": make_call(code=Code(fingerprint=None, source=None, run_as=None, git=None)),
    "parts": make_call(
        code=Code(
            fingerprint=digest(1), source="", run_as=None, git=None, parts={"a (b.py)": b"abc"}
        )
    ),
    "noticed": make_call(
        noticed=Noticed(files={"a": b"abc", "b": None}, variables={"HOME": b"123", "X": None})
    ),
    "inputs": make_call(
        inputs=(call_input("a", "x"), call_input("b[0]", "x"), call_input("b[1]", "y", inner="é")),
        reads=(call_input("", "x"), call_input("", "x", inner="a"), call_input("", "z")),
    ),
    "params": make_call(params={"x": [None, True, -1, 2.5, b"", "t", ["list", []]], "y": 1 << 62}),
    "no time": make_call(seconds=0.0, version="2", package_version=None),
}


@pytest.mark.parametrize("what", CALLS)
def test_results_of_calls_are_decoded(what: str) -> None:
    call: Call = CALLS[what]
    made = records(call, number=what.count(" "))
    origins = {by_rust(one.raw, one.uid)["origin"] for one in made}
    assert len(origins) == 1
    for record in made:
        assert is_decided(record.raw, record.uid)
        assert not is_decided(record.raw, UID(f"{record.uid}x"))
        assert is_decided(tombstone(record.raw, NOW, "ada"), record.uid)
    # An output that was committed alone: the others existed already.
    (alone,) = recommit([made[-1]], slot_key(made[-1].uid))
    assert is_decided(alone.raw, alone.uid)


def test_origins() -> None:
    def origin(call: Call) -> object:
        record = records(call)[0]
        return by_rust(record.raw, record.uid)["origin"]

    assert origin(CALLS["few outputs"]) == "call"
    assert origin(CALLS["in an object"]) == "call object"
    assert origin(CALLS["shared"]) == "shared call"


@pytest.mark.parametrize("uid", ["a", "a/b", "x" * 200, "日本/größe"])
def test_folders_are_decoded(uid: str) -> None:
    raw = folder_record(UID(uid))
    assert is_decided(raw, uid)
    assert not is_decided(raw, "other")
    assert not is_decided(cbor.encode({**cbor2.loads(raw), "more": 1}), uid)


def test_batches_keep_their_order() -> None:
    known = [(one.raw, one.uid) for one in (IMPORT, *records())] * 400
    for place in range(0, len(known), 5):
        known[place] = (b"no record", "a")
    found = native.decode_slots(known, threads=2)
    assert [one is None for one in found] == [raw == b"no record" for raw, _ in known]
    assert all(
        one is None or one.record_digest == Digest.of(raw).raw
        for one, (raw, _) in zip(found, known, strict=True)
    )


# -- hostile bytes -----------------------------------------------------------------------------

WRITTEN = [
    *targets.TARGETS["slot"].seeds,
    *(one.raw for call in CALLS.values() for one in records(call)[:2] if len(one.raw) < 8000),
]
SEEDS = [*targets.corpus("slot"), *WRITTEN]


@relaxed
@given(st.data())
def test_mutated_bytes(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from(SEEDS))
    raw, uid = bytearray(original), uid_within(original)
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
    agree(bytes(raw), uid_within(bytes(raw)))


VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1 << 62, 0.5, b"", b"\x00" * 16, b"\x33" * 32, b"\x66" * 32,
    b"abc", "", "a", "e\u0301", "../x", "a" * 600, "refs/a.radops", "refs/splits/test.csv.radops",
    "2026-11-22T12:21:03.000456Z", [], {}, [""], {"a": b"abc"}, [b"\x33" * 32], "radops/tombstone",
    "directory", "splits/test.csv",
]  # fmt: skip


def test_records_with_another_value() -> None:
    chance = random.Random(1)
    accepted = refused = 0
    for _ in range(3000):
        seed = chance.choice(WRITTEN)
        tree = cbor2.loads(seed)
        if chance.random() < 0.3 and isinstance(tree.get("record"), bytes):
            inner = targets.altered(cbor2.loads(tree["record"]), chance.randrange, VALUES)
            raw = cbor.encode({**tree, "record": inner})
        else:
            raw = targets.altered(tree, chance.randrange, VALUES)
        if agree(raw, uid_within(seed)):
            accepted += 1
        else:
            refused += 1
        agree(raw, uid_within(raw))
    assert accepted > 100
    assert refused > 100


# -- names ---------------------------------------------------------------------------------------


@relaxed
@given(st.text(st.sampled_from("aAéがḍ\u0307\u0323日ᄀ각ё \u3099-./:@~\x85"), max_size=8))
@example("x.radops")
@example("x.RADOPS-1")
@example("x.radops-gone/y")
@example("x.radops.csv")
@example("x.radops-gone-gone")
@example("-x")
@example("a//b")
@example("../b")
@example("x" * 201)
@example("x" * 200)
@example("/".join(["x" * 200] * 3))
def test_every_name_that_is_decided_is_valid(name: str) -> None:
    if by_rust(make(name), name) is not None:
        assert check_stored_uid(name) == name
    elif name.isascii():
        with pytest.raises(InvalidUIDError):
            check_stored_uid(name)


def test_characters_of_names_combine_with_nothing() -> None:
    seconds = set()
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
    hangul = set(range(0x1161, 0x1176)) | set(range(0x11A7, 0x11C3))
    codes = sorted({*range(0x20, 0xD800, 7), *seconds, *hangul, *map(ord, "a~éя日각")} - {ord("/")})
    names = [f"x{chr(code)}" for code in codes]
    found = native.decode_slots([(make(name), name) for name in names])
    plain = {code for code, one in zip(codes, found, strict=True) if one is not None}
    assert plain >= {*map(ord, "a~éя日각")}
    for code in plain:
        assert code not in seconds | hangul
        assert unicodedata.combining(chr(code)) == 0
        assert unicodedata.is_normalized("NFC", chr(code))
