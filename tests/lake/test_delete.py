"""Deleting: tombstones, dependents, races, and what other machines see of it."""

from __future__ import annotations

import logging
import time

import pytest

from faults import Crash, CrashingBackend, WrapperBackend
from lakes import folder
from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    HasDependentsError,
    RemoteUnavailableError,
    UIDNotFoundError,
    UsageError,
)
from radops.format.digest import Digest
from radops.format.record import FileRecord, Tombstone, decode_slot
from radops.repository import resolver


@file_creator(name="tests.glue")
def glue(files: list[File], output_uid: str) -> File:
    out = File(output_uid)
    out.write_text("".join(f.read_text() for f in files) + output_uid)
    return out


def uids(lake: DataLake, **options: object) -> list[str]:
    return [row.uid for row in lake.ls(recursive=True, **options)]


def slot(url: str, name: str):
    return decode_slot((folder(url) / "refs" / f"{name}").read_bytes())


def wrap(lake: DataLake, wrapper):
    """Put a wrapper around the lake's remote."""
    remote = lake.session.prepare_write().remote
    remote.backend = remote.slots.backend = wrapper(remote.backend)
    return remote.backend


@pytest.fixture
def diamond(make_lake, shared: str, write) -> DataLake:
    """base -> left, right -> bottom, and other."""
    lake = make_lake("one", remote=shared)
    lake.add(write("base", b"base"))
    lake.add(write("other", b"other"))
    with lake.use():
        base = File("base")
        left, right = glue([base], output_uid="left"), glue([base], output_uid="right")
        glue([left, right], output_uid="bottom")
    return lake


def test_a_tombstone_holds_the_record_and_the_name_goes_on_in_the_next_slot(
    make_lake, shared: str, write
) -> None:
    lake = make_lake("one", remote=shared)
    for number in range(3):
        path = f"a.radops-{number}" if number else "a.radops"
        lake.add(write(f"{number}/a", f"{number}".encode()), "a")
        record = slot(shared, path)
        assert isinstance(record, FileRecord)
        assert lake.delete("a") == ["a"]
        buried = slot(shared, path)
        assert isinstance(buried, Tombstone)
        assert buried.record == record.raw
        assert buried.originator == "ada@example.com"
        assert not buried.aborted
        assert (folder(shared) / "refs" / f"{path}-gone").read_bytes() == b""
        assert uids(lake) == []
    lake.add(write("last/a", b"last"), "a")
    assert make_lake("two", remote=shared).file("a").read_bytes() == b"last"


def test_what_others_were_made_from_is_not_deleted(diamond: DataLake, shared: str) -> None:
    before = {p: p.read_bytes() for p in folder(shared).rglob("*") if p.is_file()}
    with pytest.raises(HasDependentsError, match="left, right") as caught:
        diamond.delete("base")
    assert caught.value.dependents == ("left", "right")
    assert caught.value.exit_code == 4
    assert "--cascade" in caught.value.hint
    assert {p: p.read_bytes() for p in folder(shared).rglob("*") if p.is_file()} == before


def test_cascade_deletes_what_was_made_first(diamond: DataLake) -> None:
    plan = diamond.delete("base", cascade=True, dry_run=True)
    assert uids(diamond) == ["base", "bottom", "left", "other", "right"]
    assert diamond.delete("base", cascade=True) == plan
    assert plan[0] == "bottom"
    assert set(plan[1:3]) == {"left", "right"}
    assert plan[3:] == ["base"]
    assert uids(diamond) == ["other"]


def test_a_cascade_that_stops_leaves_nothing_without_what_it_was_made_from(
    make_lake, shared: str, write
) -> None:
    """All inputs of a file that exists exist too, and deleting again completes the delete."""
    ended = False
    for after in range(60):
        lake = make_lake(f"h{after}", remote=shared)
        names = [f"{after}-{name}" for name in ("base", "left", "right", "bottom")]
        base, left, right, bottom = names
        lake.add(write(base, base.encode()))
        with lake.use():
            inner = [glue([File(base)], output_uid=uid) for uid in (left, right)]
            glue(inner, output_uid=bottom)
        wrap(lake, lambda backend, after=after: CrashingBackend(backend, after=after))
        try:
            lake.delete(base, cascade=True)
            ended = True
        except Crash:
            pass
        reader = make_lake(f"r{after}", remote=shared)
        standing = [name for name in names if reader.file(name).exists()]
        for name in standing:
            assert reader.file(name).read_bytes().endswith(name.encode())
            assert set(reader.upstream(name)) <= set(standing)
        again = make_lake(f"h{after}", remote=shared)
        if base in standing:
            assert set(again.delete(base, cascade=True)) == set(standing)
        elif ended:
            with pytest.raises(UIDNotFoundError):
                again.delete(base, cascade=True)
        else:  # cut short after the tombstone: it is done
            assert again.delete(base, cascade=True) == [base]
            with pytest.raises(UIDNotFoundError):
                again.delete(base)
        # The hint for listings may be missing of one file that is deleted; collecting adds it.
        assert len([uid for uid in uids(reader) if uid in names]) <= 1
        again.gc(dry_run=False, where="remote")
        assert [uid for uid in uids(reader) if uid in names] == []
        assert [uid for uid in uids(again) if uid in names] == []
        if ended:
            break
    assert ended
    assert after >= 8  # a tombstone and a hint for each


