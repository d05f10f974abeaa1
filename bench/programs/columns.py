"""Read one column of twenty of Parquet files in a bucket, by pyarrow.

`make` writes the files into `$W/tables`. `radops` reads a directory of a lake; `s3fs`, `s3fs-none` and
`s3fs-parquet` read objects, with the cache that is the default, with none, and with the one that
fetches exactly what the footer says.
"""

import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from filesystems import measure, radops_files, s3_files

COLUMNS = 20
WANTED = "c7"


def make(files: int, megabytes: int) -> None:
    """Write files of random numbers, which cannot be compressed."""
    folder = Path(os.environ["W"]) / "tables"
    folder.mkdir()
    rows = megabytes * 1_000_000 // (8 * COLUMNS)
    for number in range(files):
        table = pa.table(
            {
                f"c{column}": pa.Array.from_buffers(
                    pa.int64(), rows, [None, pa.py_buffer(os.urandom(8 * rows))]
                )
                for column in range(COLUMNS)
            }
        )
        path = folder / f"{number:03}.parquet"
        pq.write_table(table, path, use_dictionary=False, compression="none")


def read(kind: str) -> pa.Table:
    """Return the column of all files."""
    if kind == "radops":
        return ds.dataset("set/v1", filesystem=radops_files(), format="parquet").to_table([WANTED])
    top = f"{os.environ['BUCKET']}/up"
    if kind != "s3fs-parquet":
        options = {"default_cache_type": "none"} if kind == "s3fs-none" else {}
        files = s3_files(**options)
        return ds.dataset(top, filesystem=files, format="parquet").to_table([WANTED])
    from fsspec.parquet import open_parquet_file  # noqa: PLC0415

    files = s3_files()
    found = []
    for path in sorted(files.find(top)):
        with open_parquet_file(path, fs=files, columns=[WANTED], engine="pyarrow") as file:
            found.append(pq.read_table(file, columns=[WANTED]))
    return pa.concat_tables(found)


if sys.argv[1] == "make":
    make(int(sys.argv[2]), int(sys.argv[3]))
else:
    expected = int(sys.argv[2]) * (int(sys.argv[3]) * 1_000_000 // (8 * COLUMNS))
    measure(lambda: read(sys.argv[1]), lambda table: table.num_rows == expected)
