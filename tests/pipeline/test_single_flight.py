"""The same call made by several at once: one computes, also if one of them dies or cannot lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from radops.backends.process import this_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
        deadline = time.monotonic() + 120
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
    from radops.repository.refs import leases
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
    assert 2 < seconds < 45  # without its lease of 4 seconds it would be 60


def test_a_killed_holder_in_the_same_home_is_followed_in_time(
    machines: Machines, tmp_path: Path
) -> None:
    machines.script.write_text(ELSEWHERE + machines.script.read_text())
    homes = (tmp_path / "one", tmp_path / "one")
    seconds = kill_the_holder(machines, homes, "", RADOPS_LEASE_SECONDS="3")
    assert 1 < seconds < 45  # without its lease of 3 seconds it would be 60


@pytest.mark.skipif(not this_process(), reason="the system does not name processes")
def test_a_killed_holder_on_this_machine_is_followed_at_once(
    machines: Machines, tmp_path: Path
) -> None:
    homes = (tmp_path / "one", tmp_path / "one")
    assert kill_the_holder(machines, homes, "", RADOPS_LEASE_SECONDS="600") < 120
