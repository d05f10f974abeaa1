"""Who makes the same call at the same time: one computes, whoever dies, and right without it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import pytest

from radops.data_lake import File, file_creator
from radops.data_lake import creator as creator_module
from radops.data_lake.flight import Turn
from radops.errors import CreatorError
from radops.repository import leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from radops.data_lake import DataLake
    from servers.server import S3Server

PROGRAM = """
    import os, sys, time, uuid
    from pathlib import Path
    from radops.data_lake import DataLake, File, file_creator

    home, remote, folder, numbers, seconds = sys.argv[1:6]

    @file_creator(name="tests.once")
    def once(number: int) -> File:
        Path(folder, f"{number}.{uuid.uuid4().hex}").touch()
        time.sleep(float(seconds))
        out = File()
        out.write_text(f"{number}")
        return out

    if __name__ == "__main__":
        lake = DataLake(home=home, remote=remote or None)
        print("ready", flush=True)
        sys.stdin.readline()
        with lake.use():
            for number in range(int(numbers)):
                print(once(number).info().digest, flush=True)
"""


class Machines:
    """Processes that run the same program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ran"
        self.folder.mkdir()
        self.script = folder / "once.py"
        self.script.write_text(textwrap.dedent(PROGRAM))
        self.processes: list[subprocess.Popen[str]] = []

    def start(
        self, home: Path, remote: str, numbers: int, seconds: float, **env: str
    ) -> subprocess.Popen[str]:
        arguments = [str(home), remote, str(self.folder), str(numbers), str(seconds)]
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(self.script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def go(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def finish(self) -> tuple[list[list[str]], str]:
        ends = [process.communicate(timeout=120) for process in self.processes]
        errors = "".join(error for _, error in ends)
        assert [process.returncode for process in self.processes] == [0] * len(ends), errors
        return [out.splitlines() for out, _ in ends], errors

    @property
    def runs(self) -> list[str]:
        return sorted(path.name.partition(".")[0] for path in self.folder.iterdir())

    def wait_for_run(self, count: int = 1) -> None:
        deadline = time.monotonic() + 30
        while len(self.runs) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    machines = Machines(tmp_path)
    yield machines
    for process in machines.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def check_once(machines: Machines, numbers: int) -> str:
    machines.go()
    outputs, errors = machines.finish()
    assert machines.runs == sorted(str(number) for number in range(numbers))
    assert len(outputs[0]) == numbers
    assert all(lines == outputs[0] for lines in outputs)
    return errors


def test_eight_processes_of_one_home(machines: Machines, tmp_path: Path) -> None:
    for _ in range(8):
        machines.start(tmp_path / "home", "", 10, 0.05)
    errors = check_once(machines, 10)
    assert f"on {os.uname().nodename}, which makes the same call since 20" in errors


def test_two_homes_on_a_shared_folder(machines: Machines, tmp_path: Path, shared: str) -> None:
    for number in range(4):
        machines.start(tmp_path / f"home{number % 2}", shared, 10, 0.05)
    check_once(machines, 10)


def test_eight_processes_and_two_homes_against_one_server(
    machines: Machines, tmp_path: Path, seaweedfs: S3Server
) -> None:
    bucket = seaweedfs.new_bucket()
    remote = f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}"
    for number in range(8):
        machines.start(tmp_path / f"home{number % 2}", remote, 10, 0.2)
    check_once(machines, 10)


def test_many_at_once_is_what_is_tested(machines: Machines, tmp_path: Path, shared: str) -> None:
    """Without leases the same calls are computed more than once, and all results are right."""
    for number in range(4):
        machines.start(tmp_path / f"home{number % 2}", shared, 5, 0.2, RADOPS_LEASE_SECONDS="0")
    machines.go()
    outputs, errors = machines.finish()
    assert len(machines.runs) > 5
    assert all(lines == outputs[0] for lines in outputs)
    assert "not deterministic" not in errors


def kill_the_holder(machines: Machines, homes: tuple[Path, Path], remote: str, **env: str) -> float:
    """Have two processes make a call; kill the first in it; return how long the second took."""
    first = machines.start(homes[0], remote, 1, 60, **env)
    machines.go()
    machines.wait_for_run()
    second = machines.start(homes[1], remote, 1, 0, **env)
    machines.processes = [second]
    machines.go()
    assert second.stderr is not None
    assert "waiting for process" in second.stderr.readline()
    first.send_signal(signal.SIGKILL)
    began = time.monotonic()
    try:
        (lines,), _ = machines.finish()
    finally:
        first.communicate()
    assert len(lines) == 1
    assert machines.runs == ["0", "0"]
    return time.monotonic() - began


# Another machine cannot see that a process is gone: the lease does not say which it was.
ELSEWHERE = textwrap.dedent("""
    from radops.repository import leases
    leases.this_process = lambda: ""
""")


def test_a_killed_holder_on_another_machine_is_followed_in_time(
    machines: Machines, tmp_path: Path, seaweedfs: S3Server
) -> None:
    machines.script.write_text(ELSEWHERE + machines.script.read_text())
    bucket = seaweedfs.new_bucket()
    remote = f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}"
    homes = (tmp_path / "one", tmp_path / "two")
    seconds = kill_the_holder(machines, homes, remote, RADOPS_LEASE_SECONDS="4")
    assert 2 < seconds < 4 + 8


def test_a_killed_holder_in_the_same_home_is_followed_in_time(
    machines: Machines, tmp_path: Path
) -> None:
    machines.script.write_text(ELSEWHERE + machines.script.read_text())
    homes = (tmp_path / "one", tmp_path / "one")
    seconds = kill_the_holder(machines, homes, "", RADOPS_LEASE_SECONDS="3")
    assert 1 < seconds < 3 + 5


