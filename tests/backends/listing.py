"""What every backend promises of `Backend.list`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from backends.contract_base import ODD_NAMES, ContractBase
from radops.backends.base import Entry

if TYPE_CHECKING:
    from radops.backends.base import Backend


class ListContract(ContractBase):
    forgets_folders = True
    """Whether a folder's prefix is gone from listings at once with its last key."""

    def test_list(self, backend: Backend) -> None:
        assert self.keys(backend) == []
        self.put(backend, "a/b/c", "a/b/d", "a/bc", "ab", "b/a/b")
        assert self.keys(backend) == ["a/b/c", "a/b/d", "a/bc", "ab", "b/a/b"]
        assert self.keys(backend, "a") == ["a/b/c", "a/b/d", "a/bc", "ab"]
        assert self.keys(backend, "a/") == ["a/b/c", "a/b/d", "a/bc"]
        assert self.keys(backend, "a/b") == ["a/b/c", "a/b/d", "a/bc"]
        assert self.keys(backend, "a/b/") == ["a/b/c", "a/b/d"]
        assert self.keys(backend, "a/b/c") == ["a/b/c"]

    def test_list_one_level(self, backend: Backend) -> None:
        self.put(backend, "a/b/c", "a/b/d", "a/bc", "ab", "b/a/b")
        level = {
            "": ["a/", "ab", "b/"],
            "a": ["a/", "ab"],
            "a/": ["a/b/", "a/bc"],
            "a/b": ["a/b/", "a/bc"],
            "a/b/": ["a/b/c", "a/b/d"],
            "b/a/": ["b/a/b"],
        }
        for prefix, expected in level.items():
            assert self.keys(backend, prefix, recursive=False) == expected
        entry = next(iter(backend.list("b", recursive=False)))
        assert entry == Entry("b/", 0, 0.0)
        assert entry.is_prefix

    @pytest.mark.parametrize("recursive", [False, True])
    @pytest.mark.parametrize(
        "prefix", ["x", "a/x", "ab/", "a/b/c/", "/", "//", "../", "a/../", "./", "a//", "a/b\0"]
    )
    def test_list_nothing(self, backend: Backend, prefix: str, recursive: bool) -> None:
        self.put(backend, "a/b/c", "ab")
        assert self.keys(backend, prefix, recursive=recursive) == []

    def test_a_listing_says_size_and_time(self, backend: Backend) -> None:
        before = backend.now()
        backend.put([("a/b", b"12345")])
        after = backend.now()
        (entry,) = backend.list("a")
        assert entry.key == "a/b"
        assert entry.size == 5
        assert before - 2 <= entry.modified <= after + 2
        stat = backend.stat("a/b")
        assert stat is not None
        assert abs(stat.modified - entry.modified) < 1.001

    def test_a_deleted_folder_is_not_there(self, backend: Backend) -> None:
        self.put(backend, "a/b/c", "d")
        backend.delete(["a/b/c"])
        assert self.keys(backend) == ["d"]
        if self.forgets_folders:
            assert self.keys(backend, recursive=False) == ["d"]
        self.put(backend, "a")
        assert self.content(backend, "a") == b"a"

    def test_odd_names(self, backend: Backend) -> None:
        for name in ODD_NAMES:
            key = f"o/{name}/{name}"
            assert backend.create([(key, b"1")]) == [True], key
            assert backend.create([(key, b"2")]) == [False], key
            backend.put([(key, name.encode())])
            stat = backend.stat(key)
            assert stat is not None, key
            assert stat.size == len(name.encode())
            assert self.content(backend, key) == name.encode()
            assert self.keys(backend, f"o/{name}/") == [key]
            assert self.keys(backend, f"o/{name}") == [key]
        assert self.keys(backend) == sorted(f"o/{name}/{name}" for name in ODD_NAMES)
        folders = sorted(f"o/{name}/" for name in ODD_NAMES)
        assert self.keys(backend, "o/", recursive=False) == folders
        for name in ODD_NAMES:
            backend.move(f"o/{name}/{name}", f"moved/{name}")
            assert self.content(backend, f"moved/{name}") == name.encode()
        assert self.keys(backend) == sorted(f"moved/{name}" for name in ODD_NAMES)
        backend.delete([f"moved/{name}" for name in ODD_NAMES])
        assert self.keys(backend) == []

    def test_a_long_key(self, backend: Backend) -> None:
        # What the layout needs at most: a UID of 512 bytes in an edge.
        key = "edges/" + "0" * 64 + "/" + "/".join(["é" * 100, "b" * 200, "c" * 110]) + ".radops"
        assert backend.create([(key, b"1")]) == [True]
        assert self.content(backend, key) == b"1"
        assert self.keys(backend) == [key]

    def test_many_keys(self, backend: Backend) -> None:
        expected = [f"many/{number % 7}/{number:05}" for number in range(self.many)]
        workers = min(8, backend.max_connections)
        with ThreadPoolExecutor(workers) as pool:
            list(
                pool.map(lambda start: self.put(backend, *expected[start::workers]), range(workers))
            )
        self.put(backend, "other")
        assert self.keys(backend, "many/") == sorted(expected)
        one = [key for key in expected if key.startswith("many/1/000")]
        assert self.keys(backend, "many/1/000") == sorted(one)
        folders = [f"many/{number}/" for number in range(7)]
        assert self.keys(backend, "many/", recursive=False) == folders
        backend.delete([*expected, "not/there"])
        assert self.keys(backend) == ["other"]

    def test_a_listing_is_lazy(self, backend: Backend) -> None:
        self.put(backend, *(f"a/{number}" for number in range(20)))
        listing = backend.list("a/")
        assert isinstance(listing, Iterator)
        first = next(listing)
        backend.delete([entry.key for entry in [first, *listing]])
        assert self.keys(backend) == []
