"""Folders that a program fills: what cannot be stored is kept, and nothing of a lake is taken."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from directories.lakes import content, fill
from lake.tampering import object_of
from lake.unstored import kept_in
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import CreatorError, FolderRefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

forks = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture
def other(make_lake: Callable[..., DataLake], write: Callable[..., Path]) -> DataLake:
    """Another lake, with a file."""
    other = make_lake("other")
    other.add(write("precious.txt", "precious"), "sets/precious.txt")
    return other


def fill_badly(folder: Path) -> None:
    fill(folder, {"a.txt": b"hours of work"})
    (folder / "out").symlink_to("/somewhere/else")


def test_a_folder_that_is_refused_is_kept(lake: DataLake) -> None:
    with pytest.raises(FolderRefusedError, match="out") as error, Directory("d").staged() as folder:
        fill_badly(folder)
    assert (kept_in(error) / "a.txt").read_bytes() == b"hours of work"
    assert not Directory("d").exists()
    with Directory("d").staged() as folder:
        shutil.copytree(kept_in(error), folder, dirs_exist_ok=True, ignore=lambda *_: ["out"])
    assert Directory("d")["a.txt"].read_bytes() == b"hours of work"


@pytest.mark.parametrize("how", ["staged", "edit", "creator"])
def test_what_is_written_beside_the_folder_is_kept(
    lake: DataLake, tmp_path: Path, how: str
) -> None:
    fill(tmp_path / "d", {"old.txt": b"old"})
    lake.add(tmp_path / "d", "d/v1")

    def write(folder: Path) -> None:
        fill(folder, {"a.txt": b"hours of work"})
        Path(f"{folder}.crc").write_bytes(b"a checksum")

    @file_creator
    def make(output_uid: str) -> Directory:
        out = Directory(output_uid)
        with out.staged() as folder:
            write(folder)
        return out

    with pytest.raises(CreatorError, match=r"beside .*v2\.crc") as error:
        if how == "staged":
            with Directory("d/v2").staged() as folder:
                write(folder)
        elif how == "edit":
            with Directory("d/v1").edit("d/v2") as e:
                write(e._folder)
        else:
            make("d/v2")
    kept = kept_in(error)
    assert (kept / "v2/a.txt").read_bytes() == b"hours of work"
    assert (kept / "v2.crc").read_bytes() == b"a checksum"
    assert (kept / "v2/old.txt").exists() == (how == "edit")
    assert not Directory("d/v2").exists()
    assert list((lake.home / "storage/tmp").rglob("*.txt")) == []
    with Directory("d/v2").staged() as folder:
        shutil.copytree(kept / "v2", folder, dirs_exist_ok=True)
    assert Directory("d/v2")["a.txt"].read_bytes() == b"hours of work"


def test_what_a_creator_writes_and_is_refused_is_kept(lake: DataLake) -> None:
    @file_creator
    def make() -> Directory:
        out = Directory()
        with out.staged() as folder:
            fill_badly(folder)
        return out

    with pytest.raises(FolderRefusedError) as error:
        make()
    assert (kept_in(error) / "a.txt").read_bytes() == b"hours of work"


def test_an_edit_that_is_refused_is_kept(lake: DataLake, tmp_path: Path) -> None:
    fill(tmp_path / "d", {"a.txt": b"a"})
    fill_badly(tmp_path / "more")
    lake.add(tmp_path / "d", "d/v1")
    with pytest.raises(FolderRefusedError) as error, Directory("d/v1").edit("d/v2") as e:
        e.write_bytes("b.txt", b"b")
        e.add(tmp_path / "more", "more")
    assert (kept_in(error) / "b.txt").read_bytes() == b"b"
    assert not Directory("d/v2").exists()


@pytest.mark.parametrize("place", ["storage", "deep/home"])
def test_storage_of_a_lake_in_a_staged_folder_is_refused(
    lake: DataLake, other: DataLake, place: str
) -> None:
    """A program that moved it there has nothing else left of it."""
    source = other.home if place.endswith("home") else other.home / "storage"
    with (
        pytest.raises(FolderRefusedError, match="the local storage of a lake") as error,
        Directory("d").staged() as folder,
    ):
        (folder / place).parent.mkdir(exist_ok=True)
        other.close()
        shutil.move(source, folder / place)
    assert not Directory("d").exists()
    home = kept_in(error) / place
    home = home if place.endswith("home") else home.parent
    assert DataLake(home=home).file("sets/precious.txt").read_bytes() == b"precious"


def test_a_remote_in_a_staged_folder_is_refused(lake: DataLake, make_lake, shared, write) -> None:
    make_lake("one", remote=shared).add(write("a", "a"), "a")
    with pytest.raises(FolderRefusedError, match="a lake's remote"), Directory("d").staged() as d:
        shutil.copytree(Path(shared.removeprefix("file://")), d / "remote")


def test_names_that_lakes_use_are_nothing_by_themselves(lake: DataLake) -> None:
    files = {"radops.cbor": b"some program's", "config.toml": b"another's"}
    with Directory("d").staged() as folder:
        fill(folder, files)
    assert content(Directory("d").path()) == files


def test_an_edit_takes_no_data_of_a_lake(
    lake: DataLake, other: DataLake, tmp_path: Path, make_lake, shared: str, write
) -> None:
    make_lake("one", remote=shared).add(write("a", "a"), "a")
    fill(tmp_path / "d", {"a.txt": b"a"})
    fill(tmp_path / "around", {"mine.txt": b"mine"})
    shutil.copytree(other.home, tmp_path / "around/home")
    lake.add(tmp_path / "d", "d/v1")
    remote = Path(shared.removeprefix("file://"))
    with Directory("d/v1").edit("d/v2") as e:
        for source in (
            other.home,
            other.home / "storage",
            other.home / "storage/lakes",
            other.home / "storage/radops.cbor",
            lake.home / "storage/lakes",
            lake.home / "storage/radops.cbor",
            remote,
            remote / "refs",
            tmp_path / "around",
        ):
            with pytest.raises(UsageError, match=r"belongs to|holds data of lakes"):
                e.add(source, "taken")
        # The bytes of a file of a lake may get another name.
        e.add(object_of(other, "sets/precious.txt"), "object.txt")
        e.add(other.path("sets/precious.txt"), "view.txt")
    assert content(Directory("d/v2").path()) == {
        "a.txt": b"a",
        "object.txt": b"precious",
        "view.txt": b"precious",
    }


@pytest.mark.parametrize(
    "target",
    ["", "storage", "storage/radops.cbor", "config.toml", "refs", "refs/sets/precious.txt.radops"],
)
def test_links_that_are_followed_lead_into_no_lake(
    lake: DataLake, other: DataLake, tmp_path: Path, target: str
) -> None:
    (other.home / "config.toml").write_text('email = "ada@example.com"\n')
    if target.startswith("refs"):
        target = next(other.home.glob("storage/lakes/*")).relative_to(other.home) / target
    fill(tmp_path / "folder", {"inner/a.txt": b"a"})
    link = tmp_path / "folder/inner/link"
    link.symlink_to(other.home / target)
    with pytest.raises(UsageError, match="data of lakes"):
        lake.add(tmp_path / "folder", "d", follow_links=True)
    # Through a folder that is linked itself.
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer/more").symlink_to(tmp_path / "folder")
    with pytest.raises(UsageError, match="data of lakes"):
        lake.add(tmp_path / "outer", "d", follow_links=True)
    assert lake.add(tmp_path / "folder", "d", follow_links=True, exclude=["link"]).files == 1


def test_links_to_bytes_of_a_lake_are_followed(
    lake: DataLake, other: DataLake, tmp_path: Path
) -> None:
    """As programs make folders of links to paths of files."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/view.txt").symlink_to(other.path("sets/precious.txt"))
    (tmp_path / "folder/object.txt").symlink_to(object_of(other, "sets/precious.txt"))
    (tmp_path / "folder/views").symlink_to(other.path("sets/precious.txt").parent)
    lake.add(tmp_path / "folder", "d", follow_links=True)
    assert {file.inner for file in Directory("d")} == {
        "view.txt",
        "object.txt",
        "views/precious.txt",
    }
    assert {file.read_bytes() for file in Directory("d")} == {b"precious"}


