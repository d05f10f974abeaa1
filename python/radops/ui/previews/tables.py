"""The first rows of CSV, JSON lines and Parquet, and what is known of their columns."""

from __future__ import annotations

import csv
import io
import json
import struct
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from radops.ui import texts
from radops.ui.previews.shapes import Column, Preview, Table
from radops.ui.previews.text import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

READ: Final = 256 << 10
ROWS: Final = 50
COLUMNS: Final = 40
_CELL: Final = 200
_MOST_FOOTER: Final = 16 << 20
_MOST_GROUP: Final = 64 << 20


def csv_rows(stream: BinaryIO, size: int) -> Preview:
    """Return the first rows of comma-separated values; the first line names the columns."""
    text, note = _lines(stream, size)
    if text is None:
        return Preview("none", "It is not text in UTF-8.")
    separator = max("\t;,", key=text.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    if not rows:
        return Preview("none", "It has no rows.")
    return _table(rows[0], rows[1:], note)


def json_lines(stream: BinaryIO, size: int) -> Preview:
    """Return the first objects of JSON lines, a column for each key."""
    text, note = _lines(stream, size)
    if text is None:
        return Preview("none", "It is not text in UTF-8.")
    objects: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return Preview("none", f"Line {number:,} is not JSON.")
        objects.append(found if isinstance(found, dict) else {"": found})
    names = list(dict.fromkeys(name for one in objects for name in one))
    rows = [[_text(one.get(name)) for name in names] for one in objects]
    return _table(names, rows, note)


def _lines(stream: BinaryIO, size: int) -> tuple[str | None, str]:
    data = stream.read(READ)
    whole = len(data) == size
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    note = "" if whole else f" in the first {texts.size(READ)} of {texts.size(size)}"
    return decoded(data, whole=whole), note


def _table(names: Sequence[str], rows: list[list[str]], note: str) -> Preview:
    summary = [
        _summary(name, [row[index] for row in rows if index < len(row)])
        for index, name in enumerate(names[:COLUMNS])
    ]
    shown = [[_cut(cell) for cell in row[:COLUMNS]] for row in rows[:ROWS]]
    of = f"{texts.count(len(rows), 'row')}{note}, {texts.count(len(names), 'column')}"
    more = "" if len(rows) <= ROWS else f"; the first {ROWS} rows are shown"
    columns = [_cut(name) for name in names[:COLUMNS]]
    return Preview("table", f"{of}{more}.", table=Table(columns, shown, summary))


def _summary(name: str, cells: list[str]) -> Column:
    filled = [cell for cell in cells if cell != ""]
    nulls = f"{len(cells) - len(filled):,}"
    numbers = _numbers(filled)
    if numbers:
        kind = "integer" if all(number.is_integer() for number in numbers) else "number"
        low, high = filled[numbers.index(min(numbers))], filled[numbers.index(max(numbers))]
    else:
        kind, low, high = "text", min(filled, default=""), max(filled, default="")
    distinct = f"{len(set(filled)):,} different"
    return Column(_cut(name), kind, nulls, _cut(low, 40), _cut(high, 40), distinct)


def _numbers(cells: list[str]) -> list[float]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return []
    return numbers if all(abs(number) < float("inf") for number in numbers) else []


def parquet(stream: BinaryIO, size: int) -> Preview:
    """Return schema, statistics and first rows; only the footer and those rows are read."""
    if find_spec("pyarrow") is None:
        return Preview("none", "Parquet is shown if pyarrow is installed: pip install pyarrow")
    pq: Any = import_module("pyarrow.parquet")

    stream.seek(max(0, size - 8))
    tail = stream.read(8)
    if tail[4:] != b"PAR1" or struct.unpack("<I", tail[:4])[0] > min(size, _MOST_FOOTER):
        return Preview("none", "It is not a Parquet file, or its footer is too large to be shown.")
    stream.seek(0)
    file = pq.ParquetFile(stream)
    meta = file.metadata
    schema = file.schema_arrow
    names = schema.names[:COLUMNS]
    facts = [
        ("rows", f"{meta.num_rows:,}"),
        ("columns", f"{len(schema.names):,}"),
        ("row groups", f"{meta.num_row_groups:,}"),
        ("written by", texts.shown(meta.created_by or "")),
    ]
    summary = [_statistics(meta, schema, name) for name in names]
    note, rows = "", []
    if meta.num_row_groups and meta.row_group(0).total_byte_size <= _MOST_GROUP:
        batch = next(file.iter_batches(batch_size=ROWS, row_groups=[0], columns=names), None)
        columns = [] if batch is None else [column.to_pylist() for column in batch.columns]
        rows = [[_cut(_text(cell)) for cell in row] for row in zip(*columns, strict=True)]
        note = f"The first {texts.count(len(rows), 'row')} of {meta.num_rows:,}."
    elif meta.num_row_groups:
        note = "Its row groups are too large to show rows of."
    table = Table([_cut(name) for name in names], rows, summary)
    return Preview("table", note, table=table, facts=facts)


def _statistics(meta: Any, schema: Any, name: str) -> Column:  # noqa: ANN401 - of pyarrow
    kind = _cut(str(schema.field(name).type), 60)
    nulls, lows, highs = 0, [], []
    for group in range(min(meta.num_row_groups, 200)):
        row_group = meta.row_group(group)
        for index in range(min(row_group.num_columns, 500)):
            column = row_group.column(index)
            if column.path_in_schema != name:
                continue
            statistics = column.statistics
            if statistics is None or not statistics.has_min_max:
                return Column(_cut(name), kind)
            nulls += statistics.null_count or 0
            lows.append(statistics.min)
            highs.append(statistics.max)
    if not lows:
        return Column(_cut(name), kind)
    low, high = _cut(_text(min(lows)), 40), _cut(_text(max(highs)), 40)
    return Column(_cut(name), kind, f"{nulls:,}", low, high)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else texts.value(cell, _CELL)


def _cut(text: str, limit: int = _CELL) -> str:
    text = texts.shown(text[: limit + 1])
    return text if len(text) <= limit else f"{text[:limit]}…"
