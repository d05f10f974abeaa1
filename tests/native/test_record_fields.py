"""Which fields of records the decoder in Rust accepts: those that the one in Python accepts."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from format.decoded import is_decided, make
from format.samples import COMMIT_ID, IMPORT, NOW, records
from radops.format import cbor
from radops.format.record import MAX_RECORD_SIZE, folder_record, tombstone
from radops.format.uid import UID

GOOD_TIMES = [
    "2026-11-22T12:21:03.000456Z", "2024-02-29T23:59:59.999999Z", "2000-02-29T00:00:00.000000Z",
    "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z",
]  # fmt: skip
BAD_TIMES = [
    "2026-02-29T00:00:00.000000Z", "1900-02-29T00:00:00.000000Z", "2026-04-31T00:00:00.000000Z",
    "2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-01-00T00:00:00.000000Z",
    "0000-01-01T00:00:00.000000Z", "2026-01-01T24:00:00.000001Z", "2026-01-01T00:60:00.000000Z",
    "2026-01-01T00:00:60.000000Z", "2026-01-01T00:00:00.00000Z", "2026-01-01T00:00:00.000000",
    "2026-01-01 00:00:00.000000Z", "\uff12026-01-01T00:00:00.000000Z", "",
]  # fmt: skip


@pytest.mark.parametrize(
    ("time", "is_time"),
    [*((time, True) for time in GOOD_TIMES), *((time, False) for time in BAD_TIMES)],
)
def test_times(time: str, is_time: bool) -> None:
    raw, uid = make(created_at=time), UID("a/b.csv")
    assert is_decided(raw, uid) is is_time
    deleted = {**cbor2.loads(tombstone(make(), NOW, "ada")), "deleted_at": time}
    assert is_decided(cbor.encode(deleted), uid) is is_time


@pytest.mark.parametrize(
    ("changes", "is_valid"),
    [
        ({"size": -1}, False),
        ({"size": 2**63 - 1}, True),
        ({"size": 1.0}, False),
        ({"v": 2}, False),
        ({"v": 0}, False),
        ({"v": True}, False),
        ({"kind": "radops/folder"}, False),
        ({"kind": "radops/tombstone"}, False),
        ({"kind": "radops/unknown"}, False),
        ({"kind": "radops/call"}, False),
        ({"type": "dir"}, False),
        ({"type": "directory"}, False),
        ({"files": 1}, False),
        ({"bytes": None}, False),
        ({"trees": []}, False),
        ({"name": "c.csv"}, False),
        ({"more": 1}, True),
        ({"keeps": []}, False),
        ({"keeps": [b"1" * 32]}, False),
        ({"keeps": [b"\x11" * 32, b"1" * 32]}, True),
        ({"keeps": [b"\x11" * 32, b"\x01" * 32]}, False),
        ({"keeps": [b"\x11" * 32, b"\x11" * 32]}, False),
        ({"digest": b"1" * 31}, False),
        ({"digest": b"1" * 32}, False),
        ({"digest": "1" * 32}, False),
        ({"originator": "ü" * 512}, True),
        ({"originator": "ü" * 513}, False),
        ({"radops_version": ""}, True),
        ({"radops_version": None}, False),
        ({"origin": {"import": {"source": "x" * 300_000}}}, True),
        ({"origin": {"import": {"source": "x" * (MAX_RECORD_SIZE - 1000)}}}, True),
        ({"origin": {"import": {"source": "x" * MAX_RECORD_SIZE}}}, False),
        ({"origin": {"import": {"source": "x", "more": 1}}}, True),
        ({"origin": {"import": {"source": "x"}, "call": None, "copy": 1}}, True),
        ({"origin": {"import": {"source": "x"}, "shared_call": b"\x11" * 32}}, False),
        ({"origin": {"import": {}}}, False),
        ({"origin": {"import": None}}, False),
        ({"origin": {"call": b"1" * 32}}, False),
        ({"origin": {"call": b"\x11" * 32}}, True),
        ({"origin": {"shared_call": b"\x11" * 32}}, True),
        ({"origin": {"copy": 1}}, False),
        ({"origin": {}}, False),
        ({"commit": {"id": COMMIT_ID, "primary": "refs/a/b.csv.radops-1"}}, True),
        ({"commit": {"id": COMMIT_ID, "primary": "refs/a/b.csv.radops-01"}}, False),
        ({"commit": {"id": COMMIT_ID, "primary": "refs/a/b.csv.radops-gone"}}, False),
        ({"commit": {"id": COMMIT_ID, "primary": "refs/a/a.csv.radops"}}, False),
        ({"commit": {"id": COMMIT_ID[1:], "primary": "refs/a/b.csv.radops"}}, False),
        ({"commit": {"id": COMMIT_ID, "primary": "refs/a/b.csv.radops", "x": 0}}, True),
    ],
)
def test_fields_of_an_import(changes: dict[str, object], is_valid: bool) -> None:
    assert is_decided(make(**changes), UID("a/b.csv")) is is_valid


def changed(tree: Any, path: str, value: object) -> bytes:
    """Return the encoding of a tree with another value under a path; `...` removes it."""
    *folders, last = (int(part) if part.isdigit() else part for part in path.split("."))
    node = tree
    for part in folders:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return cbor.encode(tree)


CALL_FIELDS: list[tuple[str, object, bool]] = [
    ("key", b"", False),
    ("module", "", False),
    ("name", "", False),
    ("name", "x", True),
    ("package_version", ..., False),
    ("package_version", 1, False),
    ("version", "1", True),
    ("params", [], False),
    ("params", {"x": {"y": b""}}, True),
    ("params", None, False),
    ("inputs.0.arg", None, False),
    ("inputs.0.uid", "../x", False),
    ("inputs.0.uid", "x.radops", False),
    ("inputs.0.digest", ..., False),
    ("inputs.0.record", b"1", False),
    ("inputs.0.more", 1, True),
    ("inputs.0.inner", "a/b", True),
    ("inputs.0.inner", "", False),
    ("inputs.0.inner", "a/../b", False),
    ("inputs.0.inner", None, False),
    ("inputs.0.inner", "a" * 256, False),
    ("inputs.0.inner", "\0", False),
    ("inputs", None, False),
    ("reads", ..., False),
    ("outputs", [], False),
    ("outputs.0.size", 101, False),
    ("outputs.0.digest", b"\x44" * 32, False),
    ("outputs.0.place", -1, False),
    ("outputs.0.place", "", True),
    ("outputs.0.place", ..., True),
    ("outputs.0.place", 1.5, False),
    ("outputs.0.files", 1, False),
    ("outputs.1.uid", "splits/a", False),
    ("outputs.1.uid", "splits/z", True),
    ("outputs.1.digest", b"\x45" * 32, False),
    ("outputs.1.digest", b"\x33" * 32, True),
    ("outputs.1.layout", b"\x33" * 32, False),
    ("code", None, False),
    ("code.fingerprint", None, True),
    ("code.fingerprint", "", False),
    ("code.source", ..., False),
    ("code.git", None, True),
    ("code.git", {}, False),
    ("code.git.commit", "0" * 64, True),
    ("code.git.commit", "0" * 41, False),
    ("code.git.commit", "0" * 39 + "\n", False),
    ("code.git.commit", "A" * 40, False),
    ("code.git.commit", None, True),
    ("code.git.line", 0, False),
    ("code.git.line", None, True),
    ("code.git.dirty", None, False),
    ("code.git.dirty", 0, False),
    ("code.git.pushed", None, True),
    ("code.git.patch", None, True),
    ("code.git.patch", b"\x67" * 32, False),
    ("code.git.patch", b"\x33" * 32, True),
    ("code.parts", None, True),
    ("code.parts", {"": b"12"}, False),
    ("code.parts", {"": b"123"}, True),
    ("code.parts", {"": None}, False),
    ("environment", {}, False),
    ("environment.python", None, False),
    ("environment.distributions", {"a": 1}, False),
    ("environment.distributions", {}, True),
    ("started_at", "2026-02-30T00:00:00.000000Z", False),
    ("started_at", ..., False),
    ("seconds", -1.0, False),
    ("seconds", -0.0, True),
    ("seconds", float("inf"), False),
    ("seconds", float("nan"), False),
    ("seconds", "1", False),
    ("seconds", ..., False),
    ("noticed", None, True),
    ("noticed", {"files": {}}, False),
    ("noticed", {"files": {"": None}, "variables": {"": b"123"}}, True),
    ("noticed", {"files": {"": b"1"}, "variables": {}}, False),
    ("unknown", {"a": [1]}, True),
]


@pytest.mark.parametrize(("path", "value", "is_valid"), CALL_FIELDS)
def test_fields_of_a_call(path: str, value: object, is_valid: bool) -> None:
    record = records()[0]
    raw = changed(cbor2.loads(record.raw), f"origin.call.{path}", value)
    assert is_decided(raw, record.uid) is is_valid


@pytest.mark.parametrize(
    ("path", "value", "is_valid"),
    [
        ("commit.primary", "refs/splits/test.csv.radops-3", True),
        ("commit.primary", "refs/splits/a.radops", False),
        ("commit.primary", "refs/splits/train.csv.radops", True),
        ("keeps", [b"\x44" * 32], False),
        ("size", 201, False),
        ("origin.call.outputs.0.uid", "splits/b", False),
    ],
)
def test_fields_of_a_sibling(path: str, value: object, is_valid: bool) -> None:
    record = records()[1]
    assert is_decided(changed(cbor2.loads(record.raw), path, value), record.uid) is is_valid


@pytest.mark.parametrize(
    ("path", "value", "is_valid"),
    [
        ("aborted", True, True),
        ("aborted", 1, False),
        ("aborted", ..., False),
        ("originator", "x" * 513, False),
        ("record", b"", False),
        ("record", "", False),
        ("record", folder_record(UID("datasets/train.csv")), False),
        ("record", tombstone(IMPORT.raw, NOW, "ada"), False),
        ("record", IMPORT.raw + b"\0", False),
        ("more", [], True),
        ("v", 2, False),
    ],
)
def test_fields_of_a_tombstone(path: str, value: object, is_valid: bool) -> None:
    raw = changed(cbor2.loads(tombstone(IMPORT.raw, NOW, "ada")), path, value)
    assert is_decided(raw, IMPORT.uid) is is_valid
