"""What was written and cannot be stored after a clean end of its block is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from coarse import coarse_disk
from directories.lakes import fill
from full_disk import fill_up, no_file_above
from lake.unstored import kept_in
from privileges import stopped_by_permissions
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import (
    LineageMismatchError,
    LocalStorageError,
    RadopsError,
    UIDConflictError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["coarse_disk"]

WORK = {f"{number}.bin": bytes([number]) * 300_000 for number in range(20)}


def read(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of resources")
@pytest.mark.parametrize("how", ["staged", "edit", "creator"])
def test_a_directory_that_the_disk_has_no_room_for_is_kept(
    lake: DataLake, tmp_path: Path, how: str
) -> None:
    fill(tmp_path / "d", {"old.txt": b"old"})
    lake.add(tmp_path / "d", "d/v1")
    with contextlib.ExitStack() as disk:

        def write(out: Directory) -> None:
            with out.staged() as folder:
                fill(folder, WORK)
                disk.enter_context(no_file_above(4 << 20))

        @file_creator
        def make(output_uid: str) -> Directory:
            out = Directory(output_uid)
            write(out)
            return out

        with pytest.raises(LocalStorageError, match="too large") as error:
            if how == "staged":
                write(Directory("d/v2"))
            elif how == "creator":
                make("d/v2")
            else:
                with Directory("d/v1").edit("d/v2") as e:
                    for name, data in WORK.items():
                        e.write_bytes(name, data)
                    disk.enter_context(no_file_above(4 << 20))
    assert not Directory("d/v2").exists()
    kept = read(kept_in(error))
    assert kept == WORK if how != "edit" else kept == {**WORK, "old.txt": b"old"}
    assert list((lake.home / "storage/tmp").rglob("*.bin")) == []
    with Directory("d/v2").staged() as folder:
        shutil.copytree(kept_in(error), folder, dirs_exist_ok=True)
    assert len(Directory("d/v2")) == len(kept)


@pytest.mark.parametrize("name", ["d/v1", "d/@next"])
def test_a_directory_whose_name_another_took_meanwhile_is_kept(
    lake: DataLake, tmp_path: Path, name: str
) -> None:
    fill(tmp_path / "d", {"theirs.txt": b"theirs"})
    with pytest.raises(UIDConflictError) as error, Directory(name).staged() as folder:
        fill(folder, {"a.txt": b"hours of work"})
        DataLake(home=lake.home).add(tmp_path / "d", "d/v1")
    assert read(kept_in(error)) == {"a.txt": b"hours of work"}
    assert read(Directory("d/v1").path()) == {"theirs.txt": b"theirs"}


@pytest.mark.parametrize("how", ["open", "text", "staged", "made_from"])
def test_a_file_whose_name_another_took_meanwhile_is_kept(lake: DataLake, write, how: str) -> None:
    File("source").write_text("source")
    other, taken = DataLake(home=lake.home), write("theirs", "theirs")
    with pytest.raises(UIDConflictError) as error:
        if how == "open":
            with File("sets/a.bin").open("wb") as stream:
                stream.write(b"hours of work")
                other.add(taken, "sets/a.bin")
        elif how == "text":
            with File("sets/a.bin").open("w") as text:
                text.write("hours of work")
                other.add(taken, "sets/a.bin")
        else:
            made_from = ["source"] if how == "made_from" else []
            with File("sets/a.bin").staged(made_from=[File(uid) for uid in made_from]) as path:
                path.write_bytes(b"hours of work")
                other.add(taken, "sets/a.bin")
    assert kept_in(error).name == "a.bin"
    assert kept_in(error).read_bytes() == b"hours of work"
    assert File("sets/a.bin").read_bytes() == b"theirs"
    assert lake.verify().ok


def test_what_waits_for_the_next_sync_is_not_kept_twice(make_lake, shared: str) -> None:
    lake: DataLake = make_lake("one", remote=shared)
    remote = Path(shared.removeprefix("file://"))
    with lake.use():
        File("first").write_text("first")
        with (
            pytest.raises(RadopsError, match="kept on this machine"),
            Directory("d").staged() as folder,
        ):
            fill(folder, {"a.txt": b"a"})
            with (
                pytest.raises(RadopsError, match="kept on this machine"),
                File("a").staged() as path,
            ):
                path.write_text("a")
                remote.rename(remote.with_name("away"))
    remote.with_name("away").rename(remote)
    assert not (lake.home / "storage/unpublished").exists()
    assert sorted(lake.sync().published) == ["a", "d"]


def test_an_error_in_the_block_discards_what_was_written(lake: DataLake) -> None:
    with pytest.raises(KeyError), Directory("d").staged() as folder:
        fill(folder, {"a.txt": b"a"})
        raise KeyError
    with pytest.raises(KeyError), File("a").staged() as path:
        path.write_text("a")
        raise KeyError
    assert not (lake.home / "storage/unpublished").exists()


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_on_a_disk_that_is_full_to_the_last_block(
    coarse_disk: Path, make_lake: Callable[..., DataLake], kind: str
) -> None:
    """There is no room even for the folder in which it would be kept."""
    lake = make_lake(home=coarse_disk / "home")
    with lake.use():
        File("first").write_text("first")
        with pytest.raises(LocalStorageError, match="No space left") as error:
            if kind == "directory":
                with Directory("d").staged() as folder:
                    fill(folder, WORK)
                    fill_up(coarse_disk)
            else:
                with File("d").staged() as path:
                    path.write_bytes(b"hours of work" * 1_000_000)
                    fill_up(coarse_disk)
    kept = kept_in(error)
    if kind == "directory":
        assert read(kept) == WORK
    else:
        assert kept.read_bytes() == b"hours of work" * 1_000_000
    lake.close()


@pytest.mark.parametrize("denied", [("",), ("", "tmp")], ids=["all but tmp", "everything"])
@pytest.mark.parametrize("kind", ["directory", "staged", "open"])
@stopped_by_permissions
def test_on_a_disk_that_can_only_be_read(
    make_lake: Callable[..., DataLake],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    denied: tuple[str, ...],
) -> None:
    """It takes no other name for what was written, and later clean-ups remove what is in `tmp/`."""
    lake = make_lake()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    storage = lake.home / "storage"
    folders = [storage / name for name in denied]

    def close() -> None:
        for folder in (*folders, storage / "objects"):
            folder.chmod(0o555)

    with lake.use():
        File("first").write_text("first")
        with pytest.raises(LocalStorageError, match="Permission denied") as error:
            if kind == "directory":
                with Directory("d").staged() as folder:
                    fill(folder, WORK)
                    close()
            elif kind == "staged":
                with File("d").staged() as path:
                    path.write_bytes(b"hours of work")
                    close()
            else:
                with File("d").open("wb") as stream:
                    stream.write(b"hours of work")
                    close()
    for folder in (*folders, storage / "objects"):
        folder.chmod(0o755)
    kept = kept_in(error)
    assert kept.is_relative_to(elsewhere if "tmp" in denied else storage / "tmp")
    lake.session.storage.remove_stale(-1)
    lake.gc(dry_run=False, grace=0)
    assert read(kept) == WORK if kind == "directory" else kept.read_bytes() == b"hours of work"


@pytest.mark.parametrize("kind", [Directory, File])
def test_what_a_creator_made_and_the_disk_has_no_room_to_publish(
    coarse_disk: Path, make_lake: Callable[..., DataLake], kind: type[File | Directory]
) -> None:
    lake = make_lake(home=coarse_disk / "home")
    with lake.use():
        File("first").write_text("first")

        def make(output_uid: str) -> File | Directory:
            out = kind(output_uid)
            with out.staged() as path:
                fill(path, WORK) if kind is Directory else path.write_bytes(b"hours of work")
            fill_up(coarse_disk)
            return out

        make.__annotations__["return"] = kind
        with pytest.raises(LocalStorageError, match="No space left") as error:
            file_creator(make)("d")
    if kind is File:
        assert kept_in(error).read_bytes() == b"hours of work"
    lake.close()


@pytest.mark.parametrize("how", ["file", "directory", "both"])
def test_what_a_creator_made_under_a_name_that_another_took_is_kept(
    lake: DataLake, write: Callable[..., Path], how: str
) -> None:
    theirs = write("theirs", "theirs")

    @file_creator
    def make(output_uids: list[str]) -> list[File | Directory]:
        made: list[File | Directory] = []
        for uid in output_uids:
            out = Directory(uid) if uid.startswith("d") else File(uid)
            with out.staged() as path:
                fill(path, WORK) if isinstance(out, Directory) else path.write_bytes(b"work")
            made.append(out)
        outside = {name: value for name, value in os.environ.items() if name != "RADOPS_INSIDE"}
        add = ["-m", "radops", "datalake", "add", str(theirs), output_uids[-1]]
        subprocess.run([sys.executable, *add], check=True, env=outside, stdout=subprocess.DEVNULL)
        return made

    names = {"file": ["f"], "directory": ["d"], "both": ["d", "f"]}[how]
    with pytest.raises(LineageMismatchError) as error:
        make(names)
    places = sorted(map(Path, str(kept_in(error)).split(", ")))
    assert len(places) == len(names)
    for place, name in zip(places, names, strict=True):
        if name == "d":
            assert read(place) == WORK
        else:
            assert place.read_bytes() == b"work"
    assert lake.verify().ok
