"""dask on a lake, by URL."""

from __future__ import annotations

import dask
import dask.bag
import dask.dataframe as dd
import pandas as pd
import pytest

from radops.data_lake import DataLake, Directory, File, file_creator


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_tables_and_text(lake: DataLake) -> None:
    frame = pd.DataFrame({"a": range(1000)})
    with Directory("parts").staged() as folder:
        frame[:500].to_parquet(folder / "0.parquet")
        frame[500:].to_parquet(folder / "1.parquet")
    File("lines.txt").write_text("".join(f"{n}\n" for n in range(100)))
    with dask.config.set(scheduler="threads"):
        assert dd.read_parquet("radops://parts")["a"].sum().compute() == sum(range(1000))
        text = dask.bag.read_text("radops://lines.txt", blocksize=100)
        assert text.npartitions > 1
        assert text.map(int).sum().compute() == sum(range(100))
    with dask.config.set(scheduler="processes", num_workers=2):
        assert dask.bag.read_text("radops://lines.txt").count().compute() == 100


@file_creator(name="tests.dask.total")
def total(scheduler: str) -> File:
    """Read tables and text with dask."""
    with dask.config.set(scheduler=scheduler, num_workers=2):
        rows = dd.read_parquet(["radops://tab/0.parquet", "radops://tab/1.parquet"])
        lines = dask.bag.read_text("radops://lines.txt")
        text = f"{rows['a'].sum().compute()} {lines.count().compute()}"
    out = File()
    out.write_text(text)
    return out


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_what_it_reads_is_recorded(lake: DataLake, scheduler: str) -> None:
    for number in range(2):
        frame = pd.DataFrame({"a": range(500 * number, 500 * (number + 1))})
        frame.to_parquet(f"radops://tab/{number}.parquet")
    File("lines.txt").write_text("one\ntwo\n")
    made = total(scheduler)
    assert made.read_text() == f"{sum(range(1000))} 2"
    assert {one.uid for one in made.info().call.reads} == {
        "lines.txt", "tab/0.parquet", "tab/1.parquet",
    }  # fmt: skip
