"""Searching a lake: `DataLake.search` and `ls(tag=...)`, by a local index that can be lost."""

from __future__ import annotations

import multiprocessing
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radops.data_lake import DataLake, File, file_creator
from radops.errors import RemoteUnavailableError, UsageError
from radops.lake.search import index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.server import S3Server


@pytest.fixture(params=["words", "plain"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With SQLite's full-text module, and as a Python without it."""
    if request.param == "plain":
        monkeypatch.setattr(index, "has_words", lambda: False)
    return request.param


@pytest.fixture(params=["folder", "s3"])
def remote(request: pytest.FixtureRequest, shared: str) -> str:
    """The URL of a shared folder, or of a bucket on a real server."""
    if request.param == "folder":
        return shared
    server: S3Server = request.getfixturevalue("seaweedfs")
    return f"s3://{server.new_bucket()}/lake?endpoint_url={server.endpoint_url}"


@file_creator(name="tests.search.distil")
def distil(f: File, output_uid: str, teacher: str = "", options: dict | None = None) -> File:
    out = File(output_uid)
    out.write_text(f.read_text() + teacher)
    return out


def found(lake: DataLake, text: str = "", **options: object) -> list[str]:
    return [hit.uid for hit in lake.search(text, **options)]


def add(lake: DataLake, write: Callable[..., Path], *uids: str) -> None:
    for uid in uids:
        lake.add(write(uid, uid), uid)


def index_files(lake: DataLake) -> list[Path]:
    return sorted((lake.home / "storage").glob("search-*.sqlite"))


# -- what is found ---------------------------------------------------------------------------------


def test_everything_that_is_known_of_a_name_is_searched(lake: DataLake, write, kind: str) -> None:
    add(lake, write, "sets/train_2024.csv", "sets/val_2024.csv", "other.txt")
    with lake.use():
        distil(File("other.txt"), "models/small.bin", teacher="giraffe", options={"rate": 0.25})
    lake.describe("other.txt", "Übungsdaten, cleaned by hand", tags=["gold", "eu"])
    for text, expected in (
        ("train", ["sets/train_2024.csv"]),
        ("TRAIN csv", ["sets/train_2024.csv"]),
        ("2024", ["sets/train_2024.csv", "sets/val_2024.csv"]),
        ("sets/val", ["sets/val_2024.csv"]),
        ("distil", ["models/small.bin"]),
        ("giraffe", ["models/small.bin"]),
        ("teacher 0.25", ["models/small.bin"]),
        ("cleaned hand", ["other.txt"]),
        ("gold", ["other.txt"]),
        ("gold train", []),
        ("example.com val", ["sets/val_2024.csv"]),
        ("nothing", []),
    ):
        assert found(lake, text) == expected, text
    (hit,) = lake.search("gold", tag="eu")
    assert (hit.uid, hit.originator, hit.function) == ("other.txt", "ada@example.com", "")
    assert (hit.description, hit.tags) == ("Übungsdaten, cleaned by hand", ["eu", "gold"])
    (hit,) = lake.search("giraffe")
    assert hit.function.endswith(".distil") or hit.function == "tests.search.distil"
    assert found(lake, tag="eu") == ["other.txt"]
    assert found(lake, "train", tag="eu") == []
    assert found(lake, tag="e") == []
    assert lake.known_names() == 4


def test_words_match_as_they_are_typed_whatever_their_accents(lake: DataLake, write) -> None:
    add(lake, write, "bilder/übung_eins.png", "train/a.txt", "strain/a.txt")
    for text in (
        "b",
        "bil",
        "bilder/",
        "ubu",
        "ÜBU",
        "übung e",
        "eins.png",
        "BILDER/übung_eins.png",
    ):
        assert found(lake, text)[:1] == ["bilder/übung_eins.png"], text
    assert found(lake, "train") == ["train/a.txt"]


def test_the_best_matches_come_first_then_names(lake: DataLake, write) -> None:
    add(lake, write, "b/horse.txt", "a/horse.txt", "c.txt", "d.txt")
    lake.describe("c.txt", "a text on every horse in the world, and what it eats")
    lake.describe("d.txt", tags=["horse"])
    names = found(lake, "horse")
    assert names[:2] == ["a/horse.txt", "b/horse.txt"]
    assert set(names[2:]) == {"c.txt", "d.txt"}
    assert names.index("d.txt") < names.index("c.txt")
    assert found(lake, "horse", limit=1) == ["a/horse.txt"]


def test_very_many_matches_are_sorted_by_name(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(lake, write, "a.txt", "horse/2.txt", "horse/1.txt", "z/horse.txt")
    lake.describe("a.txt", "about a horse", tags=["x"])
    lake.describe("horse/2.txt", tags=["x"])
    monkeypatch.setattr(index, "_FEW", 2)
    assert found(lake, "horse") == ["horse/1.txt", "horse/2.txt", "z/horse.txt", "a.txt"]
    assert found(lake, "horse", limit=2) == ["horse/1.txt", "horse/2.txt"]
    assert found(lake, "horse", limit=4)[-1] == "a.txt"
    monkeypatch.setattr(index, "_FEW", 1)
    assert found(lake, "horse", tag="x") == ["horse/2.txt", "a.txt"]


def test_without_the_full_text_module_any_part_is_found(lake: DataLake, write, monkeypatch) -> None:
    monkeypatch.setattr(index, "has_words", lambda: False)
    add(lake, write, "strain_1%.txt", "strain_12.txt")
    assert found(lake, "train") == ["strain_12.txt", "strain_1%.txt"][::-1]
    assert found(lake, "1%") == ["strain_1%.txt"]
    assert found(lake, "_1_") == []
    assert [path.name for path in index_files(lake)] == [f"search-{lake.lake_id}-plain-1.sqlite"]


def test_what_is_no_search_is_refused(lake: DataLake, write) -> None:
    add(lake, write, "a.txt")
    for arguments in ({}, {"text": " "}, {"tag": "two words"}, {"text": "a", "limit": 0}):
        with pytest.raises(UsageError):
            lake.search(**arguments)
    with pytest.raises(UsageError):
        lake.search(5)
    for text in ('"', "*", "a* OR", 'NEAR("a")', "uid:a", "(", "a\0b", "\ud800", "-a", "^a"):
        lake.search(text)
    assert found(lake, "---") == []
    assert found(lake, 'a"') == ["a.txt"]
    assert found(lake, "a " * 5000) == ["a.txt"]


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=30))
def test_any_text_can_be_searched_for(lake: DataLake, write, text: str) -> None:
    if text.strip():
        assert found(lake, text) == []


# -- it follows what happens -----------------------------------------------------------------------


def test_the_index_follows_every_change(lake: DataLake, write, make_lake, kind: str) -> None:
    assert found(lake, "horse") == []
    add(lake, write, "horse.txt")
    assert found(lake, "horse") == ["horse.txt"]
    lake.delete("horse.txt")
    assert found(lake, "horse") == []
    add(lake, write, "horse.txt", "deep/er/horse.txt")
    assert found(lake, "horse") == ["deep/er/horse.txt", "horse.txt"] or kind == "words"
    assert set(found(lake, "horse")) == {"deep/er/horse.txt", "horse.txt"}
    lake.describe("horse.txt", "brown", tags=["animal"])
    assert found(lake, "brown", tag="animal") == ["horse.txt"]
    lake.describe("horse.txt", clear=True)
    assert found(lake, "brown") == found(lake, tag="animal") == []
    other = make_lake()  # as another process of the same home
    other.describe("deep/er/horse.txt", "white")
    add(other, write, "deep/cow.txt")
    assert found(lake, "white") == ["deep/er/horse.txt"]
    assert found(lake, "cow") == ["deep/cow.txt"]
    lake.delete("deep/er/horse.txt")
    add(lake, write, "deep/er/goat.txt")
    assert found(other, "deep") == ["deep/cow.txt", "deep/er/goat.txt"]


def test_a_text_of_a_file_that_was_replaced_is_not_found(lake: DataLake, write) -> None:
    lake.add(write("a.txt", "old"), "a.txt")
    lake.describe("a.txt", "about the old one", tags=["old"])
    assert found(lake, "about") == ["a.txt"]
    lake.delete("a.txt")
    lake.add(write("a.txt", "new"), "a.txt")
    assert found(lake, "about") == found(lake, tag="old") == []
    assert found(lake, "txt") == ["a.txt"]


@pytest.mark.parametrize("damage", ["gone", "garbage", "truncated", "emptied"])
def test_a_lost_or_damaged_index_is_made_again(
    lake: DataLake, write, make_lake, kind: str, damage: str
) -> None:
    add(lake, write, *(f"sets/{n}.txt" for n in range(20)))
    lake.describe("sets/7.txt", "seven", tags=["odd"])
    assert len(found(lake, "sets")) == 20
    lake.close()
    (path,) = index_files(lake)
    if damage == "gone":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"no database " * 1000)
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        path.write_bytes(b"")
    again = make_lake()
    found(again, "seven")  # a damaged file may be noticed in the middle of this
    assert found(again, "seven", tag="odd") == ["sets/7.txt"]
    assert len(found(again, "sets")) == 20
    assert again.verify().ok


