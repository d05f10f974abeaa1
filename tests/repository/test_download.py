"""Downloads: many at once, taken up again, and nobody else with a hand in the file."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from radops.backends.folder import FolderBackend
from radops.backends.memory import MemoryBackend
from radops.errors import CorruptObjectError, RemoteUnavailableError
from radops.model.digest import Digest
from radops.native import BLOCK_SIZE, hash_bytes
from radops.repository import download_large, layout, locks, partials
from radops.repository.download import fetch
from radops.repository.local import LocalStore


def ignore(_bytes: int, _files: int) -> None: ...


class Remote(MemoryBackend):
    """Serves some connections at once, slowly if asked; may stop after so many blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.delay = 0.0
        self.stop_after: int | None = None
        self.at_once = self.peak = 0
        self.lock = threading.Lock()
        self.before = lambda: None

    @property
    def max_connections(self) -> int:
        return 8

    def stock(self, data: bytes, *, outline: bool = True) -> tuple[Digest, int]:
        raw, values = hash_bytes(data)
        digest = Digest(raw)
        self.put([(layout.object_key(digest), data)])
        if outline:
            self.put([(layout.outline_key(digest), values)])
        return digest, len(data)

    def open(self, key, start=0, length=None):
        with self.lock:
            self.at_once += 1
            self.peak = max(self.peak, self.at_once)
            if self.stop_after is not None and key.startswith("objects/"):
                self.stop_after -= 1
                if self.stop_after < 0:
                    self.at_once -= 1
                    raise RemoteUnavailableError("gone")
        try:
            if key.startswith("objects/"):
                self.before()
            time.sleep(self.delay)
            return super().open(key, start, length)
        finally:
            with self.lock:
                self.at_once -= 1


@pytest.fixture
def store(tmp_path: Path):
    store = LocalStore(FolderBackend(tmp_path / "home"))
    yield store
    store.close()


def names(store: LocalStore) -> list[str]:
    return sorted(path.name for path in (store.root / "tmp").glob("partial-*"))


@pytest.mark.parametrize("outline", [True, False])
def test_objects_of_some_blocks_come_many_at_once(store: LocalStore, outline: bool) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(2 * BLOCK_SIZE + n), outline=outline) for n in range(40)]
    remote.delay = 0.01
    counted: list[tuple[int, int]] = []
    fetch(store, remote, items, lambda size, files: counted.append((size, files)))
    assert remote.peak > 1
    assert sum(size for size, _ in counted) == sum(size for _, size in items)
    assert sum(files for _, files in counted) == len(items)
    for digest, size in items:
        assert store.proven(digest, size) is not None
        assert stat.S_IMODE(store.object_path(digest).stat().st_mode) == 0o444
        assert store.outline(digest, size)
    assert names(store) == []


def test_one_barrier_for_a_group(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(BLOCK_SIZE + 1)) for _ in range(20)]
    flushes = []
    flush = FolderBackend.flush
    monkeypatch.setattr(FolderBackend, "flush", lambda self: (flushes.append(1), flush(self))[1])
    fetch(store, remote, items, ignore)
    assert len(flushes) == 1
    fetch(store, remote, items, ignore)
    assert len(flushes) == 1


def test_one_object_that_is_wrong_costs_the_others_nothing(store: LocalStore) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(2 * BLOCK_SIZE)) for _ in range(6)]
    bad = min(items)[0]
    good = [item for item in items if item[0] != bad]
    remote.put([(layout.object_key(bad), bytes(2 * BLOCK_SIZE))])
    with pytest.raises(CorruptObjectError, match=str(bad)):
        fetch(store, remote, items, ignore)
    assert not store.object_path(bad).exists()
    fetch(store, remote, good, ignore)
    assert all(store.proven(*item) for item in good)


def test_a_download_that_stopped_is_taken_up_by_the_next(store: LocalStore) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(40 * BLOCK_SIZE)) for _ in range(2)]
    remote.stop_after = 3
    got: list[int] = []
    with pytest.raises(RemoteUnavailableError):
        fetch(store, remote, items, lambda size, _: got.append(size))
    assert names(store) == sorted(f"partial-{digest}" for digest, _ in items)
    assert 0 < sum(got) < 80 * BLOCK_SIZE
    remote.stop_after = None
    fetch(store, remote, items, lambda size, _: got.append(size))
    assert sum(got) == 80 * BLOCK_SIZE
    assert names(store) == []


