"""What a directory holds: single files, folders, and many files at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill, many
from lakes import clean_environment, lake, make_lake, shared  # noqa: F401
from radops.data_lake import DataLake, Directory, File
from radops.errors import InvalidUIDError, UIDNotFoundError
from radops.format.digest import Digest
from radops.lake.directory import stored_order
from radops.repository.trees.entries import FILE, Entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def images(lake: DataLake, tmp_path: Path) -> Directory:  # noqa: F811
    folder = tmp_path / "in"
    fill(folder, {"a/1.txt": b"one", "a/b/2.txt": b"two", "[x]/3.txt": b"three", "4.txt": b""})
    (folder / "empty").mkdir()
    os.symlink("a/1.txt", folder / "link.txt")
    lake.add(folder, "images/v1")
    return Directory("images/v1")


def test_files_and_folders_of_a_folder(images: Directory) -> None:
    folders, files = images.scan()
    assert folders == ["[x]", "a", "empty"]
    assert [(file.inner, file.size) for file in files] == [("4.txt", 0), ("link.txt", 3)]
    assert files[1].read_bytes() == b"one"
    assert files[1].digest() == images["a/1.txt"].digest()
    folders, files = images.scan("a/")
    assert (folders, [file.uid for file in files]) == (["b"], ["images/v1/a/1.txt"])
    assert images.scan("nothing") == images.scan("4.txt") == ([], [])


def test_finding(images: Directory) -> None:
    found = images.find("a/b/2.txt")
    assert found == File("images/v1/a/b/2.txt")
    assert found.read_bytes() == b"two"
    assert [images.find(path) for path in ("a", "a/2.txt", "", "../x")] == [None] * 4
    assert [images.is_folder(path) for path in ("", "a", "a/b/", "empty")] == [True] * 4
    assert [images.is_folder(path) for path in ("4.txt", "b", "a/1.txt")] == [False] * 3


def test_all_files_below_a_folder(images: Directory) -> None:
    assert [file.inner for file in images.below("a")] == ["a/1.txt", "a/b/2.txt"]
    assert [file.inner for file in images.below("[x]")] == ["[x]/3.txt"]
    assert len(list(images.below())) == 4
    assert list(images.below("nothing")) == []


def test_many_files_by_path(images: Directory) -> None:
    wanted = ["link.txt", "a/b/2.txt", "a/1.txt", "4.txt", "a/1.txt"]
    assert dict(images.read_files(wanted)) == {
        "link.txt": b"one", "a/b/2.txt": b"two", "a/1.txt": b"one", "4.txt": b"",
    }  # fmt: skip
    assert list(images.read_files([])) == []
    with pytest.raises(UIDNotFoundError, match=r"no file a/3\.txt"):
        list(images.read_files(["a/1.txt", "a/3.txt"]))


def test_many_files_from_a_remote_in_small_windows(
    make_lake,  # noqa: F811
    shared: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    files = many(200)
    fill(tmp_path / "in", files)
    make_lake("writer", remote=shared).add(tmp_path / "in", "data")
    reader = make_lake("reader", remote=shared)
    wanted = list(files)[::3]
    found = dict(Directory("data", lake=reader).read_files(reversed(wanted), window="20kB"))
    assert found == {path: files[path] for path in wanted}


def test_only_pages_that_tell_of_what_is_read_are_fetched(
    make_lake,  # noqa: F811
    shared: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    files = many(9000, size=10)
    fill(tmp_path / "in", files)
    first = make_lake("writer", remote=shared)
    first.add(tmp_path / "in", "data")

    def here(name: str) -> int:
        return sum(path.is_file() for path in (tmp_path / name / "storage/objects").rglob("*"))

    everything = here("writer")
    assert everything >= 12  # root, layout, source list, pack, and several pages twice
    path = next(iter(files))
    reader = Directory("data", lake=make_lake("reader", remote=shared))
    assert list(reader.read_files([])) == []
    assert here("reader") == 0
    assert dict(reader.read_files([path])) == {path: files[path]}
    assert here("reader") == 4  # root, layout, page and layout page
    reader = Directory("data", lake=make_lake("another", remote=shared))
    assert len(dict(reader.read("f0/0000*"))) == 15
    assert here("another") == 6  # and the pack, with the source list that names it


def test_very_many_tiny_files_are_no_single_window() -> None:
    """A window is counted in bytes, and these have none."""
    nothing = Digest.of(b"")
    entries = (Entry(f"{number:06}", FILE, 0, nothing, None) for number in range(200_000))
    counts = [len(files) for files in stored_order._windows(entries, 64_000_000)]
    assert sum(counts) == 200_000
    assert max(counts) <= 50_000


def test_of_some_paths_the_pages_that_tell_of_them_are_fetched(
    make_lake,  # noqa: F811
    shared: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    files = many(12_000, size=8)
    fill(tmp_path / "in", files)
    make_lake("writer", remote=shared).add(tmp_path / "in", "data")

    def fetched(name: str, *paths: str) -> int:
        reader = make_lake(name, remote=shared)
        Directory("data", lake=reader).fetch_contents(paths)
        return sum(path.is_file() for path in (reader.home / "storage" / "objects").rglob("*"))

    everything = fetched("all")
    assert everything >= 2 + 2 * 3  # root, layout, and pages with their layout pages
    folder = sorted(path for path in files if path.startswith("f3/"))
    assert fetched("one", folder[0]) == 2 + 2
    # A thousand paths are more than pages, and all in one folder.
    assert 2 + 2 <= fetched("folder", *folder[:1000]) < everything
    assert fetched("scattered", *list(files)[::5]) == everything
    reader = make_lake("reader", remote=shared)
    found = dict(Directory("data", lake=reader).read_files(folder[:1000]))
    assert found == {path: files[path] for path in folder[:1000]}


def test_locating(images: Directory, lake: DataLake) -> None:  # noqa: F811
    File("notes/a.txt").write_text("a")
    located = lake.locate("notes/a.txt")
    assert (located.named.uid, located.inner) == ("notes/a.txt", "")
    assert isinstance(located.named, File)
    located = lake.locate("images/@latest/a/1.txt")
    assert (located.named.uid, located.inner) == ("images/v1", "a/1.txt")
    assert lake.locate("images/v1").named.digest() == images.digest()
    assert lake.locate("images/v1/no/such").inner == "no/such"  # it is not looked at
    assert lake.locate("notes") is None
    assert lake.locate("other") is None
    with pytest.raises(InvalidUIDError):
        lake.locate("a:b")


def test_a_lake_is_opened_again_by_its_options(lake: DataLake, make_lake) -> None:  # noqa: F811
    assert lake.options == {"home": str(lake.home)}
    File("a").write_text("a")
    again = DataLake(**lake.options)
    assert again.lake_id == lake.lake_id
    again.close()
    assert DataLake.of(File("a")).home == lake.home
    offline = make_lake("x", offline=True)
    assert offline.options == {"home": str(offline.home), "offline": True}
    assert DataLake.of(offline.file("a")) is offline
