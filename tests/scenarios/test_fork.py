"""A lake in a forked child, whatever the threads of its parent are doing at that moment."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from radops.data_lake import DataLake, File
from radops.lake import session as module
from radops.repository.transfer.locks import holding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.backends.base import Backend
    from servers.server import S3Server

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def status_of(child: int, seconds: float = 30.0) -> int | None:
    """Return the exit code of a child; None if it hangs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def test_a_fork_while_a_thread_waits_for_the_remote(
    make_lake, shared: str, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lake("one", remote=shared).add(write("a", "there"), "a")
    opening, go_on = threading.Event(), threading.Event()
    open_backend = module.open_backend
    parent = os.getpid()

    def slowly(*args: object, **named: object) -> Backend:
        if os.getpid() == parent:
            opening.set()
            assert go_on.wait(60)
        return open_backend(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "open_backend", slowly)
    lake = make_lake("two", remote=shared)
    thread = threading.Thread(target=lake.ls)
    thread.start()
    assert opening.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if lake.file("a").read_text() == "there" else 1)
    try:
        assert status_of(child) == 0
    finally:
        go_on.set()
        thread.join()
    assert lake.file("a").read_text() == "there"


def in_a_child(work: Callable[[], object]) -> int:
    """Run in a forked child; return its process number. It ends with 0 if nothing was raised."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def test_forks_while_threads_use_the_lake(make_lake, shared: str, write) -> None:
    """As a DataLoader does: it forks its workers while the parent reads, adds and verifies."""
    lake = make_lake("one", remote=shared)
    names = [f"train/{number}" for number in range(12)]
    lake.add_many([(write(name, name * 50), name) for name in names])
    lake.add(write("large", bytes(3 << 20)), "large")
    over = threading.Event()
    errors: list[BaseException] = []

    def busy(work: Callable[[int], object]) -> None:
        count = 0
        try:
            while not over.is_set():
                work(count := count + 1)
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    def fetch_again(_: int) -> None:
        lake.delete_local("large")
        lake.file("large").path()

    works = (
        lambda count: lake.file(names[count % 12]).read_text(),
        lambda count: lake.add(write(f"more{count % 7}", str(count % 7)), f"more/{count % 7}"),
        lambda _: lake.verify("train/"),
        fetch_again,
        lambda _: lake.ls(),
    )
    threads = [threading.Thread(target=busy, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()

    def read() -> None:
        for name in names[:4]:
            assert lake.file(name).read_text() == name * 50
        other = DataLake(home=lake.home, remote=shared)
        assert other.file("large").read_bytes() == bytes(3 << 20)
        assert other.verify("train/").ok

    try:
        for number in range(25):
            children = [in_a_child(read) for _ in range(2)]
            assert [status_of(child, 60) for child in children] == [0, 0], f"round {number}"
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert errors == []
    assert not any(thread.is_alive() for thread in threads)


class Workers:
    """Processes that stay for several epochs, as a DataLoader's with `persistent_workers`."""

    def __init__(self, lake: DataLake, count: int) -> None:
        self.context = multiprocessing.get_context("fork")
        self.todo, self.done = self.context.Queue(), self.context.Queue()
        self.processes = [
            self.context.Process(target=self.work, args=[lake], daemon=True) for _ in range(count)
        ]
        for process in self.processes:
            process.start()

    def work(self, lake: DataLake) -> None:
        while (name := self.todo.get()) is not None:
            try:
                self.done.put((name, lake.file(name).read_text()))
            except BaseException as error:  # noqa: BLE001 - shown in the parent
                self.done.put((name, repr(error)))

    def read(self, names: list[str]) -> dict[str, str]:
        """Have every file read once, by whichever worker is free."""
        for name in names:
            self.todo.put(name)
        return dict(self.done.get(timeout=60) for _ in names)

    def close(self) -> list[int | None]:
        for _ in self.processes:
            self.todo.put(None)
        for process in self.processes:
            process.join(30)
        return [process.exitcode for process in self.processes]


