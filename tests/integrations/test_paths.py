"""What paths of the file system mean, however their letters are composed."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from radops.integrations.fsspec import RadopsFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake

COMPOSED = unicodedata.normalize("NFC", "café")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def test_a_path_in_another_normal_form_changes_what_no_other_path_means(
    lake: DataLake, tmp_path: Path
) -> None:
    fill(tmp_path / "in", {f"{COMPOSED}/x": b"coffee", "x": b"top", "c/x": b"c"})
    lake.add(tmp_path / "in", "d")
    fs = RadopsFileSystem.of(lake)
    assert fs.cat_file(f"d/{DECOMPOSED}/x") == b"coffee"
    assert fs.cat_file("d/c/x") == b"c"
    assert fs.ls("d/c", detail=False) == ["d/c/x"]
    assert fs.find("d") == ["d/c/x", f"d/{COMPOSED}/x", "d/x"]


@pytest.mark.parametrize("ask", [lambda fs: None, lambda fs: fs.info("d")])
def test_of_two_names_that_differ_in_normal_form_each_is_its_own(
    lake: DataLake, tmp_path: Path, ask: Callable[[RadopsFileSystem], object]
) -> None:
    files = {f"{COMPOSED}/x": b"one", f"{DECOMPOSED}/x": b"two!"}
    fill(tmp_path / "in", files)
    if len(list((tmp_path / "in").iterdir())) == 1:
        pytest.skip("this file system takes both for one name")
    lake.add(tmp_path / "in", "d")
    for path, data in files.items():
        fs = RadopsFileSystem.of(lake)
        ask(fs)
        assert fs.find(f"d/{path.partition('/')[0]}") == [f"d/{path}"]
        assert fs.cat_file(f"d/{path}") == data
        assert lake.info(f"d/{path}").size == len(data)
        located = lake.locate(f"d/{path}")
        assert located is not None
        assert located.inner == path


def test_a_name_that_is_used_again_is_found_again_once_the_cache_is_forgotten(
    lake: DataLake, tmp_path: Path
) -> None:
    fs = RadopsFileSystem.of(lake)
    for number in (1, 2):
        fill(tmp_path / f"{number}", {"x": b"%d" % number})
        lake.add(tmp_path / f"{number}", "d")
        lake.add(tmp_path / f"{number}", f"versions/v{number}")
        fs.invalidate_cache()
        assert fs.cat_file("d/x") == fs.cat_file("versions/@latest/x") == b"%d" % number
        lake.delete("d")
    fs.invalidate_cache()
    assert not fs.exists("d/x")
