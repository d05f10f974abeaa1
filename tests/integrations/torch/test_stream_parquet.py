"""Rows of Parquet files: all of them, once, right, in an order that can be resumed."""

from __future__ import annotations

import itertools
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
pytest.importorskip("pyarrow", reason="pyarrow is not installed: make test-torch")

import pyarrow as pa
import pyarrow.parquet as pq

from radops.data_lake import DataLake, Directory, File
from radops.errors import ConflictError, RadopsError, UsageError
from radops.integrations.torch import Loader, StreamParquet
from radops.integrations.torch.cache import RunCache
from radops.integrations.torch.row_groups import read_groups

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = {"batch_size": 32, "block": "4kB", "lanes": 4, "cache": "1MB", "prefetch": "2kB"}


@pytest.fixture
def lake(make_lake: Callable[..., DataLake], tmp_path: Path, shared: str) -> DataLake:
    """A machine that has nothing of the tables in its remote."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for number in range(3):
        first = number * 400
        table = pa.table(
            {
                "x": range(first, first + 400),
                "y": [index / 7 for index in range(400)],
                "text": [f"row {index}" for index in range(400)],
            }
        )
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=90)
    (folder / "notes.txt").write_text("no table")
    one = make_lake("one", remote=shared)
    one.add(folder, "tables")
    one.add(folder / "1.parquet", "one.parquet")
    return make_lake("two", remote=shared)


def stream(target: Any, *arguments: Any, **options: Any) -> StreamParquet:
    return StreamParquet(target, *arguments, **{**SMALL, **options})


@pytest.mark.parametrize("workers", [0, 2])
def test_every_row_comes_once(lake: DataLake, workers: int) -> None:
    ds = stream(Directory("tables", lake=lake), ["x", "y"], tail="uneven")
    assert ds.samples == 1200
    batches = list(Loader(ds, num_workers=workers))
    rows = [
        (x, y)
        for batch in batches
        for x, y in zip(batch["x"].tolist(), batch["y"].tolist(), strict=True)
    ]
    assert set(batches[0]) == {"x", "y"}
    assert sorted(rows) == [(x, x % 400 / 7) for x in range(1200)]
    assert [x for x, _ in rows] != list(range(1200))
    names = list(ds.names())
    assert names == [f"tables/{x // 400}.parquet:{x % 400}" for x, _ in rows]


def test_a_file_is_read_without_shuffling_too(lake: DataLake) -> None:
    ds = stream(File("one.parquet", lake=lake), shuffle=False, tail="uneven")
    rows = list(ds)
    assert [row["x"] for row in rows] == list(range(400, 800))
    assert rows[5] == {"x": 405, "y": 5 / 7, "text": "row 5"}


def test_rows_are_transformed_and_runs_go_on(lake: DataLake) -> None:
    def loader(workers: int) -> Loader:
        ds = stream(Directory("tables", lake=lake), transform=lambda row: row["x"])
        return Loader(ds, num_workers=workers)

    whole = [x for batch in loader(0) for x in batch.tolist()]
    first = loader(2)
    seen = [x for batch in itertools.islice(iter(first), 11) for x in batch.tolist()]
    again = loader(1)
    again.load_state_dict(first.state_dict())
    assert seen + [x for batch in again for x in batch.tolist()] == whole
    assert len(whole) == 1184
    assert len(list(again.dataset.seen(first.state_dict()))) == 352


def test_what_is_wrong_in_the_cache_is_read_again(lake: DataLake, tmp_path: Path) -> None:
    ds = stream(File("one.parquet", lake=lake), ["x"], tail="uneven")
    expected = sorted(row["x"] for row in ds)
    runs = list((tmp_path / "two" / "cache" / "streams").glob("*/0/*"))
    assert len(runs) == 5
    runs[0].write_bytes(runs[0].read_bytes().replace(b"\x01", b"\x02"))
    runs[1].write_bytes(b"")
    assert sorted(row["x"] for row in ds) == expected


def test_files_are_opened_once_to_count_rows(lake: DataLake, tmp_path: Path) -> None:
    directory = Directory("tables", lake=lake)
    order = list(stream(directory, ["x"]).names())
    # Without the remote and the files, what was counted before is enough.
    storage = lake.session.store.root
    for path in list((storage / "objects").rglob("*")):
        if path.is_file() and path.stat().st_size > 5000:  # not the table of contents
            path.unlink()
    shutil.rmtree(storage / "cache", ignore_errors=True)
    (tmp_path / "shared" / "objects").rename(tmp_path / "away")
    assert list(stream(directory, ["x"]).names()) == order
    note = next((tmp_path / "two" / "cache" / "streams").glob("*/notes/*"))
    note.write_bytes(note.read_bytes()[:-1])
    with pytest.raises(RadopsError):
        stream(directory, ["x"])
    (tmp_path / "away").rename(tmp_path / "shared" / "objects")
    assert list(stream(directory, ["x"]).names()) == order


def cached(tmp_path: Path) -> set[Path]:
    return set((tmp_path / "two" / "cache" / "streams").glob("*/0/*"))


def test_other_bytes_of_the_same_name_are_neither_read_nor_kept(
    lake: DataLake, tmp_path: Path
) -> None:
    file = File("one.parquet", lake=lake)
    ds = stream(file, ["x"], shuffle=False, tail="uneven", block=1, prefetch=1, lanes=1)
    read = iter(ds)
    assert next(read)["x"] == 400
    before = cached(tmp_path)
    assert 0 < len(before) < 5
    digest = file.digest().hex
    file.delete()
    with file.staged() as path:
        pq.write_table(pa.table({"x": range(400)}), path, row_group_size=90)
    with pytest.raises(ConflictError, match="other bytes have its name now"):
        list(read)
    assert cached(tmp_path) == before
    with pytest.raises(ConflictError, match="other bytes"):
        read_groups([file], [digest], ["x"], RunCache(tmp_path / "empty", "data", 10_000))
    assert not list((tmp_path / "empty").glob("data/notes/*"))
    again = stream(File("one.parquet", lake=lake), ["x"], shuffle=False, tail="uneven")
    assert [row["x"] for row in again] == list(range(400))


def test_other_directories_of_the_same_name_are_not_read_by_processes_that_are_spawned(
    lake: DataLake, tmp_path: Path
) -> None:
    directory = Directory("tables", lake=lake)
    ds = stream(directory, ["x"], shuffle=False, tail="uneven")
    directory.delete()
    with Directory("tables", lake=lake).staged() as folder:
        for number in range(3):
            pq.write_table(
                pa.table({"x": range(400)}), folder / f"{number}.parquet", row_group_size=90
            )
    with pytest.raises(ConflictError, match=r"tables/0\.parquet was deleted"):
        list(pickle.loads(pickle.dumps(ds)))
    assert not cached(tmp_path)
    assert [row["x"] for row in ds] == list(range(1200))  # what was open stays what it is


def test_what_cannot_work_is_refused_at_once(lake: DataLake) -> None:
    with pytest.raises(UsageError, match="no column z"):
        stream(Directory("tables", lake=lake), ["x", "z"])
    with pytest.raises(UsageError, match="at least"):
        stream(Directory("tables", lake=lake), cache=100)
    with pytest.raises(UsageError, match="too few"):
        stream(Directory("tables", lake=lake), pattern="*.csv")
    state = Loader(stream(Directory("tables", lake=lake), ["x"])).state_dict()
    with pytest.raises(UsageError, match="columns"):
        Loader(stream(Directory("tables", lake=lake), ["y"])).load_state_dict(state)
