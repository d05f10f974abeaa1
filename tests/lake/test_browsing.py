"""Pages of listings: details of rows, names in directories, and when bytes were checked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from radops.errors import UIDNotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Names that sort in another order with a slash than without it."""
    top = tmp_path / "folder"
    for name in ("a/1", "a/2", "a-1", "a.txt", "b/c/d", "z"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (top / "empty").mkdir()
    (top / "empty.txt").write_text("sorts between the empty folder and what would be in it")
    return top


def pages(lake: DataLake, folder: str, limit: int) -> list[str]:
    found: list[str] = []
    while some := lake.names(folder, after=found[-1] if found else "", limit=limit):
        assert len(some) <= limit
        found += some
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_names_are_all_names_once(lake: DataLake, folder: Path, limit: int) -> None:
    lake.add(folder, "d")
    names = pages(lake, "d/", limit)
    assert sorted(names) == sorted(lake.directory("d").ls())
    assert len(names) == len(set(names)) == 7
    assert pages(lake, "d/a/", limit) == ["1", "2"]


def test_entries_are_the_rows_of_a_listing(lake: DataLake, folder: Path) -> None:
    lake.add(folder, "d")
    rows = lake.entries("d")
    assert sorted(rows, key=lambda row: row.uid) == sorted(lake.ls("d/"), key=lambda row: row.uid)
    first = lake.entries("d/", limit=1)
    assert first + lake.entries("d", after=first[0].uid.removeprefix("d/")) == rows


def test_folders_that_are_in_no_directory_are_refused(lake: DataLake, folder: Path) -> None:
    lake.add(folder, "d")
    lake.add(folder / "z", "plain/f.txt")
    with pytest.raises(UIDNotFoundError):
        lake.entries("d/nothing/")
    with pytest.raises(UsageError, match="not in a directory"):
        lake.entries("plain/")
    with pytest.raises(UsageError, match="not in a directory"):
        lake.names("plain/")


def test_details_are_those_of_a_listing_also_from_another_machine(
    make_lake: Callable[..., DataLake], shared: str, folder: Path
) -> None:
    maker, reader = make_lake("one", remote=shared), make_lake("two", remote=shared)
    maker.add(folder, "all/d")
    maker.add_many([(folder / "z", "all/z"), (folder / "a.txt", "all/a.txt")])
    maker.add(folder / "z", "all/folder/z")
    for lake in (maker, reader):
        rows = lake.ls("all/")
        assert [row.uid for row in rows] == ["all/folder/", "all/a.txt", "all/d", "all/z"]
        assert lake.details(rows) == lake.ls("all/", details=True)
        assert lake.details(rows[2:3])[0].files == 7
    gone = reader.ls("all/")
    maker.delete("all/z")
    reader.ls("all/")
    assert [row.uid for row in reader.details(gone)] == [row.uid for row in gone]


def test_checks_say_when_bytes_were_last_compared(lake: DataLake, folder: Path) -> None:
    assert lake.checks().objects == 0
    lake.add(folder / "z", "z")
    lake.add(folder / "a.txt", "a")
    before = time.time()
    lake.verify("z")
    checks = lake.checks()
    assert checks.objects == 2
    assert lake.checks("z").newest == checks.newest > before > checks.oldest
    assert lake.checks("a").newest == checks.oldest