def test_an_index_that_cannot_be_written_is_made_in_memory(
    lake: DataLake, write, kind: str
) -> None:
    add(lake, write, "a.txt")
    (lake.home / f"storage/search-{lake.lake_id}-{kind}-1.sqlite").mkdir()
    assert found(lake, "txt") == ["a.txt"]


def test_an_interrupted_indexing_is_continued(
    lake: DataLake, write, make_lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = [f"{folder}/{n}.txt" for folder in "abcd" for n in range(3)]
    add(lake, write, *uids)
    for after in range(4):
        other = make_lake()
        put, left = index.SearchIndex.put, [after]

        def interrupted(self, entries, put=put, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            put(self, entries)

        with monkeypatch.context() as patch:
            patch.setattr(index.SearchIndex, "put", interrupted)
            with pytest.raises(KeyboardInterrupt):
                found(other, "txt")
        other.close()
        assert found(make_lake(), "txt") == uids
        for path in index_files(lake):
            path.unlink()


def _search_in_child(lake: DataLake, queue: multiprocessing.Queue) -> None:
    queue.put(found(lake, "txt"))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_searches_too(lake: DataLake, write) -> None:
    add(lake, write, "a.txt")
    assert found(lake, "txt") == ["a.txt"]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_search_in_child, args=(lake, queue))
    child.start()
    assert queue.get(timeout=120) == ["a.txt"]
    child.join(120)
    assert child.exitcode == 0
    assert found(lake, "txt") == ["a.txt"]


# -- with a remote ---------------------------------------------------------------------------------


def test_names_are_searched_once_they_were_seen(make_lake, remote: str, write) -> None:
    one, two = make_lake("one", remote=remote), make_lake("two", remote=remote)
    add(one, write, "sets/horse.txt", "sets/cow.txt", "horse.txt")
    one.describe("sets/cow.txt", "beside the horse", tags=["farm"])
    two.ls()
    assert found(two, "horse") == ["horse.txt"]
    two.ls(recursive=True)
    assert set(found(two, "horse")) == {"horse.txt", "sets/horse.txt"}
    (hit,) = two.search("cow")
    assert (hit.originator, hit.description, hit.tags) == ("", "", [])
    two.info("sets/cow.txt")
    (hit,) = two.search("cow")
    assert (hit.originator, hit.tags) == ("ada@example.com", ["farm"])
    assert "sets/cow.txt" in found(two, "horse")
    one.delete("sets/horse.txt")
    one.delete("horse.txt")
    two.ls("sets/", recursive=True)
    assert set(found(two, "horse")) == {"horse.txt", "sets/cow.txt"}
    two.ls(recursive=True)
    assert found(two, "horse") == ["sets/cow.txt"]


def test_a_refresh_learns_all_of_it(make_lake, remote: str, write) -> None:
    one, two = make_lake("one", remote=remote), make_lake("two", remote=remote)
    add(one, write, "sets/horse.txt", "sets/cow.txt")
    one.describe("sets/cow.txt", "beside the horse", tags=["farm"])
    assert found(two, "horse") == []
    assert set(found(two, "horse", refresh=True)) == {"sets/horse.txt", "sets/cow.txt"}
    assert found(two, tag="farm") == ["sets/cow.txt"]
    one.describe("sets/horse.txt", tags=["farm"])
    one.describe("sets/cow.txt", "now alone", untag=["farm"])
    assert found(two, tag="farm", refresh=True) == ["sets/horse.txt"]
    one.delete("sets/horse.txt")
    assert found(two, "horse", refresh=True) == []


def test_a_listing_by_tag_knows_what_others_wrote(make_lake, remote: str, write) -> None:
    one, two = make_lake("one", remote=remote), make_lake("two", remote=remote)
    add(one, write, "a.txt", "sets/b.txt", "sets/c.txt")
    one.describe("a.txt", tags=["gold", "x"])
    one.describe("sets/b.txt", tags=["gold"])
    one.describe("sets/c.txt", tags=["golden"])
    assert [row.uid for row in two.ls(tag="gold")] == ["a.txt", "sets/b.txt"]
    assert [row.uid for row in two.ls("sets/", tag="gold")] == ["sets/b.txt"]
    assert two.ls(tag="silver") == []
    one.describe("a.txt", untag=["gold"])
    (row,) = two.ls(tag="gold", details=True)
    assert (row.uid, row.local, row.remote, row.size) == ("sets/b.txt", False, True, 10)
    one.delete("sets/b.txt")
    assert two.ls(tag="gold") == []
    apart = make_lake("two", remote=remote, offline=True)
    apart.describe("a.txt", tags=["late"])
    assert [row.uid for row in apart.ls(tag="late")] == ["a.txt"]
    assert [row.uid for row in two.ls(tag="late", where="local")] == []  # its bytes are not here
    two.sync()
    assert [row.uid for row in one.ls(tag="late")] == ["a.txt"]


def test_a_search_needs_no_remote(make_lake, shared: str, write, tmp_path) -> None:
    lake = make_lake(remote=shared)
    add(lake, write, "a.txt")
    lake.describe("a.txt", "text", tags=["x"])
    (tmp_path / "shared").rename(tmp_path / "away")
    again = make_lake(remote=shared)
    assert found(again, "text", tag="x") == ["a.txt"]
    with pytest.raises(RemoteUnavailableError):
        found(again, "text", refresh=True)


def test_results_that_radops_named_are_found_by_what_made_them(lake: DataLake, write) -> None:
    add(lake, write, "a.txt")
    lake.add(write("tree/x.txt", "x").parent, "trees/v1")

    @file_creator(name="tests.search.unnamed")
    def unnamed(f: File, flavour: str) -> File:
        out = File()
        out.write_text(flavour)
        return out

    out = unnamed(File("a.txt"), "vanilla")
    assert found(lake, "vanilla") == [out.uid]
    lake.describe(out.uid, tags=["best"])
    assert [row.uid for row in lake.ls(tag="best")] == [out.uid]
    lake.describe("trees/v1", "a directory")
    assert found(lake, "directory") == ["trees/v1"]


def test_an_index_of_a_home_without_its_lake_leaves_nothing(make_lake, shared: str) -> None:
    lake = make_lake(remote=shared)
    assert found(lake, "x") == []
    assert index_files(lake) == []
    shutil.rmtree(lake.home, ignore_errors=True)
