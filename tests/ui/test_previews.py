"""Previews: of every kind of file, also broken, huge or absent ones."""

from __future__ import annotations

import io
import json
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from radops.ui.code import highlighted
from radops.ui.compare import compare
from radops.ui.previews import images
from radops.ui.previews.preview import FETCHED, preview

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake
    from radops.ui.previews.shapes import Preview

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def shown(lake: DataLake, write: Callable[..., Path]) -> Callable[..., Preview]:
    def shown(name: str, content: str | bytes) -> Preview:
        lake.add(write(name, content), name)
        return preview(lake, lake.info(name))

    return shown


def test_long_text_is_cut(shown: Callable[..., Preview]) -> None:
    found = shown("long.txt", "é" * 100_000)
    assert found.kind == "text"
    assert 30_000 < len(found.text) <= 64 << 10
    assert "The first 64.0 KiB of 195.3 KiB." in found.note
    assert shown("empty.txt", "").note == "The file is empty."


def test_other_bytes_are_numbers(shown: Callable[..., Preview]) -> None:
    found = shown("data.bin", b"\xff\x00AB")
    assert found.kind == "bytes"
    assert found.text.startswith("00000000  ff 00 41 42")


def test_csv(shown: Callable[..., Preview]) -> None:
    found = shown("t.csv", "n;name\n1;a\n;b\n30;\n")
    assert found.table is not None
    assert found.table.columns == ["n", "name"]
    assert found.table.rows == [["1", "a"], ["", "b"], ["30", ""]]
    number, name = found.table.summary
    assert (number.type, number.nulls, number.low, number.high) == ("integer", "1", "1", "30")
    assert (name.type, name.nulls, name.low) == ("text", "1", "a")
    many = shown("many.csv", "a,b\n" + "1,2\n" * 100_000)
    assert many.table is not None
    assert len(many.table.rows) == 50
    assert "in the first 256.0 KiB of" in many.note
    wide = shown("wide.csv", ",".join(map(str, range(5_000))) + "\n")
    assert wide.table is not None
    assert len(wide.table.columns) == 40


def test_json_lines(shown: Callable[..., Preview]) -> None:
    lines = [{"a": 1}, {"b": [1, "x"]}, 3]
    found = shown("l.jsonl", "\n".join(map(json.dumps, lines)))
    assert found.table is not None
    assert found.table.columns == ["a", "b", ""]
    assert found.table.rows == [["1", "", ""], ["", '[1, "x"]', ""], ["", "", "3"]]
    assert shown("bad.jsonl", "{}\n{").note == "Line 2 is not JSON."
    assert shown("deep.jsonl", "[" * 100_000).kind == "none"


def test_parquet(shown: Callable[..., Preview], lake: DataLake) -> None:
    stream = io.BytesIO()
    table = pa.table({"n": list(range(1000)), "s": [None, *["x"] * 999]})
    pq.write_table(table, stream, row_group_size=300)
    found = shown("t.parquet", stream.getvalue())
    assert found.table is not None
    assert dict(found.facts)["rows"] == "1,000"
    assert dict(found.facts)["row groups"] == "4"
    assert found.table.rows[:2] == [["0", ""], ["1", "x"]]
    assert len(found.table.rows) == 50
    number, text = found.table.summary
    assert (number.type, number.low, number.high) == ("int64", "0", "999")
    assert (text.nulls, text.low) == ("1", "x")
    assert shown("short.parquet", b"PAR1").kind == "none"
    assert shown("lies.parquet", b"PAR1" + b"\xff\xff\xff\x7fPAR1").kind == "none"
    assert "not what its name says" in shown("x.parquet", b"PAR1" + b"\2\0\0\0PAR1").note


def test_arrays(shown: Callable[..., Preview]) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 3), dtype="<f4", order="F"))
    facts = dict(shown("a.npy", stream.getvalue()).facts)
    assert facts == {"shape": "2 x 3", "type": "<f4", "layout": "Fortran order"}
    stream = io.BytesIO()
    np.savez(stream, one=np.zeros(5), two=np.array({"an": "object"}, dtype=object))
    facts = dict(shown("a.npz", stream.getvalue()).facts)
    assert facts["one"] == "5, <f8, C order"
    assert facts["two"].startswith("a single number, |O")
    assert shown("bad.npy", b"\x93NUMPY\1\0\xff\xff").kind == "none"
    assert "not what its name says" in shown("bad.npz", b"PK").note


