"""Two machines and a remote: publishing, offline work, pending results, deletes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from lakes import folder
from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    ForeignLakeError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)
from radops.repository import resolver

runs: list[str] = []


@pytest.fixture(autouse=True)
def _count() -> None:
    runs.clear()


@file_creator(name="tests.upper")
def upper(f: File, output_uid: str | None = None) -> File:
    runs.append(f.uid)
    out = File(output_uid) if output_uid else File()
    out.write_text(f.read_text().upper())
    return out


@file_creator(name="tests.triple")
def triple(f: File, output_uids: list[str]) -> list[File]:
    runs.append(f.uid)
    made = [File(uid) for uid in output_uids]
    for out in made:
        out.write_text(f.read_text() + out.uid)
    return made


def uids(lake: DataLake, **options: object) -> list[str]:
    return [row.uid for row in lake.ls(recursive=True, **options)]


def test_what_one_machine_adds_another_reads(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a.txt", "hello"), "sets/a.txt")
    (row,) = two.ls("sets/")
    assert (row.uid, row.local, row.remote) == ("sets/a.txt", False, True)
    assert two.lake_id == one.lake_id
    assert not two.file("sets/a.txt").is_local()
    assert two.local_path("sets/a.txt") is None
    assert two.file("sets/a.txt").read_text() == "hello"
    assert two.file("sets/a.txt").is_local()
    assert two.ls("sets")[0].local
    assert two.local_path("sets/a.txt").read_text() == "hello"


def test_a_result_is_computed_once_on_any_machine(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a.txt", "hello"))
    with one.use():
        first = upper(File("a.txt"))
    with two.use():
        second = upper(File("a.txt"))
        assert second.read_text() == "HELLO"
        assert not File("a.txt").is_local()
    assert first == second
    assert runs == ["a.txt"]


def test_a_large_file_travels_in_blocks(make_lake, shared: str, write) -> None:
    data = bytes(range(256)) * 4096 * 5 + b"end"
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("big.bin", data))
    assert two.file("big.bin").read_bytes() == data
    assert two.info("big.bin").digest == one.info("big.bin").digest


def test_what_was_local_is_carried_to_a_remote_lineage_and_all(make_lake, shared: str, write):
    alone = make_lake("one")
    alone.add(write("a.txt", "hello"))
    with alone.use():
        out = upper(File("a.txt"), output_uid="out.txt")
        triple(File("out.txt"), output_uids=["x", "y", "z"])
    before = {uid: alone.info(uid) for uid in uids(alone)}
    del out
    one = make_lake("one", remote=shared)
    assert [row.uid for row in one.out_of_sync()] == ["a.txt", "out.txt", "x", "y", "z"]
    plan = one.sync(dry_run=True)
    assert plan.published == ["a.txt", "out.txt", "x", "y", "z"]
    assert not (folder(shared) / "refs").exists()
    report = one.sync()
    assert report.published == ["a.txt", "out.txt", "x", "y", "z"]
    assert report.conflicts == []
    again = one.sync()
    assert (again.published, again.adopted, again.dropped, again.bytes_sent) == ([], [], [], 0)
    assert one.out_of_sync() == []
    two = make_lake("two", remote=shared)
    assert two.lake_id == alone.lake_id
    for uid, info in before.items():
        assert two.info(uid).digest == info.digest
        assert two.info(uid).record == info.record
    assert two.downstream("a.txt") == ["out.txt"]
    assert two.downstream("out.txt") == ["x", "y", "z"]
    assert two.file("z").read_text() == "HELLOz"


def test_two_machines_offline_equal_bytes_are_adopted_other_bytes_stay(
    make_lake, shared: str, write
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("base.txt", "base"))
    two.file("base.txt").read_text()
    for lake, text in (
        (make_lake("one", remote=shared, offline=True), "1"),
        (make_lake("two", remote=shared, offline=True), "2"),
    ):
        lake.add(write("same.txt", "same"))
        lake.add(write(f"{text}/other.txt", text), "other.txt")
        with lake.use():
            upper(File("same.txt"), output_uid="from-same.txt")
            upper(File("other.txt"), output_uid="from-other.txt")
            upper(File("base.txt"), output_uid="from-base.txt")
    assert runs == ["same.txt", "other.txt", "base.txt"] * 2
    assert one.sync().published == [
        "from-base.txt",
        "from-other.txt",
        "from-same.txt",
        "other.txt",
        "same.txt",
    ]
    report = two.sync()
    assert report.published == []
    assert report.adopted == ["from-base.txt", "from-same.txt", "same.txt"]
    assert sorted(problem.uid for problem in report.conflicts) == ["from-other.txt", "other.txt"]
    assert all(problem.hint for problem in report.conflicts)
    # What stays local is still served here, and listed.
    assert two.file("other.txt").read_text() == "2"
    assert [row.uid for row in two.out_of_sync()] == ["from-other.txt", "other.txt"]
    # What was adopted has one record everywhere.
    assert two.info("from-same.txt").record == one.info("from-same.txt").record
    call = two.info("from-same.txt").call
    assert call is not None
    assert call.inputs[0].record == one.info("same.txt").record


def test_an_input_that_was_adopted_is_rewritten_in_what_was_made_from_it(
    make_lake, shared: str, write
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared, offline=True)
    two.add(write("a.txt", "same"))
    with two.use():
        upper(File("a.txt"), output_uid="out.txt")
    one.add(write("a.txt", "same"))
    # The second machine never met the remote: its empty context cannot join as it holds files.
    with pytest.raises(ForeignLakeError):
        make_lake("two", remote=shared).sync()

    three = make_lake("three", remote=shared)
    three.ls()
    offline = make_lake("three", remote=shared, offline=True)
    offline.add(write("b.txt", "same b"))
    with offline.use():
        upper(File("b.txt"), output_uid="out-b.txt")
    one.add(write("b.txt", "same b"))
    report = make_lake("three", remote=shared).sync()
    assert report.adopted == ["b.txt"]
    assert report.published == ["out-b.txt"]
    call = one.info("out-b.txt").call
    assert call is not None
    assert call.inputs[0].record == one.info("b.txt").record


def test_a_delete_reaches_other_machines(make_lake, shared: str, write, monkeypatch) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a.txt", "hello"))
    assert two.file("a.txt").read_text() == "hello"
    one.delete("a.txt")
    assert uids(two) == []
    assert two.sync().dropped == ["a.txt"]
    assert not two.file("a.txt").exists()
    two.add(write("b/a.txt", "other"), "a.txt")
    # The first machine knows of its own delete, and sees the new file under the next slot.
    assert one.file("a.txt").read_text() == "other"


def test_a_delete_is_noticed_after_a_time(make_lake, shared: str, write, monkeypatch) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a.txt", "hello"))
    assert two.file("a.txt").exists()
    one.delete("a.txt")
    assert two.file("a.txt").exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + resolver.TTL_SECONDS + 1)
    assert not two.file("a.txt").exists()


def test_nothing_is_published_from_what_was_deleted(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a.txt", "hello"))
    assert two.file("a.txt").read_text() == "hello"
    one.delete("a.txt")
    with two.use(), pytest.raises(UIDNotFoundError, match="deleted"):
        upper(File("a.txt"), output_uid="out.txt")
    assert uids(one) == []


def test_sync_never_brings_back_what_was_deleted(make_lake, shared: str, write) -> None:
    alone = make_lake("one")
    alone.add(write("a.txt", "hello"))
    one = make_lake("one", remote=shared)
    one.sync()
    two = make_lake("two", remote=shared)
    two.delete("a.txt")
    # As if this machine had forgotten that the remote ever confirmed the file.
    (Path(one.home) / "storage/catalog.sqlite").unlink()
    one.close()
    report = make_lake("one", remote=shared).sync()
    assert report.published == []
    assert report.dropped == ["a.txt"]


def test_a_remote_that_was_set_back_gets_everything_again(make_lake, shared: str, write, tmp_path):
    one = make_lake("one", remote=shared)
    one.add(write("a.txt", "a"))
    shutil.copytree(folder(shared), tmp_path / "backup")
    one.add(write("b.txt", "b"))
    shutil.rmtree(folder(shared))
    shutil.copytree(tmp_path / "backup", folder(shared))
    assert one.file("b.txt").read_text() == "b"
    assert one.sync().published == ["b.txt"]
    assert make_lake("two", remote=shared).file("b.txt").read_text() == "b"


def test_unreachable_at_the_end_keeps_the_result(make_lake, shared: str, write, tmp_path) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("a.txt", "hello"))
    away = tmp_path / "away"

    @file_creator(name="tests.unplugging")
    def unplugging(f: File, output_uid: str) -> File:
        runs.append("unplugging")
        out = File(output_uid)
        out.write_text("result")
        if folder(shared).exists():
            folder(shared).rename(away)
        return out

    with one.use():
        with pytest.raises((RemoteUnavailableError, RemoteRefusedError), match="kept"):
            unplugging(File("a.txt"), output_uid="out.txt")
        away.rename(folder(shared))
        assert not File("out.txt").exists()
        assert [(row.uid, row.pending) for row in one.out_of_sync()] == [("out.txt", True)]
        # The same call publishes it, without computing again.
        assert unplugging(File("a.txt"), output_uid="out.txt").read_text() == "result"
        assert one.out_of_sync() == []
    assert runs == ["unplugging"]
    assert make_lake("two", remote=shared).file("out.txt").read_text() == "result"


def test_sync_publishes_what_was_kept(make_lake, shared: str, write, tmp_path) -> None:
    one = make_lake("one", remote=shared)
    one.ls()
    make_lake("one", remote=shared, offline=True).add(write("a.txt", "hello"))
    away = tmp_path / "away"

    @file_creator(name="tests.unplugging_again")
    def unplugging(f: File) -> list[File]:
        made = [File(), File()]
        for number, out in enumerate(made):
            out.write_text(str(number))
        folder(shared).rename(away)
        return made

    with one.use():
        with pytest.raises((RemoteUnavailableError, RemoteRefusedError), match="kept"):
            unplugging(File("a.txt"))
        away.rename(folder(shared))
        report = one.sync()
        assert len(report.published) == 3
        assert report.conflicts == []
        assert [out.read_text() for out in unplugging(File("a.txt"))] == ["0", "1"]
        assert one.sync().published == []


def test_offline_names_are_taken_here_and_marked(make_lake, shared: str, write) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("a.txt", "hello"))
    offline = make_lake("one", remote=shared, offline=True)
    offline.add(write("b.txt", "there"))
    assert uids(offline) == ["a.txt", "b.txt"]
    assert [row.uid for row in offline.out_of_sync()] == ["b.txt"]
    assert [(row.uid, row.remote) for row in one.ls()] == [("a.txt", True), ("b.txt", False)]
    with pytest.raises(UIDConflictError):
        offline.file("a.txt").write_text("x")
    with pytest.raises(RemoteUnavailableError):
        offline.sync()
    with pytest.raises(RemoteUnavailableError):
        offline.delete("a.txt")
    # Reading what is not here needs the remote.
    one.delete_local("a.txt")
    with pytest.raises(Exception, match="not in local storage"):
        make_lake("one", remote=shared, offline=True).file("a.txt").read_text()


def test_local_copies_are_removed_only_where_the_remote_has_them(make_lake, shared: str, write):
    alone = make_lake("one")
    alone.add(write("a.txt", "hello"))
    with pytest.raises(Exception, match="no remote"):
        alone.delete_local("a.txt")
    one = make_lake("one", remote=shared)
    with pytest.raises(Exception, match="needed here"):
        one.delete_local("a.txt")
    one.sync()
    assert one.delete_local("a.txt") == ["a.txt"]
    assert not one.file("a.txt").is_local()
    assert one.delete_local("a.txt") == []
    assert one.file("a.txt").read_text() == "hello"


def test_bytes_that_another_lake_of_the_home_needs_stay(make_lake, shared: str, write) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("a.txt", "hello"))
    (one.home / "config.toml").write_text("[contexts.alone]\n")
    alone = make_lake("one", context="alone")
    alone.add(write("a.txt", "hello"), "mine.txt")
    with pytest.raises(Exception, match="needed here"):
        one.delete_local("a.txt")
    assert alone.file("mine.txt").read_text() == "hello"


def test_another_lakes_remote_is_refused(make_lake, shared: str, write) -> None:
    make_lake("one", remote=shared).add(write("a.txt", "1"))
    alone = make_lake("two")
    alone.add(write("b.txt", "2"))
    with pytest.raises(ForeignLakeError, match="another lake"):
        make_lake("two", remote=shared).ls()
    assert uids(alone) == ["b.txt"]


def test_sync_needs_a_remote(lake: DataLake) -> None:
    with pytest.raises(UsageError, match="on this machine only"):
        lake.sync()


def test_sync_of_one_file_takes_what_it_was_made_from(make_lake, shared: str, write) -> None:
    alone = make_lake("one")
    for name in ("a.txt", "b.txt"):
        alone.add(write(name, name))
        with alone.use():
            upper(File(name), output_uid=f"out-{name}")
    one = make_lake("one", remote=shared)
    assert one.sync("out-a.txt").published == ["a.txt", "out-a.txt"]
    assert uids(make_lake("two", remote=shared)) == ["a.txt", "out-a.txt"]
    with pytest.raises(UIDNotFoundError):
        one.sync("nowhere")


def test_making_something_from_a_local_file_publishes_that_first(make_lake, shared: str, write):
    one = make_lake("one", remote=shared)
    one.ls()
    make_lake("one", remote=shared, offline=True).add(write("a.txt", "hello"))
    with one.use():
        upper(File("a.txt"), output_uid="out.txt")
    two = make_lake("two", remote=shared)
    assert uids(two) == ["a.txt", "out.txt"]
    call = two.info("out.txt").call
    assert call is not None
    assert call.inputs[0].record == two.info("a.txt").record


def test_a_name_deleted_before_publishing_takes_the_remotes_slot(make_lake, shared: str, write):
    """Slots of a lake that lived alone need not be those of its remote."""
    alone = make_lake("one")
    alone.add(write("1/a.txt", "first"), "a.txt")
    alone.delete("a.txt")
    alone.add(write("2/a.txt", "second"), "a.txt")
    one = make_lake("one", remote=shared)
    assert one.sync().published == ["a.txt"]
    two = make_lake("two", remote=shared)
    assert two.file("a.txt").read_text() == "second"
    two.delete("a.txt")
    assert one.sync().dropped == ["a.txt"]
    assert not one.file("a.txt").exists()
    assert uids(one) == []
