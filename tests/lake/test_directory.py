"""`Directory` and its files, on the machine that added them and on another."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import pytest

from directories.lakes import LARGE, content, fill
from radops.data_lake import DataLake, Directory, File
from radops.errors import (
    InvalidUIDError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILES = {
    "cats/1.jpg": b"one",
    "cats/2.jpg": b"two",
    "cats/sub/3.png": b"three",
    "dogs/1.jpg": b"one",
    "empty.txt": b"",
    "large.bin": os.urandom(LARGE),
    "od[d]/a*b?: \\@.txt": b"odd",
    "-dash.radops": b"dash",
    "caf\u00e9/\u00e9.txt": b"composed",
    "nfd/e\u0301.txt": b"decomposed",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    fill(path, FILES)
    (path / "void").mkdir()
    (path / "link").symlink_to("cats/1.jpg")
    (path / "all-cats").symlink_to("cats")
    return path


@pytest.fixture(params=["here", "elsewhere"])
def d(
    request: pytest.FixtureRequest,
    make_lake: Callable[..., DataLake],
    folder: Path,
    shared: str,
) -> Iterator[Directory]:
    """A directory, where it was added and on a second machine."""
    first = make_lake("first", remote=shared)
    first.add(folder, "images/v1")
    lake = first if request.param == "here" else make_lake("second", remote=shared)
    with lake.use():
        yield Directory("images/v1")


def test_it_knows_what_it_is(d: Directory) -> None:
    assert len(d) == d.files == len(FILES)
    assert d.bytes == sum(map(len, FILES.values()))
    assert d.exists()
    assert not Directory("images/v9").exists()
    info = d.info()
    assert (info.type, info.files, info.bytes) == ("directory", len(FILES), d.bytes)
    assert (info.digest, info.source) == (d.digest(), "images")


def test_all_files_are_found_and_read(d: Directory) -> None:
    found = {file.inner: file for file in d}
    assert list(found) == sorted(FILES, key=str.encode)
    for path, data in FILES.items():
        assert found[path].size == len(data)
        assert found[path].read_bytes() == data
        assert d[path] == found[path]
        assert path in d
    assert (d / "cats/1.jpg").read_text() == "one"


def test_files_are_named_by_the_directory_and_their_path(d: Directory) -> None:
    for path, data in FILES.items():
        file = File(f"images/v1/{path}")
        assert file.exists()
        assert (file.inner, file.size, file.read_bytes()) == (path, len(data), data)
    with File("images/v1/cats/2.jpg").open() as stream:
        assert stream.read() == "two"
    assert File("images/v1/cats/2.jpg").inner == "cats/2.jpg"
    assert File("elsewhere.txt").inner is None


def test_links_are_followed(d: Directory) -> None:
    assert d["link"].read_bytes() == b"one"
    assert File("images/v1/all-cats/sub/3.png").read_bytes() == b"three"
    assert "all-cats" not in d


def test_a_path_in_another_normal_form_is_the_same(d: Directory) -> None:
    assert d["cafe\u0301/e\u0301.txt"].read_bytes() == b"composed"
    assert d["nfd/\u00e9.txt"].read_bytes() == b"decomposed"


def test_folders_are_listed_and_walked(d: Directory) -> None:
    assert d.ls("cats") == d.ls("cats/") == ["1.jpg", "2.jpg", "sub/"]
    assert d.ls() == sorted(
        [
            *("-dash.radops", "all-cats", "cats/", "caf\u00e9/", "dogs/", "empty.txt"),
            *("large.bin", "link", "nfd/", "od[d]/", "void/"),
        ],
        key=str.encode,
    )
    assert d.ls("void") == []
    walked = {top: (folders, files) for top, folders, files in d.walk()}
    assert walked["cats"] == (["sub"], ["1.jpg", "2.jpg"])
    assert walked["void"] == ([], [])
    assert [file.inner for file in d.glob("*/*.jpg")] == ["cats/1.jpg", "cats/2.jpg", "dogs/1.jpg"]
    assert [file.inner for file in d.glob("cats", "dogs/**")] == [
        "cats/1.jpg",
        "cats/2.jpg",
        "cats/sub/3.png",
        "dogs/1.jpg",
    ]
    assert list(d.glob("*.none")) == []


@pytest.mark.parametrize("window", [1, "3B", "64MB", "1GiB"])
def test_many_files_are_read_in_stored_order(d: Directory, window: str | int) -> None:
    assert dict(d.read(window=window)) == FILES
    assert dict(d.read("cats/**", window=window)) == {
        path: data for path, data in FILES.items() if path.startswith("cats/")
    }


def test_paths_keep_names_and_cannot_be_written(d: Directory) -> None:
    path = d["cats/1.jpg"].path()
    assert (path.name, path.read_bytes()) == ("1.jpg", b"one")
    assert path.stat().st_mode & 0o222 == 0
    assert d["large.bin"].path().read_bytes() == FILES["large.bin"]
    assert d["od[d]/a*b?: \\@.txt"].path().read_bytes() == b"odd"


def test_a_folder_of_it_is_read_only_and_made_once(d: Directory) -> None:
    path = d.path()
    assert content(path) == {**FILES, "link": b"one"}
    assert path.name == "v1"
    for one in [path, *path.rglob("*")]:
        if not one.is_symlink():
            assert one.stat().st_mode & 0o222 == 0
    before = (path / "cats/1.jpg").stat().st_ino
    assert os.fspath(d) == str(d.path()) == str(path)
    assert (path / "cats/1.jpg").stat().st_ino == before
    some = d.path("cats/*.jpg", "dogs")
    assert content(some) == {
        path: FILES[path] for path in ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg")
    }
    assert d.is_local()


def test_a_download_brings_it_here(d: Directory) -> None:
    d.download("cats")
    assert d["cats/1.jpg"].is_local()
    d.download()
    assert d.is_local()
    assert d["large.bin"].is_local()


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("cats/11.jpg", "no file cats/11.jpg in the directory images/v1", "images/v1/cats/1.jpg"),
        ("Cats/1.jpg", "no file Cats/1.jpg", "images/v1/cats"),
        ("cats", "cats is a folder of the directory images/v1", "ls images/v1/cats/"),
        ("void", "void is a folder", "ls"),
        ("nothing/at/all", "no file nothing/at/all", "ls images/v1/"),
        ("../v1/cats/1.jpg", "empty, . or ..", None),
        ("/etc/passwd", "empty, . or ..", None),
        ("cats//1.jpg", "empty, . or ..", None),
        ("x" * 2000, "too long", None),
    ],
)
def test_what_is_no_file_of_it_is_told(
    d: Directory, path: str, message: str, hint: str | None
) -> None:
    assert path not in d
    with pytest.raises(UIDNotFoundError) as error:
        d[path]
    assert message in error.value.message
    assert (hint or "") in (error.value.hint or "")


def test_a_folder_that_it_does_not_have_is_told(d: Directory) -> None:
    with pytest.raises(UIDNotFoundError, match="no folder catz") as error:
        d.ls("catz")
    assert "images/v1/cats/" in str(error.value.hint)
    with pytest.raises(UIDNotFoundError, match="is a file, not a folder"):
        d.ls("cats/1.jpg")
    with pytest.raises(UsageError, match="pattern"):
        list(d.glob("[a"))
    with pytest.raises(UsageError, match="window"):
        d.read(window="many")


def test_files_and_directories_are_not_taken_for_each_other(d: Directory) -> None:
    with pytest.raises(UsageError, match="images/v1 is a directory, not a file"):
        File("images/v1").read_bytes()
    with pytest.raises(UsageError, match="images/v1 is a directory"):
        File("images/v1").path()
    assert not File("images/v1").exists()
    with File("one.txt").open("w") as stream:
        stream.write("1")
    with pytest.raises(UsageError, match=r"one.txt is a file, not a directory"):
        len(Directory("one.txt"))
    with pytest.raises(UIDNotFoundError):
        len(Directory("images/v7"))
    with pytest.raises(UIDNotFoundError, match=r"no file or directory one.txt/x"):
        File("one.txt/x").read_bytes()


def test_nothing_in_it_can_be_written_or_deleted(d: Directory) -> None:
    for name in ("cats/1.jpg", "new.txt"):
        with pytest.raises(UIDConflictError):
            File(f"images/v1/{name}").write_text("x")
    with pytest.raises(InvalidUIDError):
        File("images/v1/a*b").write_text("x")
    with pytest.raises(UsageError, match="in the directory images/v1, which never changes"):
        File("images/v1/cats/1.jpg").delete()
    assert len(d) == len(FILES)


def test_names_that_no_directory_can_hold_are_refused_at_once() -> None:
    for name in ("a*b", "a//b", "/a/b", "a/../b", "a/b/"):
        with pytest.raises(InvalidUIDError):
            File(name)
    with pytest.raises(InvalidUIDError):
        Directory("a/b*")


def test_it_travels(d: Directory) -> None:
    again = pickle.loads(pickle.dumps(d))
    assert (again, len(again)) == (d, len(d))
    file = pickle.loads(pickle.dumps(d["cats/1.jpg"]))
    assert (file.inner, file.read_bytes()) == ("cats/1.jpg", b"one")
    assert {d, Directory("images/v1")} == {d}
    assert d != File("images/v1")
    assert min(Directory("b"), Directory("a")).uid == "a"


def test_the_lake_answers_for_parts_of_it(d: Directory) -> None:
    lake = DataLake.current()
    paths = lake.download("images/v1/cats/1.jpg", "images/v1/dogs/", "images/v1/cats/**/*.png")
    assert [path.read_bytes() for path in paths.values()] == [b"one"]
    assert lake.path("images/v1/cats/2.jpg").read_bytes() == b"two"
    assert content(lake.path("images/v1")) == content(d.path())
    info = lake.info("images/v1/cats/2.jpg")
    assert (info.uid, info.size, info.directory) == ("images/v1/cats/2.jpg", 3, "images/v1")
    for target in ("images/v1/*.zip", "images/v1/nope/", "images/v1/nope"):
        with pytest.raises(UIDNotFoundError):
            lake.download(target)
    assert lake.download("images/v1") == {}
    assert lake.local_path("images/v1/large.bin") is not None
    with pytest.raises(UsageError, match="URL"):
        lake.presigned_url("images/v1")


def test_copies_go_with_the_local_bytes(
    make_lake: Callable[..., DataLake], folder: Path, shared: str, tmp_path: Path
) -> None:
    lake = make_lake("home", remote=shared)
    lake.add(folder, "images/v1")
    d = lake.directory("images/v1")
    paths = [d.path(), d.path("cats"), d["cats/1.jpg"].path(), d["large.bin"].path()]
    assert all(path.exists() for path in paths)
    d.delete_local()
    assert not any(path.exists() for path in paths)
    assert not d.is_local()
    assert d["cats/1.jpg"].path().read_bytes() == b"one"


def test_one_folder_of_very_many_costs_little(
    make_lake: Callable[..., DataLake], tmp_path: Path
) -> None:
    """Listing and comparing read names and pages that are asked for, not every file."""
    lake = make_lake()
    top = tmp_path / "top"
    for number in range(100):
        (top / f"{number:03}").mkdir(parents=True)
        for other in range(100):
            (top / f"{number:03}/{other:03}").write_bytes(b"%d" % (number * other))
    lake.add(top, "v1")
    (top / "050/new").write_bytes(b"new")
    lake.add(top, "v2")
    first, second = lake.directory("v1"), lake.directory("v2")
    assert len(first.ls()) == 100
    assert len(first.ls("050")) == 100
    found = first.diff(second)
    assert [entry.path for entry in found.added] == ["050/new"]
    assert (found.removed, found.changed, found.moved) == ((), (), ())


def test_a_table_of_contents_of_many_pages_is_listed_elsewhere(
    make_lake: Callable[..., DataLake], tmp_path: Path, shared: str
) -> None:
    """Each folder's first page is found missing only after that of the folder before it came."""
    names = [f"{n % 30:02}/{n}" for n in range(15_000)]
    fill(tmp_path / "wide", dict.fromkeys(names, b"x"))
    make_lake("first", remote=shared).add(tmp_path / "wide", "wide/v1")
    with make_lake("second", remote=shared).use():
        d = Directory("wide/v1")
        assert d.ls() == [f"{n:02}/" for n in range(30)]
        assert len(d.ls("29")) == 500
