"""polars on a lake: columns and filters are pushed down."""

from __future__ import annotations

import polars as pl
import pytest

from radops.data_lake import DataLake, Directory, File
from radops.errors import UIDNotFoundError
from radops.integrations.polars import scan_parquet


@pytest.fixture
def frame(lake: DataLake) -> pl.DataFrame:
    frame = pl.DataFrame({"a": range(1000), "b": [str(n) for n in range(1000)]})
    with File("tab/one.parquet").staged() as path:
        frame.write_parquet(path)
    with Directory("parts").staged() as folder:
        frame[:500].write_parquet(folder / "0.parquet")
        frame[500:].write_parquet(folder / "1.parquet")
    return frame


def test_scans(frame: pl.DataFrame) -> None:
    for target in (File("tab/one.parquet"), "tab/one.parquet", Directory("parts"), "parts"):
        scan = scan_parquet(target)
        assert scan.collect().equals(frame)
        chosen = scan.filter(pl.col("a") >= 990).select("b").collect()
        assert chosen["b"].to_list() == [str(n) for n in range(990, 1000)]
    assert scan_parquet("radops://parts/0.parquet").select(pl.len()).collect().item() == 500
    with pytest.raises(UIDNotFoundError):
        scan_parquet("nothing")


def test_its_own_readers(frame: pl.DataFrame) -> None:
    assert pl.read_parquet("radops://tab/one.parquet", use_pyarrow=True).equals(frame)
    scan = pl.scan_pyarrow_dataset(Directory("parts").dataset())
    assert scan.select("a").collect()["a"].to_list() == list(range(1000))
    with File("tab/one.parquet").open("rb") as stream:
        assert pl.read_parquet(stream).equals(frame)
