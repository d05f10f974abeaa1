"""What every backend promises of its calls for many keys: `Backend.read` and `Backend.stats`."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from backends.contract_base import ContractBase
from radops.backends.base import Entry
from radops.backends.parts import MIB

if TYPE_CHECKING:
    from radops.backends.base import Backend

ODD_KEYS = ["sp ace/p+lus", "per%cent/%2F", "ha#sh?", "é/日本/🎉", "am&per=sand;", "quo'te\"s<>"]


class BatchContract(ContractBase):
    def test_read_answers_in_order(self, backend: Backend) -> None:
        backend.put([("a", b"1"), ("b/c", b"22"), ("empty", b"")])
        keys = ["empty", "absent", "b/c", "a", "b/absent", "a"]
        assert backend.read(keys, 100) == [b"", None, b"22", b"1", None, b"1"]

    def test_stats_answers_in_order(self, backend: Backend) -> None:
        backend.put([("a", b"1"), ("b/c", b"22"), ("empty", b"")])
        found = backend.stats(["empty", "absent", "b/c", "a", "b/absent", "a"])
        sizes = [None if entry is None else (entry.key, entry.size) for entry in found]
        assert sizes == [("empty", 0), None, ("b/c", 2), ("a", 1), None, ("a", 1)]

    def test_nothing_is_asked_for(self, backend: Backend) -> None:
        assert backend.read([], 10) == []
        assert backend.stats([]) == []

    @pytest.mark.parametrize("most", [0, 1, 9, 10, 11, MIB])
    def test_read_no_more_than_wanted(self, backend: Backend, most: int) -> None:
        backend.put([("a", b"0123456789"), ("empty", b"")])
        expected = [b"0123456789"[:most], b"", None]
        assert backend.read(["a", "empty", "absent"], most) == expected

    @pytest.mark.parametrize("most", [0, 100, 3 * MIB - 1, 3 * MIB, 4 * MIB])
    def test_read_the_beginning_of_a_large_object(self, backend: Backend, most: int) -> None:
        data = random.Random(0).randbytes(3 * MIB)
        backend.put([("large", data), ("small", b"1")])
        assert backend.read(["large", "small", "large"], most) == [
            data[:most],
            b"1"[:most],
            data[:most],
        ]

    def test_a_batch_finds_nothing_above_or_below_a_key(self, backend: Backend) -> None:
        backend.put([("a/b", b"1")])
        keys = ["a", "a/b/c", "a/b", "a/b/c/d", "b"]
        assert backend.read(keys, 10) == [None, None, b"1", None, None]
        assert [entry is not None for entry in backend.stats(keys)] == [
            key == "a/b" for key in keys
        ]

    def test_a_batch_of_odd_names(self, backend: Backend) -> None:
        backend.put([(key, key.encode()) for key in ODD_KEYS])
        assert backend.read(ODD_KEYS, 1000) == [key.encode() for key in ODD_KEYS]
        found = backend.stats(ODD_KEYS)
        assert [entry and (entry.key, entry.size) for entry in found] == [
            (key, len(key.encode())) for key in ODD_KEYS
        ]

    def test_a_batch_sees_every_write_that_returned(self, backend: Backend) -> None:
        for body in (b"1", b"22", b""):
            backend.put([("a", body)])
            assert backend.read(["a"], 10) == [body]
            (entry,) = backend.stats(["a"])
            assert entry is not None
            assert entry.size == len(body)
        backend.delete(["a"])
        assert backend.read(["a"], 10) == [None]
        assert backend.stats(["a"]) == [None]

    def test_times_agree(self, backend: Backend) -> None:
        before = backend.now()
        backend.put([("a", b"1"), ("b", b"2")])
        after = backend.now()
        listed = {entry.key: entry.modified for entry in backend.list("")}
        for entry in backend.stats(["b", "a"]):
            assert entry is not None
            assert before - 2 <= entry.modified <= after + 2
            assert abs(entry.modified - listed[entry.key]) < 1.001
            single = backend.stat(entry.key)
            assert single == Entry(entry.key, 1, entry.modified)

    def test_a_batch_of_many(self, backend: Backend) -> None:
        bodies = {f"m/{number % 7}/{number:05}": b"%d" % number for number in range(self.many)}
        backend.put(list(bodies.items()))
        keys = [*bodies, *(f"{key}-absent" for key in bodies)]
        random.Random(1).shuffle(keys)
        assert backend.read(keys, 100) == [bodies.get(key) for key in keys]
        found = backend.stats(keys)
        assert [entry and (entry.key, entry.size) for entry in found] == [
            (key, len(bodies[key])) if key in bodies else None for key in keys
        ]

    def test_batches_at_once(self, backend: Backend) -> None:
        bodies = {f"k{number}": b"%d" % number for number in range(40)}
        backend.put(list(bodies.items()))

        def check(seed: int) -> bool:
            keys = [*bodies, "absent"]
            random.Random(seed).shuffle(keys)
            return backend.read(keys, 10) == [bodies.get(key) for key in keys]

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(check, range(12)))
