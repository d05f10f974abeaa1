"""The checker finds each thing that must not be, and says where."""

from __future__ import annotations

import pytest

from protocols.actions import Delete, begun, imported, lake, make_call, make_import
from protocols.checker import check
from protocols.steps import check_step
from protocols.world import LAKE
from radops.format.record import folder_record, tombstone
from radops.format.uid import UID
from radops.repository.refs.repository import now

SOURCE = imported("in/x", "0", "old").records[0]
SOUND = begun(
    make_import("in/x", "0", "old"),
    make_import("old", "9", "old"),
    Delete("old"),
    make_call({"d/b": "2", "d/c": "3"}, "key", "ada", [SOURCE]),
    make_import("old", "8", "new"),
)[LAKE]
B, C = SOUND["refs/d/b.radops"], SOUND["refs/d/c.radops"]
OBJECT = next(key for key in sorted(SOUND) if key.startswith("objects/"))
EDGE = next(key for key in sorted(SOUND) if key.startswith("edges/"))
GONE = tombstone(C, now(), "x", aborted=False)
ABORTED = tombstone(C, now(), "x", aborted=True)
ALL_GONE = tombstone(B, now(), "x", aborted=True)

BROKEN = {
    "a byte changed": ({OBJECT: b"wrong"}, "not there whole"),
    "bytes are missing": ({OBJECT: None}, "not there whole"),
    "an output is missing": ({"refs/d/c.radops": None}, "made by the same call, is not"),
    "an output was given up": ({"refs/d/c.radops": ABORTED}, "its commit has happened"),
    "the input is missing": ({"refs/in/x.radops": None}, "that was never in the lake"),
    "an edge is missing": ({EDGE: None}, "no edge says so"),
    "an edge is no edge": ({EDGE: b"\xa0"}, "not an edge"),
    "a folder is missing": ({"refs/d.radops": None}, "its folder d has no record"),
    "a folder is a file": (
        {"refs/d.radops": imported("d", "0", "x").records[0].raw}, "a file and a folder at once"),
    "a slot was skipped": ({"refs/old.radops": None}, "absent, but slot 1 is in use"),
    "a slot is used twice": (
        {"refs/old.radops": imported("old", "9", "old").records[0].raw}, "holds no tombstone"),
    "a deleted file came back": ({"refs/d/c.radops": GONE, "refs/d/c.radops-1": C}, "came back"),
    "a slot of another": ({"refs/z.radops": C}, "does not decode"),
    "a slot that is none": ({"refs/z.radops": b"no"}, "does not decode"),
    "a false hint": ({"refs/d/b.radops-gone": b""}, "holds no tombstone"),
    "a hint that is not empty": ({"refs/old.radops-gone": b"x"}, "not empty"),
    "a stranger": ({"refs/x": b""}, "no slot's key"),
    "a stranger outside": ({"other/x": b""}, "no part of the layout"),
    "deleted before it was": (
        {"refs/d/b.radops": ALL_GONE, "refs/d/c.radops": GONE}, "a file that never was"),
}  # fmt: skip


def report_on(**changes):
    items = {key: body for key, body in {**SOUND, **changes}.items() if body is not None}
    return check(lake({LAKE: items}))


def test_a_sound_lake_has_no_findings():
    report = report_on()
    assert report.findings == []
    assert (report.files, report.tombstones, report.intents, report.edges) == (4, 1, 0, 2)
    report.raise_for_findings()


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name):
    changes, message = BROKEN[name]
    report = report_on(**changes)
    assert any(message in str(finding) for finding in report.findings), report
    with pytest.raises(AssertionError, match="invariants are broken"):
        report.raise_for_findings()


def test_intents_and_commits_that_were_given_up_are_no_findings():
    assert report_on(**{"refs/d/b.radops": None}).intents == 1
    given_up = {"refs/d/b.radops": ALL_GONE, "refs/d/c.radops": ABORTED}
    assert report_on(**given_up).findings == []
    half = {"refs/d/b.radops": ALL_GONE, "refs/d/c.radops": C}
    assert report_on(**half).findings == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (None, C, None), (C, C, None), (C, GONE, None), (None, ABORTED, None),
        (GONE, tombstone(C, now(), "y"), None),
        (C, None, "removed"), (None, GONE, "nothing that was there"),
        (GONE, C, "a Tombstone became a FileRecord"), (GONE, ABORTED, "changed its mind"),
        (C, folder_record(UID("d/c")), "a FileRecord became"),
        (folder_record(UID("d/c")), GONE, "folder was removed"),
    ],
)  # fmt: skip
def test_slots_go_one_way(old, new, message):
    found = check_step("refs/d/c.radops", old, new)
    assert found is None if message is None else message in found


def test_a_tombstone_holds_the_record_that_was_there():
    other = make_call({"d/b": "2", "d/c": "3"}, "key", "bob", [SOURCE]).draft.records[1].raw
    found = check_step("refs/d/c.radops", other, GONE)
    assert "not the one that was there" in found
