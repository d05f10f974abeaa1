from __future__ import annotations

import pytest

from backends.contract import BackendContract
from faults import CountingBackend
from radops.backends.memory import MemoryBackend
from radops.backends.parts import MIB


class TestMemory(BackendContract):
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend(part_size=MIB)


class TestWrapped(BackendContract):
    """The wrappers of `faults` change nothing until they are told to."""

    @pytest.fixture
    def backend(self) -> CountingBackend:
        return CountingBackend(MemoryBackend(part_size=MIB))


def test_the_clock_can_be_set() -> None:
    times = iter([10.0, 20.0, 30.0])
    backend = MemoryBackend(clock=lambda: next(times))
    backend.put([("a", b"")])
    assert backend.create([("b", b""), ("a", b"")]) == [True, False]
    assert [entry.modified for entry in backend.list("")] == [10.0, 20.0]
    assert backend.now() == 30.0


def test_snapshot() -> None:
    backend = MemoryBackend()
    backend.put([("a", b"1")])
    before = backend.snapshot()
    backend.put([("a", b"2")])
    assert before == {"a": b"1"}
