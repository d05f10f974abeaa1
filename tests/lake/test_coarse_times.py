"""On disks that keep times in whole seconds, a change in the same second is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coarse import begin_second, coarse_disk, write_over
from directories.lakes import add, content, fill
from radops.data_lake import DataLake, Directory
from radops.errors import CorruptObjectError
from radops.lake.directory import add as directory_add
from radops.lake.directory import move
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["coarse_disk"]


def test_a_file_rewritten_in_the_second_of_its_add(lake: DataLake, coarse_disk: Path) -> None:
    folder = coarse_disk / "work"
    begin_second()
    fill(folder, {"a.txt": b"AAAA", "b.txt": b"b"})
    add(lake, folder, "v1")
    write_over(folder / "a.txt", b"BBBB")
    assert [one.path for one in Directory("v1").diff(folder).changed] == ["a.txt"]
    add(lake, folder, "v2")
    assert (Directory("v2") / "a.txt").read_bytes() == b"BBBB"


@pytest.mark.parametrize("late", [False, True])
def test_a_file_rewritten_while_its_folder_is_moved(
    lake: DataLake, coarse_disk: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """While it is committed, or after its bytes were compared for the last time."""
    folder = coarse_disk / "work"
    module, name = (move, "_is_same") if late else (directory_add, "commit_directory")
    real = getattr(module, name)

    def change(*arguments: object) -> object:
        result = real(*arguments)
        write_over(folder / "a.txt", b"BBBB")
        return result

    monkeypatch.setattr(module, name, change)
    begin_second()
    fill(folder, {"a.txt": b"AAAA"})
    added = add(lake, folder, "v1", move=True)
    assert added.sources_left == ("a.txt",)
    assert content(folder) == {"a.txt": b"BBBB"}
    assert (Directory("v1") / "a.txt").read_bytes() == b"AAAA"


@pytest.mark.parametrize("home", ["same disk", "other disk"])
def test_a_source_rewritten_while_it_is_moved(
    make_lake: Callable[..., DataLake],
    coarse_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: str,
) -> None:
    """Of a linked source the object is the same file: root can write to it."""
    lake = make_lake(coarse_disk / "home" if home == "same disk" else "home")
    source = coarse_disk / "a.bin"
    real = WorkingLake.make

    def make(*arguments: object, **named: object) -> object:
        write_over(source, b"BBBB")
        return real(*arguments, **named)

    monkeypatch.setattr(WorkingLake, "make", make)
    begin_second()
    source.write_bytes(b"AAAA")
    if home == "same disk":
        with pytest.raises(CorruptObjectError):
            lake.add(source, "a", move=True)
    else:
        result = lake.add(source, "a", move=True)
        assert result.source_left == "it changed meanwhile"
        assert lake.file("a").read_bytes() == b"AAAA"
    assert source.read_bytes() == b"BBBB"
