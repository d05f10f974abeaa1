"""Arguments of the wrong kind, for every public method: a TypeError says what to pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import ArgumentTypeError, RadopsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_NAME = [
    *("complete", "delete", "directory", "downstream", "file", "info", "lineage", "local_path"),
    *("ls", "path", "presigned_url", "resolve", "upstream", "why"),
]
SEVERAL = ["delete_local", "delete_many", "download", "expand", "split", "sync", "verify"]


@pytest.fixture
def lake(lake: DataLake, tmp_path: Path) -> DataLake:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / "b.tmp").write_text("2")
    lake.add(folder / "a", "file")
    lake.add(folder, "directory")
    return lake


def refused(action: Callable[[], object]) -> ArgumentTypeError:
    with pytest.raises(ArgumentTypeError) as caught:
        action()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, UsageError)
    return caught.value


@pytest.mark.parametrize("method", [*ONE_NAME, *SEVERAL])
def test_what_is_no_name(lake: DataLake, method: str) -> None:
    call: Any = getattr(lake, method)
    assert "an int" in str(refused(lambda: call(3)))
    assert "bytes" in str(refused(lambda: call(b"file")))
    assert "a PosixPath" in str(refused(lambda: call(Path("/file"))))
    error = refused(lambda: call(["file"]))
    assert "text, not a list" in str(error)
    assert "*names" in (error.hint or "")
    assert refused(lambda: call(File("file"))).hint == "pass its name: 'file'"
    assert lake.file("file").exists()


def test_names_of_files_and_directories(lake: DataLake) -> None:
    for kind in (File, Directory):
        for name in (3, b"file", ["file"], Path("/file"), File("file")):
            refused(lambda kind=kind, name=name: kind(name))  # type: ignore[misc]
        assert "not a DataLake" in str(refused(lambda kind=kind: kind("file", lake="home")))  # type: ignore[misc]


def test_what_is_added(lake: DataLake, tmp_path: Path) -> None:
    source = tmp_path / "folder"
    for action in (
        lambda: lake.add(3, "n"),  # type: ignore[arg-type]
        lambda: lake.add(["a"], "n"),  # type: ignore[arg-type]
        lambda: lake.add(source / "a", ["n"]),  # type: ignore[arg-type]
        lambda: lake.add(source / "a", "n", sha256=3),  # type: ignore[arg-type]
        lambda: lake.add(source / "a", "n", blake3=b"x"),  # type: ignore[arg-type]
        lambda: lake.add(source, "n", base=3),  # type: ignore[arg-type]
        lambda: lake.add(source, "n", exclude=[3]),  # type: ignore[list-item]
        lambda: lake.add_many(["file"]),  # type: ignore[list-item]
        lambda: lake.add_many([(source / "a", 3)]),  # type: ignore[list-item]
        lambda: lake.add_many([(3, "n")]),  # type: ignore[list-item]
    ):
        refused(action)
    assert [one.uid for one in lake.ls()] == ["directory", "file"]
    digest = lake.info("file").digest
    assert lake.add(source / "a", "n", blake3=digest).digest == digest


@pytest.mark.parametrize("text", ["no", "False", ""])
def test_text_is_no_answer_to_a_yes_or_no(lake: DataLake, tmp_path: Path, text: str) -> None:
    """It would count as True: a move would be made, a dry run would be none."""
    flag: Any = text
    source = tmp_path / "folder"
    for action in (
        lambda: lake.add(source, "moved", move=flag),
        lambda: lake.add(source, "dry", dry_run=flag),
        lambda: lake.add_many([(source / "a", "moved")], move=flag),
        lambda: lake.delete("file", dry_run=flag),
        lambda: lake.delete_many("file", cascade=flag),
        lambda: lake.gc(flag),
        lambda: lake.sync(dry_run=flag),
        lambda: lake.purge_local_storage(dry_run=flag),
        lambda: lake.empty_quarantine(dry_run=flag),
        lambda: DataLake(offline=flag),
        lambda: Directory("directory").download(to=source, force=flag),
        lambda: Directory("directory").download(to=source, delete=flag),
    ):
        assert "pass " in (refused(action).hint or "")
    assert lake.file("file").exists()
    assert sorted(path.name for path in source.iterdir()) == ["a", "b.tmp"]


def test_one_pattern_as_text_is_one_pattern(lake: DataLake, tmp_path: Path) -> None:
    """Not a pattern for each letter, of which `*` leaves out everything."""
    lake.add(tmp_path / "folder", "without", exclude="*.tmp")
    assert [file.inner for file in Directory("without")] == ["a"]


@pytest.mark.parametrize("value", ["1d", [1], b"1", True])
def test_what_is_no_number(lake: DataLake, value: object) -> None:
    number: Any = value
    for action in (
        lambda: lake.gc(grace=number),
        lambda: lake.purge_local_storage(older_than=number),
        lambda: lake.purge_local_storage(max_size=number),
        lambda: lake.empty_quarantine(older_than=number),
        lambda: lake.presigned_url("file", number),
        lambda: lake.lineage("file", depth=number),
        lambda: lake.verify(jobs=number),
        lambda: setattr(lake, "jobs", number),
    ):
        assert "number" in str(refused(action))


@pytest.mark.parametrize("value", [-1, float("nan"), -0.5])
def test_numbers_that_are_too_small(lake: DataLake, value: Any) -> None:
    for action in (
        lambda: lake.gc(grace=value),
        lambda: lake.purge_local_storage(older_than=value),
        lambda: lake.empty_quarantine(older_than=value),
        lambda: lake.verify(jobs=value),
        lambda: lake.lineage("file", depth=value),
        lambda: lake.presigned_url("file", value),
    ):
        with pytest.raises(UsageError):
            action()


def test_parts_of_directories(lake: DataLake) -> None:
    d: Any = Directory("directory")
    for value in (3, None, ["a"], b"a"):
        for action in (
            lambda value=value: d[value],
            lambda value=value: d / value,
            lambda value=value: d.ls(value),
            lambda value=value: list(d.walk(value)),
            lambda value=value: list(d.glob(value)),
            lambda value=value: list(d.read(value)),
            lambda value=value: d.path(value),
            lambda value=value: d.download(value),
            lambda value=value: d.diff(value),
        ):
            refused(action)
    refused(lambda: d.download(to=3))


def test_edits(lake: DataLake, tmp_path: Path) -> None:
    for action in (
        lambda e: e.add(3, "x"),
        lambda e: e.add(tmp_path / "folder/a", 3),
        lambda e: e.write_bytes("x", "text"),
        lambda e: e.write_bytes(3, b""),
        lambda e: e.write_text("x", b""),
        lambda e: e.remove(["a"]),
        lambda e: e.move(3, "x"),
        lambda e: e.move("a", 3),
    ):
        with pytest.raises(ArgumentTypeError), Directory("directory").edit("edited") as e:
            action(e)
    assert not Directory("edited").exists()


@pytest.mark.parametrize(
    "options", [{"context": 3}, {"remote": 3}, {"remote": ["file:///x"]}, {"offline": "yes"}]
)
def test_lakes(options: Any) -> None:
    refused(lambda: DataLake(**options))


def test_arguments_of_creators(lake: DataLake) -> None:
    @file_creator
    def make(f: File, d: Directory | None = None, *, ds: list[Directory] | None = None) -> File:
        raise AssertionError("it never runs")

    f, d = File("file"), Directory("directory")
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: make("file"), "File('file')"),  # type: ignore[arg-type]
        (lambda: make(d), "File('directory')"),  # type: ignore[arg-type]
        (lambda: make(f, "directory"), "Directory('directory')"),  # type: ignore[arg-type]
        (lambda: make(f, f), "Directory('file')"),  # type: ignore[arg-type]
        (lambda: make(f, ds=["directory"]), "Directory('directory')"),  # type: ignore[list-item]
        (lambda: make(f, ds="directory"), "Directory('directory')"),  # type: ignore[arg-type]
    ]
    for action, wanted in wrong:
        assert wanted in (refused(action).hint or "")
    for executor in (f, 3, None):
        assert "executor" in str(refused(lambda executor=executor: make.submit(executor)))  # type: ignore[misc]


def test_every_message_has_the_right_article() -> None:
    def make() -> File: ...

    with pytest.raises(RadopsError, match="an int, not text") as caught:
        file_creator(version=2)(make)  # type: ignore[call-overload]
    assert caught.value.hint == "such as version='2'"
    with pytest.raises(RadopsError) as caught:
        file_creator(version="")(make)
    assert caught.value.hint == "such as version='2'"
