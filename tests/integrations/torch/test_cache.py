"""The cache of runs: bounded, shared, and whole after anything. PyTorch is not needed."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import stat
import struct
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from privileges import ADA, BOB, GROUP, STRANGER, as_user
from radops.integrations.torch.cache import RunCache
from radops.streams import clear, drop, folder_name, size, streams_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def pack(items: Sequence[bytes]) -> bytes:
    """Return items as a run: where each begins and the last ends, then the items."""
    starts = itertools.accumulate(map(len, items), initial=8 * (len(items) + 1))
    return b"".join([struct.pack(f"<{len(items) + 1}Q", *starts), *items])


def writer(data: bytes, calls: list[int] | None = None) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        if calls is not None:
            calls.append(1)
        path.write_bytes(data)

    return write


def size_of(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("*/*/*"))


def test_items_are_read_by_number(tmp_path: Path) -> None:
    cache = RunCache(tmp_path, "data", 10_000)
    items = [b"one", b"", b"three"]
    assert cache.read(7, 0) is None
    assert not cache.has(7)
    cache.fill(7, 50, writer(pack(items)))
    assert cache.has(7)
    assert [cache.read(7, number) for number in range(3)] == items
    cache.drop(7)
    cache.drop(7)
    assert cache.read(7, 0) is None


def test_it_never_grows_beyond_its_limit(tmp_path: Path) -> None:
    caches = [RunCache(tmp_path, key, 10_000) for key in ("one", "two")]
    for number in range(40):
        for cache in caches:
            cache.fill(number, 900, writer(bytes(900)))
            assert cache.has(number)
            assert size_of(tmp_path) <= 10_000
    assert size_of(tmp_path) >= 8_000


def test_what_was_used_least_recently_goes_first(tmp_path: Path) -> None:
    cache = RunCache(tmp_path, "data", 10_000)
    for number in range(30):
        cache.fill(number, 900, writer(bytes(900)))
        assert cache.has(0)
    assert not cache.has(5)


def test_a_run_is_fetched_once_by_many_threads(tmp_path: Path) -> None:
    calls: list[int] = []
    cache = RunCache(tmp_path, "data", 100_000)
    threads = [
        threading.Thread(target=cache.fill, args=(3, 10, writer(b"0123456789", calls)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    cache = RunCache(tmp_path, "data", 10_000)
    cache.fill(1, 4, writer(b"1234"))
    left = cache.path(2).with_name(f"{cache.path(2).name}.unfinished")
    left.write_bytes(b"half")
    (tmp_path / "used").write_text("nonsense")
    cache.fill(2, 4, writer(b"5678"))
    assert cache.path(2).read_bytes() == b"5678"
    assert not left.exists()
    assert int((tmp_path / "used").read_text()) == 12 or size_of(tmp_path) == 8


def test_notes_are_kept_and_checked(tmp_path: Path) -> None:
    cache = RunCache(tmp_path, "data", 10_000)
    assert cache.kept("rows") is None
    cache.keep("rows", b"1 2 3")
    assert cache.kept("rows") == b"1 2 3"
    assert RunCache(tmp_path, "other", 10_000).kept("rows") is None
    note = next(path for path in tmp_path.glob("data/notes/*"))
    note.write_bytes(note.read_bytes().replace(b"2", b"7"))
    assert cache.kept("rows") is None
    note.write_bytes(b"")
    assert cache.kept("rows") is None


def test_a_cache_that_is_removed_while_it_is_filled_is_begun_again(tmp_path: Path) -> None:
    cache = RunCache(tmp_path / "streams", "data", 10_000)
    removals = [1]

    def write(path: Path) -> None:
        if removals:
            removals.pop()
            shutil.rmtree(tmp_path / "streams")
        path.write_bytes(b"1234")

    cache.fill(1, 4, write)
    assert cache.path(1).read_bytes() == b"1234"


def test_what_is_purged_meanwhile_is_written_again(tmp_path: Path) -> None:
    cache = RunCache(streams_folder(tmp_path), folder_name("ab" * 32, "x"), 10_000)
    cache.fill(1, 4, writer(b"1234"))
    cache.fill(2, 4, writer(b"5678"))
    assert size(tmp_path) == 8
    assert clear(tmp_path, older_than=60, dry_run=True) == 0
    assert drop(tmp_path, "cd" * 32) == 0
    assert drop(tmp_path, "ab" * 32) == 8
    assert not cache.has(1)
    cache.fill(1, 4, writer(b"1234"))
    assert cache.has(1)
    assert clear(tmp_path) == 4
    assert size(tmp_path) == 0


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that every user can reach; pytest's own folders are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="radops-streams-"))
    folder.chmod(0o755)
    (folder / "storage").mkdir()
    yield folder
    shutil.rmtree(folder)


def modes(home: Path) -> set[int]:
    folders = [home / "cache", *(path for path in (home / "cache").rglob("*") if path.is_dir())]
    return {stat.S_IMODE(folder.stat().st_mode) for folder in folders}


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_it_is_as_open_as_the_storage(home: Path, mode: int) -> None:
    (home / "storage").chmod(mode)
    cache = RunCache(streams_folder(home), "data", 10_000)
    cache.fill(1, 4, writer(b"1234"))
    cache.keep("rows", b"1")
    assert modes(home) == {mode}


def test_it_is_private_where_there_is_no_storage(tmp_path: Path) -> None:
    RunCache(streams_folder(tmp_path), "data", 10_000).fill(1, 4, writer(b"1234"))
    assert modes(tmp_path) == {0o700}


_as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="needs the right to be other users"
)
_forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@_as_root
@_forks
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_members_of_a_group_share_it(home: Path, umask: int) -> None:
    for folder in (home, home / "storage"):
        os.chown(folder, ADA, GROUP)
        folder.chmod(0o2775)

    def use(first: int, found: int | None) -> None:
        cache = RunCache(streams_folder(home), "data", 4_000)
        if found is not None:
            assert cache.has(found)
            assert cache.read(found, 0) == bytes(900)
            assert cache.kept("rows") == b"1"
        for run in range(first, first + 5):
            cache.fill(run, 916, writer(pack([bytes(900)])))
        cache.drop(first)
        cache.keep("rows", b"1")

    as_user(ADA, GROUP, umask, lambda: use(0, None))
    as_user(BOB, GROUP, umask, lambda: use(64, 4))
    as_user(ADA, GROUP, umask, lambda: use(128, 68))
    assert size_of(streams_folder(home)) <= 4_000


@_as_root
@_forks
def test_runs_of_another_person_are_read_where_they_cannot_be_touched(home: Path) -> None:
    (home / "storage").chmod(0o755)
    cache = RunCache(streams_folder(home), "data", 10_000)
    cache.fill(1, 20, writer(pack([b"1234"])))

    def use() -> None:
        assert cache.has(1)
        assert not cache.has(2)
        assert cache.read(1, 0) == b"1234"

    as_user(STRANGER, GROUP, 0o022, use)


@_forks
def test_a_child_that_is_forked_while_a_run_is_fetched_holds_no_lock(tmp_path: Path) -> None:
    cache = RunCache(tmp_path, "data", 10_000)
    fetching, forked = threading.Event(), threading.Event()

    def fetch(path: Path) -> None:
        fetching.set()
        assert forked.wait(30)
        path.write_bytes(b"1234")

    thread = threading.Thread(target=cache.fill, args=(1, 4, fetch))
    thread.start()
    assert fetching.wait(30)
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(20)
            cache.fill(65, 4, writer(b"5678"))  # by the lock that run 1 is fetched under
            os._exit(0)
        finally:
            os._exit(1)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.path(1).read_bytes() == b"1234"
    assert cache.path(65).read_bytes() == b"5678"
