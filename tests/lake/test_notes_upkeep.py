"""Notes of deleted files, damaged ones, and those of later versions."""

from __future__ import annotations

import shutil

import pytest

from faults import Crash, CrashingBackend
from lake.noting import age, here, noted, notes_of
from lakes import folder
from radops.data_lake import DataLake
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.note import new_note
from radops.format.uid import UID


def test_notes_of_a_deleted_file_are_collected_after_the_grace(
    make_lake, shared: str, write
) -> None:
    lake = make_lake(remote=shared)
    for name in ("keep.txt", "drop.txt", "again.txt"):
        lake.add(write(name, name), name)
        lake.describe(name, f"about {name}", tags=["x"])
    roots = (folder(shared), lake.home / "storage")
    age(*roots)
    lake.delete("drop.txt")
    lake.delete("again.txt")
    lake.add(write("again.txt", "new bytes"), "again.txt")
    lake.describe("again.txt", "about the new bytes")
    assert lake.gc(dry_run=False).notes == 0  # deleted just now
    age(*roots)
    files = notes_of(folder(shared)) + here(lake)
    assert lake.gc(dry_run=True).notes == 4
    assert notes_of(folder(shared)) + here(lake) == files
    report = lake.gc(dry_run=False)
    assert (report.remote.notes, report.local.notes) == (2, 2)
    assert noted(lake, "keep.txt") == ("about keep.txt", ["x"])
    assert noted(lake, "again.txt") == ("about the new bytes", [])
    assert {path.parent.name for path in notes_of(folder(shared))} == {"keep.txt", "again.txt"}
    assert lake.gc(dry_run=False).notes == 0
    assert lake.verify(remote=True).ok
    assert lake.sync().notes == 0


def test_notes_that_are_not_sent_yet_survive_a_collection(make_lake, shared: str, write) -> None:
    make_lake("one", remote=shared).add(write("a.txt", "a"), "a.txt")
    lake = make_lake("one", remote=shared, offline=True)
    lake.describe("a.txt", "not sent")
    age(folder(shared), lake.home / "storage")
    assert lake.gc(dry_run=False, where="local").notes == 0
    online = make_lake("one", remote=shared)
    assert online.gc(dry_run=False).notes == 0
    assert online.sync().notes == 1


def test_a_damaged_note_that_no_machine_has_right_is_said_so(make_lake, shared: str, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a.txt", "a"), "a.txt")
    lake.describe("a.txt", "text")
    for path in (*notes_of(folder(shared)), *here(lake)):
        path.chmod(0o644)
        path.write_bytes(b"\xa0")
    (finding,) = lake.verify(remote=True, repair=True).findings
    assert not finding.repaired
    assert "no copy" in finding.repair
    assert noted(lake, "a.txt") == ("", [])


def test_notes_of_later_versions_and_foreign_keys_are_left_alone(
    make_lake, shared: str, write
) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a.txt", "a"), "a.txt")
    lake.describe("a.txt", "text")
    (path,) = notes_of(folder(shared))
    later = cbor.encode({**cbor.decode(path.read_bytes()), "v": 2})
    second = path.with_name("20270101T000000000000Z-0000000000000000.radops")
    strange = path.parent.parent / "index-of-later"
    second.write_bytes(later)
    strange.write_bytes(b"?")
    assert noted(lake, "a.txt") == ("text", [])
    (finding,) = lake.verify(remote=True, repair=True).findings
    assert (finding.kind, finding.repaired) == ("newer-format", False)
    local = here(lake)[0].with_name(second.name)
    local.write_bytes(later)
    (finding,) = lake.verify(repair=True).findings
    assert (finding.kind, finding.repaired) == ("newer-format", False)
    lake.delete("a.txt")
    age(folder(shared), lake.home / "storage")
    lake.gc(dry_run=False)
    assert strange.read_bytes() == b"?"


def test_a_hostile_note_of_another_name_is_not_believed(lake: DataLake, write) -> None:
    for name in ("a.txt", "b.txt"):
        lake.add(write(name, "same"), name)
    lake.describe("a.txt", "about a")
    (path,) = here(lake)
    target = path.parent.parent / "b.txt" / path.name
    target.parent.mkdir()
    shutil.copy(path, target)
    assert noted(lake, "b.txt") == ("", [])
    assert [one.kind for one in lake.verify().findings] == ["note"]


@pytest.mark.parametrize("after", range(4))
def test_a_crash_leaves_the_note_or_nothing(make_lake, shared: str, write, after: int) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a.txt", "a"), "a.txt")
    lake.describe("a.txt", "before", tags=["x"])
    remote = lake.session.lake.remote
    whole, remote.backend = remote.backend, CrashingBackend(remote.backend, after=after)
    crashed = False
    try:
        lake.describe("a.txt", "after", untag=["x"])
    except Crash:
        crashed = True
    remote.backend = whole
    assert noted(make_lake("two", remote=shared), "a.txt") in (("before", ["x"]), ("after", []))
    assert crashed or noted(lake, "a.txt") == ("after", [])
    lake.describe("a.txt", "again", tags=["y"])
    assert noted(make_lake("two", remote=shared), "a.txt")[0] == "again"
    assert lake.verify(remote=True).ok


def test_a_reader_without_the_right_to_write_reads_notes(make_lake, shared: str, write) -> None:
    make_lake("one", remote=shared).add(write("a.txt", "a"), "a.txt")
    make_lake("one", remote=shared).describe("a.txt", "text")
    reader = make_lake("two", remote=shared)
    assert noted(reader, "a.txt") == ("text", [])
    # A key of another digest does not count, wherever it comes from.
    other = new_note(
        uid=UID("a.txt"),
        digest=Digest.of(b"other"),
        originator="x",
        written_at="2098-01-01T00:00:00.000000Z",
        text="about other bytes",
    )
    (folder(shared) / other.key).write_bytes(other.raw)
    assert noted(reader, "a.txt") == ("text", [])
