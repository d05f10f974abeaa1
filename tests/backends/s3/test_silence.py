"""A network path that drops all packets in the middle of a transfer."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, pattern
from radops import native
from radops.backends.location import RemoteOptions
from radops.backends.parts import MIB
from radops.backends.s3.client import Timeouts
from radops.backends.transfers import Fetch, FetchRanges, Send
from radops.errors import RemoteUnavailableError
from servers.relay import SilentPath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from radops.backends.s3.backend import S3Backend
    from servers.server import S3Server

TIMEOUTS = Timeouts(connect=3, read=3, transfer=3, throttled=3)
"""Longer than a server on a busy machine says nothing: the try after the silence has to succeed."""
BOUND = 40
"""Seconds. With these limits no try begins later than four after the last progress. A transfer
that waited by the default limit would take a minute."""

DATA = pattern(12 * MIB + 5)


@pytest.fixture
def path(seaweedfs: S3Server) -> Iterator[SilentPath]:
    with SilentPath(seaweedfs.endpoint_url) as path:
        yield path


@pytest.fixture
def backend(seaweedfs: S3Server, path: SilentPath) -> Iterator[S3Backend]:
    options = RemoteOptions(endpoint_url=path.endpoint_url, region="us-east-1")
    backend = seaweedfs.backend(options=options, timeouts=TIMEOUTS, part_size=5 * MIB)
    yield backend
    backend.close()


def read_stream(backend: S3Backend, folder: Path) -> None:
    with backend.open("large") as reader:
        assert reader.read() == DATA


def read_batch(backend: S3Backend, folder: Path) -> None:
    assert backend.read(["large"], 64 * MIB) == [DATA]


def fetch_file(backend: S3Backend, folder: Path) -> None:
    data = DATA[:MIB]
    one = Fetch("small", folder / "small", MIB, native.hash_bytes(data)[0])
    assert backend.files.fetch([one]) == [None]
    assert one.path.read_bytes() == data


def fetch_blocks(backend: S3Backend, folder: Path) -> None:
    target = folder / "large"
    target.touch()
    os.truncate(target, len(DATA))
    outline = native.hash_bytes(DATA)[1]
    spans = [(0, 4), (4, 8), (8, 13)]
    one = FetchRanges("large", target, len(DATA), outline, spans)
    assert backend.files.fetch_ranges([one]) == [None]
    assert target.read_bytes() == DATA


def put(backend: S3Backend, folder: Path) -> None:
    backend.put([("new", DATA)])


def upload(backend: S3Backend, folder: Path) -> None:
    sent = backend.upload("new", len(DATA))
    for number in range(3):
        start = number * 5 * MIB
        sent.write(number, BytesPart(DATA[start : start + 5 * MIB]))
    sent.commit()


def send_file(backend: S3Backend, folder: Path) -> None:
    source = folder / "source"
    source.write_bytes(DATA)
    digest, outline = native.hash_bytes(DATA)
    assert backend.files.send([Send("new", source, len(DATA), digest, outline)]) == [None]


READS = [read_stream, read_batch, fetch_file, fetch_blocks]
WRITES = [put, upload, send_file]


@pytest.mark.parametrize("call", [*READS, *WRITES])
def test_a_connection_that_falls_silent_is_replaced(
    backend: S3Backend,
    path: SilentPath,
    tmp_path: Path,
    call: Callable[[S3Backend, Path], None],
) -> None:
    backend.put([("large", DATA), ("small", DATA[:MIB])])
    backend.close()
    path.drop(after=500_000)
    began = time.monotonic()
    call(backend, tmp_path)
    assert time.monotonic() - began < BOUND
    assert path.dropped == 1
    if call in WRITES:
        assert backend.read(["new"], 64 * MIB) == [DATA]


@pytest.mark.parametrize("call", [*READS, *WRITES])
def test_a_path_that_stays_silent_is_given_up(
    backend: S3Backend,
    path: SilentPath,
    tmp_path: Path,
    call: Callable[[S3Backend, Path], None],
) -> None:
    backend.put([("large", DATA), ("small", DATA[:MIB])])
    backend.close()
    path.drop(after=0, times=None)
    began = time.monotonic()
    with pytest.raises(RemoteUnavailableError):
        call(backend, tmp_path)
    assert time.monotonic() - began < BOUND
    assert path.dropped >= 1
    path.drop(after=0, times=0)
    assert backend.read(["new"], 64 * MIB) == [None]


def test_an_idle_connection_that_went_silent_is_replaced(
    backend: S3Backend, path: SilentPath
) -> None:
    backend.put([("small", b"1")])
    before = path.connections
    path.drop(after=0)  # the kept connection, on its next request
    began = time.monotonic()
    assert backend.read(["small"], 10) == [b"1"]
    assert time.monotonic() - began < BOUND
    assert path.dropped == 1
    assert path.connections == before + 1