def png(width: int, height: int) -> bytes:
    """Return a PNG that says to be so large, with hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_images_are_made_small(shown: Callable[..., Preview]) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (500, 300), "red").save(stream, "JPEG")
    assert shown("p.jpg", stream.getvalue()).note == "500 x 300 pixels, RGB"
    made = images.thumbnail(stream.getvalue(), "p.jpg", 64)
    assert made is not None
    data, kind = made
    with Image.open(io.BytesIO(data)) as image:
        assert (kind, image.size) == ("image/png", (64, 38))
    assert images.thumbnail(stream.getvalue(), "p.svg", 64) is None
    assert images.thumbnail(stream.getvalue(), "p.png", 64) is None
    assert images.thumbnail(stream.getvalue(), "p.jpg", 5000) is None


def test_an_image_that_unpacks_to_too_much_is_refused(shown: Callable[..., Preview]) -> None:
    bomb = png(60_000, 60_000)
    assert shown("bomb.png", bomb).kind == "none"
    assert images.thumbnail(bomb, "bomb.png", 64) is None


def test_without_pillow_small_images_are_sent_as_they_are(
    monkeypatch: pytest.MonkeyPatch, shown: Callable[..., Preview]
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    data = png(2, 2)
    assert shown("small.png", data).kind == "image"
    assert images.thumbnail(data, "small.png", 64) == (data, "image/png")
    assert images.thumbnail(b"<svg/>", "small.png", 64) is None
    assert images.thumbnail(data + bytes(5 << 20), "small.png", 64) is None


def test_of_a_remote_file_only_what_is_shown_is_fetched(
    make_lake: Callable[..., DataLake], shared: str, write: Callable[..., Path]
) -> None:
    size = 20 << 20
    maker, reader = make_lake("maker", remote=shared), make_lake("reader", remote=shared)
    maker.add(write("big.csv", b"a,b\n" + b"1,2\n" * (size // 4)), "big.csv")
    maker.add(write("big.png", png(9, 9) + bytes(FETCHED)), "big.png")
    found = preview(reader, reader.info("big.csv"))
    assert found.table is not None
    assert len(found.table.rows) == 50
    assert "not on this machine" in preview(reader, reader.info("big.png")).note
    assert not reader.file("big.csv").is_local()
    home = sum(one.stat().st_size for one in reader.home.rglob("*") if one.is_file())
    assert home < size // 4


def test_damaged_bytes_are_not_shown(lake: DataLake, write: Callable[..., Path]) -> None:
    lake.add(write("t.txt", "true" * 50), "t.txt")
    path = lake.session.store.object_path(lake.info("t.txt").digest)
    path.chmod(0o644)
    path.write_text("lies" * 50)
    found = preview(lake, lake.info("t.txt"))
    assert found.kind == "none"
    assert "It cannot be read" in found.note


def test_text_and_tables_are_compared(lake: DataLake, write: Callable[..., Path]) -> None:
    contents: dict[str, Any] = {
        "a.txt": "one\ntwo\n", "b.txt": "one\nthree\n",
        "a.csv": "id,x\n1,2\n2,3\n2,3\n", "b.csv": "x,id,new\n3,2,0\n9,9,0\n",
    }  # fmt: skip
    for name, content in contents.items():
        lake.add(write(name, content), name)
    text = compare(lake, "a.txt", "b.txt")
    assert ("del", "-two") in text.lines
    assert ("add", "+three") in text.lines
    table = compare(lake, "a.csv", "b.csv").table
    assert table is not None
    assert table.columns == [("new", "", "text")]
    assert sorted(table.removed) == [("1", "2"), ("2", "3")]
    assert table.added == [("9", "9")]
    assert compare(lake, "a.txt", "a.txt").same


def test_code_is_marked_up_and_escaped() -> None:
    made = highlighted("    def f():\n        return '<b>\x1b'\n")
    assert made.startswith('<span class="k">def</span>')
    assert "<b>" not in made
    assert "\\x1b" in made
    assert highlighted("x" * 5_000) == "x" * 5_000
    assert "<" not in highlighted("<" * 5_000)
