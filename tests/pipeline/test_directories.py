"""Creators that take and make directories, and files in them."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import ArgumentTypeError, CreatorError, UIDConflictError, UIDNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNS: list[str] = []


@file_creator
def upper(images: Directory, *, suffix: str = "") -> Directory:
    RUNS.append(images.uid)
    out = Directory()
    with out.staged() as folder:
        for path, data in images.read():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data.upper() + suffix.encode())
    return out


@file_creator
def measure(image: File) -> File:
    RUNS.append(str(image.inner))
    out = File()
    out.write_text(str(len(image.read_bytes())))
    return out


@file_creator
def split(images: Directory) -> tuple[Directory, File]:
    out, listing = Directory(), File(suffix=".txt")
    with out.staged() as folder:
        (folder / "first").write_bytes(next(iter(images)).read_bytes())
    listing.write_text("\n".join(str(file.inner) for file in images))
    return out, listing


@file_creator
def looks(name: str) -> File:
    out = File()
    out.write_text(File(f"images/v1/{name}").read_text())
    return out


@file_creator
def careless(images: Directory) -> Directory:
    return Directory()


@file_creator
def in_a_child(images: Directory) -> Directory:
    out = Directory()
    process = multiprocessing.get_context("fork").Process(target=_fill, args=(out, images))
    process.start()
    process.join()
    return out


def _fill(out: Directory, images: Directory) -> None:
    with out.staged() as folder:
        (folder / "n").write_text(str(len(images)))


@pytest.fixture(autouse=True)
def no_runs() -> None:
    RUNS.clear()


@pytest.fixture
def images(lake: DataLake, tmp_path: Path) -> Directory:
    fill(tmp_path / "images", {"a/1.txt": b"one", "a/2.txt": b"two", "b.txt": b"three"})
    lake.add(tmp_path / "images", "images/v1")
    return Directory("images/v1")


def changed(lake: DataLake, tmp_path: Path) -> Directory:
    fill(tmp_path / "images", {"a/2.txt": b"2", "new.txt": b"new"})
    lake.add(tmp_path / "images", "images/v2")
    return Directory("images/v2")


def test_a_directory_goes_in_and_comes_out_once(lake: DataLake, images: Directory) -> None:
    made = upper(images)
    assert dict(made.read()) == {"a/1.txt": b"ONE", "a/2.txt": b"TWO", "b.txt": b"THREE"}
    assert made.uid.startswith(".generated_uids/")
    again = upper(images)
    assert (again, RUNS) == (made, ["images/v1"])
    assert isinstance(again, Directory)
    assert upper(images, suffix="!") != made
    call = made.info().call
    assert call is not None
    assert [(one.arg, one.uid, one.inner) for one in call.inputs] == [("images", "images/v1", None)]
    assert call.inputs[0].digest == images.digest()
    assert call.outputs[0].files == 3
    assert call.params == {"suffix": ""}
    shown = str(made.lineage())
    assert "(3 files)" in shown
    assert "images/v1 (3 files)" in shown
    assert made.uid in str(images.lineage(up=False, down=True))


def test_named_outputs_conflict_as_files_do(lake: DataLake, images: Directory) -> None:
    @file_creator
    def copy(images: Directory, *, output_uid: str) -> Directory:
        out = Directory(output_uid)
        with out.staged() as folder:
            (folder / "x").write_bytes(b"x")
        return out

    assert copy(images, output_uid="copies/v1").uid == "copies/v1"
    assert copy(images, output_uid="copies/v1").files == 1
    assert lake.upstream("copies/v1") == ["images/v1"]
    assert lake.downstream("images/v1") == ["copies/v1"]
    with pytest.raises(UIDConflictError), Directory("copies/v1").staged():
        pass
    assert "as it was" in str(lake.why("copies/v1"))


def test_files_and_directories_are_made_by_one_call(lake: DataLake, images: Directory) -> None:
    out, listing = split(images)
    assert (out["first"].read_bytes(), listing.read_text()) == (b"one", "a/1.txt\na/2.txt\nb.txt")
    assert split(images) == (out, listing)


def test_a_file_of_a_directory_is_an_argument(lake: DataLake, images: Directory) -> None:
    made = measure(images["a/1.txt"])
    assert made.read_text() == "3"
    assert measure(File("images/v1/a/1.txt")) == made
    assert RUNS == ["a/1.txt"]
    call = made.info().call
    assert call is not None
    (one,) = call.inputs
    assert (one.uid, one.inner, one.name) == ("images/v1", "a/1.txt", "images/v1/a/1.txt")
    assert one.digest == File("images/v1/a/1.txt").info().digest
    assert call.reads == []
    assert "images/v1" in str(made.lineage())
    assert "images/v1/a/1.txt  as it was" in str(lake.why(made.uid))
    with pytest.raises(UIDNotFoundError, match=r"no file a/9.txt"):
        measure(File("images/v1/a/9.txt"))


def test_a_new_version_computes_only_what_is_new(
    lake: DataLake, images: Directory, tmp_path: Path
) -> None:
    first = measure.map(images)
    assert [file.read_text() for file in first] == ["3", "3", "5"]
    RUNS.clear()
    with ThreadPoolExecutor(2) as pool:
        second = measure.map(changed(lake, tmp_path), executor=pool)
    assert [file.read_text() for file in second] == ["3", "1", "5", "3"]
    assert sorted(RUNS) == ["a/2.txt", "new.txt"]
    assert (second[0], second[2]) == (first[0], first[2])


def test_why_names_what_differs_inside(lake: DataLake, images: Directory, tmp_path: Path) -> None:
    upper(images)
    why = str(upper.why(changed(lake, tmp_path)))
    assert "+ new.txt" in why
    assert "* a/2.txt" in why


def test_what_is_read_without_being_given_is_recorded(lake: DataLake, images: Directory) -> None:
    made = looks("a/1.txt")
    call = made.info().call
    assert call is not None
    assert [(one.uid, one.inner) for one in call.reads] == [("images/v1", "a/1.txt")]


def test_rules_of_outputs_hold_for_directories(lake: DataLake, images: Directory) -> None:
    with pytest.raises(CreatorError, match="has not written"):
        careless(images)
    with pytest.raises(ArgumentTypeError, match="a Directory is wanted"):
        upper("images/v1")
    with pytest.raises(ArgumentTypeError, match="a Directory is wanted"):
        upper(File("images/v1"))
    with pytest.raises(CreatorError, match="needs a UID"):
        Directory()


def test_a_child_process_fills_a_directory(lake: DataLake, images: Directory) -> None:
    assert in_a_child(images)["n"].read_text() == "3"


def test_a_directory_is_staged_by_hand(lake: DataLake) -> None:
    with Directory("made/v1").staged() as folder:
        (folder / "a.txt").write_text("a")
        (folder / ".DS_Store").write_text("kept")
    assert Directory("made/v1").ls() == [".DS_Store", "a.txt"]
    with pytest.raises(ZeroDivisionError), Directory("made/v2").staged() as folder:
        (folder / "a.txt").write_text("a")
        raise ZeroDivisionError
    assert not folder.exists()
    assert not Directory("made/v2").exists()


def test_results_are_found_on_another_machine(
    make_lake: Callable[..., DataLake], shared: str, tmp_path: Path
) -> None:
    fill(tmp_path / "images", {"a.txt": b"a"})
    first, second = make_lake("first", remote=shared), make_lake("second", remote=shared)
    first.add(tmp_path / "images", "images/v1")
    with first.use():
        upper(Directory("images/v1"))
        measure(File("images/v1/a.txt"))
    RUNS.clear()
    with second.use():
        assert upper(Directory("images/v1"))["a.txt"].read_bytes() == b"A"
        assert measure(Directory("images/v1")["a.txt"]).read_text() == "1"
    assert RUNS == []
