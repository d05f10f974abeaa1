"""Directories on disks without room: parts are read all the same, and downloads go on later."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING, Any

import pytest

from directories.lakes import content, fill, many
from radops.data_lake import DataLake
from radops.errors import LocalStorageError
from radops.format.digest import Digest
from reliability.test_disks import in_process

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
FILES = many(85, size=100_000)
"""Of one pack, which does not fit on a disk of 8 MiB."""


@pytest.fixture
def remote(quick_path: Path) -> str:
    (quick_path / "shared").mkdir()
    remote = (quick_path / "shared").as_uri()
    fill(quick_path / "images", FILES)
    writer = DataLake(home=quick_path / "writer", remote=remote)
    writer.add(quick_path / "images", "v1")
    writer.close()
    return remote


def left_over(home: Path) -> list[Path]:
    """Return temporary files, and objects that are packs."""
    found = [path for path in (home / "storage/tmp").iterdir() if path.is_file()]
    objects = [path for path in (home / "storage/objects").rglob("*") if path.is_file()]
    return [*found, *(path for path in objects if path.stat().st_size > MIB)]


def test_a_pack_that_does_not_fit_is_read_file_by_file(small_disk: Path, remote: str) -> None:
    lake = DataLake(home=small_disk / "home", remote=remote)
    directory = lake.directory("v1")
    for path, data in FILES.items():
        assert directory[path].read_bytes() == data
    assert dict(directory.read("f0", "f1")) == {
        path: data for path, data in FILES.items() if path[:2] in {"f0", "f1"}
    }
    assert left_over(small_disk / "home") == []
    lake.close()


def _read_three(home: Path, remote: str, answers: Any) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    os.environ["RADOPS_EMAIL"] = "ada@example.com"
    directory = DataLake(home=home, remote=remote).directory("v1")
    for path in list(FILES)[:5]:
        try:
            answers.put(directory[path].read_bytes() == FILES[path])
        except Exception as error:  # noqa: BLE001 - a wrong one fails the test by its name
            answers.put(f"{type(error).__name__}: {error}")


def test_a_pack_that_cannot_be_written_is_read_file_by_file(quick_path: Path, remote: str) -> None:
    assert in_process(_read_three, quick_path / "home", remote, count=5) == [True] * 5
    assert left_over(quick_path / "home") == []
    # With room, the pack comes at the third file.
    with_room = DataLake(home=quick_path / "home", remote=remote)
    for path in list(FILES)[5:8]:
        assert with_room.directory("v1")[path].read_bytes() == FILES[path]
    assert len(left_over(quick_path / "home")) == 1
    with_room.close()


def test_a_part_that_does_not_fit_goes_on_when_there_is_room(small_disk: Path, remote: str) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(6 * MIB))
    lake = DataLake(home=small_disk / "home", remote=remote)
    directory = lake.directory("v1")
    wanted = {path: data for path, data in FILES.items() if path[:2] in {"f0", "f1"}}
    with pytest.raises(LocalStorageError, match="No space"):
        directory.download("f0", "f1")
    store = lake.session.store
    there = {path for path, data in wanted.items() if store.has(Digest.of(data), len(data))}
    assert there < wanted.keys()
    assert left_over(small_disk / "home") == []
    ballast.unlink()
    directory.download("f0", "f1")
    assert dict(directory.read("f0", "f1")) == wanted
    assert content(directory.path("f0")) == {p: d for p, d in wanted.items() if p[:2] == "f0"}
    lake.close()
