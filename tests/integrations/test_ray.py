"""Ray's data sets on a lake, by the file system, on a real cluster of processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: make test-torch")
pytest.importorskip("ray.data", reason="Ray's data sets are not installed: make test-torch")

import pyarrow as pa  # noqa: E402 - after Ray was looked for
import pyarrow.parquet as pq  # noqa: E402 - likewise

from clusters import running_ray  # noqa: E402 - likewise
from radops.data_lake import DataLake, Directory, File, file_creator  # noqa: E402 - likewise
from radops.integrations.fsspec import RadopsFileSystem  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Ray itself warns of; its processes take long to start on a machine that is busy.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster whose processes can import this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent), prepend=os.pathsep)
        with running_ray() as context:
            yield context


@pytest.fixture
def tables(lake: DataLake) -> DataLake:
    """A lake with two files in the folder `tab`, and the same two as the directory `parts`."""
    with Directory("parts").staged() as folder:
        for number in range(2):
            table = pa.table({"a": range(500 * number, 500 * (number + 1)), "b": ["x"] * 500})
            pq.write_table(table, folder / f"{number}.parquet")
            with File(f"tab/{number}.parquet").staged() as path:
                pq.write_table(table, path)
    return lake


def test_tables(tables: DataLake, cluster: Any) -> None:
    for target in ("parts", "radops://parts", "tab", ["tab/0.parquet", "tab/1.parquet"]):
        found = ray.data.read_parquet(target, filesystem=RadopsFileSystem(), columns=["a"])
        assert found.count() == 1000, target
        assert found.sum("a") == sum(range(1000)), target
        assert found.schema().names == ["a"], target


@ray.remote
def read(files: RadopsFileSystem, path: str) -> bytes:
    """Read a file in a process of Ray."""
    return files.cat_file(path)


@file_creator(name="tests.ray.total")
def total(target: str) -> File:
    """Read tables with Ray, and one file in a process of Ray only."""
    files = RadopsFileSystem()
    found = ray.data.read_parquet(target, filesystem=files)
    out = File()
    out.write_text(f"{found.sum('a')} {len(ray.get(read.remote(files, 'note.txt')))}")
    return out


@pytest.mark.parametrize(
    ("target", "read_of_it"),
    [("tab", {"tab/0.parquet", "tab/1.parquet"}), ("parts", {"parts"})],
)
def test_what_its_processes_read_is_recorded(
    tables: DataLake, cluster: Any, target: str, read_of_it: set[str]
) -> None:
    File("note.txt").write_text("note")
    File("other.txt").write_text("not read")
    made = total(target)
    assert made.read_text() == f"{sum(range(1000))} 4"
    recorded = made.info().call
    assert {one.uid for one in recorded.reads} == {*read_of_it, "note.txt"}
    # Nothing stays behind of a creator that has ended, and what is read then belongs to none.
    assert ray.get(read.remote(RadopsFileSystem(), "other.txt")) == b"not read"


def test_a_file_system_that_outlives_its_creator_still_reads(
    tables: DataLake, cluster: Any
) -> None:
    kept: list[Any] = []

    @file_creator(name="tests.ray.keeps")
    def keeps() -> File:
        kept.append(ray.put(RadopsFileSystem()))
        out = File()
        out.write_text("kept")
        return out

    keeps()
    File("note.txt").write_text("note")
    assert ray.get(read.remote(kept[0], "note.txt")) == b"note"
