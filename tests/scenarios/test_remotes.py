"""What this machine remembers of a remote, and what it does when that is lost or another's."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from lakes import folder
from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    ConflictError,
    ForeignLakeError,
    RemoteUnavailableError,
    UIDNotFoundError,
)
from radops.repository import resolver


@file_creator(name="tests.remotes.upper")
def upper(f: File, output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(f.read_text().upper())
    return out


@file_creator(name="tests.remotes.three")
def three(output_uids: list[str]) -> list[File]:
    made = [File(uid) for uid in output_uids]
    for out in made:
        out.write_text(out.uid)
    return made


def forget(lake: DataLake) -> None:
    """Lose the catalogue, as people may."""
    lake.close()
    for path in (lake.home / "storage").glob("catalog.sqlite*"):
        path.unlink()


@pytest.fixture
def other(tmp_path: Path) -> str:
    """The URL of another shared folder."""
    (tmp_path / "other").mkdir()
    return (tmp_path / "other").as_uri()


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + resolver.TTL_SECONDS + 1)


def test_slots_begin_anew_in_another_remote(make_lake, shared, other, write) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("1/x.txt", "first"), "x.txt")
    one.delete("x.txt")
    make_lake("one", remote=other).add(write("2/x.txt", "second"), "x.txt")
    assert make_lake("two", remote=other).file("x.txt").read_text() == "second"


def test_what_one_remote_has_another_need_not_have(make_lake, shared, other, write) -> None:
    make_lake("one", remote=shared).add(write("in.txt", "in"))
    moved = make_lake("one", remote=other)
    with moved.use():
        upper(File("in.txt"), output_uid="out.txt")
    assert [row.uid for row in make_lake("two", remote=other).ls()] == ["in.txt", "out.txt"]
    assert moved.out_of_sync() == []


def test_equal_bytes_that_stand_only_here_are_published(make_lake, shared, write) -> None:
    make_lake("one", remote=shared).join()
    make_lake("one", remote=shared, offline=True).add(write("x.txt", "same"))
    one = make_lake("one", remote=shared)
    result = one.add(write("x.txt", "same"))
    assert not result.already_there
    assert make_lake("two", remote=shared).file("x.txt").read_text() == "same"
    assert one.add(write("x.txt", "same")).already_there
    assert one.out_of_sync() == []


def test_a_lost_catalogue_is_only_a_question_more(make_lake, shared, write, monkeypatch) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("x.txt", "old"))
    assert two.file("x.txt").read_text() == "old"
    one.delete("x.txt")
    one.add(write("new/x.txt", "new"), "x.txt")
    forget(two)
    assert make_lake("two", remote=shared).file("x.txt").read_text() == "new"


def test_sync_knows_what_stands_without_its_catalogue(make_lake, shared, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("x.txt", "x"))
    two.info("x.txt")
    forget(two)
    report = make_lake("two", remote=shared).sync()
    assert (report.published, report.adopted, report.conflicts) == ([], [], [])


def test_sync_goes_on_past_what_it_cannot_send(make_lake, shared, write, tmp_path) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.ls()
    one.add(write("a.txt", "a"))
    shutil.copytree(folder(shared), tmp_path / "backup")
    one.add(write("x.txt", "x"))
    two.info("x.txt")
    make_lake("two", remote=shared, offline=True).add(write("mine.txt", "mine"))
    shutil.rmtree(folder(shared))
    shutil.copytree(tmp_path / "backup", folder(shared))
    report = two.sync()
    assert report.published == ["mine.txt"]
    assert [problem.uid for problem in report.conflicts] == ["x.txt"]


def test_what_is_left_of_several_outputs_is_published(make_lake, shared) -> None:
    for gone in "abc":
        alone = make_lake(f"home-{gone}")
        with alone.use():
            three(["a", "b", "c"])
        alone.delete(gone)
        remote = (folder(shared).parent / f"remote-{gone}").as_uri()
        folder(remote).mkdir()
        one = make_lake(f"home-{gone}", remote=remote)
        left = [uid for uid in "abc" if uid != gone]
        assert one.sync().published == left
        assert [row.uid for row in make_lake(f"other-{gone}", remote=remote).ls()] == left


def test_an_input_replaced_while_the_function_runs_is_noticed(make_lake, shared, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("in.txt", "old"))

    @file_creator(name="tests.remotes.slow")
    def slow(f: File) -> File:
        text = f.read_text()
        two.delete("in.txt")
        two.add(write("new/in.txt", "new"), "in.txt")
        out = File()
        out.write_text(text)
        return out

    with one.use(), pytest.raises(UIDNotFoundError, match="deleted"):
        slow(File("in.txt"))
    assert two.downstream("in.txt") == []


def test_another_lake_at_a_known_place_is_refused(
    make_lake, shared, write, tmp_path, monkeypatch
) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("x.txt", "x"))
    shutil.rmtree(folder(shared))
    folder(shared).mkdir()
    make_lake("stranger", remote=shared).add(write("y.txt", "y"))
    with pytest.raises(ForeignLakeError):
        make_lake("one", remote=shared).add(write("z.txt", "z"))
    later(monkeypatch)
    with pytest.raises(ForeignLakeError):
        make_lake("one", remote=shared).file("y.txt").read_text()


def test_what_is_here_can_be_read_while_the_remote_is_away(
    make_lake, shared, write, monkeypatch
) -> None:
    make_lake("one", remote=shared).add(write("x.txt", "x"))
    folder(shared).rename(folder(shared).with_name("away"))
    later(monkeypatch)
    assert make_lake("one", remote=shared).file("x.txt").read_text() == "x"


def test_a_name_given_up_and_used_again_is_listed(make_lake, shared, write) -> None:
    one = make_lake("one", remote=shared)
    one.join()
    offline = make_lake("one", remote=shared, offline=True)
    offline.add(write("1/x.txt", "mine"), "x.txt")
    make_lake("two", remote=shared).add(write("2/x.txt", "theirs"), "x.txt")
    assert [problem.uid for problem in one.sync().conflicts] == ["x.txt"]
    offline.delete("x.txt")
    assert make_lake("one", remote=shared).file("x.txt").read_text() == "theirs"
    offline = make_lake("one", remote=shared, offline=True)
    assert [row.uid for row in offline.ls()] == ["x.txt"]
    assert [row.uid for row in offline.ls(where="local")] == ["x.txt"]


def test_a_context_connected_elsewhere_meanwhile_is_told(make_lake, shared, write) -> None:
    make_lake("one", remote=shared).add(write("x.txt", "x"))
    lake = make_lake("two")
    with pytest.raises(ConflictError, match="another lake"), lake.file("y").open("w") as stream:
        stream.write("y")
        make_lake("two", remote=shared).join()
    assert not make_lake("two", remote=shared).file("y").exists()


@pytest.fixture
def two_ways(make_lake, shared, write) -> DataLake:
    """A lake with a folder `a` made here offline, and a file `a` in the remote."""
    one = make_lake("one", remote=shared)
    one.join()
    make_lake("one", remote=shared, offline=True).add(write("x.txt", "mine"), "a/x.txt")
    make_lake("two", remote=shared).add(write("a", "theirs"), "a")
    return make_lake("one", remote=shared)


def test_a_folder_made_apart_hides_no_file_of_the_remote(two_ways: DataLake) -> None:
    file = two_ways.file("a")
    assert file.exists()
    assert file.read_text() == "theirs"
    assert file.download().read_text() == "theirs"
    assert two_ways.info("a").size == len("theirs")
    assert file.read_text() == "theirs"
    assert two_ways.file("a/x.txt").read_text() == "mine"
    assert [row.uid for row in two_ways.ls(recursive=True, details=True)] == ["a", "a/x.txt"]
    assert two_ways.verify().ok


def test_what_is_in_its_way_is_said_by_sync(two_ways: DataLake) -> None:
    assert two_ways.file("a").read_text() == "theirs"
    (problem,) = two_ways.sync().conflicts
    assert problem.uid == "a/x.txt"
    assert two_ways.file("a").read_text() == "theirs"
    assert two_ways.file("a/x.txt").read_text() == "mine"


def test_it_can_be_made_from(two_ways: DataLake, make_lake, shared) -> None:
    with two_ways.use():
        assert upper(File("a"), output_uid="out.txt").read_text() == "THEIRS"
    assert make_lake("two", remote=shared).file("out.txt").read_text() == "THEIRS"


def test_when_it_is_deleted_the_folder_is_free(two_ways: DataLake, make_lake, shared) -> None:
    two_ways.delete("a")
    assert not two_ways.file("a").exists()
    assert two_ways.sync().published == ["a/x.txt"]
    assert make_lake("two", remote=shared).file("a/x.txt").read_text() == "mine"
    assert two_ways.verify().ok


def test_a_folder_that_the_remote_confirmed_is_not_asked_about_again(
    make_lake, shared, write, monkeypatch
) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("x.txt", "x"), "a/x.txt")
    assert not one.file("a").exists()
    later(monkeypatch)
    folder(shared).rename(folder(shared).with_name("away"))
    assert not make_lake("one", remote=shared).file("a").exists()


def test_nothing_is_written_to_where_a_share_was_mounted(make_lake, shared, write) -> None:
    make_lake("one", remote=shared).add(write("x.txt", "x"))
    mounted = folder(shared)
    mounted.rename(mounted.with_name("away"))
    mounted.mkdir()
    with pytest.raises(RemoteUnavailableError, match="held this lake before"):
        make_lake("one", remote=shared).add(write("y.txt", "y"))
    lake = make_lake("one", remote=shared)
    with pytest.raises(RemoteUnavailableError, match="held this lake before"):
        lake.sync()
    assert lake.file("x.txt").read_text() == "x"
    assert list(mounted.iterdir()) == []
    lake.join()  # asked explicitly: join again
    assert lake.sync().published == ["x.txt"]
    assert make_lake("two", remote=shared).file("x.txt").read_text() == "x"


@pytest.mark.parametrize(
    "action",
    [
        lambda lake: lake.gc(),
        lambda lake: lake.ls(),
        lambda lake: lake.verify(remote=True),
        lambda lake: lake.sync(),
        lambda lake: lake.sync(dry_run=True),
        lambda lake: lake.join(),
    ],
    ids=["gc", "ls", "verify", "sync", "what sync would do", "join"],
)
def test_the_lake_that_another_made_a_moment_ago_is_joined(
    make_lake, shared, write, action
) -> None:
    """Two machines begin on an empty remote at once; the slower one only looked so far."""
    slow = make_lake("slow", remote=shared)
    assert slow.ls() == []
    make_lake("quick", remote=shared).add(write("x.txt", "x"))
    action(slow)
    assert slow.file("x.txt").read_text() == "x"
    slow.add(write("y.txt", "y"))
    assert make_lake("third", remote=shared).file("y.txt").read_text() == "y"


def test_a_lake_that_holds_something_joins_no_other(make_lake, shared, write) -> None:
    slow = make_lake("slow", remote=shared, offline=True)
    slow.add(write("mine.txt", "mine"))
    slow = make_lake("slow", remote=shared)
    assert [row.uid for row in slow.ls()] == ["mine.txt"]
    make_lake("quick", remote=shared).add(write("x.txt", "x"))
    for action in (slow.gc, slow.ls, slow.sync):
        with pytest.raises(ForeignLakeError):
            action()


@pytest.mark.parametrize("look", ["ls", "exists", "info"])
def test_who_only_looked_does_not_take_a_lake_from_the_one_that_made_it(
    shared: str, tmp_path: Path, write, look: str
) -> None:
    """Two processes of one home; the remote was empty when both of them began."""
    reader = DataLake(home=tmp_path / "one", remote=shared)
    writer = DataLake(home=tmp_path / "one", remote=shared)
    assert reader.lake_id != writer.lake_id

    def read() -> None:
        if look == "ls":
            assert list(reader.ls()) == []
        elif look == "exists":
            assert not reader.file("data/x").exists()
        else:
            with pytest.raises(UIDNotFoundError):
                reader.file("data/x").info()

    writer.session.prepare_write()  # the lake is made, and nothing is in it yet
    made = writer.lake_id
    read()
    writer.add(write("x", b"x"), "data/x")
    assert writer.lake_id == made
    reader.add(write("y", b"y"), "data/y")
    assert DataLake(home=tmp_path / "one", remote=shared).lake_id == made
    assert {row.uid for row in DataLake(home=tmp_path / "two", remote=shared).ls("data")} == {
        "data/x",
        "data/y",
    }


@pytest.mark.parametrize("look", ["read", "info", "download", "ls"])
def test_what_a_reader_finds_in_a_lake_begun_meanwhile_is_not_kept_as_its_own(
    shared: str, tmp_path: Path, write, look: str
) -> None:
    """The reader's home has an id of its own: the remote was empty when it looked first."""
    reader = DataLake(home=tmp_path / "one", remote=shared)
    assert not reader.file("data/x").exists()
    reader.session.remember()
    elsewhere = DataLake(home=tmp_path / "two", remote=shared)
    elsewhere.add(write("x", b"x"), "data/x")
    elsewhere.add(write("gone", b"gone"), "data/gone")
    elsewhere.delete("data/gone")

    if look == "read":
        assert reader.file("data/x").read_bytes() == b"x"
    elif look == "info":
        assert reader.file("data/x").info().uid == "data/x"
        assert not reader.file("data/gone").exists()
    elif look == "download":
        assert list(reader.download("data/x")) == ["data/x"]
    else:
        assert [row.uid for row in reader.ls("data/")] == ["data/x"]

    later = DataLake(home=tmp_path / "one", remote=shared)
    assert later.file("data/x").read_bytes() == b"x"
    assert later.lake_id == elsewhere.lake_id
    reader.add(write("y", b"y"), "data/y")
    assert reader.lake_id == elsewhere.lake_id
    assert later.file("data/y").read_bytes() == b"y"


def test_a_reader_that_made_something_of_its_own_is_told_of_a_lake_begun_meanwhile(
    shared: str, tmp_path: Path, write
) -> None:
    home = tmp_path / "one"
    reader = DataLake(home=home, remote=shared)
    assert not reader.file("data/x").exists()
    reader.session.remember()
    DataLake(home=home, remote=shared, offline=True).add(write("mine", b"mine"), "data/mine")
    DataLake(home=tmp_path / "two", remote=shared).add(write("x", b"x"), "data/x")

    with pytest.raises(ForeignLakeError):
        reader.file("data/x").read_bytes()
    with pytest.raises(ForeignLakeError):
        reader.file("data/x").read_bytes()
    alone = DataLake(home=home, remote=shared, offline=True)
    assert alone.file("data/mine").read_bytes() == b"mine"
    assert [row.uid for row in alone.ls("data/")] == ["data/mine"]
