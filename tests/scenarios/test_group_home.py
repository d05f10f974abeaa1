"""Homes of groups: two members with their own users, whatever their umask."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from privileges import ADA, BOB, GROUP, OTHERS, STRANGER, as_user
from radops.config import resolve
from radops.data_lake import DataLake, check_remote
from radops.errors import LocalStorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32" or os.geteuid() != 0, reason="needs the right to be other users"
    ),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="radops-group-"))
    folder.chmod(0o755)
    (folder / "home").mkdir()
    os.chown(folder / "home", ADA, GROUP)
    (folder / "home").chmod(0o2775)
    (folder / "outside").mkdir()
    (folder / "outside").chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def warm_up(place: Path) -> None:
    """Import what commands import late: another user may not be able to read this Python."""
    lake = DataLake(home=place / "warm")
    (place / "outside/w").write_text("w")
    lake.add(place / "outside/w", "w")
    lake.path("w")
    lake.verify()
    lake.gc(dry_run=False)
    lake.delete("w")
    lake.close()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_two_members_of_a_group_share_a_home(place: Path, umask: int) -> None:
    warm_up(place)
    home = place / "home"
    (home / "config.toml").write_text('shared = "group"\n')

    def add(name: str) -> None:
        source = place / "outside" / name
        source.write_text(f"of {name}")
        lake = DataLake(home=home)
        lake.add(source, f"data/{name}")
        assert lake.path(f"data/{name}").read_text() == f"of {name}"
        lake.close()

    def use(theirs: str, mine: str) -> None:
        lake = DataLake(home=home)
        assert lake.file(f"data/{theirs}").read_text() == f"of {theirs}"
        assert lake.path(f"data/{theirs}").read_text() == f"of {theirs}"
        add(mine)
        moved = place / "outside" / f"{mine}-moved"
        moved.write_text("moved")
        assert lake.add(moved, f"moved/{mine}", move=True).source_left is None
        assert lake.verify().ok
        # The catalogue is shared: what one member verified, the other need not read again.
        assert lake.session.store.catalog.file.path.stat().st_mode & 0o060 == 0o060
        assert lake.session.store.catalog.file.path.exists()
        (row,) = lake.session.store.catalog.file.run(
            lambda connection: connection.execute("PRAGMA database_list").fetchall(), []
        )
        assert row[2].endswith("catalog.sqlite")
        lake.close()

    def clean_up() -> None:
        lake = DataLake(home=home)
        lake.delete("data/ada")
        lake.delete("data/bob")
        assert [one.uid for one in lake.ls("data/")] == ["data/ada2"]
        lake.gc(dry_run=False)
        lake.close()

    as_user(ADA, GROUP, umask, lambda: add("ada"))
    as_user(BOB, GROUP, umask, lambda: use("ada", "bob"))
    as_user(ADA, GROUP, umask, lambda: use("bob", "ada2"))
    as_user(BOB, GROUP, umask, clean_up)
    for path in (home / "storage").rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            assert mode & 0o2070 == 0o2070, path


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_home_of_one_person_is_readable_to_that_person_only(place: Path, umask: int) -> None:
    warm_up(place)
    home = place / "outside/ada-home"

    def add() -> None:
        source = place / "outside/secret"
        source.write_text("secret")
        source.chmod(0o600)
        lake = DataLake(home=home)
        lake.add(source, "secret")
        lake.path("secret")
        lake.close()

    as_user(ADA, GROUP, umask, add)
    assert stat.S_IMODE((home / "storage").stat().st_mode) == 0o700
    objects = [path for path in (home / "storage/objects").rglob("*") if path.is_file()]
    assert objects
    for path in objects:
        assert stat.S_IMODE(path.stat().st_mode) == 0o400

    def peek() -> None:
        for path in objects:
            with pytest.raises(PermissionError):
                path.read_bytes()

    as_user(STRANGER, OTHERS, umask, peek)


@pytest.mark.parametrize(("mode", "expected"), [(0o755, 0o444), (0o750, 0o440), (0o700, 0o400)])
def test_objects_are_as_readable_as_the_home(tmp_path: Path, mode: int, expected: int) -> None:
    storage = tmp_path / "home/storage"
    storage.mkdir(parents=True)
    storage.chmod(mode)
    (tmp_path / "a").write_text("a")
    lake = DataLake(home=tmp_path / "home")
    lake.add(tmp_path / "a", "a")
    lake.file("b").write_text("b")
    for path in (storage / "objects").rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == expected
    lake.close()


def test_the_check_tells_who_can_read_a_home(tmp_path: Path) -> None:
    settings = resolve(home=tmp_path / "home")
    storage = tmp_path / "home/storage"

    def said() -> str:
        return " ".join(step.message for step in check_remote(settings) if step.name == "home")

    assert said() == ""
    storage.mkdir(parents=True)
    for mode, words in ((0o755, "by everyone"), (0o750, "by its group"), (0o700, "")):
        storage.chmod(mode)
        assert words in said()
        assert bool(said()) == bool(words)
    storage.chmod(0o755)
    assert "by everyone" in said()
    shared = replace(settings, shared="group")
    assert [step.name for step in check_remote(shared)] == ["remote"]


def test_a_home_that_can_only_be_read(place: Path) -> None:
    """Reading works; writing says so at once, with the path of the home."""
    warm_up(place)
    home = place / "outside/home"
    (place / "outside/a").write_text("a")
    lake = DataLake(home=home)
    lake.add(place / "outside/a", "a")
    lake.add(place / "outside/w", "b")
    lake.path("a")
    lake.close()
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)

    def use() -> None:
        lake = DataLake(home=home)
        assert [one.uid for one in lake.ls()] == ["a", "b"]
        assert lake.file("b").read_text() == "w"
        assert lake.path("a").read_text() == "a"
        assert lake.verify().ok
        for write in (
            lambda: lake.add(place / "outside/a", "c"),
            lambda: lake.file("c").write_text("c"),
            lambda: lake.delete("a"),
            lambda: lake.path("b"),
        ):
            with pytest.raises(LocalStorageError) as caught:
                write()
            assert str(caught.value) == f"{home}/storage: Permission denied"
        lake.close()

    as_user(STRANGER, OTHERS, 0o022, use)
