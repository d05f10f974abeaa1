"""What every backend promises that moves local files: `FileTransfers`."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.backends.parts import MIB
from radops.backends.transfers import Fetch, FetchRanges, FileTransfers, Send
from radops.errors import CorruptObjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.backends.base import Backend


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def kinds(answers: Sequence[Exception | None]) -> list[type | None]:
    return [None if answer is None else type(answer) for answer in answers]


def fetch(key: str, path: Path, data: bytes) -> Fetch:
    return Fetch(key, path, len(data), native.hash_bytes(data)[0])


def fetch_ranges(
    key: str, path: Path, data: bytes, spans: Sequence[tuple[int, int]] | None = None
) -> FetchRanges:
    """Fetch into a file of zeros; by default all blocks, two at a time."""
    path.touch()
    os.truncate(path, len(data))
    blocks = -(-len(data) // MIB)
    spans = spans or [(first, min(first + 2, blocks)) for first in range(0, blocks, 2)]
    return FetchRanges(key, path, len(data), native.hash_bytes(data)[1], spans)


def send(key: str, path: Path, data: bytes) -> Send:
    """Send a file that has these bytes, unless it is there already."""
    if not path.exists():
        path.write_bytes(data)
    digest, outline = native.hash_bytes(data)
    return Send(key, path, len(data), digest, outline)


class FilesContract:
    @pytest.fixture
    def files(self, backend: Backend) -> FileTransfers:
        assert backend.files is not None
        return backend.files

    def test_no_files(self, files: FileTransfers) -> None:
        assert files.fetch([]) == []
        assert files.fetch_ranges([]) == []
        assert files.send([]) == []

    # Small objects to files

    def test_fetch_answers_in_order(
        self, backend: Backend, files: FileTransfers, tmp_path: Path
    ) -> None:
        body = noise(5000)
        backend.put([("good", body), ("empty", b""), ("block", noise(MIB))])
        backend.put([("short", body[:-1]), ("long", body + b"1"), ("other", noise(5000, 1))])
        wanted = {
            "short": (body, CorruptObjectError),
            "good": (body, None),
            "absent": (body, KeyNotFoundError),
            "long": (body, CorruptObjectError),
            "empty": (b"", None),
            "other": (body, CorruptObjectError),
            "block": (noise(MIB), None),
        }
        progress = native.Progress()
        answers = files.fetch(
            [fetch(key, tmp_path / key, data) for key, (data, _) in wanted.items()], progress
        )
        assert kinds(answers) == [kind for _, kind in wanted.values()]
        assert progress.files == 3
        assert progress.bytes == 5000 + MIB
        good = {key: data for key, (data, kind) in wanted.items() if kind is None}
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == good

    def test_fetch_replaces_no_file(
        self, backend: Backend, files: FileTransfers, tmp_path: Path
    ) -> None:
        backend.put([("a", b"new")])
        path = tmp_path / "a"
        path.write_bytes(b"old")
        with pytest.raises(OSError, match="exists"):
            files.fetch([fetch("a", path, b"new")])
        assert path.read_bytes() == b"old"

    def test_there_and_back_with_many(self, files: FileTransfers, tmp_path: Path) -> None:
        bodies = {f"m/{number % 7}/{number:05}": b"%d" % number for number in range(1200)}
        sent = [
            send(key, tmp_path / f"{number}", body)
            for number, (key, body) in enumerate(bodies.items())
        ]
        assert files.send(sent) == [None] * len(bodies)
        wanted = [
            fetch(key, tmp_path / f"{number}.back", body)
            for number, (key, body) in enumerate(bodies.items())
        ]
        absent = [
            fetch(f"{key}-absent", tmp_path / f"{number}.absent", b"1")
            for number, key in enumerate(bodies)
        ]
        mixed = [*wanted, *absent]
        random.Random(1).shuffle(mixed)
        assert kinds(files.fetch(mixed)) == [
            KeyNotFoundError if one.key.endswith("-absent") else None for one in mixed
        ]
        assert [one.path.read_bytes() for one in wanted] == list(bodies.values())
        assert not any(one.path.exists() for one in absent)

    # Ranges of larger objects to files

    def test_ranges_answer_in_order(
        self, backend: Backend, files: FileTransfers, tmp_path: Path
    ) -> None:
        data = noise(3 * MIB + 17)
        flipped = bytearray(data)
        flipped[2 * MIB + 5] ^= 1
        backend.put([("good", data), ("flipped", bytes(flipped))])
        backend.put([("cut in a block", data[:-1]), ("cut between", data[: 2 * MIB])])
        wanted = {
            "cut in a block": CorruptObjectError,
            "good": None,
            "absent": KeyNotFoundError,
            "flipped": CorruptObjectError,
            "cut between": CorruptObjectError,
        }
        answers = files.fetch_ranges([fetch_ranges(key, tmp_path / key, data) for key in wanted])
        assert kinds(answers) == list(wanted.values())
        assert (tmp_path / "good").read_bytes() == data
        for key in wanted:  # a block in a file is right, or was not written
            found = (tmp_path / key).read_bytes()
            assert len(found) == len(data)
            for start in range(0, len(data), MIB):
                block = found[start : start + MIB]
                assert block in (data[start : start + MIB], bytes(len(block)))

    def test_only_the_wanted_blocks_are_written(
        self, backend: Backend, files: FileTransfers, tmp_path: Path
    ) -> None:
        data = noise(4 * MIB + 1)
        backend.put([("a", data)])
        progress = native.Progress()
        one = fetch_ranges("a", tmp_path / "a", data, [(4, 5), (1, 3)])
        assert files.fetch_ranges([one], progress) == [None]
        expected = bytes(MIB) + data[MIB : 3 * MIB] + bytes(MIB) + data[4 * MIB :]
        assert (tmp_path / "a").read_bytes() == expected
        assert progress.bytes == 2 * MIB + 1

    def test_blocks_without_an_outline_are_written_as_they_come(
        self, backend: Backend, files: FileTransfers, tmp_path: Path
    ) -> None:
        data = noise(2 * MIB + 1)
        backend.put([("a", data)])
        one = fetch_ranges("a", tmp_path / "a", data)._replace(outline=None)
        assert files.fetch_ranges([one]) == [None]
        assert (tmp_path / "a").read_bytes() == data

    # Files to objects

    def test_send_answers_in_order(
        self, backend: Backend, files: FileTransfers, tmp_path: Path
    ) -> None:
        backend.put([("stays", b"old"), ("replaced", b"old")])
        small, large = noise(5000), noise(12 * MIB + 5)
        flipped = bytearray(large)
        flipped[6 * MIB] ^= 1
        (tmp_path / "stays").write_bytes(bytes(5000))
        (tmp_path / "flipped").write_bytes(flipped)
        (tmp_path / "short").write_bytes(large[:-1])
        wanted = {
            "stays": (small, CorruptObjectError),
            "replaced": (small, None),
            "flipped": (large, CorruptObjectError),
            "large": (large, None),
            "short": (large, CorruptObjectError),
            "empty": (b"", None),
        }
        items = [send(key, tmp_path / key, data) for key, (data, _) in wanted.items()]
        missing = Send("missing", tmp_path / "missing", *items[0][2:])
        progress = native.Progress()
        answers = files.send([missing, *items], progress)
        assert isinstance(answers[0], OSError)
        assert kinds(answers[1:]) == [kind for _, kind in wanted.values()]
        assert progress.files == 3
        good = {key: data for key, (data, kind) in wanted.items() if kind is None}
        found = {entry.key for entry in backend.list("")}
        assert found == {*good, "stays"}
        expected = {**good, "stays": b"old"}
        assert backend.read(list(expected), 64 * MIB) == list(expected.values())
