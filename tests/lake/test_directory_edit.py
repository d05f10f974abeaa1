"""The next version of a directory, made by changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill, many
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import ConflictError, MissingFileError, RadopsError, UIDNotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {"a/1.txt": b"1", "a/2.txt": b"2", "b/c/3.txt": b"3", "top.txt": b"top"}


@pytest.fixture
def base(lake: DataLake, tmp_path: Path) -> Directory:
    fill(tmp_path / "d", FILES)
    (tmp_path / "d/a/1.txt").chmod(0o755)
    (tmp_path / "d/link").symlink_to("a/1.txt")
    lake.add(tmp_path / "d", "d/v1", executables=True)
    return Directory("d/v1")


def test_changes_make_a_new_version(lake: DataLake, base: Directory, tmp_path: Path) -> None:
    fill(tmp_path / "new", {"x.bin": b"x", "more/y.bin": b"y"})
    File("in-the-lake.txt").write_text("lake")
    with base.edit("d/@next") as e:
        e.add(tmp_path / "new/x.bin", "a/x.bin")
        e.add(tmp_path / "new", "added")
        e.add(File("in-the-lake.txt"), "lake.txt")
        e.write_bytes("a/2.txt", b"two")
        e.write_text("text.txt", "text")
        e.remove("b/**")
        e.move("top.txt", "under/top.txt")
    new = Directory("d/v2")
    assert {file.inner: file.read_bytes() for file in new} == {
        "a/1.txt": b"1",
        "a/2.txt": b"two",
        "a/x.bin": b"x",
        "added/more/y.bin": b"y",
        "added/x.bin": b"x",
        "lake.txt": b"lake",
        "text.txt": b"text",
        "under/top.txt": b"top",
    }
    assert "b/" not in new.ls()
    assert new["link"].read_bytes() == b"1"
    assert new.path().joinpath("a/1.txt").stat().st_mode & 0o111
    assert not new.path().joinpath("a/2.txt").stat().st_mode & 0o111
    assert new.info().source == "Directory.edit of d/v1"
    assert len(base) == 4


def test_no_change_is_the_same_directory(base: Directory) -> None:
    with base.edit("d/v2"):
        pass
    assert Directory("d/v2").digest() == base.digest()


def test_a_change_that_fails_leaves_what_was_there(base: Directory, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    fill(tmp_path / "some", {"good": b"good"})
    os.mkfifo(tmp_path / "some/fifo")
    with base.edit("d/v2") as e:
        with pytest.raises(RadopsError):
            e.add(tmp_path / "fifo", "a/1.txt")
        with pytest.raises(RadopsError):
            e.add(tmp_path / "some", "a/2.txt")
        with pytest.raises(RadopsError):
            e.add(tmp_path / "some", "new/deep")
    assert Directory("d/v2").digest() == base.digest()


def test_many_files_are_removed_without_listing_their_folder_for_each(
    lake: DataLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = {f"flat/{number}": b"" for number in range(500)}
    fill(tmp_path / "d", {**flat, "kept/1": b"1"})
    lake.add(tmp_path / "d", "many")
    listed = []
    with Directory("many").edit("few") as e:
        for name in ("listdir", "scandir"):
            real = getattr(os, name)
            monkeypatch.setattr(os, name, lambda path, real=real: listed.append(path) or real(path))
        e.remove("flat/**")
        monkeypatch.undo()
    assert len(listed) < 20
    assert [file.inner for file in Directory("few")] == ["kept/1"]


def test_a_change_that_was_refused_leaves_no_folder(
    lake: DataLake, base: Directory, tmp_path: Path
) -> None:
    fill(tmp_path / "new", {"x.bin": b"x"})
    with base.edit("d/v2") as e:
        with pytest.raises(UIDNotFoundError):
            e.move("nope/deep/x", "elsewhere/x")
        with pytest.raises(ConflictError):
            e.move("top.txt", "a/1.txt")
        with pytest.raises(UsageError):
            e.move("a", "a/below/it")
        with pytest.raises(MissingFileError):
            e.add(tmp_path / "none", "new/none")
        with pytest.raises(ConflictError):
            e.write_bytes("a", b"")
        e.add(tmp_path / "new/x.bin", "x.bin")
    fill(tmp_path / "d", {"x.bin": b"x"})
    whole = lake.add(tmp_path / "d", "d/whole", base=(), executables=True)
    assert Directory("d/v2").digest() == whole.digest


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda e: e.remove("nothing/**"), UIDNotFoundError),
        (lambda e: e.remove("a", "nothing"), UIDNotFoundError),
        (lambda e: e.move("nothing", "x"), UIDNotFoundError),
        (lambda e: e.move("a/1.txt", "a/2.txt"), ConflictError),
        (lambda e: e.move("a", "a/b"), UsageError),
        (lambda e: e.write_bytes("../x", b""), UsageError),
        (lambda e: e.write_bytes("/x", b""), UsageError),
        (lambda e: e.write_bytes("a", b""), ConflictError),
        (lambda e: e.write_bytes("link/x", b""), ConflictError),
        (lambda e: e.write_bytes("top.txt/x", b""), ConflictError),
        (lambda e: e.add("/no/such/file", "x"), MissingFileError),
        (lambda e: e.remove("[a"), UsageError),
    ],
)
def test_a_change_that_cannot_be_made_publishes_nothing(
    base: Directory, change: Callable[[object], None], error: type[RadopsError]
) -> None:
    with pytest.raises(error), base.edit("d/v2") as e:
        change(e)
    assert not Directory("d/v2").exists()
    temporary = base.session.store.root / "tmp"
    assert [path for path in temporary.iterdir() if path.is_dir() and path.name != "locks"] == []


def test_only_what_changed_is_sent(
    make_lake: Callable[..., DataLake], shared: str, tmp_path: Path
) -> None:
    fill(tmp_path / "d", many(3000, size=8000))
    lake = make_lake("home", remote=shared)
    lake.add(tmp_path / "d", "d/v1")
    objects = tmp_path / "shared/objects"
    before = set(objects.glob("*/*"))
    with lake.use(), Directory("d/v1").edit("d/v2") as e:
        e.write_bytes("f0/000000.bin", os.urandom(100))
    fresh = [path.stat().st_size for path in objects.glob("*/*") if path not in before]
    assert sum(fresh) < 1_000_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_creator_keeps_what_can_be_executed(base: Directory) -> None:
    @file_creator
    def change(directory: Directory, output_uid: str) -> Directory:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with directory.edit(output_uid) as e:
                    e.write_bytes("top.txt", b"changed")
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        return Directory(output_uid)

    new = change(base, output_uid="d/v2")
    assert new["top.txt"].read_bytes() == b"changed"
    assert new.path().joinpath("a/1.txt").stat().st_mode & 0o111
