"""Local files to a bucket and back in Rust, over a proxy that fails."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.bodies import pattern
from radops import native
from radops.backends.base import KeyNotFoundError
from radops.backends.parts import MIB
from radops.backends.s3.client import Timeouts
from radops.backends.transfers import Fetch, FetchRanges, Send
from radops.errors import CorruptObjectError, RemoteRefusedError, RemoteUnavailableError
from servers.fixtures import needs_ceph
from servers.http_faults import (
    Answer,
    Cut,
    CutUpload,
    DropReply,
    Flip,
    FlipUpload,
    Refuse,
    Stall,
    Truncate,
)
from servers.proxy import FaultProxy, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.s3.backend import S3Backend
    from servers.http_faults import Fault
    from servers.server import S3Server

LARGE = 12 * MIB + 12_345


@pytest.fixture(params=["SeaweedFS", pytest.param("Ceph", marks=needs_ceph)])
def proxy(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    with FaultProxy(request.getfixturevalue(request.param.lower())) as proxy:
        yield proxy


def item(path: Path, key: str, data: bytes) -> Send:
    path.write_bytes(data)
    digest, outline = native.hash_bytes(data)
    return Send(key, path, len(data), digest, outline)


def ranges(
    path: Path, one: Send, spans: list[tuple[int, int]] | None = None, *, known: bool = True
) -> FetchRanges:
    path.touch()
    os.truncate(path, one.size)
    blocks = -(-one.size // MIB)
    spans = spans or [(first, min(first + 4, blocks)) for first in range(0, blocks, 4)]
    return FetchRanges(one.key, path, one.size, one.outline if known else None, spans)


def content(backend: S3Backend, key: str) -> bytes:
    with backend.open(key) as reader:
        return reader.read()


def test_there_and_back(backend: S3Backend, tmp_path: Path) -> None:
    sizes = [0, 1, 4096, MIB - 1, MIB, MIB + 1, 5 * MIB, 5 * MIB + 1, LARGE]
    items = [item(tmp_path / str(size), f"a b/{size}", pattern(size)) for size in sizes]
    progress = native.Progress()
    assert backend.files.send(items, progress) == [None] * len(sizes)
    assert progress.bytes == sum(sizes)
    assert progress.files == len(sizes)
    for one in items:
        assert content(backend, one.key) == one.path.read_bytes()
    small, large = items[:5], items[5:]
    wanted = [Fetch(one.key, tmp_path / f"{one.size}.back", one.size, one.digest) for one in small]
    progress = native.Progress()
    assert backend.files.fetch(wanted, progress) == [None] * len(small)
    assert progress.bytes == sum(one.size for one in small)
    targets = [ranges(tmp_path / f"{one.size}.back", one) for one in large]
    assert backend.files.fetch_ranges(targets) == [None] * len(large)
    for one in items:
        back = tmp_path / f"{one.size}.back"
        assert back.read_bytes() == one.path.read_bytes()
    assert (tmp_path / "4096.back").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize(
    "fault",
    [
        *(CutUpload(700_000), FlipUpload(700_000), Refuse(), DropReply(), Stall(5)),
        *(Answer(500), Answer(503)),
    ],
    ids=repr,
)
def test_sending_survives(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path, fault: Fault
) -> None:
    items = [
        item(tmp_path / name, name, pattern(size))
        for name, size in [("small", MIB), ("medium", 3 * MIB), ("large", LARGE)]
    ]
    for one in items:
        proxy.inject(fault, method="PUT")
        assert backend.files.send([one]) == [None]
        proxy.reset()
        assert content(backend, one.key) == one.path.read_bytes()


@pytest.mark.parametrize("fault", [Refuse(), Answer(500), Stall(), Answer(503)], ids=repr)
def test_sending_to_what_always_fails_ends_and_leaves_nothing(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path, fault: Fault
) -> None:
    one = item(tmp_path / "large", "large", pattern(LARGE))
    proxy.inject(fault, method="PUT", times=None)
    began = time.monotonic()
    with pytest.raises(RemoteUnavailableError):
        backend.files.send([one])
    assert time.monotonic() - began < 60
    proxy.reset()
    assert backend.stat("large") is None
    time.sleep(1.1)
    assert backend.remove_stale(0) <= 1  # aborted, unless the abort was overtaken


def test_a_file_that_is_wrong_is_not_sent(backend: S3Backend, tmp_path: Path) -> None:
    items = [item(tmp_path / str(size), str(size), pattern(size)) for size in (5, 2 * MIB, LARGE)]
    for one in items:
        with one.path.open("r+b") as file:
            file.seek(one.size - 1)
            file.write(b"!")
    good = item(tmp_path / "good", "good", b"good")
    gone = good._replace(key="gone", path=tmp_path / "gone")
    short = item(tmp_path / "short", "short", pattern(LARGE))
    os.truncate(short.path, LARGE - 1)
    *wrong, fine, absent = backend.files.send([*items, short, good, gone])
    for error in wrong:
        assert isinstance(error, CorruptObjectError)
        assert "was not sent" in str(error)
    assert fine is None
    assert isinstance(absent, FileNotFoundError)
    assert [entry.key for entry in backend.list("")] == ["good"]


@pytest.mark.parametrize(
    "fault",
    [
        *(Cut(0), Cut(100), Cut(1_500_000), Flip(1_200_000), Truncate(50), Refuse(), Stall(5)),
        *(DropReply(), Answer(500), Answer(429)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("known", [True, False])
def test_fetching_survives(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path, fault: Fault, known: bool
) -> None:
    data = pattern(LARGE)
    one = item(tmp_path / "large", "large", data)
    backend.files.send([one])
    proxy.inject(fault, method="GET")
    target = ranges(tmp_path / "back", one, known=known)
    assert backend.files.fetch_ranges([target]) == [None]
    if known or not isinstance(fault, Flip):  # without an outline the caller hashes the whole
        assert target.path.read_bytes() == data


@pytest.mark.parametrize("fault", [Flip(100), Truncate(50), Cut(100), Refuse(), Stall(5)], ids=repr)
def test_fetching_small_objects_survives(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path, fault: Fault
) -> None:
    items = [item(tmp_path / str(n), str(n), pattern(1000 + n)) for n in range(20)]
    backend.files.send(items)
    proxy.inject(fault, method="GET", times=3)
    wanted = [Fetch(one.key, tmp_path / f"{one.key}.back", one.size, one.digest) for one in items]
    answers = backend.files.fetch(wanted)
    # A fault may hit one object twice: then nothing of it is here.
    for one, answer in zip(wanted, answers, strict=True):
        assert answer is None or isinstance(answer, CorruptObjectError)
        assert one.path.exists() == (answer is None)
    assert sum(answer is not None for answer in answers) <= 1


def test_only_what_is_asked_for_is_fetched(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path
) -> None:
    data = pattern(LARGE)
    one = item(tmp_path / "large", "large", data)
    backend.files.send([one])
    proxy.reset()
    target = ranges(tmp_path / "back", one, [(1, 3), (12, 13)])
    assert backend.files.fetch_ranges([target]) == [None]
    found = target.path.read_bytes()
    assert found == bytes(MIB) + data[MIB : 3 * MIB] + bytes(9 * MIB) + data[12 * MIB :]
    assert proxy.bytes_sent() == 2 * MIB + 12_345


def test_what_is_wrong_or_absent_is_said_of_each(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path
) -> None:
    good, bad = (item(tmp_path / n, n, pattern(3 * MIB)) for n in ("good", "bad"))
    backend.files.send([good, bad])
    backend.put([("bad", bytes(3 * MIB)), ("tiny", b"123")])
    targets = [ranges(tmp_path / f"{one.key}.back", one) for one in (good, bad)]
    absent = targets[0]._replace(key="absent", path=targets[1].path)
    first, second, third = backend.files.fetch_ranges([*targets, absent])
    assert first is None
    assert isinstance(second, CorruptObjectError)
    assert isinstance(third, KeyNotFoundError)
    assert targets[0].path.read_bytes() == good.path.read_bytes()
    assert targets[1].path.read_bytes() == bytes(3 * MIB)
    wanted = [
        Fetch("tiny", tmp_path / "1", 3, native.hash_bytes(b"123")[0]),
        Fetch("tiny", tmp_path / "2", 3, native.hash_bytes(b"124")[0]),
        Fetch("tiny", tmp_path / "3", 2, native.hash_bytes(b"12")[0]),
        Fetch("absent", tmp_path / "4", 3, native.hash_bytes(b"123")[0]),
    ]
    answers = backend.files.fetch(wanted)
    assert [type(answer) for answer in answers] == [
        *(type(None), CorruptObjectError, CorruptObjectError, KeyNotFoundError)
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if len(path.name) == 1) == ["1"]


def test_nothing_is_written_after_a_fetch_has_failed(
    proxy: FaultProxy, backend: S3Backend, tmp_path: Path
) -> None:
    """What called it removes its files, or fetches them again under the same names."""
    data = pattern(MIB - 1)
    digest, _ = native.hash_bytes(data)
    keys = [f"key{number}" for number in range(12)]
    backend.put([(key, data) for key in keys])
    proxy.inject(Answer(403, "InvalidObjectState"), method="GET", key="key7", times=None)
    for turn in range(20):
        folder = tmp_path / str(turn)
        folder.mkdir()
        with pytest.raises(RemoteRefusedError):
            backend.files.fetch([Fetch(key, folder / key, len(data), digest) for key in keys])
        written = {path: path.stat().st_size for path in folder.iterdir()}
        assert set(written.values()) <= {len(data)}
        for path in written:
            path.unlink()
        time.sleep(0.02)
        assert not list(folder.iterdir())


# Processes


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, also where the shell that began the tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_a_call_at_once(proxy: FaultProxy) -> None:
    backend = proxy.backend(timeouts=Timeouts(connect=60, read=60, transfer=60))
    backend.put([("a", b"1")])
    proxy.inject(Stall(), times=None)
    for call in (
        lambda: backend.put([(f"k{n}", b"1") for n in range(1000)]),
        lambda: backend.read(["a"] * 50, 10),
        lambda: list(backend.list("")),
        lambda: backend.open("a"),
    ):
        timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            call()
        assert time.monotonic() - began < 20  # 0.5 s on a machine that is not busy
        timer.join()
    backend.close()


def test_a_fork_after_use(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", b"1")])
    reader = backend.open("a")
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                backend.put([(f"child{number}", b"2")])
                status = 0 if backend.read(["a"], 9) == [b"1"] else 2
            finally:
                os._exit(status)
        children.append(child)
        backend.put([(f"parent{number}", b"3")])
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert reader.read() == b"1"
    assert len(list(backend.list(""))) == 7


def _resources() -> tuple[int, int, int]:
    """Threads, descriptors, and KiB of memory of this process."""
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return int(fields["Threads"]), descriptors, int(fields["VmRSS"].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_thousand_transfers_leave_nothing_behind(seaweedfs: S3Server, tmp_path: Path) -> None:
    bucket = seaweedfs.new_bucket()
    small = item(tmp_path / "small", "small", pattern(4096))
    large = item(tmp_path / "large", "large", pattern(2 * MIB))

    def transfer(backend: S3Backend, number: int) -> None:
        one = large if number % 20 == 0 else small
        assert backend.files.send([one]) == [None]
        path = tmp_path / "back"
        if one is small:
            assert backend.files.fetch([Fetch("small", path, one.size, one.digest)]) == [None]
        else:
            assert backend.files.fetch_ranges([ranges(path, one)]) == [None]
        path.unlink()
        with backend.open("small") as reader:
            reader.read(10)

    def many(count: int) -> None:
        for start in range(0, count, 50):
            backend = seaweedfs.backend(bucket)  # each its own, as of 20 lakes in one process
            for number in range(start, start + 50):
                transfer(backend, number)
            backend.close()

    seaweedfs.backend(bucket).files.send([small])
    many(200)
    time.sleep(0.5)
    threads, descriptors, memory = _resources()
    many(800)
    # What was closed goes a moment later.
    wait_until(lambda: _resources()[0] <= threads + 4)
    wait_until(lambda: _resources()[1] <= descriptors + 8)
    assert _resources()[2] <= memory + 16 * 1024
