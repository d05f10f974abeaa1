"""pandas on a lake, by URL."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from radops.data_lake import DataLake, Directory, File


@pytest.fixture
def frame(lake: DataLake) -> pd.DataFrame:
    frame = pd.DataFrame({"a": range(1000), "b": [str(n) for n in range(1000)]})
    with File("tab/one.parquet").staged() as path:
        frame.to_parquet(path)
    with File("tab/one.csv").staged() as path:
        frame.to_csv(path, index=False)
    with Directory("parts").staged() as folder:
        frame[:500].to_parquet(folder / "0.parquet")
        frame[500:].to_parquet(folder / "1.parquet")
    return frame


def test_reading(frame: pd.DataFrame) -> None:
    assert pd.read_parquet("radops://tab/one.parquet", columns=["a"]).equals(frame[["a"]])
    assert pd.read_parquet("radops://parts")["a"].tolist() == list(range(1000))
    assert pd.read_parquet("radops://parts/1.parquet")["a"].tolist() == list(range(500, 1000))
    assert pd.read_csv("radops://tab/one.csv")["a"].equals(frame["a"])
    assert pd.read_csv("radops://tab/one.csv", nrows=3)["a"].tolist() == [0, 1, 2]


def test_writing(frame: pd.DataFrame) -> None:
    frame.to_parquet("radops://out/two.parquet")
    assert pd.read_parquet(File("out/two.parquet")).equals(frame)
    frame.to_csv("radops://out/two.csv", index=False)
    assert File("out/two.csv").read_bytes() == File("tab/one.csv").read_bytes()
    with pytest.raises(FileExistsError):
        frame.to_parquet("radops://out/two.parquet")
    with pytest.raises(io.UnsupportedOperation, match="edit"):
        frame.to_csv("radops://parts/new.csv")


class Unprintable:
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("name", ["half.csv", "half.csv.gz"])
def test_a_csv_that_fails_half_way_is_not_published(frame: pd.DataFrame, name: str) -> None:
    values = [*range(200_000), Unprintable()]
    with pytest.raises(ZeroDivisionError):
        pd.DataFrame({"a": values}, dtype=object).to_csv(f"radops://{name}", chunksize=1000)
    assert not File(name).exists()


def test_a_table_that_cannot_be_written_is_not_published(frame: pd.DataFrame) -> None:
    with pytest.raises(Exception, match="Unprintable"):
        pd.DataFrame({"a": [1, Unprintable()]}).to_parquet("radops://half.parquet")
    assert not File("half.parquet").exists()
