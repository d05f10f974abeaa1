"""Bytes that can never change: a lake written today is read by every later version.

If a test here fails, the code is wrong, not the golden file.
"""

import json
import math

import blake3
import cbor2
import msgspec
import pytest

from format.samples import (
    CALL,
    CANONICAL,
    GOLDEN,
    IMPORT,
    MODULE,
    NOW,
    digest,
    records,
)
from radops.format import cbor
from radops.format.build import build_call, sibling
from radops.format.call import CallOutput, decode_call, encode_call
from radops.format.digest import Digest
from radops.format.edge import Edge, decode_edge
from radops.format.key import call_key
from radops.format.marker import decode_marker, new_marker
from radops.format.note import new_note
from radops.format.params import canonicalise
from radops.format.record import Tombstone, decode_slot, folder_record, folder_size, tombstone
from radops.format.render import render
from radops.format.uid import UID, gone_key, parse_slot_key, slot_key
from radops.format.wire import format_time


def golden(name):
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text())


FIRST, SECOND = records()
MANY = msgspec.structs.replace(
    CALL,
    outputs=tuple(CallOutput(UID(f"many/{n:03}"), digest(n), n, n) for n in range(65)),
)
WRITTEN = {
    "marker": new_marker(bytes(range(16))).raw,
    "folder": folder_record(UID("datasets")),
    "import": IMPORT.raw,
    "call-first": FIRST.raw,
    "call-second": SECOND.raw,
    "call-object": encode_call(CALL),
    "call-shared": build_call(
        call=MANY,
        created_at=NOW,
        originator="ada@example.org",
        radops_version="0.1.0",
        commit_id=bytes(range(16)),
    )[1].raw,
    "tombstone": tombstone(IMPORT.raw, NOW, "bob@example.org"),
    "edge": Edge(UID("splits/test.csv"), FIRST.record_digest).encode(),
    "note": new_note(
        uid=UID("datasets/train.csv"),
        digest=digest(0x11),
        note_id=bytes(range(8)),
        written_at=format_time(NOW),
        originator="ada@example.org",
        text="Cleaned by hand.",
        add=["gold"],
    ).raw,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written(name):
    assert WRITTEN[name].hex() == golden(name).hex()


@pytest.mark.parametrize("name", WRITTEN)
def test_another_decoder_reads_the_same(name):
    assert cbor2.loads(golden(name)) == cbor.decode(golden(name))


def test_all_golden_bytes_are_tested():
    assert {path.stem for path in GOLDEN.glob("*.hex")} >= set(WRITTEN)


def test_the_import_is_read():
    record = decode_slot(golden("import"), UID("datasets/train.csv"))
    assert record.digest == digest(0x11)
    assert record.size == 1234567
    assert record.name == "train.csv"
    assert record.created == NOW
    assert record.originator == "ada@example.org"
    assert record.radops_version == "0.1.0"
    assert record.commit.id == bytes(range(16))
    assert record.commit.primary == "refs/datasets/train.csv.radops"
    assert record.keeps == (digest(0x11),)
    assert record.imported.source == "https://example.org/train.csv"
    assert record.record_digest.raw == blake3.blake3(golden("import")).digest()


def test_the_call_is_read():
    first, second = decode_slot(golden("call-first")), decode_slot(golden("call-second"))
    assert sibling(first, second.call.outputs[1]).raw == golden("call-second")
    assert first.call == second.call == decode_call(golden("call-object"))
    assert first.keeps == tuple(map(digest, [0x33, 0x44, 0x66]))
    call = first.call
    assert (call.module, call.name, call.version) == ("team.pipeline", "split", None)
    assert call.inputs[0].record == decode_slot(golden("import")).record_digest
    assert call.code.git.commit == "0123456789abcdef0123456789abcdef01234567"
    assert call.environment.distributions == {"numpy": "2.1.0"}
    assert call.seconds == 3.25


def test_the_others_are_read():
    stone = decode_slot(golden("tombstone"), UID("datasets/train.csv"))
    assert isinstance(stone, Tombstone)
    assert stone.inner().raw == golden("import")
    assert decode_slot(golden("folder")).uid == "datasets"
    assert len(golden("folder")) == folder_size(UID("datasets"))
    assert decode_marker(golden("marker")).lake_id == bytes(range(16)).hex()
    edge = decode_edge(golden("edge"), UID("splits/test.csv"))
    assert edge.record == Digest.of(golden("call-first"))


def load(name):
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def test_every_canonical_value_has_a_vector():
    assert [case["name"] for case in load("canonical.json")] == list(CANONICAL)


@pytest.mark.parametrize("case", load("canonical.json"), ids=lambda case: case["name"])
def test_canonical_values(case):
    value = canonicalise(CANONICAL[case["name"]], "x", module_of=lambda _: MODULE)
    assert cbor.encode(value).hex() == case["encoding"]
    decoded = cbor.decode(bytes.fromhex(case["encoding"]))
    assert render(decoded) == case["rendered"]
    if not (isinstance(decoded, float) and math.isnan(decoded)):
        assert decoded == value


@pytest.mark.parametrize("case", load("keys.json"))
def test_keys(case):
    key = call_key(
        module=case["module"],
        name=case["name"],
        version=case["version"],
        fingerprint=case["fingerprint"] and Digest.from_hex(case["fingerprint"]),
        params=case["params"],
        inputs=[(arg, UID(uid), Digest.from_hex(text)) for arg, uid, text in case["inputs"]],
    )
    assert key.hex == case["key"]
    assert blake3.blake3(bytes.fromhex(case["preimage"])).hexdigest() == case["key"]
    preimage = cbor.decode(bytes.fromhex(case["preimage"]))
    assert preimage[:4] == ["radops/call", 1, case["module"], case["name"]]


@pytest.mark.parametrize("case", load("slots.json"), ids=lambda case: case["key"])
def test_slots(case):
    name = (case["uid"], case["number"], case["gone"])
    assert parse_slot_key(case["key"]) == name
    key = slot_key(UID(case["uid"]), case["number"])
    assert (gone_key(key) if case["gone"] else key) == case["key"]


def test_the_record_of_one_of_many_outputs_is_read():
    record = decode_slot(golden("call-shared"), UID("many/001"))
    assert (record.call, record.has_shared_call) == (None, True)
    assert record.call_object == Digest.of(encode_call(MANY))
    assert set(record.keeps) == {digest(1), record.call_object}
    assert sibling(record, MANY.outputs[2]).uid == "many/002"
    assert sibling(sibling(record, MANY.outputs[2]), MANY.outputs[1]).raw == record.raw


def test_records_do_not_grow_with_the_outputs_of_their_call():
    sizes = []
    for count in (64, 65, 650):
        outputs = tuple(CallOutput(UID(f"o/{n:05}"), digest(n % 256), n, n) for n in range(count))
        made = records(msgspec.structs.replace(CALL, outputs=outputs))
        sizes.append(max(len(record.raw) for record in made))
    assert sizes[0] > 4000  # up to here each lists all of them, as before
    assert sizes[1] < 600
    assert sizes[2] < 600
