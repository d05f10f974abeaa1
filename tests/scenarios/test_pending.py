"""Results that were finished when the remote went away: kept, found again, published, dropped."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    CorruptRecordError,
    LineageMismatchError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UIDNotFoundError,
)
from radops.repository.refs.pending import PendingResults

runs: list[str] = []
unplugged: list[Path] = []
GONE = (RemoteUnavailableError, RemoteRefusedError)


@pytest.fixture(autouse=True)
def _count() -> None:
    runs.clear()
    unplugged.clear()


@contextmanager
def unplugging(url: str) -> Iterator[None]:
    """Have the remote go away where the block says so, and come back after it."""
    folder = Path(urlsplit(url).path)
    away = folder.with_name("away")
    unplugged[:] = [folder, away]
    try:
        with pytest.raises(GONE, match="kept"):
            yield
    finally:
        unplugged.clear()
        away.rename(folder)


def unplug() -> None:
    if unplugged:
        unplugged[0].rename(unplugged[1])


@file_creator(name="tests.pending.count")
def count(number: int, output_uid: str | None = None) -> File:
    runs.append(str(output_uid))
    out = File(output_uid) if output_uid else File()
    out.write_text(str(number))
    unplug()
    return out


@file_creator(name="tests.pending.upper")
def upper(f: File, output_uid: str) -> File:
    runs.append(output_uid)
    out = File(output_uid)
    out.write_text(f.read_text().upper())
    unplug()
    return out


@file_creator(name="tests.pending.split")
def split(output_uids: dict[str, str]) -> dict[str, File]:
    runs.append("split")
    made = {name: File(uid) for name, uid in output_uids.items()}
    for name, out in made.items():
        out.write_text(name)
    unplug()
    return made


@pytest.fixture
def one(make_lake, shared: str) -> Iterator[DataLake]:
    lake = make_lake("one", remote=shared)
    lake.join()
    with lake.use():
        yield lake


def waiting(lake: DataLake) -> list[str]:
    return [row.uid for row in lake.out_of_sync() if row.pending]


def files_kept(lake: DataLake) -> list[Path]:
    return sorted(lake.home.glob("storage/lakes/*/pending/*"))


def test_a_result_under_another_name_is_not_taken_for_this_one(one: DataLake, shared: str) -> None:
    with unplugging(shared):
        count(1, output_uid="a")
    assert count(1, output_uid="b") == File("b")
    assert File("b").read_text() == "1"
    assert not File("a").exists()
    assert waiting(one) == ["a"]
    assert count(1).read_text() == "1"
    assert count(1, output_uid="a").read_text() == "1"
    assert runs == ["a", "b", "None"]
    assert waiting(one) == []


def test_a_generated_name_is_not_taken_for_a_given_one(one: DataLake, shared: str) -> None:
    with unplugging(shared):
        count(2)
    assert not count.is_cached(2, output_uid="a")
    assert count(2, output_uid="a") == File("a")
    assert runs == ["None", "a"]
    assert count(2).uid.startswith(".generated_uids/")
    assert runs == ["None", "a"]


def test_places_that_changed_are_loud_also_for_what_waits(one: DataLake, shared: str) -> None:
    with unplugging(shared):
        split(output_uids={"train": "a", "test": "b"})
    with pytest.raises(LineageMismatchError, match="a as 'train'"):
        split(output_uids={"train": "b", "test": "a"})
    assert split(output_uids={"train": "a", "test": "b"})["test"].read_text() == "test"
    assert runs == ["split"]


def _keep_with_a_local_input(make_lake, shared: str, write, output_uid: str) -> None:
    make_lake("one", remote=shared, offline=True).add(write("in.txt", "abc"))
    with unplugging(shared):
        upper(File("in.txt"), output_uid=output_uid)


def test_what_waits_follows_the_records_of_its_inputs(
    one: DataLake, make_lake, shared: str, write
) -> None:
    _keep_with_a_local_input(make_lake, shared, write, "out.txt")
    two = make_lake("two", remote=shared)
    two.add(write("in.txt", "abc"))
    assert upper(File("in.txt"), output_uid="out.txt").read_text() == "ABC"
    assert runs == ["out.txt"]
    assert files_kept(one) == []
    call = two.info("out.txt").call
    assert call is not None
    assert call.inputs[0].record == two.info("in.txt").record


def test_what_cannot_be_published_is_loud_and_stays(
    one: DataLake, make_lake, shared: str, write
) -> None:
    _keep_with_a_local_input(make_lake, shared, write, "out/x")
    two = make_lake("two", remote=shared)
    two.add(write("in.txt", "abc"))
    two.add(write("out", "in the way"))
    with pytest.raises(UIDConflictError, match="out/x"):
        upper(File("in.txt"), output_uid="out/x")
    assert waiting(one) == ["out/x"]
    assert not File("out/x").exists()


def test_a_result_in_conflict_can_be_got_rid_of(
    one: DataLake, make_lake, shared: str, write
) -> None:
    with unplugging(shared):
        count(3, output_uid="a")
    make_lake("two", remote=shared).add(write("a", "other bytes"))
    assert File("a").read_text() == "other bytes"
    (problem,) = one.sync().conflicts
    assert problem.hint.endswith("radops datalake delete --offline a")
    offline = make_lake("one", remote=shared, offline=True)
    assert offline.delete("a", dry_run=True) == ["a"]
    assert waiting(one) == ["a"]
    assert offline.delete("a") == ["a"]
    assert waiting(one) == []
    assert one.sync().conflicts == []
    assert File("a").read_text() == "other bytes"
    with pytest.raises(RemoteUnavailableError, match="is in the remote"):
        offline.delete("a")


def test_what_waits_is_dropped_by_its_name_and_as_a_whole(one: DataLake, shared: str) -> None:
    with unplugging(shared):
        split(output_uids={"train": "a", "test": "b"})
    assert one.delete("b", dry_run=True) == ["a", "b"]
    assert waiting(one) == ["a", "b"]
    assert one.delete("b") == ["a", "b"]
    assert waiting(one) == []
    with pytest.raises(UIDNotFoundError):
        one.delete("a")


@pytest.mark.parametrize("content", [b"", b"junk", bytes.fromhex("a0"), None])
def test_one_bad_file_is_not_in_the_way(
    one: DataLake, shared: str, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    with unplugging(shared):
        count(4, output_uid="a")
    (good,) = files_kept(one)
    bad = good.with_name("bad.radops")
    if content is None:  # an entry is missing
        content = good.read_bytes().replace(b"records", b"recordz")
    bad.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="radops"):
        assert [row.uid for row in one.ls()] == ["a"]
    assert "pending/bad.radops" in caplog.text
    with pytest.raises(CorruptRecordError, match=r"pending/bad\.radops"):
        list(one.session.pending.all())
    with pytest.raises(CorruptRecordError):  # what it keeps is not known
        one.gc(dry_run=True, where="local")
    assert count(5, output_uid="b").read_text() == "5"
    assert count(4, output_uid="a").read_text() == "4"
    assert runs == ["a", "b"]
    assert one.sync().conflicts == []


def test_only_the_results_of_a_call_are_read_to_find_it(
    one: DataLake, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        with unplugging(shared):
            count(number, output_uid=f"n{number}")
    read = []
    before = PendingResults._read
    monkeypatch.setattr(
        PendingResults, "_read", lambda self, key: read.append(key) or before(self, key)
    )
    assert count(9).read_text() == "9"
    assert read == []
    assert count(1, output_uid="n1").read_text() == "1"
    assert len(read) == 1
    assert str(count.key(1)) in read[0]


def test_names_of_before_are_still_found(one: DataLake, shared: str) -> None:
    with unplugging(shared):
        count(6, output_uid="a")
    (path,) = files_kept(one)
    path.rename(path.with_name(path.name.partition("-")[2]))
    assert count(6, output_uid="a").read_text() == "6"
    assert runs == ["a"]
    assert files_kept(one) == []


def test_what_was_written_is_kept(one: DataLake, shared: str) -> None:
    with unplugging(shared), File("a.txt").open("w") as stream:
        stream.write("hours of work")
        unplug()
    with unplugging(shared), File("b.txt").staged() as path:
        path.write_text("more of it")
        unplug()
    assert waiting(one) == ["a.txt", "b.txt"] or waiting(one) == ["b.txt", "a.txt"]
    assert not File("a.txt").exists()
    report = one.sync()
    assert (report.published, report.conflicts) == (["a.txt", "b.txt"], [])
    assert File("a.txt").read_text() == "hours of work"
    assert waiting(one) == []


def test_what_was_added_is_kept_until_it_is_added_again(
    one: DataLake, shared: str, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = one.session.store.admit

    def admit(staged) -> None:
        before(staged)
        unplug()

    monkeypatch.setattr(one.session.store, "admit", admit)
    pairs = [(write(name, name), name) for name in ("a.txt", "b.txt")]
    with unplugging(shared):
        one.add_many(pairs, move=True)
    assert sorted(waiting(one)) == ["a.txt", "b.txt"]
    assert [path.read_text() for path, _ in pairs] == ["a.txt", "b.txt"]
    one.add(*pairs[0])
    assert waiting(one) == ["b.txt"]
    assert one.sync().published == ["b.txt"]
    assert File("b.txt").read_text() == "b.txt"


@file_creator(name="tests.pending.many")
def many(count: int, note: str) -> list[File]:
    made = [File() for _ in range(count)]
    for out in made:
        out.write_text(out.uid)
    unplug()
    return made


@pytest.mark.slow
def test_a_result_of_very_many_files_is_found_again(
    one: DataLake, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each of the records holds the whole call, as an earlier version kept them: more together
    # than any one record may have.
    monkeypatch.setattr("radops.format.call.SHARED_OUTPUTS", 1000)
    arguments = {"count": 200, "note": "x" * 34_000}
    with unplugging(shared):
        many(**arguments)
    (path,) = files_kept(one)
    assert path.stat().st_size > 9 << 20
    assert len(waiting(one)) == 200
    assert len(one.sync().published) == 200
    assert many.is_cached(**arguments)
