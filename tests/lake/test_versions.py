"""Versions by name: `@latest` and `@next`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from radops.data_lake import DataLake, Directory, File
from radops.errors import InvalidUIDError, UIDNotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_versions_of_files(lake: DataLake) -> None:
    with pytest.raises(UIDNotFoundError, match="sets/train has no versions"):
        File("sets/train/@latest")
    for number in (1, 2, 3):
        file = File("sets/train/@next")
        assert file.uid == f"sets/train/v{number}"
        file.write_text(str(number))
    for name in ("v03", "v4x", "v0", "vv", "v4/x"):
        File(f"sets/train/{name}").write_text("no version")
    latest = File("sets/train/@latest")
    assert (latest.uid, latest.read_text()) == ("sets/train/v3", "3")
    File("sets/train/@next").write_text("4")
    assert latest.read_text() == "3"
    # Below v4 there is a file, so that no file can have that name.
    assert lake.info("sets/train/@latest").uid == "sets/train/v5"


def test_a_deleted_version_is_not_the_latest_and_is_not_named_again(lake: DataLake) -> None:
    for _ in range(3):
        File("t/@next").write_text("x")
    File("t/v3").delete()
    assert File("t/@latest").uid == "t/v2"
    assert File("t/@next").uid == "t/v4"


def test_versions_of_directories_on_two_machines(
    make_lake: Callable[..., DataLake], shared: str, tmp_path: Path
) -> None:
    fill(tmp_path / "images", {"a.txt": b"1"})
    first, second = make_lake("first", remote=shared), make_lake("second", remote=shared)
    assert first.add(tmp_path / "images", "images/@next").uid == "images/v1"
    fill(tmp_path / "images", {"a.txt": b"2"})
    assert second.add(tmp_path / "images", "images/@next").uid == "images/v2"
    with first.use():
        assert Directory("images/@latest").uid == "images/v2"
        assert File("images/@latest/a.txt").read_text() == "2"
        assert File("images/@latest/a.txt").uid == "images/v2/a.txt"


def test_each_goes_one_way(lake: DataLake) -> None:
    File("t/@next").write_text("x")
    with pytest.raises(UsageError, match="does not exist yet"):
        lake.info("t/@next")
    with pytest.raises(UsageError, match="never change"):
        lake.add(__file__, "t/@latest")
    with pytest.raises(UsageError, match="nothing can follow"):
        File("t/@next/x")
    for name in ("@latest", "@next", "/@latest", "t//@next"):
        with pytest.raises(InvalidUIDError):
            File(name)
