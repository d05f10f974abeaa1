"""What every backend promises: `backends/base.py`, sentence by sentence.

A test module for a backend has a class that inherits from `BackendContract`, and from
`FilesContract` if the backend moves files, and a fixture `backend` that gives an empty store; it
may override the class's constants.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from backends.batches import BatchContract
from backends.bodies import pattern
from backends.file_moves import FilesContract
from backends.listing import ListContract
from backends.uploads import UploadContract
from radops.backends.base import Entry, KeyNotFoundError
from radops.backends.parts import MIB
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.backends.base import Backend

NOT_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a\0b", "a\\b"]


class BackendContract(BatchContract, ListContract, UploadContract):
    creators = 16
    """How many threads create one key at once."""
    # Properties

    def test_says_what_it_is(self, backend: Backend) -> None:
        assert "://" in backend.url
        assert "secret" not in backend.url
        assert isinstance(backend.is_local, bool)
        assert backend.max_connections >= 1

    def test_has_a_clock(self, backend: Backend) -> None:
        before = time.time()
        now = backend.now()
        assert before - 5 < now < time.time() + 5

    def test_what_moves_files_keeps_that_contract(self, backend: Backend) -> None:
        assert isinstance(self, FilesContract) == (backend.files is not None)

    # stat

    def test_stat(self, backend: Backend) -> None:
        assert backend.stat("a") is None
        before = backend.now()
        backend.put([("a", b"123"), ("b/c", b"")])
        entry = backend.stat("a")
        assert entry == Entry("a", 3, entry.modified if entry else 0)
        assert not entry.is_prefix
        assert before - 2 <= entry.modified <= backend.now() + 2
        empty = backend.stat("b/c")
        assert empty is not None
        assert empty.size == 0

    def test_what_is_above_or_below_a_key_is_not_there(self, backend: Backend) -> None:
        self.put(backend, "a/b")
        for key in ("a", "a/b/c", "a/b/c/d", "b"):
            assert backend.stat(key) is None
            with pytest.raises(KeyNotFoundError):
                backend.open(key)
            with pytest.raises(KeyNotFoundError):
                backend.move(key, "x")
            backend.delete([key])
        assert self.keys(backend) == ["a/b"]

    # open

    @pytest.mark.parametrize(
        ("start", "length"),
        [
            *[(0, None), (0, 4), (3, 4), (3, None), (0, 10), (0, 99), (9, 1), (9, 99)],
            *[(10, None), (10, 5), (11, None), (99, 1), (0, 0), (5, 0), (10, 0), (99, 0)],
        ],
    )
    def test_open_a_range(self, backend: Backend, start: int, length: int | None) -> None:
        backend.put([("a", b"0123456789")])
        end = None if length is None else start + length
        with backend.open("a", start, length) as reader:
            assert reader.read() == b"0123456789"[start:end]
            assert reader.read() == b""

    @pytest.mark.parametrize(("start", "length"), [(0, None), (0, 5), (1, None), (1, 5), (0, 0)])
    def test_open_an_empty_object(self, backend: Backend, start: int, length: int | None) -> None:
        backend.put([("a", b"")])
        with backend.open("a", start, length) as reader:
            assert reader.read() == b""
            assert reader.read(5) == b""

    @pytest.mark.parametrize(("start", "length"), [(0, None), (0, 5), (1, None), (1, 5), (0, 0)])
    def test_open_what_is_not_there(self, backend: Backend, start: int, length: int | None) -> None:
        with pytest.raises(KeyNotFoundError):
            backend.open("a", start, length)

    @pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
    def test_open_no_such_range(self, backend: Backend, start: int, length: int | None) -> None:
        self.put(backend, "a")
        with pytest.raises(ValueError, match="no bytes"):
            backend.open("a", start, length)

    def test_read_in_pieces(self, backend: Backend) -> None:
        data = pattern(300_000)
        backend.put([("a", data)])
        with backend.open("a", 10) as reader:
            assert reader.read(0) == b""
            assert reader.read(5) == data[10:15]
            assert reader.read(200_000) == data[15:200_015]
            assert reader.read(999_999) == data[200_015:]
            assert reader.read(1) == b""

    def test_close_a_reader_early_and_twice(self, backend: Backend) -> None:
        backend.put([("a", pattern(MIB))])
        for _ in range(2 * backend.max_connections):  # no connection is lost
            reader = backend.open("a")
            assert reader.read(1) == b"\0"
            reader.close()
            reader.close()

    # put

    def test_put_replaces(self, backend: Backend) -> None:
        backend.put([("a/b", b"old"), ("c", b"1")])
        backend.put([("a/b", b"longer and new")])
        backend.put([("c", b"")])
        assert self.content(backend, "a/b") == b"longer and new"
        assert self.content(backend, "c") == b""

    def test_the_last_of_a_batch_stands(self, backend: Backend) -> None:
        backend.put([("a", b"1"), ("a", b"2")])
        assert self.content(backend, "a") == b"2"

    def test_empty_batches(self, backend: Backend) -> None:
        backend.put([])
        assert backend.create([]) == []
        backend.delete([])
        assert self.keys(backend) == []

    def test_readers_see_old_bytes_or_new_ones(self, backend: Backend) -> None:
        bodies = [bytes([n]) * 50_000 for n in range(10)]
        backend.put([("a", bodies[0])])
        end = threading.Event()
        torn = []

        def read() -> None:
            while not end.is_set():
                body = self.content(backend, "a")
                if body not in bodies:
                    torn.append(body)

        reader = threading.Thread(target=read)
        reader.start()
        for body in bodies * 3:
            backend.put([("a", body)])
        end.set()
        reader.join()
        assert not torn

    @pytest.mark.parametrize("key", [*NOT_KEYS, "x" * 1025, "\udcff"])
    def test_what_is_no_key_is_not_made(self, backend: Backend, key: str) -> None:
        self.put(backend, "a")
        with pytest.raises(ValueError, match="key"):
            backend.put([("b", b""), (key, b"")])
        with pytest.raises(ValueError, match="key"):
            backend.create([("b", b""), (key, b"")])
        with pytest.raises(ValueError, match="key"):
            backend.upload(key, 1)
        with pytest.raises(ValueError, match="key"):
            backend.move("a", key)
        assert self.keys(backend) == ["a"]

    # create

    def test_create_once(self, backend: Backend) -> None:
        assert backend.create([("a/b", b"1"), ("c", b"2")]) == [True, True]
        assert backend.create([("c", b"3"), ("d", b"4"), ("a/b", b"5")]) == [False, True, False]
        backend.flush()
        assert [self.content(backend, key) for key in ("a/b", "c", "d")] == [b"1", b"2", b"4"]

    def test_create_twice_in_one_batch(self, backend: Backend) -> None:
        assert backend.create([("a", b"1"), ("a", b"2")]) == [True, False]
        assert self.content(backend, "a") == b"1"
        same = [("b", b"1"), ("c", b"1"), ("b", b"1")]
        assert backend.create(same) == [True, True, False]

    def test_put_twice_in_one_batch(self, backend: Backend) -> None:
        for _ in range(5):
            backend.put([("a", b"1"), ("b", b"2"), ("a", b"3")])
            assert self.content(backend, "a") == b"3"

    def test_create_what_was_put_or_deleted(self, backend: Backend) -> None:
        backend.put([("a", b"1")])
        assert backend.create([("a", b"2")]) == [False]
        backend.delete(["a"])
        assert backend.create([("a", b"3")]) == [True]
        assert self.content(backend, "a") == b"3"

    def test_create_nothing_at_all(self, backend: Backend) -> None:
        assert backend.create([("a", b"")]) == [True]
        assert backend.create([("a", b"1")]) == [False]
        assert self.content(backend, "a") == b""

    def test_one_of_many_creators_wins(self, backend: Backend) -> None:
        together = threading.Barrier(self.creators)

        def create(number: int) -> bool:
            together.wait()
            return backend.create([("deep/er/key", b"%d" % number)])[0]

        with ThreadPoolExecutor(self.creators) as pool:
            won = list(pool.map(create, range(self.creators)))
        assert won.count(True) == 1
        assert self.content(backend, "deep/er/key") == b"%d" % won.index(True)

    # move, delete

    def test_move(self, backend: Backend) -> None:
        backend.put([("a/b", b"1"), ("c", b"2")])
        backend.move("a/b", "x/y/z")
        assert self.keys(backend) == ["c", "x/y/z"]
        backend.move("x/y/z", "c")
        assert self.keys(backend) == ["c"]
        assert self.content(backend, "c") == b"1"
        backend.move("c", "c")
        assert self.content(backend, "c") == b"1"

    def test_move_what_is_not_there(self, backend: Backend) -> None:
        self.put(backend, "c")
        with pytest.raises(KeyNotFoundError):
            backend.move("a", "c")
        with pytest.raises(KeyNotFoundError):
            backend.move("a", "a")
        assert self.content(backend, "c") == b"c"

    def test_delete(self, backend: Backend) -> None:
        self.put(backend, "a", "b/c", "b/d")
        backend.delete(["b/c", "not/there", "a", "a"])
        assert self.keys(backend) == ["b/d"]
        assert backend.stat("a") is None
        with pytest.raises(KeyNotFoundError):
            backend.open("a")
        backend.delete(["a"])

    # Life

    def test_flush_and_close(self, backend: Backend) -> None:
        backend.flush()
        self.put(backend, "a")
        backend.flush()
        backend.flush()
        backend.close()
        assert self.content(backend, "a") == b"a"
        self.put(backend, "b")
        backend.flush()

    def test_what_only_some_stores_can_do(self, backend: Backend) -> None:
        self.put(backend, "a/b")
        assert backend.create_root() is False
        assert self.content(backend.without_durability(), "a/b") == b"a/b"
        if backend.root is not None:
            assert (backend.root / "a" / "b").read_bytes() == b"a/b"
        if backend.url.startswith("s3://"):
            assert backend.presigned_url("a/b", 60).startswith("http")
        else:
            with pytest.raises(UsageError, match="only files in an S3 bucket have URLs"):
                backend.presigned_url("a/b", 60)

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_fork(self, backend: Backend) -> None:
        self.put(backend, "a")
        stop = threading.Event()

        def work() -> None:  # holds locks and connections while the fork happens
            while not stop.is_set():
                self.put(backend, "b")

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        child = os.fork()
        if child == 0:
            good = self.content(backend, "a") == b"a"
            self.put(backend, "child")
            backend.flush()
            os._exit(0 if good and backend.stat("child") else 1)
        stop.set()
        for worker in workers:
            worker.join()
        assert os.waitpid(child, 0)[1] == 0
        assert self.content(backend, "a") == b"a"