@pytest.mark.skipif(not leases.this_process(), reason="the system does not name processes")
def test_a_killed_holder_on_this_machine_is_followed_at_once(
    machines: Machines, tmp_path: Path
) -> None:
    homes = (tmp_path / "one", tmp_path / "one")
    assert kill_the_holder(machines, homes, "", RADOPS_LEASE_SECONDS="600") < 5


# -- within one process --------------------------------------------------------------------------

ran: list[int] = []


@file_creator(name="tests.threads")
def slowly(number: int) -> File:
    ran.append(number)
    time.sleep(0.05)
    out = File()
    out.write_text(str(number))
    return out


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def test_threads_compute_once(lake: DataLake, caplog: pytest.LogCaptureFixture) -> None:
    def call(number: int) -> File:
        with lake.use():
            return slowly(number % 3)

    with (
        caplog.at_level(logging.INFO, logger="radops"),
        concurrent.futures.ThreadPoolExecutor(12) as pool,
    ):
        results = list(pool.map(call, range(12)))
    assert sorted(ran) == [0, 1, 2]
    assert len(set(results)) == 3
    assert "waiting for another thread" in caplog.text


def test_a_cached_call_touches_no_lease(lake: DataLake, monkeypatch: pytest.MonkeyPatch) -> None:
    made = slowly(1)

    def touched(*args: object) -> None:
        raise AssertionError

    monkeypatch.setattr(creator_module.flight, "turn", touched)
    monkeypatch.setattr(leases.Leases, "take", touched)
    assert slowly(1) == made


def test_a_call_that_raises_lets_the_next_go_on(lake: DataLake) -> None:
    @file_creator(name="tests.raising")
    def raising(f: int) -> File:
        ran.append(f)
        if len(ran) == 1:
            raise RuntimeError("no")
        out = File()
        out.write_text("x")
        return out

    with pytest.raises(RuntimeError, match="no"):
        raising(1)
    began = time.monotonic()
    raising(1)
    assert time.monotonic() - began < 5


def test_a_function_that_calls_itself_does_not_wait_for_ever(lake: DataLake) -> None:
    @file_creator(name="tests.endless")
    def endless(n: int) -> File:
        return endless(n)

    with pytest.raises(CreatorError, match="calls itself"):
        endless(1)

    @file_creator(name="tests.counting_down")
    def down(n: int) -> File:
        out = File()
        out.write_text("0" if n == 0 else down(n - 1).read_text() + str(n))
        return out

    assert down(5).read_text() == "012345"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_does_not_speak_for_its_parent(lake: DataLake) -> None:
    @file_creator(name="tests.forking")
    def forking() -> File:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                slowly(5)  # neither waits for the parent's threads
            os._exit(0)
        os.waitpid(child, 0)
        held = list(lake.home.glob("storage/lakes/*/leases/*/*"))
        out = File()
        out.write_text(str(sum(b"\x68released\xf4" in path.read_bytes() for path in held)))
        return out

    assert forking().read_text() == "1"
    assert slowly(5).read_text() == "5"
    assert ran == []


def test_a_silent_holder_takes_what_the_other_made(
    make_lake: Callable[..., DataLake],
    shared: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A laptop that slept through its lease: another machine took over, and its result stands."""
    monkeypatch.setenv("RADOPS_LEASE_SECONDS", "0.5")
    monkeypatch.setattr(leases, "is_gone", lambda process: False)
    monkeypatch.setattr(Turn, "beat", lambda turn: None)
    lakes = make_lake("one", remote=shared), make_lake("two", remote=shared)
    lakes[0].join()
    started, finish = threading.Event(), threading.Event()
    texts = iter(["slow", "quick"])

    @file_creator(name="tests.sleeping")
    def sleeping() -> File:
        text = next(texts)
        if text == "slow":
            started.set()
            finish.wait(20)
        out = File()
        out.write_text(text)
        return out

    def call(lake: DataLake) -> str:
        with lake.use():
            return sleeping().read_text()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.submit(call, lakes[0])
        started.wait(20)
        assert pool.submit(call, lakes[1]).result(20) == "quick"
        finish.set()
        assert slow.result(20) == "quick"
    assert "not deterministic" in caplog.text


@pytest.mark.parametrize("equal", [True, False])
def test_without_leases_the_first_result_stands(
    make_lake: Callable[..., DataLake],
    shared: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    equal: bool,
) -> None:
    monkeypatch.setenv("RADOPS_LEASE_SECONDS", "0")
    lakes = make_lake("one", remote=shared), make_lake("two", remote=shared)
    lakes[0].join()
    barrier = threading.Barrier(2)
    texts = iter(["same", "same"] if equal else ["first", "second"])

    @file_creator(name="tests.racing")
    def racing() -> File:
        out = File()
        out.write_text(next(texts))
        ran.append(1)
        barrier.wait(20)
        return out

    def call(lake: DataLake) -> str:
        with lake.use():
            return racing().read_text()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = set(pool.map(call, lakes))
    assert len(ran) == 2
    assert len(results) == 1
    assert ("not deterministic" in caplog.text) is not equal
    for lake in lakes:
        assert not list(lake.home.glob("storage/lakes/*/leases"))


def test_old_leases_of_this_machine_are_collected(lake: DataLake) -> None:
    slowly(1)
    (path,) = lake.home.glob("storage/lakes/*/leases/*/1")
    assert lake.gc(dry_run=False).leases == 0
    long_ago = time.time() - 3 * 3600
    os.utime(path, (long_ago, long_ago))
    assert lake.gc(dry_run=True, grace=0).leases == 1
    assert lake.gc(dry_run=False, grace=0).leases == 1
    assert not list(lake.home.glob("storage/lakes/*/leases/*"))
