"""The wrappers of `faults` do what they say."""

from __future__ import annotations

import pytest

from backends.bodies import BytesPart
from faults import (
    WRITES,
    CorruptingBackend,
    CountingBackend,
    Crash,
    CrashingBackend,
    FailingBackend,
    LossyBackend,
    flip_last,
    truncate,
)
from radops.backends.base import KeyNotFoundError
from radops.backends.memory import MemoryBackend
from radops.errors import LocalStorageError, RemoteUnavailableError

ITEMS = [("a", b"1"), ("b", b"2"), ("c", b"3")]


@pytest.fixture
def memory() -> MemoryBackend:
    return MemoryBackend()


def test_counting(memory: MemoryBackend) -> None:
    backend = CountingBackend(memory)
    backend.put(ITEMS)
    backend.stat("a")
    list(backend.list("x"))
    upload = backend.upload("d", 1)
    upload.write(0, BytesPart(b"4"))
    upload.commit()
    backend.delete(["a", "b"])
    assert backend.operations == [
        ("put", "a"),
        ("put", "b"),
        ("put", "c"),
        ("stat", "a"),
        ("list", "x"),
        ("upload", "d"),
        ("write", "d"),
        ("commit", "d"),
        ("delete", "a"),
        ("delete", "b"),
    ]
    assert backend.counts()["put"] == 3


def test_failing(memory: MemoryBackend) -> None:
    backend = FailingBackend(memory, at=2, names=WRITES, error=LocalStorageError("full"))
    backend.stat("a")
    with pytest.raises(LocalStorageError, match="full"):
        backend.put(ITEMS)
    assert memory.snapshot() == {"a": b"1"}
    backend.put(ITEMS)
    assert memory.snapshot() == dict(ITEMS)


def test_failing_some_times(memory: MemoryBackend) -> None:
    backend = FailingBackend(memory, at=1, times=2)
    for _ in range(2):
        with pytest.raises(RemoteUnavailableError):
            backend.stat("a")
    assert backend.stat("a") is None


@pytest.mark.parametrize("after", range(4))
def test_crashing(memory: MemoryBackend, after: int) -> None:
    backend = CrashingBackend(memory, after=after)
    if after < len(ITEMS):
        with pytest.raises(Crash):
            backend.create(ITEMS)
        # The process is gone: nothing is done any more, not even a read.
        for call in (lambda: backend.stat("a"), backend.flush, lambda: backend.delete(["a"])):
            with pytest.raises(Crash):
                call()
    else:
        assert backend.create(ITEMS) == [True] * 3
    assert memory.snapshot() == dict(ITEMS[:after])


def test_losing_a_reply(memory: MemoryBackend) -> None:
    backend = LossyBackend(memory, at=2)
    with pytest.raises(RemoteUnavailableError, match="reply lost"):
        backend.create(ITEMS)
    assert memory.snapshot() == dict(ITEMS[:2])
    assert backend.create(ITEMS) == [False, False, True]


def test_corrupting(memory: MemoryBackend) -> None:
    memory.put([("objects/a", b"\0\0\0"), ("refs/a", b"\0")])
    flipping = CorruptingBackend(memory, "^objects/", flip_last, times=1)
    assert flipping.open("refs/a").read() == b"\0"
    with flipping.open("objects/a", 1) as reader:
        assert reader.read(1) == b"\0"
        assert reader.read() == b"\1"
    assert flipping.open("objects/a").read() == b"\0\0\0"
    assert CorruptingBackend(memory, "", truncate).open("objects/a").read() == b"\0\0"
    with pytest.raises(KeyNotFoundError):
        flipping.open("objects/b")
