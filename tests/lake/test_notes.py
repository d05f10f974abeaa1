"""Descriptions and tags of files: `describe`, on one machine, on two, and offline."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lake.noting import here, noted
from lakes import folder
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import (
    CreatorError,
    RemoteUnavailableError,
    UIDNotFoundError,
    UsageError,
)
from radops.format.note import new_note
from radops.format.uid import UID

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.server import S3Server


@pytest.fixture(params=["folder", "s3"])
def remote(request: pytest.FixtureRequest, shared: str) -> str:
    """The URL of a shared folder, or of a bucket on a real server."""
    if request.param == "folder":
        return shared
    server: S3Server = request.getfixturevalue("seaweedfs")
    return f"s3://{server.new_bucket()}/lake?endpoint_url={server.endpoint_url}"


@pytest.fixture
def one(make_lake: Callable[..., DataLake], remote: str, write) -> DataLake:
    """A machine that has published `a.txt`."""
    lake = make_lake("one", remote=remote)
    lake.add(write("a.txt", "hello"), "sets/a.txt")
    return lake


@pytest.fixture
def two(one: DataLake, make_lake: Callable[..., DataLake], remote: str) -> DataLake:
    """Another machine of the same lake."""
    lake = make_lake("two", remote=remote)
    lake.ls()
    return lake


def offline(make_lake: Callable[..., DataLake], home: str, remote: str) -> DataLake:
    return make_lake(home, remote=remote, offline=True)


# -- on one machine --------------------------------------------------------------------------------


def test_a_description_and_tags_can_change_and_the_file_does_not(lake: DataLake, write) -> None:
    lake.add(write("a.txt", "hello"), "sets/a.txt")
    before = lake.info("sets/a.txt")
    assert (before.description, before.tags) == ("", [])
    found = lake.describe("sets/a.txt", "Ünïcode,\ntwo lines", tags=["gold", "eu"])
    assert (found.text, found.tags) == ("Ünïcode,\ntwo lines", ("eu", "gold"))
    assert noted(lake) == ("Ünïcode,\ntwo lines", ["eu", "gold"])
    lake.describe("sets/a.txt", untag=["gold", "never"], tags=["new"])
    assert noted(lake) == ("Ünïcode,\ntwo lines", ["eu", "new"])
    after = lake.info("sets/a.txt")
    assert (after.record, after.digest) == (before.record, before.digest)
    assert lake.verify().ok
    lake.describe("sets/a.txt", "again", tags=["only"], clear=True)
    assert noted(lake) == ("again", ["only"])
    lake.describe("sets/a.txt", "")
    assert noted(lake) == ("", ["only"])
    lake.describe("sets/a.txt", clear=True)
    assert noted(lake) == ("", [])


def test_files_and_directories_are_described_by_themselves(lake: DataLake, write, tmp_path) -> None:
    lake.add(write("a.txt", "hello"), "a.txt")
    write("tree/x.txt", "x")
    lake.add(tmp_path / "outside/tree", "trees/v1")
    assert File("a.txt").describe("a file", tags=["one"]).tags == ("one",)
    Directory("trees/@latest").describe("a directory", tags=["one"])
    assert File("a.txt").info().description == "a file"
    assert Directory("trees/v1").info().description == "a directory"
    inner = lake.info("trees/v1/x.txt")
    assert (inner.description, inner.tags) == ("", [])
    with pytest.raises(UsageError, match="no description of its own"):
        File("trees/v1/x.txt").describe("inside")
    found = pickle.loads(pickle.dumps(File("a.txt").describe("again")))
    assert (found.text, found.tags) == ("again", ("one",))


def test_what_cannot_be_done_is_refused_and_changes_nothing(lake: DataLake, write) -> None:
    lake.add(write("a.txt", "hello"), "a.txt")
    lake.describe("a.txt", "text", tags=["x"])
    files = here(lake)
    for arguments, match in (
        ({}, "nothing to change"),
        ({"tags": ["two words"]}, "cannot be a tag"),
        ({"tags": "gold"}, "list"),
        ({"untag": "gold"}, "list"),
        ({"tags": ["b"], "untag": ["b"]}, "both added and removed"),
        ({"tags": [f"t{n}" for n in range(129)]}, "at most 128"),
        ({"tags": [f"t{n}" for n in range(128)]}, "would have 129 tags"),
        ({"text": "\x1b[31mred"}, "control character"),
    ):
        with pytest.raises(UsageError, match=match):
            lake.describe("a.txt", **arguments)
    with pytest.raises(UIDNotFoundError):
        lake.describe("b.txt", "text")
    assert here(lake) == files
    lake.delete("a.txt")
    with pytest.raises(UIDNotFoundError):
        lake.describe("a.txt", "text")
    assert here(lake) == files


@file_creator(name="tests.notes.describing")
def describing(f: File) -> File:
    f.describe("from inside")
    out = File()
    out.write_text("x")
    return out


def test_a_creator_describes_nothing_as_a_second_call_would_not(lake: DataLake, write) -> None:
    lake.add(write("a.txt", "hello"), "a.txt")
    with pytest.raises(CreatorError):
        describing(File("a.txt"))
    assert noted(lake, "a.txt") == ("", [])


def test_a_new_file_of_the_name_has_no_part_in_what_was_said_of_the_old(
    lake: DataLake, write
) -> None:
    lake.add(write("a.txt", "hello"), "a.txt")
    lake.describe("a.txt", "the old one", tags=["old"])
    lake.delete("a.txt")
    lake.add(write("a.txt", "other bytes"), "a.txt")
    assert noted(lake, "a.txt") == ("", [])
    lake.describe("a.txt", "the new one")
    assert noted(lake, "a.txt") == ("the new one", [])


def test_a_clock_that_goes_back_does_not_bring_back_old_texts(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.add(write("a.txt", "hello"), "a.txt")
    session = lake.session
    ahead = new_note(
        uid=UID("a.txt"),
        digest=lake.info("a.txt").digest,
        originator="x",
        written_at="2099-01-01T00:00:00.000000Z",
        text="from a clock that is ahead",
        add=["ahead"],
    )
    session.storage.put([(session.lake.local.prefix + ahead.key, ahead.raw)])
    assert noted(lake, "a.txt") == ("from a clock that is ahead", ["ahead"])
    lake.describe("a.txt", "later", untag=["ahead"])
    assert noted(lake, "a.txt") == ("later", [])


# -- two machines ----------------------------------------------------------------------------------


def test_what_one_machine_writes_the_other_reads(one: DataLake, two: DataLake) -> None:
    one.describe("sets/a.txt", "hello of one", tags=["a"])
    assert noted(two) == ("hello of one", ["a"])
    two.describe("sets/a.txt", tags=["b"])
    assert noted(one) == ("hello of one", ["a", "b"])
    one.describe("sets/a.txt", "changed", untag=["a"])
    assert noted(two) == ("changed", ["b"])
    assert one.verify().ok
    assert one.verify(remote=True).ok


def test_two_machines_offline_lose_no_tags(
    one: DataLake, two: DataLake, make_lake, remote: str
) -> None:
    two.info("sets/a.txt")
    apart = [offline(make_lake, home, remote) for home in ("one", "two")]
    apart[0].describe("sets/a.txt", "of one", tags=["x", "of-one"])
    apart[1].describe("sets/a.txt", "of two", tags=["x", "of-two"])
    assert noted(apart[0]) == ("of one", ["of-one", "x"])
    assert noted(one) == ("of one", ["of-one", "x"])  # not sent yet, and shown
    assert one.sync(dry_run=True).notes == 1
    assert one.sync().notes == 1
    assert one.sync().notes == 0
    assert two.sync("sets/a.txt").notes == 1
    expected = ("of two", ["of-one", "of-two", "x"])
    assert noted(one) == noted(two) == expected
    assert noted(offline(make_lake, "one", remote)) == expected


def test_notes_of_a_file_made_offline_follow_it(
    one: DataLake, two: DataLake, make_lake, remote: str, write
) -> None:
    apart = offline(make_lake, "one", remote)
    apart.add(write("b.txt", "offline"), "sets/b.txt")
    apart.describe("sets/b.txt", "made on a train", tags=["train"])
    one.describe("sets/b.txt", tags=["home"])  # still not in the remote: kept here as well
    assert not list(one.session.lake.remote.backend.list("notes/"))
    dry = one.sync(dry_run=True)
    assert (dry.published, dry.notes) == (["sets/b.txt"], 2)
    report = one.sync("sets/b.txt")
    assert (report.published, report.notes) == (["sets/b.txt"], 2)
    assert noted(two, "sets/b.txt") == ("made on a train", ["home", "train"])


def test_notes_of_a_name_that_others_took_stay_here(
    one: DataLake, two: DataLake, make_lake, remote: str, write
) -> None:
    apart = offline(make_lake, "one", remote)
    apart.add(write("b.txt", "mine"), "sets/b.txt")
    apart.describe("sets/b.txt", "about mine")
    two.add(write("c.txt", "theirs"), "sets/b.txt")
    report = one.sync()
    assert [problem.uid for problem in report.conflicts] == ["sets/b.txt"]
    assert report.notes == 0
    assert noted(two, "sets/b.txt") == ("", [])
    assert noted(apart, "sets/b.txt") == ("about mine", [])
    # Equal bytes are the same file, also if two machines published them.
    apart.add(write("d.txt", "equal"), "sets/d.txt")
    apart.describe("sets/d.txt", "about both")
    two.add(write("e.txt", "equal"), "sets/d.txt")
    assert one.sync().notes == 1
    assert noted(two, "sets/d.txt") == ("about both", [])


def test_notes_of_a_file_that_was_deleted_elsewhere_are_not_sent(
    one: DataLake, two: DataLake, make_lake, remote: str
) -> None:
    offline(make_lake, "one", remote).describe("sets/a.txt", "late")
    two.delete("sets/a.txt")
    report = one.sync()
    assert (report.dropped, report.notes) == (["sets/a.txt"], 0)
    assert not list(one.session.lake.remote.backend.list("notes/"))


def test_a_remote_that_cannot_be_reached_is_an_error_and_changes_nothing(
    make_lake, shared: str, write
) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a.txt", "hello"), "a.txt")
    lake.describe("a.txt", "known")
    files = here(lake)
    away = folder(shared).rename(folder(shared).with_name("away"))
    with pytest.raises(RemoteUnavailableError):
        make_lake(remote=shared).describe("a.txt", "lost")
    assert here(lake) == files
    assert noted(make_lake(remote=shared), "a.txt") == ("known", [])  # as known on this machine
    away.rename(folder(shared))
    assert noted(make_lake(remote=shared), "a.txt") == ("known", [])


# -- upkeep ----------------------------------------------------------------------------------------


def test_deleting_purging_and_listing_do_not_mind_notes(one: DataLake, two: DataLake) -> None:
    one.describe("sets/a.txt", "text", tags=["x"])
    assert [row.uid for row in two.ls(recursive=True)] == ["sets/a.txt"]
    assert [row.uid for row in two.ls()] == ["sets/"]
    two.download("sets/a.txt")
    assert two.purge_local_storage().purged == ["sets/a.txt"]
    assert noted(two) == ("text", ["x"])
    two.delete_local("sets/a.txt")
    assert two.delete("sets/a.txt") == ["sets/a.txt"]
    assert not two.file("sets/a.txt").exists()
    assert not one.ls(recursive=True)
    assert one.verify().ok
    assert one.verify(remote=True).ok


def test_damaged_notes_are_found_and_repaired(one: DataLake, two: DataLake, remote: str) -> None:
    one.describe("sets/a.txt", "first")
    one.describe("sets/a.txt", "second", tags=["x"])
    assert noted(two) == ("second", ["x"])
    last = here(one)[-1]
    last.chmod(0o644)
    last.write_bytes(b"garbage")
    assert noted(one) == ("first", [])  # with a warning
    (finding,) = one.verify().findings
    assert (finding.kind, finding.uids, Path(finding.path)) == ("note", ("sets/a.txt",), last)
    assert one.verify(repair=True).ok
    assert noted(one) == ("second", ["x"])  # fetched again
    assert one.verify().ok

    backend = one.session.lake.remote.backend
    key = max(entry.key for entry in backend.list("notes/"))
    backend.put([(key, b"\xa0")])
    (finding,) = one.verify(remote=True).findings
    assert (finding.kind, finding.uids, finding.path) == ("note", ("sets/a.txt",), key)
    assert not one.verify("sets/a.txt", remote=True).findings
    assert one.verify(remote=True, repair=True).ok
    assert one.verify(remote=True).ok
    shutil.rmtree(two.home / "storage/lakes" / two.lake_id / "notes")
    assert noted(two) == ("second", ["x"])