def test_what_a_killed_process_left_is_taken_up(store: LocalStore) -> None:
    """The file has the name of a process that cannot give it back."""
    remote = Remote()
    data = os.urandom(3 * BLOCK_SIZE)
    digest, size = remote.stock(data)
    program = """
    import os, signal, sys
    from pathlib import Path
    from radops.model.digest import Digest
    from radops.repository.partials import take
    data = Path(sys.argv[2]).read_bytes()
    partial = take(Path(sys.argv[1]), Digest.of(data), lambda path: None)
    partial.begin(len(data))
    partial.write(data[: 2 << 20], 0)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    source = store.root.parent / "data"
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(data)
    arguments = [sys.executable, "-c", textwrap.dedent(program), store.root / "tmp", source]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert len(names(store)) == 1
    assert names(store) != [f"partial-{digest}"]
    got: list[int] = []
    fetch(store, remote, [(digest, size)], lambda size, _: got.append(size))
    assert sum(got) == BLOCK_SIZE
    assert store.object_path(digest).read_bytes() == data
    assert names(store) == []


def test_two_downloads_never_have_one_file_open(store: LocalStore) -> None:
    digest = Digest.of(b"x")
    folder = store.root / "tmp"
    first = partials.take(folder, digest, lambda _: None)
    second = partials.take(folder, digest, lambda _: None)
    first.write(b"first", 0)
    second.write(b"other", 0)
    assert first.path.read_bytes() == b"first"
    second.leave()
    third = partials.take(folder, digest, lambda _: None)
    assert third.path.read_bytes() == b"other"
    assert first.path != third.path
    for one in (first, third):
        one.remove()


def test_a_download_that_is_quiet_keeps_its_file_to_itself(store: LocalStore) -> None:
    """A process of another host may sleep: it must not write into what becomes an object."""
    digest = Digest.of(b"x")
    folder = store.root / "tmp"
    folder.mkdir(parents=True)
    asleep = folder / f"partial-{digest}.elsewhere.17.abcdef012345-0~elsewhere"
    asleep.write_bytes(b"there")
    second = partials.take(folder, digest, lambda _: None)
    assert second.path.read_bytes() == b""
    second.remove()
    with asleep.open("r+b") as stream:
        os.utime(asleep, (time.time() - 7200, time.time() - 7200))
        third = partials.take(folder, digest, lambda _: None)
        assert third.path.read_bytes() == b"there"
        stream.write(b"WRONG")
    assert third.path.read_bytes() == b"there"
    assert not asleep.exists()
    third.remove()


def test_without_locks_nobody_writes_into_an_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_open", lambda _: (_ for _ in ()).throw(OSError("no locks")))
    remote = Remote()
    data = os.urandom(4 * BLOCK_SIZE)
    item = remote.stock(data, outline=False)
    stores = [LocalStore(FolderBackend(tmp_path / "home")) for _ in range(2)]
    half, admitted = threading.Event(), threading.Event()
    slow = Remote()
    slow.stock(bytes(len(data)))  # other keys only
    slow.put([(layout.object_key(item[0]), bytes(4 * BLOCK_SIZE))])

    def wait() -> None:
        half.set()
        assert admitted.wait(30)

    slow.before = wait
    errors: list[BaseException] = []

    def run() -> None:
        try:
            fetch(stores[1], slow, [item], ignore)
        except CorruptObjectError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert half.wait(30)
    fetch(stores[0], remote, [item], ignore)
    admitted.set()
    thread.join()
    assert len(errors) == 1
    assert stores[0].object_path(item[0]).read_bytes() == data
    for store in stores:
        store.close()


def test_a_partial_file_that_is_removed_while_it_grows(store: LocalStore) -> None:
    remote = Remote()
    data = os.urandom(2 * BLOCK_SIZE)
    item = remote.stock(data)

    def remove() -> None:
        for name in names(store):
            (store.root / "tmp" / name).unlink()
        remote.before = lambda: None

    remote.before = remove
    fetch(store, remote, [item], ignore)
    assert store.object_path(item[0]).read_bytes() == data


def test_after_an_interrupt_no_thread_writes_through_a_closed_descriptor(
    store: LocalStore,
) -> None:
    partial = partials.take(store.root / "tmp", Digest.of(b"x"), lambda _: None)
    partial.leave()
    with pytest.raises(ValueError, match="closed"):
        partial.write(b"late", 0)


def test_locks_in_a_group_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second member may not write to lock files of the first, and locks all the same."""
    folder = tmp_path / "tmp" / "locks"
    folder.parent.mkdir()
    folder.parent.chmod(0o2775)
    original = os.open

    def refuse(path, flags, *rest, **named):
        if Path(path).parent == folder and flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, flags, *rest, **named)

    with locks.holding(folder, ["one"]):
        pass
    assert folder.stat().st_mode & 0o7777 == folder.parent.stat().st_mode & 0o7777
    monkeypatch.setattr(os, "open", refuse)
    with locks.holding(folder, ["one"]):
        assert locks.remove_unheld(folder, time.time() + 1) == 0


def test_spans(store: LocalStore) -> None:
    one = download_large._Download(store, Remote(), Digest.of(b"x"), 40 * BLOCK_SIZE, ignore)
    assert list(one.spans()) == [(0, 16), (16, 32), (32, 40)]
    one._missing = [1, 2, 5]
    assert list(one.spans()) == [(1, 3), (5, 6)]
