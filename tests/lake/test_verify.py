"""Verification of a machine and of a remote, and what tampering and accidents come to."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from lake.tampering import MIB, flip, kinds, noise, object_of, overwrite, settle, slot_of
from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    CorruptObjectError,
    IntegrityError,
    RemoteUnavailableError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)


class Watch:
    def __init__(self) -> None:
        self.stages: list[list] = []

    def start(self, label, total_bytes, total_files) -> None:
        self.stages.append([label, total_bytes, total_files, 0, 0])

    def advance(self, bytes, files) -> None:  # noqa: A002
        self.stages[-1][3] += bytes
        self.stages[-1][4] += files

    def finish(self) -> None:
        pass


@file_creator(name="tests.upper")
def upper(f: File, output_uid: str | None = None) -> File:
    out = File(output_uid) if output_uid else File()
    out.write_text(f.read_text().upper())
    return out


# -- what is whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize("offline", [False, True])
def test_what_came_from_a_remote_is_whole_without_it(
    make_lake, shared, write, offline: bool
) -> None:
    """Of it this machine has files only: folders and edges are in the remote."""
    online = make_lake(remote=shared)
    online.add(write("b", "b"), "a/b")
    online.add(write("d", "d"), "a/c/d")
    with online.file("a/made").staged(made_from=[online.file("a/b")]) as path:
        path.write_text("made")
    online.close()
    options = {"remote": shared, "offline": True} if offline else {}
    lake = make_lake(**options)
    assert {row.uid for row in lake.ls(recursive=True, details=True)} == {"a/b", "a/c/d", "a/made"}
    for quick in (False, True):
        report = lake.verify(quick=quick)
        assert report.findings == []
        assert report.files == 3
    # A folder there is no file here.
    for name in ("a", "a/c"):
        with pytest.raises(UIDConflictError, match="is a folder"):
            lake.add(write("x", "x"), name)
    with pytest.raises(UIDConflictError, match="is a folder"):
        lake.add_many([(write("y", "y"), "a/c"), (write("z", "z"), "other/z")])
    lake.add(write("e", "e"), "a/c/e")
    assert lake.verify().findings == []
    if not offline:  # what was made here needs its folder here
        (lake.home / "storage/lakes" / lake.lake_id / "refs/a/c.radops").unlink()
        (finding,) = lake.verify().findings
        assert (finding.kind, finding.uids) == ("folder", ("a/c",))


def test_whole_files_are_counted(lake: DataLake, write) -> None:
    lake.add(write("a", b"a" * 10), "sets/a")
    lake.add(write("b", noise(3 * MIB)), "sets/b")
    report = lake.verify()
    assert report.ok
    assert (report.files, report.objects, report.bytes) == (2, 2, 10 + 3 * MIB)
    assert (report.not_local, report.trusted, report.findings) == (0, 0, [])
    report.raise_for_problems()


def test_an_empty_lake_is_whole(lake: DataLake) -> None:
    assert lake.verify().ok


@pytest.mark.usefixtures("nothing_is_slow")
def test_an_object_is_hashed_once_however_many_files_share_it(lake: DataLake, write) -> None:
    for name in "abc":
        lake.add(write(name, b"same"), name)
    watch = Watch()
    report = lake.verify(progress=watch)
    assert (report.files, report.objects, report.bytes) == (3, 1, 4)
    assert watch.stages == [
        ["reading records", None, None, 0, 3],
        ["verifying", 4, 1, 4, 1],
    ]


def test_targets_are_names_prefixes_and_patterns(lake: DataLake, write) -> None:
    for uid in ("sets/a.csv", "sets/deep/b.csv", "models/m.pt"):
        lake.add(write("x", uid), uid)
    assert lake.verify("sets/a.csv").files == 1
    assert lake.verify("sets/").files == 2
    assert lake.verify("**/*.csv").files == 2
    assert lake.verify("sets/", "sets/a.csv", "models/m.pt").files == 3


@pytest.mark.parametrize("target", ["nothing", "nothing/", "no*"])
@pytest.mark.parametrize("remote", [False, True])
def test_a_target_that_means_nothing_is_an_error(
    make_lake, shared: str, target: str, remote: bool
) -> None:
    lake = make_lake(remote=shared if remote else None)
    with pytest.raises(UIDNotFoundError):
        lake.verify(target)


@pytest.mark.usefixtures("nothing_is_slow")
def test_progress_tells_bytes_and_files(lake: DataLake, write) -> None:
    lake.add(write("a", noise(2 * MIB)), "a")
    watch = Watch()
    lake.verify(progress=watch)
    assert watch.stages == [
        ["reading records", None, None, 0, 1],
        ["verifying", 2 * MIB, 1, 2 * MIB, 1],
    ]


def test_options_that_contradict_each_other(make_lake, shared: str) -> None:
    alone, with_remote = make_lake("a"), make_lake("b", remote=shared)
    with pytest.raises(UsageError):
        with_remote.verify(full=True, quick=True)
    with pytest.raises(UsageError):
        with_remote.verify(remote=True, quick=True)
    with pytest.raises(UsageError):
        with_remote.verify(remote=True, complete=True)
    with pytest.raises(UsageError):
        alone.verify(remote=True)
    with pytest.raises(RemoteUnavailableError):
        make_lake("c", remote=shared, offline=True).verify(remote=True)


# -- findings on this machine ----------------------------------------------------------------------


def test_wrong_bytes_come_with_their_ranges(lake: DataLake, write) -> None:
    lake.add(write("big", noise(5 * MIB + 10)), "big")
    lake.add(write("small", b"small"), "small")
    path = object_of(lake, "big")
    for at in (MIB + 5, 2 * MIB + 7, 5 * MIB + 3):
        flip(path, at)
    flip(object_of(lake, "small"), 0)
    big, small = lake.verify().findings
    assert (big.kind, big.uids, big.digest) == ("bytes", ("big",), lake.info("big").digest)
    assert big.ranges == ((MIB, 3 * MIB), (5 * MIB, 5 * MIB + 10))
    assert small.ranges == ((0, 5),)


def test_without_a_good_outline_the_whole_file_is_the_range(lake: DataLake, write) -> None:
    lake.add(write("big", noise(2 * MIB)), "big")
    store = lake.session.store
    digest = lake.info("big").digest
    (store.root / "outlines" / digest.path).unlink()
    flip(object_of(lake, "big"), 5)
    (finding,) = lake.verify().findings
    assert finding.ranges == ((0, 2 * MIB),)


@pytest.mark.parametrize("change", [-MIB, 5])
def test_wrong_size(lake: DataLake, write, change: int) -> None:
    size = 3 * MIB
    lake.add(write("big", noise(size)), "big")
    path = object_of(lake, "big")
    path.chmod(0o644)
    os.truncate(path, size + change)
    path.chmod(0o444)
    (finding,) = lake.verify().findings
    assert finding.kind == "size"
    assert finding.message == f"has {size + change:,} bytes instead of {size:,}"
    assert finding.ranges == (((2 * MIB, size),) if change < 0 else ((size, size + 5),))


def test_swapped_objects_are_both_found(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    lake.add(write("b", b"two"), "b")
    settle()
    lake.verify()
    one, two = object_of(lake, "a"), object_of(lake, "b")
    one.rename(one.with_name("x"))
    two.rename(one)
    one.with_name("x").rename(two)
    assert kinds(lake.verify(quick=True)) == ["bytes", "bytes"]
    assert kinds(lake.verify()) == ["bytes", "bytes"]
    for uid in "ab":
        with pytest.raises(CorruptObjectError):
            lake.path(uid)


def test_a_missing_object_without_a_remote(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    object_of(lake, "a").unlink()
    report = lake.verify()
    assert (kinds(report), report.files, report.not_local) == (["missing"], 0, 0)
    with pytest.raises(IntegrityError, match=r"a: its bytes are gone"):
        report.raise_for_problems()


def test_a_name_whose_object_never_was(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    object_of(lake, "a").unlink()
    lake.close()
    (lake.home / "storage" / "catalog.sqlite").unlink()
    assert kinds(lake.verify()) == ["dangling"]


def test_a_corrupt_record(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    lake.add(write("b", b"two"), "b")
    flip(slot_of(lake, "a"), 30)
    (finding,) = lake.verify().findings
    assert (finding.kind, finding.uids) == ("record", ("a",))
    assert kinds(lake.verify("a")) == ["record"]
    assert kinds(lake.verify("b")) == []


def test_a_record_of_another_name(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    lake.add(write("b", b"two"), "b")
    slot_of(lake, "a").unlink()
    shutil.copy(slot_of(lake, "b"), slot_of(lake, "a"))
    (finding,) = lake.verify().findings
    assert (finding.kind, finding.uids) == ("record", ("a",))
    assert "answers with the record of" in finding.message


def test_a_wrong_outline_is_found_and_made_anew(lake: DataLake, write) -> None:
    lake.add(write("big", noise(2 * MIB)), "big")
    outline = lake.home / "storage" / "outlines" / lake.info("big").digest.path
    good = outline.read_bytes()
    flip(outline, 5)
    assert kinds(lake.verify(quick=True)) == ["outline"]
    assert lake.verify("big", repair=True).ok
    assert outline.read_bytes() == good


def test_a_missing_edge_is_found_and_written(lake: DataLake, write) -> None:
    lake.add(write("in", "text"), "in")
    upper(File("in"), output_uid="out")
    assert lake.verify().ok
    shutil.rmtree(lake.home / "storage/lakes" / lake.lake_id / "edges")
    assert lake.downstream("in") == []
    (finding,) = lake.verify().findings
    assert (finding.kind, finding.uids) == ("edge", ("out",))
    assert lake.verify(quick=True, repair=True).ok
    assert lake.downstream("in") == ["out"]


def test_strays_are_found_and_moved_away(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    storage = lake.home / "storage"
    strays = [
        storage / "objects" / "notes.txt",
        storage / "objects" / "ab" / "short",
        storage / "outlines" / "zz" / "x",
        storage / "lakes" / lake.lake_id / "refs" / "a.txt",
    ]
    for path in strays:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("mine")
    link = storage / "objects" / "ab" / ("c" * 62)
    link.symlink_to("/etc/passwd")
    report = lake.verify()
    assert kinds(report) == ["stray"] * 5
    assert {finding.path for finding in report.findings} == {*map(str, strays), str(link)}
    assert lake.verify("a").ok  # about one file, not about the store
    assert lake.verify(repair=True).ok
    assert lake.verify().ok
    assert len(list((storage / "quarantine").iterdir())) == 5
    assert Path("/etc/passwd").exists()


def test_a_writable_object_is_found_and_made_read_only(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    object_of(lake, "a").chmod(0o644)
    (finding,) = lake.verify().findings
    assert (finding.kind, finding.uids) == ("writable", ("a",))
    assert lake.verify(repair=True).ok
    assert stat.S_IMODE(object_of(lake, "a").stat().st_mode) == 0o400  # as private as the home
    assert lake.verify().ok


def test_a_view_that_was_written_through(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a.txt")
    view = lake.path("a.txt")
    overwrite(view, b"0ne")
    report = lake.verify()
    assert report.findings[-1].uids == ("a.txt",)
    # As another user than root the view is the object itself.
    assert kinds(report) == (["view"] if os.geteuid() == 0 else ["bytes"])
    if os.geteuid() == 0:
        repaired = lake.verify(repair=True)
        assert repaired.ok
        assert view.read_bytes() == b"one"
        kept = list((lake.home / "storage" / "quarantine").iterdir())
        assert [path.read_bytes() for path in kept] == [b"0ne"]
        assert lake.verify().ok


def test_a_view_of_what_was_there_before_is_no_finding(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    view = lake.path("a")
    kept = view.read_bytes()
    lake.delete("a")
    lake.add(write("b", b"two!"), "a")
    view.parent.mkdir(exist_ok=True, parents=True)
    view.write_bytes(kept)
    view.chmod(0o444)
    assert lake.verify().ok


def test_a_mark_that_hides_a_file(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    slot = slot_of(lake, "a")
    slot.with_name("a.radops-gone").touch()
    assert lake.ls() == []
    assert kinds(lake.verify()) == ["slot"]
    assert lake.verify(repair=True).ok
    assert [row.uid for row in lake.ls()] == ["a"]


def test_deleted_and_remade_names_are_whole(lake: DataLake, write) -> None:
    for content in (b"one", b"two", b"three"):
        lake.add(write("a", content), "a")
        if content != b"three":
            lake.delete("a")
    report = lake.verify()
    assert (report.ok, report.files) == (True, 1)


def test_a_missing_folder_record(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "sets/a")
    slot_of(lake, "sets").unlink()
    (finding,) = lake.verify().findings
    assert (finding.kind, finding.uids) == ("folder", ("sets",))
    assert lake.verify(repair=True).ok
    assert lake.verify().ok
