"""Adding bytes that exist already succeeds, whatever made them and wherever they are.

If they no longer exist, or are damaged, they are stored again.
"""

from __future__ import annotations

import itertools

import pytest

from lake.tampering import MIB, flip, noise, object_of
from radops.data_lake import DataLake, File, file_creator
from radops.errors import CorruptObjectError, UIDConflictError

_counter = itertools.count()


@file_creator(name="tests.adding.make")
def make(text: str, output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(text)
    return out


@file_creator(name="tests.adding.implicit")
def implicit(text: str) -> File:
    out = File(suffix=".txt")
    out.write_text(text)
    return out


@file_creator(name="tests.adding.vary")
def vary(output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(f"{next(_counter)}")
    return out


@pytest.mark.parametrize("as_url", [False, True])
def test_bytes_that_a_function_made(lake: DataLake, write, as_url: bool) -> None:
    make("same", output_uid="a.txt")
    path = write("a.txt", "same")
    before = lake.info("a.txt").record
    result = lake.add(path.as_uri() if as_url else path, "a.txt")
    assert result.already_there
    assert lake.info("a.txt").record == before
    other = write("other.txt", "else")
    with pytest.raises(UIDConflictError, match="other bytes"):
        lake.add(other.as_uri() if as_url else other, "a.txt")


def test_the_call_need_not_be_here(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    with one.use():
        make("same" * 20_000, output_uid="a.txt")  # a call so long is an object of its own
    assert two.add(write("a.txt", "same" * 20_000)).already_there


def test_what_a_function_made_apart_is_published_as_such(make_lake, shared: str, write) -> None:
    one = make_lake("one", remote=shared)
    one.join()
    with make_lake("one", remote=shared, offline=True).use():
        make("same", output_uid="a.txt")
    assert one.add(write("a.txt", "same")).already_there
    assert one.out_of_sync() == []
    assert make_lake("two", remote=shared).info("a.txt").call is not None


def test_a_folder_is_in_the_way(lake: DataLake, write) -> None:
    lake.add(write("x.txt", "x"), "a/x.txt")
    with pytest.raises(UIDConflictError, match="folder"):
        lake.add(write("y.txt", "y"), "a")


@pytest.fixture(params=["damaged", "missing", "quarantined"])
def lose(request: pytest.FixtureRequest):
    """Damage or remove the bytes of a file on this machine."""

    def lose(lake: DataLake, uid: str) -> None:
        path = object_of(lake, uid)
        if request.param == "missing":
            path.unlink()
            return
        flip(path, 3)
        if request.param == "quarantined":
            with pytest.raises(CorruptObjectError):
                lake.file(uid).read_bytes()
            assert not path.exists()

    return lose


def heap(lake: DataLake) -> list[str]:
    """The bad copies that were kept."""
    return sorted(path.name for path in (lake.home / "storage/quarantine").glob("*"))


@pytest.mark.parametrize("way", ["path", "url", "move"])
def test_bytes_that_were_lost_are_restored(lake: DataLake, write, lose, way: str) -> None:
    data = noise(3 * MIB)
    lake.add(write("a.bin", data), "sets/a.bin")
    before = lake.info("sets/a.bin").record
    lose(lake, "sets/a.bin")
    path = write("a.bin", data)
    source = path.as_uri() if way == "url" else path
    result = lake.add(source, "sets/a.bin", move=way == "move")
    assert result.already_there
    assert result.restored
    assert lake.info("sets/a.bin").record == before
    assert lake.file("sets/a.bin").read_bytes() == data
    assert lake.verify().ok
    assert heap(lake) == []
    assert path.exists() == (way != "move")
    assert not lake.add(write("a.bin", data), "sets/a.bin").restored


def test_of_many_only_the_lost_are_restored(lake: DataLake, write) -> None:
    pairs = [(write(f"{n}.txt", f"{n}" * 100), f"sets/{n}.txt") for n in range(6)]
    lake.add_many(pairs[:5])
    for n in (1, 3):
        object_of(lake, f"sets/{n}.txt").unlink()
    results = lake.add_many(pairs)
    assert [one.restored for one in results] == [False, True, False, True, False, False]
    assert [one.already_there for one in results] == [True] * 5 + [False]
    assert lake.verify().ok


def test_other_bytes_restore_nothing(lake: DataLake, write) -> None:
    lake.add(write("a.txt", "a" * 100))
    path = object_of(lake, "a.txt")
    path.unlink()
    with pytest.raises(UIDConflictError):
        lake.add(write("a.txt", "b" * 100))
    assert not path.exists()


def test_what_was_made_apart_is_restored_and_published(make_lake, shared: str, write, lose) -> None:
    one = make_lake("one", remote=shared)
    one.join()
    offline = make_lake("one", remote=shared, offline=True)
    with offline.use():
        make("same" * 100, output_uid="made.txt")
    offline.add(write("added.txt", "else" * 100))
    lose(offline, "made.txt")
    lose(offline, "added.txt")
    assert offline.add(write("made.txt", "same" * 100)).restored
    object_of(offline, "made.txt").unlink()
    assert one.add(write("made.txt", "same" * 100)).restored
    assert not one.add(write("added.txt", "else" * 100)).already_there
    assert one.out_of_sync() == []
    two = make_lake("two", remote=shared)
    assert two.file("made.txt").read_text() == "same" * 100
    assert two.file("added.txt").read_text() == "else" * 100
    assert heap(one) == []


def test_with_a_remote_nothing_need_be_here(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a.txt", "same"))
    assert not two.add(write("a.txt", "same")).restored
    assert not two.file("a.txt").is_local()


def test_a_call_makes_again_what_was_lost(lake: DataLake, lose) -> None:
    made = make("same" * 100, output_uid="a.txt")
    before = lake.info("a.txt").record
    lose(lake, "a.txt")
    if object_of(lake, "a.txt").exists():  # not noticed yet
        with pytest.raises(CorruptObjectError):
            made.read_text()
    assert not make.is_cached("same" * 100, output_uid="a.txt")
    assert "lost" in make.why("same" * 100, output_uid="a.txt").reason
    assert make("same" * 100, output_uid="a.txt").read_text() == "same" * 100
    assert lake.info("a.txt").record == before
    assert make.is_cached("same" * 100, output_uid="a.txt")
    assert heap(lake) == []


def test_an_implicit_result_is_made_again(lake: DataLake) -> None:
    first = implicit("same" * 100)
    object_of(lake, first.uid).unlink()
    again = implicit("same" * 100)
    assert again.uid == first.uid
    assert again.read_text() == "same" * 100


def test_a_call_that_makes_other_bytes_restores_nothing(lake: DataLake) -> None:
    vary("a.txt")
    object_of(lake, "a.txt").unlink()
    with pytest.raises(UIDConflictError, match="other bytes"):
        vary("a.txt")


def test_apart_from_the_remote_a_result_need_not_be_here(make_lake, shared: str) -> None:
    with make_lake("one", remote=shared).use():
        make("same", output_uid="a.txt")
    make_lake("two", remote=shared).info("a.txt")
    with make_lake("two", remote=shared, offline=True).use():
        assert make.is_cached("same", output_uid="a.txt")


def test_a_move_offline_of_what_was_deleted_meanwhile_stays_as_a_conflict(
    make_lake, shared: str, write
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a", "bytes"))
    two.delete("a")
    offline = make_lake("one", remote=shared, offline=True)
    source = write("again/a", "bytes")
    result = offline.add(source, "a", move=True)
    assert (result.already_there, source.exists()) == (True, False)
    for _ in range(2):
        report = one.sync()
        assert report.published == []
        (problem,) = report.conflicts
        assert (problem.uid, "deleted" in problem.message) == ("a", True)
        assert "sync a" in problem.hint
        one.gc(dry_run=False, grace=0)
        assert one.file("a").read_text() == "bytes"
    assert one.sync("a").published == ["a"]
    assert two.file("a").read_text() == "bytes"
    assert one.sync().conflicts == []


def test_a_move_offline_of_what_the_lake_still_has_is_settled_quietly(
    make_lake, shared: str, write
) -> None:
    one = make_lake("one", remote=shared)
    one.add(write("a", "bytes"))
    offline = make_lake("one", remote=shared, offline=True)
    offline.add(write("again/a", "bytes"), "a", move=True)
    report = one.sync()
    assert (report.published, report.adopted, report.conflicts) == ([], [], [])
    assert list(one.session.pending.all()) == []


def test_a_move_offline_of_what_was_deleted_can_be_dropped(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a", "bytes"))
    two.delete("a")
    offline = make_lake("one", remote=shared, offline=True)
    offline.add(write("again/a", "bytes"), "a", move=True)
    one.sync()
    assert offline.delete("a") == ["a"]
    assert one.sync().conflicts == []
    assert not one.file("a").exists()
