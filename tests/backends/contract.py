"""What every backend promises: `backends/base.py`, sentence by sentence.

A test module for a backend has a class that inherits from `BackendContract` and a fixture
`backend` that gives an empty store; it may override the class's constants.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from radops.backends.base import Entry, KeyNotFoundError
from radops.backends.parts import MIB
from radops.errors import FileChangedError, LocalStorageError

if TYPE_CHECKING:
    from radops.backends.base import Backend

ODD_NAMES = [
    "sp ace",
    "p+lus",
    "per%cent",
    "%2F",
    "ha#sh",
    "é",
    "日本",
    "🎉",
    "a.b",
    ".leading",
    "trailing.",
    "semi;colon",
    "am&per=sand",
    "quo'te\"s",
    "<angle>",
    "~tilde",
    "comma,",
    "(round) {curly}",
    "!bang$",
    "^`|",
    "x" * 200,
]
"""All legal in UIDs, and each a trap in a URL, in XML, or in a shell."""

NOT_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a\0b", "a\\b"]


class BytesPart(io.BytesIO):
    """A part in memory."""

    def __len__(self) -> int:
        return self.getbuffer().nbytes


class WrongBytesError(Exception):
    """What a part raises that finds its bytes to be wrong."""


class WrongPart(BytesPart):
    """A part that finds out at some byte, maybe not the first time it is read, that it is wrong."""

    def __init__(self, data: bytes, at: int, error: Exception, good_passes: int = 0) -> None:
        super().__init__(data)
        self._at = at
        self._error = error
        self._good_passes = good_passes

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if self.tell() == len(self) and offset == 0:
            self._good_passes -= 1
        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        end = len(self) if size is None or size < 0 else self.tell() + size
        if end > self._at and self._good_passes <= 0:
            raise self._error
        return super().read(size)


def pattern(size: int) -> bytes:
    """Return bytes that differ from place to place."""
    block = bytes(range(251))  # a prime: no period that a size of 2 to the n could hide
    return (block * (size // 251 + 1))[:size]


class BackendContract:
    creators = 16
    """How many threads create one key at once."""
    many = 200
    """Keys of the large listing."""
    multiple = 3 * MIB
    """Size of an upload of several parts; the fixtures' part size must be less."""
    forks = True
    forgets_folders = True
    """Whether a folder's prefix is gone from listings at once with its last key."""

    def put(self, backend: Backend, *keys: str) -> None:
        backend.put([(key, key.encode()) for key in keys])

    def keys(self, backend: Backend, prefix: str = "", *, recursive: bool = True) -> list[str]:
        found = [entry.key for entry in backend.list(prefix, recursive=recursive)]
        assert len(set(found)) == len(found)
        return sorted(found)

    def content(self, backend: Backend, key: str) -> bytes:
        with backend.open(key) as reader:
            return reader.read()

    def send(self, backend: Backend, key: str, data: bytes) -> None:
        upload = backend.upload(key, len(data))
        for number, part in self.parts(data, upload.part_size):
            upload.write(number, part)
        upload.commit()

    def parts(self, data: bytes, size: int) -> list[tuple[int, BytesPart]]:
        starts = range(0, max(1, len(data)), size)
        return [(i, BytesPart(data[start : start + size])) for i, start in enumerate(starts)]

    # Properties

    def test_says_what_it_is(self, backend: Backend) -> None:
        assert "://" in backend.url
        assert "secret" not in backend.url
        assert isinstance(backend.is_local, bool)
        assert backend.max_connections >= 1

    def test_has_a_clock(self, backend: Backend) -> None:
        assert abs(backend.now() - time.time()) < 5

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

    # upload

    @pytest.mark.parametrize("size", [0, 1, 100_000])
    def test_upload_in_one_part(self, backend: Backend, size: int) -> None:
        data = pattern(size)
        self.send(backend, "a/b", data)
        assert self.content(backend, "a/b") == data

    def test_upload_in_several_parts_out_of_order(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        assert upload.part_size % MIB == 0
        parts = self.parts(data, upload.part_size)
        assert len(parts) >= 3
        for number, part in [parts[-1], *parts[:-1]]:
            upload.write(number, part)
            assert backend.stat("a") is None
            assert self.keys(backend) == []
        upload.commit()
        backend.flush()
        assert self.content(backend, "a") == data
        with backend.open("a", upload.part_size - 5, 10) as reader:
            assert reader.read() == data[upload.part_size - 5 : upload.part_size + 5]

    def test_upload_parts_at_once(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: upload.write(*each), self.parts(data, upload.part_size)))
        upload.commit()
        assert self.content(backend, "a") == data

    def test_upload_replaces(self, backend: Backend) -> None:
        self.put(backend, "a")
        for size in (self.multiple, 10):
            self.send(backend, "a", pattern(size))
            assert self.content(backend, "a") == pattern(size)

    def test_a_part_written_again_replaces(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        parts = self.parts(data, upload.part_size)
        upload.write(1, BytesPart(bytes(len(parts[1][1]))))
        for number, part in parts:
            upload.write(number, part)
        upload.commit()
        assert self.content(backend, "a") == data

    def test_a_part_is_sent_from_its_start(self, backend: Backend) -> None:
        upload = backend.upload("a", 5)
        part = BytesPart(b"12345")
        part.seek(3)
        upload.write(0, part)
        upload.commit()
        assert self.content(backend, "a") == b"12345"

    def test_abort(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        for number, part in self.parts(data, upload.part_size):
            upload.write(number, part)
        upload.abort()
        upload.abort()
        assert self.keys(backend) == []
        with pytest.raises(ValueError, match="over"):
            upload.commit()
        with pytest.raises(ValueError, match="over"):
            upload.write(*self.parts(data, upload.part_size)[0])
        assert self.keys(backend) == []

    @pytest.mark.parametrize("several", [False, True])
    def test_abort_after_commit_does_nothing(self, backend: Backend, several: bool) -> None:
        data = pattern(self.multiple if several else 5)
        upload = backend.upload("a", len(data))
        for number, part in self.parts(data, upload.part_size):
            upload.write(number, part)
        upload.commit()
        upload.abort()
        assert self.content(backend, "a") == data

    def test_commit_wants_all_parts(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        parts = self.parts(data, upload.part_size)
        for number, part in parts[1:]:
            upload.write(number, part)
        with pytest.raises(ValueError, match="1 of"):
            upload.commit()
        assert self.keys(backend) == []
        upload.write(*parts[0])
        upload.commit()
        assert self.content(backend, "a") == data

    def test_no_such_part(self, backend: Backend) -> None:
        upload = backend.upload("a", 5)
        for number, size in [(-1, 5), (1, 5), (0, 4), (0, 6), (0, 0)]:
            with pytest.raises(ValueError, match="part"):
                upload.write(number, BytesPart(bytes(size)))
        upload.abort()
        assert self.keys(backend) == []

    @pytest.mark.parametrize("good_passes", [0, 1, 2])
    @pytest.mark.parametrize("several", [False, True])
    def test_a_part_that_raises(self, backend: Backend, several: bool, good_passes: int) -> None:
        # A local backend reads once; S3 for a checksum, for the signature (http), and to send.
        passes = 1 if backend.is_local else 3
        size = self.multiple if several else 300_000
        data = pattern(size)
        for error in (WrongBytesError("found wrong"), LocalStorageError("no disk"), OSError(5)):
            upload = backend.upload("a", size)
            parts = self.parts(data, upload.part_size)
            for number, part in parts[1:]:
                upload.write(number, part)
            wrong = parts[0][1].getvalue()
            bad = WrongPart(wrong, len(wrong) - 10, error, good_passes)
            if good_passes >= passes:
                upload.write(0, bad)
                upload.abort()
                continue
            began = time.monotonic()
            with pytest.raises(type(error)) as caught:
                upload.write(0, bad)
            assert caught.value is error
            assert time.monotonic() - began < 3  # it was not tried again
            assert backend.stat("a") is None
            with pytest.raises(ValueError, match="not written"):
                upload.commit()
            upload.abort()
            assert self.keys(backend) == []

    def test_a_part_may_be_sent_well_after_it_raised(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        parts = self.parts(data, upload.part_size)
        with pytest.raises(WrongBytesError):
            upload.write(0, WrongPart(parts[0][1].getvalue(), 5, WrongBytesError()))
        for number, part in parts:
            upload.write(number, part)
        upload.commit()
        assert self.content(backend, "a") == data

    @pytest.mark.parametrize("real", [0, 99, 101])
    def test_a_part_that_has_not_its_length(self, backend: Backend, real: int) -> None:
        class Liar(BytesPart):
            def __len__(self) -> int:
                return 100

        upload = backend.upload("a", 100)
        with pytest.raises(FileChangedError):
            upload.write(0, Liar(bytes(real)))
        upload.abort()
        assert self.keys(backend) == []

    def test_remove_stale_leaves_an_upload_that_goes_on(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        upload.write(*self.parts(data, upload.part_size)[0])
        assert backend.remove_stale(3600) == 0
        for number, part in self.parts(data, upload.part_size)[1:]:
            upload.write(number, part)
        upload.commit()
        assert self.content(backend, "a") == data

    # list

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
        backend.put([("a/b", b"12345")])
        (entry,) = backend.list("a")
        assert entry.key == "a/b"
        assert entry.size == 5
        assert abs(entry.modified - backend.now()) < 5
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

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_fork(self, backend: Backend) -> None:
        if not self.forks:
            pytest.skip("not for this wrapper")
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
