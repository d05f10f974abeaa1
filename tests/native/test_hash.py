"""Hashing through the Python face, with the `blake3` wheel as second opinion."""

from __future__ import annotations

import array
import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from radops import native

if TYPE_CHECKING:
    from pathlib import Path

MIB = native.BLOCK_SIZE
BORDERS = [
    max(0, border + step)
    for border in (0, 1024, 2048, MIB, 2 * MIB, 3 * MIB, 9 * MIB)
    for step in (-1, 0, 1)
]


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from block to block, quickly."""
    return blake3(seed.to_bytes(8, "little")).digest(length=size)


def digest(data: bytes) -> bytes:
    return blake3(data).digest()


@pytest.mark.parametrize("size", BORDERS)
def test_all_ways_to_hash_agree(size: int, tmp_path: Path) -> None:
    data = some_bytes(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    hasher = native.Hasher()
    for start in range(0, size, 700_001):
        hasher.update(data[start : start + 700_001])
    found = native.hash_file(path)
    assert found.digest == digest(data)
    assert (found.digest, found.outline) == native.hash_bytes(data) == hasher.finalize()
    assert found.size == hasher.size == size
    if size > MIB:
        assert len(found.outline) == 32 * -(-size // MIB)
        assert native.block_values(data, 0) == found.outline
        assert native.block_values(data[MIB:], 1) == found.outline[32:]
        assert native.merge_outline(found.outline, size) == found.digest
    else:
        assert found.outline == b""


@settings(deadline=None, max_examples=40)
@given(size=st.integers(0, 5 * MIB), cut=st.integers(0, 5 * MIB), seed=st.integers(0, 2**63))
def test_random_sizes_and_cuts(size: int, cut: int, seed: int) -> None:
    data = some_bytes(size, seed)
    hasher = native.Hasher()
    hasher.update(data[:cut])
    assert hasher.finalize()[0] == digest(data[:cut])
    hasher.update(data[cut:])
    assert hasher.finalize() == native.hash_bytes(data)
    assert native.hash_bytes(data)[0] == digest(data)


@pytest.mark.parametrize("size", [0, 5, 3000, 3 * MIB + 8])
def test_any_contiguous_buffer(size: int) -> None:
    data = some_bytes(size)
    expected = native.hash_bytes(data)
    words = array.array("Q", data[: size // 8 * 8])
    for same in (bytearray(data), memoryview(data), memoryview(bytearray(data))):
        assert native.hash_bytes(same) == expected
        assert native.block_values(same, 7) == native.block_values(data, 7)
    assert native.hash_bytes(words) == native.hash_bytes(words.tobytes())
    if size == 3000:
        square = memoryview(data).cast("B", (30, 100))
        assert native.hash_bytes(square) == expected
    outline = expected[1]
    if outline:
        assert native.merge_outline(bytearray(outline), size) == expected[0]


def test_what_is_no_contiguous_buffer() -> None:
    for wrong in ("text", 7, None, [1, 2]):
        with pytest.raises(TypeError, match="bytes-like"):
            native.hash_bytes(wrong)  # type: ignore[arg-type]
    for strided in (memoryview(b"abcdef")[::2], memoryview(b"abcdef")[::-1]):
        with pytest.raises(BufferError):
            native.hash_bytes(strided)
        with pytest.raises(BufferError):
            native.Hasher().update(strided)


def test_outlines_that_cannot_be() -> None:
    for size in (0, 1, MIB):
        with pytest.raises(ValueError, match="one block"):
            native.merge_outline(b"", size)
    for length in (0, 31, 63, 65, 96):
        with pytest.raises(ValueError, match="64 bytes"):
            native.merge_outline(bytes(length), MIB + 1)
    with pytest.raises(ValueError, match="bytes"):
        native.merge_outline(bytes(64), 2**64 - 1)
    with pytest.raises(OverflowError):
        native.merge_outline(bytes(64), 2**64)
    with pytest.raises(ValueError, match="2\\^64"):
        native.block_values(b"x", 2**44)
    with pytest.raises(ValueError, match="2\\^64"):
        native.block_values(some_bytes(2 * MIB), 2**64 - 1)


def test_the_stat_is_that_of_os_stat(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    # Past the year 2262, nanoseconds need more than 64 bits.
    for when in (0, 1_234_567_890_123_456_789, 9_999_999_999 * 10**9 + 1):
        os.utime(path, ns=(when, when))
        stat = path.stat()
        found = native.hash_file(path)
        assert (found.size, found.mtime_ns, found.ctime_ns, found.inode) == (
            stat.st_size,
            stat.st_mtime_ns,
            stat.st_ctime_ns,
            stat.st_ino,
        )


def test_many_files_with_failures_in_their_place(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(200)]
    for number, path in enumerate(paths):
        if number % 20 != 3:
            path.write_bytes(some_bytes(4 * MIB if number % 50 == 7 else number * 11, number))
    progress = native.Progress()
    answers = native.hash_files([*paths, str(tmp_path)], progress=progress)
    assert progress.files == len(answers) == 201
    assert progress.bytes == sum(path.stat().st_size for path in paths if path.exists())
    for path, answer in zip(paths, answers, strict=False):
        if path.exists():
            assert isinstance(answer, native.FileHash)
            assert answer.digest == digest(path.read_bytes())
        else:
            assert isinstance(answer, FileNotFoundError)
            assert answer.filename == str(path)
    assert isinstance(answers[-1], IsADirectoryError)
    assert native.hash_files([]) == []


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    with pytest.raises(FileNotFoundError) as caught:
        native.hash_file(path)
    assert caught.value.filename == path
    with open(path, "wb") as file:
        file.write(b"abc")
    assert native.hash_file(path).digest == digest(b"abc")


def test_bad_blocks(tmp_path: Path) -> None:
    data = bytearray(some_bytes(6 * MIB + 1))
    _, outline = native.hash_bytes(data)
    path = tmp_path / "file"
    path.write_bytes(data)
    assert native.bad_blocks(path, len(data), outline) == []
    data[2 * MIB] ^= 1
    data[6 * MIB] ^= 1
    path.write_bytes(data)
    assert native.bad_blocks(path, len(data), memoryview(outline)) == [2, 6]
    path.write_bytes(data[: MIB + 7])
    assert native.bad_blocks(path, len(data), outline) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match="bytes"):
        native.bad_blocks(path, len(data), outline[1:])
    with pytest.raises(FileNotFoundError):
        native.bad_blocks(tmp_path / "missing", len(data), outline)