def in_child(work: Callable[[], object]) -> int:
    """Run work in a forked child; return its exit status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told by the status
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("error", [None, KeyError()])
@pytest.mark.parametrize("way", ["staged", "edit"])
class TestForked:
    pytestmark = forks

    def test_a_child_leaves_a_folder_to_its_parent(
        self, error: BaseException | None, way: str, tmp_path: Path
    ) -> None:
        fill(tmp_path / "d", {"a.txt": b"a"})
        DataLake.current().add(tmp_path / "d", "base")
        block = Directory("d").staged() if way == "staged" else Directory("base").edit("d")
        entered = block.__enter__()

        def write(name: str) -> None:
            if isinstance(entered, Path):
                (entered / name).write_text(name)
            else:
                entered.write_text(name, name)

        write("half")

        def work() -> None:
            block.__exit__(None if error is None else type(error), error, None)

        assert in_child(work) == 0
        assert not Directory("d").exists()
        write("whole")
        block.__exit__(None, None, None)
        assert {"half", "whole"} <= {file.inner for file in Directory("d")}


def test_a_folder_written_as_a_file_names_the_way(lake: DataLake) -> None:
    with (
        pytest.raises(Exception, match="a folder was written") as error,
        File("z").staged() as path,
    ):
        path.mkdir()
    assert "Directory('z').staged()" in error.value.hint
