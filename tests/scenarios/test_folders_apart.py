"""Local storage and remote are never one folder, nor one inside the other, by whatever path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.config import create_context, preview, set_values
from radops.data_lake import DataLake
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(make_lake, write, tmp_path: Path) -> Path:
    lake = make_lake("home")
    lake.add(write("a.txt", "a"))
    return tmp_path / "home"


def everything(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if "catalog.sqlite" not in path.name}


@pytest.mark.parametrize("through_link", [False, True])
@pytest.mark.parametrize("place", ["storage", "storage/objects", "storage/new", "", ".."])
def test_a_remote_that_meets_the_storage_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, through_link: bool
) -> None:
    monkeypatch.setenv("RADOPS_HOME", str(home))
    target = (home / place).resolve()
    if through_link:
        link = tmp_path.with_name(tmp_path.name + "-link")
        link.symlink_to(target, target_is_directory=True)
        target = link
    before = everything(home)
    url = target.as_uri()
    for refused in (
        lambda: DataLake(home=home, remote=url).ls(),
        lambda: DataLake(home=home, remote=url).gc(dry_run=False, grace=0),
        lambda: DataLake(home=home, remote=url, offline=True).ls(),
        lambda: create_context("second", {"remote": url}, home=home),
        lambda: set_values({"remote": url}, home=home),
        lambda: preview("second", {"remote": url}, home=home),
    ):
        with pytest.raises(InvalidConfigError, match=r"one folder|inside|local storage"):
            refused()
    assert everything(home) == before
    assert DataLake(home=home).file("a.txt").read_text() == "a"


def test_another_homes_storage_is_no_remote(home: Path, tmp_path: Path) -> None:
    for place in ("storage", "storage/lakes", "storage/objects"):
        remote = (home / place).as_uri()
        with pytest.raises(InvalidConfigError, match="local storage"):
            DataLake(home=tmp_path / "other", remote=remote).ls()


def test_a_remote_is_no_local_storage(make_lake, shared: str, write, tmp_path: Path) -> None:
    make_lake("one", remote=shared).add(write("a.txt", "a"))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "storage").symlink_to(tmp_path / "shared", target_is_directory=True)
    with pytest.raises(InvalidConfigError, match="remote of a lake"):
        make_lake("two").ls()
    with pytest.raises(InvalidConfigError, match="inside a lake's remote"):
        make_lake("three", remote=(tmp_path / "shared" / "objects").as_uri()).ls()


def test_folders_beside_each_other_are_fine(make_lake, write, tmp_path: Path) -> None:
    """Also a remote inside the home's folder but outside its storage."""
    (tmp_path / "home" / "remote").mkdir(parents=True)
    lake = make_lake("home", remote=(tmp_path / "home" / "remote").as_uri())
    lake.add(write("a.txt", "a"))
    assert make_lake("other", remote=lake.remote_url).file("a.txt").read_text() == "a"
