"""Parts of files by the file system, as libraries ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec.utils
import numpy as np
import pytest

from directories.lakes import fill
from radops.data_lake import File
from radops.integrations.fsspec import RadopsFileSystem

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

LINES = b"one\ntwo\n\nthree, which is long\nfour"


@pytest.fixture
def fs(lake: DataLake, tmp_path: Path) -> RadopsFileSystem:
    """A file system with the same lines as a file, and as two in a directory."""
    File("lines.txt").write_bytes(LINES)
    fill(tmp_path / "in", {"small.txt": LINES, "large.txt": LINES + bytes(5 << 20)})
    lake.add(tmp_path / "in", "d")
    return RadopsFileSystem.of(lake)


@pytest.mark.parametrize("make", [list, tuple, np.array, iter], ids=lambda make: make.__name__)
def test_numbers_of_ranges_come_in_any_collection(fs: RadopsFileSystem, make: Any) -> None:
    found = fs.cat_ranges(["lines.txt", "d/small.txt"], make([0, 4]), make([3, 7 - len(LINES)]))
    assert found == [b"one", b"two"]
    assert fs.cat_ranges(["lines.txt"] * 2, 4, make([5, 7])) == [b"t", b"two"]


def test_ends_of_ranges_may_be_left_out_or_count_from_the_end(fs: RadopsFileSystem) -> None:
    starts, ends = [None, -4, 0, 3, 100, -100], [None, None, -31, 1, 200, 3]
    found = fs.cat_ranges(["lines.txt"] * 6, starts, ends)
    assert found == [LINES[slice(*pair)] for pair in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("delimiter", [None, b"\n", b", "])
@pytest.mark.parametrize("path", ["lines.txt", "d/small.txt"])
def test_blocks_are_cut_at_delimiters(
    fs: RadopsFileSystem, tmp_path: Path, path: str, delimiter: bytes | None
) -> None:
    local = fsspec.filesystem("file")
    same = str(tmp_path / "same")
    local.pipe_file(same, LINES)
    for offset in range(len(LINES) + 2):
        for length in (0, 1, 5, len(LINES), 1000, None):
            expected = local.read_block(same, offset, length, delimiter)
            assert fs.read_block(path, offset, length, delimiter) == expected, (offset, length)


def test_blocks_of_a_large_file(fs: RadopsFileSystem) -> None:
    assert fs.read_block("d/large.txt", 4, 3) == b"two"
    assert fs.read_block("d/large.txt", 0, 5, b"\n") == b"one\ntwo\n"