def test_deleting_twice_says_that_there_is_no_such_file(diamond: DataLake, make_lake, shared):
    two = make_lake("two", remote=shared)
    assert two.file("other").read_bytes() == b"other"
    diamond.delete("other")
    with pytest.raises(UIDNotFoundError):
        diamond.delete("other")
    # It is still in the cache of the second machine, but a delete asks.
    with pytest.raises(UIDNotFoundError):
        two.delete("other")


def test_two_delete_at_once(diamond: DataLake, make_lake, shared) -> None:
    two = make_lake("two", remote=shared)

    class Overtaken(WrapperBackend):
        done = False

        def _do(self, name, key, action):
            if name == "put" and not self.done:
                self.done = True
                assert two.delete("other") == ["other"]
            return action()

    wrap(diamond, Overtaken)
    record = slot(shared, "other.radops")
    diamond.delete("other")
    assert slot(shared, "other.radops").record == record.raw
    assert not make_lake("three", remote=shared).file("other").exists()


def test_a_delete_that_races_a_creator_is_told_of_and_lineage_holds(
    diamond: DataLake, make_lake, shared: str, caplog
) -> None:
    two = make_lake("two", remote=shared)
    input_record = two.info("other").record

    class Creating(WrapperBackend):
        done = False

        def _do(self, name, key, action):
            if name == "put" and key == "refs/other.radops" and not self.done:
                self.done = True
                with two.use():
                    glue([File("other")], output_uid="late")
            return action()

    wrap(diamond, Creating)
    with caplog.at_level(logging.WARNING, "radops"):
        assert diamond.delete("other") == ["other"]
    assert "other was deleted while other files were made from it: late" in caplog.text
    # What remains names the record of what it was made from, and that is in the tombstone.
    three = make_lake("three", remote=shared)
    assert three.file("late").read_text() == "otherlate"
    call = three.info("late").call
    assert [(one.uid, one.record) for one in call.inputs] == [("other", input_record)]
    buried = slot(shared, "other.radops")
    assert isinstance(buried, Tombstone)
    assert Digest.of(buried.record) == buried.inner().record_digest == input_record
    assert buried.inner().digest == call.inputs[0].digest
    # It is found from the other side too, and goes like any other file.
    assert three.downstream("other") == ["late"]
    assert three.delete("late") == ["late"]


def test_what_the_remote_has_is_not_deleted_offline(diamond: DataLake, make_lake, shared, write):
    apart = make_lake("one", remote=shared, offline=True)
    with pytest.raises(RemoteUnavailableError, match="offline"):
        apart.delete("other")
    assert apart.file("other").exists()
    assert diamond.file("other").read_bytes() == b"other"
    # A file that was never published can be deleted without asking the remote.
    apart.add(write("mine", b"mine"))
    assert apart.delete("mine") == ["mine"]
    assert not apart.file("mine").exists()
    assert diamond.sync().published == []
    assert diamond.out_of_sync() == []
    assert "mine" not in uids(diamond)


def test_an_offline_cascade_stops_before_it_deletes_anything(
    diamond: DataLake, make_lake, shared
) -> None:
    apart = make_lake("one", remote=shared, offline=True)
    with apart.use():
        glue([File("other")], output_uid="mine")
    with pytest.raises(RemoteUnavailableError):
        apart.delete("other", cascade=True)
    assert apart.file("mine").exists()
    assert apart.file("other").exists()


# -- what other machines see ---------------------------------------------------------------------


@pytest.fixture
def two(diamond: DataLake, make_lake, shared: str) -> DataLake:
    """A second machine that has read `other`, which was deleted since."""
    two = make_lake("two", remote=shared)
    assert two.file("other").read_bytes() == b"other"
    diamond.delete("other")
    return two


def test_ls_notices(two: DataLake) -> None:
    assert "other" not in uids(two)
    assert "other" not in uids(two, where="remote")


def test_sync_notices(two: DataLake) -> None:
    assert two.sync(dry_run=True).dropped == ["other"]
    assert two.sync().dropped == ["other"]
    assert not two.file("other").exists()
    for where in ("all", "local", "remote"):
        assert "other" not in uids(two, where=where)
        assert "other" not in uids(two, where=where, details=True)
    assert two.expand("*") == ["base", "bottom", "left", "right"]
    assert two.out_of_sync() == []


def test_publishing_something_made_from_it_notices(two: DataLake) -> None:
    with two.use(), pytest.raises(UIDNotFoundError, match="deleted"):
        glue([File("other")], output_uid="late")
    assert not two.file("late").exists()
    assert not two.file("other").exists()


