"""Moving a file into the lake: without a copy, and if it fails, as if nothing had been tried."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from radops import native
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import File
from radops.errors import LocalStorageError, RadopsError, UIDConflictError
from radops.native import BLOCK_SIZE
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

LARGE = b"b" * (2 * BLOCK_SIZE + 1)


def look(path: Path) -> tuple[int, int, int, int, bytes]:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    return mode, status.st_mtime_ns, status.st_nlink, status.st_ino, path.read_bytes()


def objects(lake: DataLake) -> list[Path]:
    return [path for path in (lake.home / "storage" / "objects").rglob("*") if path.is_file()]


def source(write, name: str, content: bytes = b"content") -> Path:
    path = write(name, content)
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18 + 7))
    return path


def check_untouched(lake: DataLake, path: Path, before: tuple[int, int, int, int, bytes]) -> None:
    assert look(path) == before
    with path.open("ab") as stream:
        stream.write(b"more")
    for one in objects(lake):
        assert not os.path.samestat(one.stat(), path.stat())
    assert lake.verify().ok


@pytest.mark.parametrize("where", ["copy_files", "hash_files"])
def test_nothing_is_left_of_a_move_that_was_interrupted_before_it_began(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A file that has two names already is copied, the other one is linked."""
    plain, linked = source(write, "plain", LARGE), source(write, "linked")
    linked.with_name("second").hardlink_to(linked)
    before = look(plain), look(linked)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(native, where, interrupt)
    with pytest.raises(KeyboardInterrupt):
        lake.add_many([(plain, "a"), (linked, "b"), (write("c", b"c"), "c")], move=True)
    assert (look(plain), look(linked)) == before
    assert [path for path in (lake.home / "storage" / "tmp").iterdir() if path.is_file()] == []


def test_a_move_copies_nothing(lake: DataLake, write) -> None:
    path = source(write, "a", LARGE)
    inode = path.stat().st_ino
    lake.add(path, "a", move=True)
    assert not path.exists()
    (kept,) = objects(lake)
    if kept.stat().st_ino != inode:
        pytest.skip("this file system makes reflinks")
    assert (kept.stat().st_nlink, stat.S_IMODE(kept.stat().st_mode)) == (1, 0o400)


@pytest.mark.parametrize("content", [b"small", LARGE])
def test_a_name_that_cannot_be_leaves_the_source_as_it_was(
    lake: DataLake, write, content: bytes
) -> None:
    lake.add(write("other", "other"), "s")
    path = source(write, "src", content)
    before = look(path)
    with pytest.raises(RadopsError):
        lake.add(path, "s/below", move=True)
    check_untouched(lake, path, before)


def test_of_several_files_all_sources_stay_if_one_cannot_be(lake: DataLake, write) -> None:
    lake.add(write("other", "other"), "s")
    paths = [source(write, name, name.encode() * 9) for name in ("x", "y", "z")]
    before = [look(path) for path in paths]
    with pytest.raises(RadopsError):
        lake.add_many(zip(paths, ["x", "s/y", "z"], strict=True), move=True)
    for path, one in zip(paths, before, strict=True):
        check_untouched(lake, path, one)


@pytest.mark.parametrize("step", ["adopt", "flush", "put"])
def test_a_disk_that_fails_leaves_the_source_as_it_was(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lake.add(write("first", "first"), "first")
    path = source(write, "src", LARGE)
    before = look(path)
    original = getattr(FolderBackend, step)
    failed = []

    def fail(self: FolderBackend, *args: object) -> object:
        done = original(self, *args)
        if not failed:
            failed.append(step)
            raise LocalStorageError("no space left on device")
        return done

    monkeypatch.setattr(FolderBackend, step, fail)
    with pytest.raises(LocalStorageError):
        lake.add(path, "a", move=True)
    check_untouched(lake, path, before)


def test_an_object_that_others_use_stays_when_a_move_of_its_bytes_fails(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.add(write("first", LARGE), "first")
    path = source(write, "src", LARGE)
    before = look(path)

    def fail(*_: object) -> None:
        raise UIDConflictError("somebody was faster")

    with monkeypatch.context() as patch, pytest.raises(UIDConflictError):
        patch.setattr(WorkingLake, "make", fail)
        lake.add(path, "a", move=True)
    check_untouched(lake, path, before)
    assert File("first").read_bytes() == LARGE


def test_a_link_that_was_made_while_writing_is_no_way_into_the_object(
    lake: DataLake, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    with File("out").staged() as path:
        path.write_bytes(LARGE)
        path.chmod(0o640)
        os.link(path, mine)
    assert stat.S_IMODE(mine.stat().st_mode) == 0o640
    mine.write_bytes(b"changed")
    assert File("out").read_bytes() == LARGE
    assert not list((lake.home / "storage" / "tmp").glob("*.*"))
