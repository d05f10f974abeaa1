"""A file over ranges behaves as a file does, and reads no more than it has to."""

from __future__ import annotations

import io
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from backends.bodies import pattern
from radops.format.outline import BLOCK_SIZE
from radops.repository.objects.range_file import RangeFile

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = BLOCK_SIZE
DATA = pattern(30 * MIB + 123)


class Source:
    """Serves spans, and notes what was asked for."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.asked: list[list[tuple[int, int]]] = []

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.asked.append(list(ranges))
        return [self.data[start : start + length] for start, length in ranges]

    @property
    def blocks(self) -> int:
        """How many blocks were asked for, all in all."""
        return sum(-(-length // MIB) for ranges in self.asked for _, length in ranges)

    def open(self) -> RangeFile:
        return RangeFile(self.read, len(self.data))


def test_it_is_a_file_as_any(tmp_path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    source = random.Random(5)
    with (tmp_path / "file").open("rb") as real, Source().open() as ranged:
        for _ in range(300):
            offset = source.choice([source.randrange(len(DATA)), source.randrange(1000)])
            length = source.choice([0, 1, 17, 100_000, 3 * MIB, 12 * MIB])
            match source.randrange(6):
                case 0:
                    assert ranged.seek(offset) == real.seek(offset)
                case 1:
                    whence = source.choice([io.SEEK_CUR, io.SEEK_END])
                    assert ranged.seek(7, whence) == real.seek(7, whence)
                case 2:
                    assert ranged.read(length) == real.read(length)
                case 3:
                    mine, theirs = bytearray(length), bytearray(length)
                    assert ranged.readinto(mine) == real.readinto(theirs)
                    assert mine == theirs
                case 4:
                    assert ranged.readline() == real.readline()
                case 5:
                    assert ranged.pread(length, offset) == os.pread(real.fileno(), length, offset)
            assert ranged.tell() == real.tell()
        ranged.seek(29 * MIB)
        real.seek(29 * MIB)
        assert ranged.read() == real.read()
        assert ranged.read() == b""
        assert (ranged.readable(), ranged.seekable(), ranged.writable()) == (True, True, False)


def test_lines_as_text_and_bytes() -> None:
    lines = [f"line {number} " + "x" * (number % 300) + "\n" for number in range(20_000)]
    data = "".join(lines).encode()
    source = Source(data)
    assert list(source.open()) == [line.encode() for line in lines]
    assert source.blocks == -(-len(data) // MIB)
    assert list(io.TextIOWrapper(source.open(), encoding="utf-8")) == lines


def test_reads_that_jump_fetch_the_blocks_that_they_touch() -> None:
    source = Source()
    with source.open() as file:
        for block in (20, 3, 11):
            file.seek(block * MIB + 5)
            file.read(100)
            file.read(100)  # in the same block: nothing is asked for
    assert source.asked == [[(block * MIB, MIB)] for block in (20, 3, 11)]
    source.asked.clear()
    with source.open() as file:
        file.seek(5 * MIB - 1)
        assert file.read(2) == DATA[5 * MIB - 1 : 5 * MIB + 1]
    assert source.asked == [[(4 * MIB, MIB), (5 * MIB, MIB)]]


def test_reads_in_a_row_are_read_ahead_more_and_more() -> None:
    source = Source()
    with source.open() as file:
        while file.read(MIB // 2):
            pass
    asked = [sum(length for _, length in ranges) // MIB for ranges in source.asked]
    assert asked[0] == 1  # nothing is known yet
    assert asked == [1, 2, 3, 5, 9, 9, 2]
    assert source.blocks == 31  # nothing twice


def test_a_large_read_is_one_question_and_is_not_kept_in_memory() -> None:
    source = Source()
    with source.open() as file:
        assert file.read(20 * MIB) == DATA[: 20 * MIB]
        assert source.asked == [[(0, 20 * MIB)]]
        assert not file._held


def test_threads_read_at_once() -> None:
    """Reads at offsets disturb neither each other nor the position."""
    with Source().open() as file, ThreadPoolExecutor(8) as pool:
        file.seek(77)
        offsets = [random.Random(number).randrange(len(DATA)) for number in range(400)]
        found = pool.map(lambda offset: file.pread(1000, offset), offsets)
        assert list(found) == [DATA[offset : offset + 1000] for offset in offsets]
        assert file.tell() == 77


def test_threads_share_the_position_as_they_do_with_a_file() -> None:
    parts: list[bytes] = []
    lock = threading.Lock()
    with Source(DATA[: 4 * MIB]).open() as file:

        def read() -> None:
            while part := file.read(10_000):
                with lock:
                    parts.append(part)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(parts) == sorted(
        DATA[at : min(at + 10_000, 4 * MIB)] for at in range(0, 4 * MIB, 10_000)
    )


def test_what_is_refused() -> None:
    file = Source().open()
    with pytest.raises(ValueError, match="negative"):
        file.seek(-1)
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 9)
    with pytest.raises(ValueError, match="no bytes"):
        file.pread(-1, 0)
    with pytest.raises(io.UnsupportedOperation):
        file.write(b"x")
    with pytest.raises(io.UnsupportedOperation):
        file.fileno()
    file.close()
    for closed in (file.read, file.tell, lambda: file.pread(1, 0), lambda: file.read_ranges([])):
        with pytest.raises(ValueError, match="closed"):
            closed()