def test_offline_work_with_it_is_not_published(two: DataLake, make_lake, shared) -> None:
    apart = make_lake("two", remote=shared, offline=True)
    with apart.use():
        glue([File("other")], output_uid="late")
    report = make_lake("two", remote=shared).sync()
    assert report.dropped == ["other"]
    assert "late" not in report.published
    assert [problem.uid for problem in report.conflicts] == ["late"]
    assert "late" not in uids(make_lake("three", remote=shared))


def test_offline_work_with_a_name_that_became_another_file_is_not_published(
    two: DataLake, diamond: DataLake, make_lake, shared, write
) -> None:
    apart = make_lake("two", remote=shared, offline=True)
    with apart.use():
        glue([glue([File("other")], output_uid="late")], output_uid="later")
    diamond.add(write("again/other", b"again"), "other")
    two = make_lake("two", remote=shared)
    for _ in range(2):
        report = two.sync()
        assert report.published == []
        assert {one.uid: one.message for one in report.conflicts} == {
            "late": "was made from other, which holds other bytes now",
            "later": "was made from late, which could not be published",
        }
    assert two.file("late").exists()


def test_a_delete_that_was_cut_short_is_ended_by_the_next(make_lake, shared: str, write) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a", b"a"))
    wrap(lake, lambda backend: CrashingBackend(backend, after=1))
    with pytest.raises(Crash):
        lake.delete("a")
    reader = make_lake("two", remote=shared)
    assert not reader.file("a").exists()
    assert uids(reader) == ["a"]  # as far as a listing can tell
    with pytest.raises(UIDNotFoundError):
        reader.delete("a")
    assert uids(reader) == []


def test_dependents_that_others_deleted_are_no_reason_to_refuse(
    diamond: DataLake, make_lake, shared
) -> None:
    make_lake("two", remote=shared).delete("bottom")
    assert diamond.file("bottom").exists()  # as far as it knows
    assert diamond.delete("left") == ["left"]


def test_time_notices(two: DataLake, monkeypatch) -> None:
    assert two.file("other").exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + resolver.TTL_SECONDS + 1)
    assert not two.file("other").exists()


def test_the_same_name_made_again_is_another_file(two: DataLake, diamond, write) -> None:
    diamond.add(write("again/other", b"again"), "other")
    assert "other" in uids(two)
    two.sync()
    assert two.file("other").read_bytes() == b"again"


def test_deleting_again_finishes_a_delete_that_was_cut_short(make_lake, shared: str, write) -> None:
    """It is done as soon as the remote holds the tombstone; "not found" would be no answer."""
    for after in range(1, 10):
        lake = make_lake("one", remote=shared)
        lake.add(write(f"a{after}", b"a"))
        wrap(lake, lambda backend, after=after: CrashingBackend(backend, after=after))
        try:
            lake.delete(f"a{after}")
        except Crash:
            again = make_lake("one", remote=shared)
            assert again.delete(f"a{after}") == [f"a{after}"]
            with pytest.raises(UIDNotFoundError):
                again.delete(f"a{after}")
        else:
            break
    assert after > 1


def test_a_folder_is_deleted_again_after_an_interrupt_or_the_delete_of_another(
    make_lake, shared: str, write
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    for number in range(30):
        one.add(write(f"f{number}", f"{number}"), f"set/{number:02}")
    two.file("set/00").read_text()
    one.delete("set/00")
    wrap(two, lambda backend: CrashingBackend(backend, after=12))
    with pytest.raises(Crash):
        two.delete_many("set/")
    again = make_lake("two", remote=shared)
    left = {uid for uid in uids(make_lake("three", remote=shared), details=True) if "set/" in uid}
    assert 0 < len(left) < 29
    # What this machine had begun to delete counts, what another deleted does not.
    assert set(again.delete_many("set/").deleted) == {f"set/{number:02}" for number in range(1, 30)}
    assert [uid for uid in uids(again) if "set/" in uid] == []


def test_many_files_are_deleted_with_few_barriers(lake: DataLake, write, monkeypatch) -> None:
    lake.add_many([(write(f"f{number}", f"{number}"), f"set/{number}") for number in range(600)])
    backend = lake.session.storage
    flushes = []
    flush = type(backend).flush
    monkeypatch.setattr(type(backend), "flush", lambda self: (flushes.append(1), flush(self))[1])
    assert len(lake.delete_many("set/").deleted) == 600
    assert len(flushes) < 20


@pytest.mark.parametrize("targets", [("",), ("base", ""), ("", "other")])
def test_an_empty_name_deletes_nothing(diamond, targets) -> None:
    """It comes from a variable that is not set; to other commands it means everything."""
    before = uids(diamond)
    with pytest.raises(UsageError, match="one of the names is empty"):
        diamond.delete_many(*targets, cascade=True)
    with pytest.raises(UsageError, match="one of the names is empty"):
        diamond.delete("", cascade=True)
    assert uids(diamond) == before
    assert len(diamond.delete_many("**", dry_run=True, cascade=True).deleted) == len(before)
