"""What differs between two tables: columns, and rows as far as they are read."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from radops.ui import texts

if TYPE_CHECKING:
    from radops.data_lake import DataLake, FileInfo

_READ: Final = 4 << 20
_ROWS: Final = 20_000
_SHOWN: Final = 30
_COLUMNS: Final = 40


class _Table(NamedTuple):
    columns: dict[str, str]
    """Types by name."""
    rows: list[tuple[str, ...]]
    whole: bool
    total: int | None


@dataclass
class TableDiff:
    """What differs between two tables."""

    note: str
    columns: list[tuple[str, str, str]] = field(default_factory=list)
    """Columns that differ: name, type before, type after; empty where there is none."""
    shared: list[str] = field(default_factory=list)
    """Columns of both, by which rows are compared."""
    added: list[tuple[str, ...]] = field(default_factory=list)
    removed: list[tuple[str, ...]] = field(default_factory=list)
    added_total: int = 0
    removed_total: int = 0


def compare_tables(lake: DataLake, before: FileInfo, after: FileInfo) -> TableDiff | None:
    """Compare two tables of CSV or Parquet; None if they are something else."""
    tables = []
    for info in (before, after):
        suffix = info.name.rpartition(".")[2].lower()
        with lake.file(info.uid).open("rb", fetch="ranges") as stream:
            if suffix in ("csv", "tsv"):
                tables.append(_csv(stream, info.size, "\t" if suffix == "tsv" else ","))
            elif suffix in ("parquet", "pq") and find_spec("pyarrow") is not None:
                tables.append(_parquet(stream))
            else:
                return None
    return _diff(*tables)


def _csv(stream: BinaryIO, size: int, separator: str) -> _Table:
    data = stream.read(_READ)
    whole = len(data) == size
    if not whole:
        data = data[: data.rfind(b"\n") + 1]
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace")), delimiter=separator)
    names = next(reader, [])[:_COLUMNS]
    rows = [tuple(row[: len(names)]) for _, row in zip(range(_ROWS), reader, strict=False)]
    whole = whole and len(rows) < _ROWS
    return _Table(dict.fromkeys(names, "text"), rows, whole, len(rows) if whole else None)


def _parquet(stream: BinaryIO) -> _Table:
    pq: Any = import_module("pyarrow.parquet")

    file: Any = pq.ParquetFile(stream)
    names = file.schema_arrow.names[:_COLUMNS]
    columns = {name: str(file.schema_arrow.field(name).type) for name in names}
    rows: list[tuple[str, ...]] = []
    total = file.metadata.num_rows
    if total and file.metadata.row_group(0).total_byte_size <= 16 * _READ:
        for batch in file.iter_batches(batch_size=_ROWS, columns=names):
            cells = [[texts.value(one, 200) for one in column.to_pylist()] for column in batch]
            rows += zip(*cells, strict=True)
            if len(rows) >= _ROWS:
                break
    return _Table(columns, rows[:_ROWS], len(rows) == total, total)


def _diff(before: _Table, after: _Table) -> TableDiff:
    names = dict.fromkeys((*before.columns, *after.columns))
    columns = [
        (texts.shown(name), before.columns.get(name, ""), after.columns.get(name, ""))
        for name in names
        if before.columns.get(name) != after.columns.get(name)
    ]
    shared = [name for name in before.columns if name in after.columns]
    old, new = _counted(before, shared), _counted(after, shared)
    gone, come = old - new, new - old
    counts = [
        f"{table.total:,}" if table.total is not None else f"more than {len(table.rows):,}"
        for table in (before, after)
    ]
    note = f"{counts[0]} rows → {counts[1]} rows."
    if not (before.whole and after.whole):
        note += f" The first {_ROWS:,} rows of each are compared, or what {texts.size(_READ)} hold."
    return TableDiff(
        note,
        columns,
        [texts.shown(name) for name in shared],
        _some(come),
        _some(gone),
        come.total(),
        gone.total(),
    )


def _counted(table: _Table, names: list[str]) -> Counter[tuple[str, ...]]:
    places = [list(table.columns).index(name) for name in names]
    return Counter(
        tuple(row[place] if place < len(row) else "" for place in places) for row in table.rows
    )


def _some(rows: Counter[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [
        tuple(texts.shown(cell[:200]) for cell in row)
        for _, row in zip(range(_SHOWN), rows.elements(), strict=False)
    ]
