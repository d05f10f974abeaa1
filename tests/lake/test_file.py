"""`File`: reading, writing, and what is refused."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import warnings
from pathlib import Path

import pytest

from radops.data_lake import DataLake, File
from radops.errors import (
    CreatorError,
    InvalidUIDError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)


def stored_files(lake: DataLake) -> set[str]:
    """Return what lies in the home, but for bookkeeping."""
    storage = lake.home / "storage"
    return {
        str(path.relative_to(storage))
        for part in ("objects", "tmp", "lakes")
        for path in (storage / part).rglob("*")
        if path.is_file() and "locks" not in path.parts
    }


def test_text_comes_back(lake: DataLake) -> None:
    with File("notes/a.txt").open("w") as stream:
        stream.write("hällo\n")
    assert File("notes/a.txt").read_text() == "hällo\n"
    assert File("notes/a.txt").read_bytes() == "hällo\n".encode()
    with File("notes/a.txt").open() as stream:
        assert stream.read() == "hällo\n"


def test_line_ends_are_written_as_they_are(lake: DataLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "linesep", "\r\n")
    File("a").write_text("1\n2\r\n")
    assert File("a").read_bytes() == b"1\n2\r\n"


@pytest.mark.parametrize("mode", ["wb", "xb"])
def test_bytes_come_back(lake: DataLake, mode: str) -> None:
    data = bytes(range(256)) * 5000
    with File("a.bin").open(mode) as stream:
        stream.write(data)
    assert File("a.bin").read_bytes() == data
    with File("a.bin").open("rb") as stream:
        assert stream.read() == data


def test_an_empty_file_is_a_file(lake: DataLake) -> None:
    File("empty").write_bytes(b"")
    assert File("empty").read_bytes() == b""
    assert File("empty").info().size == 0


def test_a_file_of_several_blocks_comes_back(lake: DataLake) -> None:
    data = os.urandom(3 * (1 << 20) + 17)
    File("large").write_bytes(data)
    assert File("large").path().read_bytes() == data
    (outline,) = (lake.home / "storage/outlines").rglob("*/*")
    assert outline.stat().st_size == 4 * 32


def test_an_error_in_the_block_discards(lake: DataLake) -> None:
    with pytest.raises(ZeroDivisionError), File("a").open("w") as stream:
        stream.write("half")
        1 / 0  # noqa: B018
    assert not File("a").exists()
    assert stored_files(lake) == set()
    File("a").write_text("whole")


def test_close_without_a_block_discards_and_says_so(lake: DataLake) -> None:
    stream = File("a").open("w")
    stream.write("half")
    with pytest.warns(ResourceWarning, match="not published"):
        stream.close()
    assert not File("a").exists()
    assert stored_files(lake) == set()


def test_a_stream_that_is_forgotten_discards(lake: DataLake) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        File("a").open("wb").write(b"half")
        gc.collect()
    assert not File("a").exists()


def test_closing_inside_the_block_discards(lake: DataLake) -> None:
    with pytest.warns(ResourceWarning), File("a").open("w") as stream:
        stream.write("x")
        stream.close()
    assert not File("a").exists()


def test_writing_a_name_that_stands_is_refused_before_a_byte(lake: DataLake) -> None:
    File("a").write_text("1")
    with pytest.raises(UIDConflictError, match="exists already"):
        File("a").open("w")
    with pytest.raises(FileExistsError):
        File("a").write_text("1")
    assert not list((lake.home / "storage/tmp").glob("*.*"))


def test_a_file_is_no_folder_and_a_folder_no_file(lake: DataLake) -> None:
    File("a").write_text("1")
    File("b/c/d").write_text("2")
    with pytest.raises(UIDConflictError, match="a is a file"):
        File("a/b").write_text("x")
    with pytest.raises(UIDConflictError, match="b/c is a folder"):
        File("b/c").write_text("x")
    with pytest.raises(UIDConflictError, match="b is a folder"):
        File("b").write_text("x")


def test_reading_what_is_not_there_suggests_names(lake: DataLake) -> None:
    File("datasets/train.csv").write_text("1")
    with pytest.raises(UIDNotFoundError) as caught:
        File("datasets/trian.csv").read_text()
    assert caught.value.hint is not None
    assert "datasets/train.csv" in caught.value.hint
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.exit_code == 3


def test_paths_keep_name_and_extension(lake: DataLake) -> None:
    File("sets/a.csv").write_text("x,y\n")
    path = File("sets/a.csv").path()
    assert path.name == "a.csv"
    assert path == File("sets/a.csv").download()
    assert Path(File("sets/a.csv")).read_text() == "x,y\n"  # os.PathLike
    assert not os.access(path, os.W_OK) or os.geteuid() == 0


def test_a_view_that_was_written_through_is_remade(lake: DataLake) -> None:
    File("a.csv").write_text("right")
    path = File("a.csv").path()
    path.chmod(0o644)
    path.write_text("wrong")
    assert File("a.csv").read_text() == "right" or os.geteuid() != 0
    if os.geteuid() == 0:
        assert File("a.csv").path().read_text() == "right"


def test_staged_gives_a_path_with_the_files_name(lake: DataLake) -> None:
    with File("sets/a.parquet").staged() as path:
        assert path.name == "a.parquet"
        path.write_bytes(b"PAR1")
    assert File("sets/a.parquet").read_bytes() == b"PAR1"
    assert not any(path.is_dir() for path in (lake.home / "storage/tmp").iterdir())


def test_staged_discards_on_an_error(lake: DataLake) -> None:
    with pytest.raises(KeyError), File("a").staged() as path:
        path.write_text("half")
        raise KeyError
    assert not File("a").exists()
    assert stored_files(lake) == set()


def test_staged_without_a_file_is_an_error(lake: DataLake) -> None:
    with pytest.raises(CreatorError, match="nothing was written"), File("a").staged():
        pass
    assert stored_files(lake) == set()


@pytest.mark.parametrize("mode", ["a", "r+", "w+", "", "rw", "U"])
def test_other_modes_are_refused(lake: DataLake, mode: str) -> None:
    with pytest.raises(UsageError, match="mode"):
        File("a").open(mode)


def test_binary_takes_no_encoding(lake: DataLake) -> None:
    with pytest.raises(UsageError):
        File("a").open("wb", encoding="utf-8")


def test_names_are_checked_at_once() -> None:
    with pytest.raises(InvalidUIDError):
        File("../a")


def test_reserved_names_cannot_be_written(lake: DataLake) -> None:
    with pytest.raises(InvalidUIDError):
        File(".generated_uids/x").write_text("1")


def test_a_file_without_a_name_needs_a_creator() -> None:
    with pytest.raises(CreatorError, match="needs a UID"):
        File()


def test_files_are_hashable_and_can_be_pickled(make_lake) -> None:
    lake = make_lake()
    assert File("a") == File("a")
    assert File("a") != File("b")
    assert len({File("a"), File("a"), File("b")}) == 2
    assert pickle.loads(pickle.dumps(File("a"))) == File("a")
    there = pickle.loads(pickle.dumps(lake.file("a")))
    assert there == lake.file("a")
    assert there != File("a")
    assert there.session.settings.home == lake.home


def test_asking_makes_nothing(lake: DataLake) -> None:
    assert not File("a").exists()
    assert lake.ls() == []
    assert not lake.home.exists()


def test_deleting_frees_the_name_for_other_bytes(lake: DataLake) -> None:
    File("a").write_text("1")
    assert File("a").delete() == ["a"]
    assert not File("a").exists()
    assert lake.ls() == []
    with pytest.raises(UIDNotFoundError):
        File("a").delete()
    File("a").write_text("2")
    assert File("a").read_text() == "2"
    File("a").delete()
    File("a").write_text("3")
    assert File("a").read_text() == "3"
    assert [row.uid for row in lake.ls()] == ["a"]


def test_name_suffix_and_order() -> None:
    file = File("sets/train.tar.gz")
    assert (file.name, file.suffix) == ("train.tar.gz", ".gz")
    assert File("a/b").suffix == ""
    assert sorted([File("b"), File("a/c"), File("a")]) == [File("a"), File("a/c"), File("b")]
    assert File("a") <= File("a") < File("b")
    with pytest.raises(TypeError):
        assert File("a") < "b"


@pytest.mark.parametrize("name", ["read", "seek", "resolve", "joinpath", "decode", "write"])
def test_what_libraries_look_for_is_answered_with_what_to_give_them(name: str) -> None:
    file = File("a")
    assert not hasattr(file, name)
    with pytest.raises(AttributeError, match=r"f\.path\(\).*f\.open\(\)"):
        getattr(file, name)
    with pytest.raises(AttributeError) as caught:
        file.nonsense  # noqa: B018
    assert str(caught.value) == "File has no attribute 'nonsense'"


def test_a_memory_map_is_made_of_the_path(lake: DataLake) -> None:
    numpy = pytest.importorskip("numpy")
    with File("a.npy").staged() as path:
        numpy.save(path, numpy.arange(4))
    assert numpy.load(File("a.npy").path(), mmap_mode="r").sum() == 6
    with pytest.raises(AttributeError, match=r"f\.path\(\)"):
        numpy.memmap(File("a.npy"), mode="r")


def test_copies_are_the_same_file(lake: DataLake) -> None:
    file = File("a")
    assert copy.copy(file) is file
    assert copy.deepcopy([file])[0] is file
