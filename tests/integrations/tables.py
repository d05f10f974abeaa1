"""Tables in a bucket, large enough that what is read of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from radops.data_lake import DataLake

if TYPE_CHECKING:
    from pathlib import Path

    from servers.server import S3Server

ROWS, COLUMNS = 120_000, 20
COLUMN_BYTES = ROWS * 8


def table(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Return a table whose columns hold random numbers, which no codec makes smaller."""
    source = np.random.default_rng(seed)
    columns = {f"c{n:02}": source.integers(0, 2**62, rows) for n in range(COLUMNS)}
    columns["c00"] = np.arange(rows) + seed * rows
    return pa.table(columns)


def write_lake(folder: Path, server: S3Server) -> str:
    """Fill a bucket with `tab/0.parquet`, `tab/1.parquet`, the directory `parts`; return its name.

    The two files have one row group of 20 columns, each of about 1 MB.
    """
    (folder / "parts").mkdir(parents=True)
    for number in range(2):
        pq.write_table(
            table(number), folder / f"{number}.parquet", use_dictionary=False, row_group_size=ROWS
        )
        small = table(number, 1000).select(["c00", "c01"])
        pq.write_table(small, folder / f"parts/{number}.parquet")
    name = server.new_bucket()
    writer = DataLake(
        home=folder / "home", remote=f"s3://{name}/lake?endpoint_url={server.endpoint_url}"
    )
    for number in range(2):
        writer.add(folder / f"{number}.parquet", f"tab/{number}.parquet")
    writer.add(folder / "parts", "parts")
    writer.close()
    return name
