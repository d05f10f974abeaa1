"""pyarrow on a lake in a bucket: what it reads, and how much of it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
import pytest

from integrations.places import MIB, fetched
from integrations.tables import COLUMN_BYTES, ROWS, table, write_lake
from radops.data_lake import DataLake, Directory, File
from radops.errors import UIDNotFoundError, UsageError
from radops.integrations.fsspec import RadopsFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.proxy import FaultProxy
    from servers.server import S3Server


@pytest.fixture(scope="module")
def bucket(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_lake(tmp_path_factory.mktemp("tables"), seaweedfs)


@pytest.fixture
def reader(make_lake, remote: str, faulty_seaweedfs: FaultProxy) -> Iterator[DataLake]:
    lake = make_lake("reader", remote=remote)
    with lake.use():
        yield lake


def test_one_column_of_twenty_costs_one_column(reader, faulty_seaweedfs: FaultProxy) -> None:
    size = File("tab/0.parquet").size
    found = File("tab/0.parquet").dataset().to_table(columns=["c07"])
    assert found.equals(table(0).select(["c07"]))
    assert size > 17 * MIB
    # The column, and up to a block at each end of it and of the footer.
    assert COLUMN_BYTES < fetched(faulty_seaweedfs) <= COLUMN_BYTES + 3 * MIB
    assert not File("tab/0.parquet").is_local()


def test_counting_rows_reads_footers_only(reader, faulty_seaweedfs: FaultProxy) -> None:
    files = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(RadopsFileSystem()))
    both = ds.dataset("tab", filesystem=files, format="parquet")
    assert both.count_rows() == 2 * ROWS
    assert fetched(faulty_seaweedfs) <= 4 * MIB


def test_a_directory_is_one_table(reader) -> None:
    found = Directory("parts").dataset()
    assert found.count_rows() == 2000
    assert found.to_table(filter=ds.field("c00") >= 1500)["c00"].to_pylist() == list(
        range(1500, 2000)
    )
    again = pickle.loads(pickle.dumps(found))
    assert again.count_rows() == 2000


def test_from_a_url(reader) -> None:
    files, path = pyarrow.fs.FileSystem.from_uri("fsspec+radops://parts/0.parquet")
    assert pq.read_table(path, filesystem=files).num_rows == 1000
    with Directory("parts")["0.parquet"].open("rb") as stream:
        assert pq.ParquetFile(stream).metadata.num_rows == 1000
    with File("tab/1.parquet").open("rb") as stream:
        assert pq.ParquetFile(stream).read(["c00"])["c00"][0].as_py() == ROWS


def test_what_is_no_table(lake) -> None:
    File("a.txt").write_text("a\n1\n")
    with pytest.raises(UsageError, match=r"a\.txt: the extension does not tell"):
        File("a.txt").dataset()
    with Directory("empty").staged():
        pass
    with pytest.raises(UsageError, match="has no files"):
        Directory("empty").dataset()
    with pytest.raises(UIDNotFoundError):
        File("nothing.parquet").dataset()
    assert File("a.txt").dataset(format="csv").to_table().to_pydict() == {"a": [1]}


def test_writing(lake) -> None:
    pq.write_table(table(0, 10), "written/0.parquet", filesystem=RadopsFileSystem())
    assert File("written/0.parquet").dataset().to_table().equals(table(0, 10))
    ds.write_dataset(table(1, 10), "many", filesystem=RadopsFileSystem(), format="parquet",
                     existing_data_behavior="overwrite_or_ignore")  # fmt: skip
    assert ds.dataset("many", filesystem=RadopsFileSystem()).count_rows() == 10
