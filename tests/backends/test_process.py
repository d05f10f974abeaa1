"""The identity of a process: across PID namespaces, forks and numbers that are used again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from radops.backends import process
from radops.backends.process import from_file_name, in_file_name, is_gone, this_process


@pytest.mark.parametrize("pid", ["9" * 10, "9" * 5000, "-1", "x", "", "٣"])
def test_a_process_that_cannot_be_is_not_known_to_be_gone(pid: str) -> None:
    assert not is_gone(f"{process._this_place()}/{pid}/1")


needs_proc = pytest.mark.skipif(not this_process(), reason="the system does not name processes")


@needs_proc
def test_a_process_that_was_killed_is_gone_also_before_it_is_waited_for() -> None:
    program = (
        "import sys; from radops.backends.process import this_process\n"
        "print(this_process(), flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert name != this_process()
    assert not is_gone(name)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)
    child.communicate()
    assert is_gone(name)


@needs_proc
def test_nothing_is_said_of_processes_elsewhere() -> None:
    place, pid, start = this_process().rsplit("/", 2)
    assert not is_gone(this_process())
    assert is_gone(f"{place}/{pid}/1{start}")  # the number went to another process
    for unknown in ("", "x", "a/b", f"other/{pid}/{start}", f"{place}/x/{start}", f"{place}/{pid}"):
        assert not is_gone(unknown)


@needs_proc
def test_an_identity_in_a_file_name_reads_back() -> None:
    name = in_file_name(this_process())
    assert name is not None
    assert "/" not in name
    assert from_file_name(name) == this_process()
    assert in_file_name("") is None
    assert in_file_name("elsewhere/1/2") is None
    for text in ("", "host.12", "a.b.c.d", f"{name}.x"):
        assert from_file_name(text) is None


@needs_proc
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_an_identity_of_its_own() -> None:
    mine = this_process()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, this_process().encode())
        os._exit(0)
    os.close(writer)
    theirs = os.read(reader, 1000).decode()
    os.close(reader)
    os.waitpid(child, 0)
    assert theirs not in ("", mine)
    assert is_gone(theirs)


@needs_proc
def test_a_process_of_another_namespace_is_not_known_to_be_gone() -> None:
    """Two containers on one machine and one volume: host name and number can be the same."""
    program = "from radops.backends.process import this_process; print(this_process())"
    made = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("needs the right to make a PID namespace")
    other = made.stdout.strip()
    assert other.rsplit("/", 2)[0] != this_process().rsplit("/", 2)[0]
    assert not is_gone(other)