@pytest.fixture(params=["folder", "bucket"])
def remote(request: pytest.FixtureRequest) -> str:
    if request.param == "folder":
        return request.getfixturevalue("shared")
    server: S3Server = request.getfixturevalue("seaweedfs")
    return server.url(server.new_bucket(), "lake")


def test_persistent_workers_of_several_loaders(make_lake, remote: str, write) -> None:
    """Forked after the parent has used the lake and while it does, and used for several epochs."""
    lake = make_lake("one", remote=remote)
    names = [f"train/{number}" for number in range(24)]
    lake.add_many([(write(name, name * 50), name) for name in names])
    lake.verify("train/").raise_for_problems()  # uses all threads of the machine
    over, errors = threading.Event(), []

    def fetch_again() -> None:
        try:
            while not over.is_set():
                lake.delete_local("train/1*")
                lake.file("train/12").path()
                # A reader gives up after some tries, and those of a busy machine are long.
                over.wait(0.02)
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    thread = threading.Thread(target=fetch_again, daemon=True)
    thread.start()
    loaders = []
    try:
        for _ in range(3):
            loaders.append(Workers(lake, 2))  # the second and third while the first are at work
            for loader in loaders:
                assert loader.read(names) == {name: name * 50 for name in names}
    finally:
        over.set()
        thread.join(60)
        codes = [loader.close() for loader in loaders]
    assert errors == []
    assert codes == [[0, 0]] * 3


def test_a_child_does_not_keep_the_locks_of_its_parent(tmp_path: Path) -> None:
    """Forked while a thread downloads: the lock is free once that thread gives it back."""
    taken, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def download() -> None:
        with holding(tmp_path, ["one"]):
            taken.set()
            go_on.wait(60)
        over.set()

    thread = threading.Thread(target=download)
    thread.start()
    assert taken.wait(30)
    child = in_a_child(lambda: time.sleep(120))
    try:
        go_on.set()
        assert over.wait(30)

        def take() -> None:
            with holding(tmp_path, ["one"]):
                pass

        assert status_of(in_a_child(take), 20) == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        thread.join()


@pytest.mark.parametrize("unwinds", [False, True])
@pytest.mark.parametrize("way", ["open", "staged"])
def test_a_child_does_not_end_what_its_parent_writes(
    lake: DataLake, way: str, unwinds: bool
) -> None:
    """It leaves the block normally or by an error: the output is its parent's all the same."""
    file = File("out.txt")

    child = -1
    try:
        if way == "open":
            with file.open("w") as stream:
                stream.write("of the ")
                child = os.fork()
                if child == 0:
                    stream.write("child")
                    if unwinds:
                        raise ZeroDivisionError
                else:
                    assert status_of(child) == 0
                    stream.write("parent")
        else:
            with file.staged() as path:
                path.write_text("of the ")
                child = os.fork()
                if child == 0:
                    if unwinds:
                        raise ZeroDivisionError
                else:
                    assert status_of(child) == 0
                    with path.open("a") as stream:
                        stream.write("parent")
    except ZeroDivisionError:
        os._exit(0 if unwinds else 2)
    except BaseException:
        if child == 0:
            os._exit(3)
        raise
    if child == 0:
        os._exit(0)
    assert file.read_text() == "of the parent"
    assert lake.verify().ok
    assert os.listdir(lake.home / "storage/tmp") == []


def test_lakes_that_are_dropped_leave_no_descriptor(make_lake, tmp_path: Path, shared: str) -> None:
    def use() -> None:
        lake = DataLake(home=tmp_path / "home", remote=shared)
        with lake.file(f"f{time.monotonic_ns()}").open("w") as stream:
            stream.write("x")
        lake.ls()

    use()
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        use()
    gc.collect()
    assert len(os.listdir("/dev/fd")) <= before
