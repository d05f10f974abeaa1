"""How calls behave while they run: the interpreter lock, Ctrl-C, cancelling, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from radops import native

# Hashed in minutes; sparse, so that it takes no room.
ENDLESS = 1 << 40


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless"
    path.touch()
    os.truncate(path, ENDLESS)
    return path


Use = Callable[[Path, native.Progress], object]
USES: dict[str, Use] = {
    "hash_file": lambda path, progress: native.hash_file(path, progress=progress),
    "hash_files": lambda path, progress: native.hash_files([path, path], progress=progress),
    "copy_file": lambda path, progress: native.copy_file(path, f"{path}.t", progress=progress),
    "check_files": lambda path, progress: native.check_files(
        [(path, ENDLESS, bytes(32))], progress=progress
    ),
    "bad_blocks": lambda path, progress: native.bad_blocks(
        path, ENDLESS, bytes(ENDLESS // native.BLOCK_SIZE * 32), progress=progress
    ),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_others_run_meanwhile_and_can_cancel(use: Use, endless: Path) -> None:
    progress = native.Progress()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            use(endless, progress)
        except InterruptedError as error:
            errors.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    # This loop runs only if the call lets go of the interpreter lock.
    seen = set()
    while len(seen) < 3:
        seen.add(progress.bytes)
        time.sleep(0.005)
    progress.cancel()
    worker.join(30)
    assert not worker.is_alive()
    assert len(errors) == 1
    assert os.listdir(endless.parent) == ["endless"]
    with pytest.raises(InterruptedError):
        use(endless, progress)


def test_ctrl_c_stops_a_call(endless: Path) -> None:
    program = """
import sys, threading, time
from radops import native

progress = native.Progress()

def tell():
    while not progress.bytes:
        time.sleep(0.01)
    print("started", flush=True)

threading.Thread(target=tell, daemon=True).start()
try:
    native.copy_file(sys.argv[1], sys.argv[1] + ".target", progress=progress)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program, endless], stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        word, when = child.stdout.readline().split()
    assert word == "interrupted"
    # 0.2 s on a quiet machine; tests run next to others.
    assert float(when) - sent < 30
    assert os.listdir(endless.parent) == ["endless"]


def test_what_a_signal_handler_raises_is_raised(endless: Path) -> None:
    program = """
import signal, sys
from radops import native

class Enough(Exception):
    pass

calls = []

def handler(*args):
    calls.append(args)
    if len(calls) == 3:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Enough

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
try:
    native.hash_file(sys.argv[1])
except Enough:
    print(len(calls))
"""
    output = subprocess.check_output([sys.executable, "-c", program, endless], text=True)
    assert output == "3\n"


def test_hashing_after_a_fork(tmp_path: Path) -> None:
    program = """
import os, sys
from radops import native
path = sys.argv[1]
expected = native.hash_file(path).digest
assert native.check_files([(path, os.path.getsize(path), expected)])[0].state == "ok"
for _ in range(3):
    child = os.fork()
    if not child:
        code = 0 if native.hash_files([path, path])[1].digest == expected else 1
        os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
print("done")
"""
    path = tmp_path / "file"
    path.write_bytes(os.urandom(20 << 20))
    # Warnings are errors: from Python 3.12 on there is one for a fork with threads.
    command = [sys.executable, "-W", "error", "-c", program, path]
    output = subprocess.check_output(command, text=True, timeout=60)
    assert output == "done\n"


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("needs /proc")
    program = """
import os, sys, time
from radops import native
before = len(os.listdir("/proc/self/task"))
native.hash_file(sys.argv[1], threads=8)
# A thread that was joined stays listed for a moment.
deadline = time.monotonic() + 60
while len(os.listdir("/proc/self/task")) > before:
    assert time.monotonic() < deadline
"""
    path = tmp_path / "file"
    path.write_bytes(bytes(20 << 20))
    subprocess.check_call([sys.executable, "-c", program, path])


def test_a_hasher_in_use_refuses_a_second_thread() -> None:
    data = bytes(256 << 20)
    refused = False
    for _ in range(20):  # this thread may get no processor while the other one hashes
        hasher = native.Hasher()
        worker = threading.Thread(target=hasher.update, args=(data,))
        worker.start()
        while worker.is_alive() and not refused:
            try:
                hasher.update(b"")
            except RuntimeError:
                refused = True
        worker.join()
        assert hasher.size == len(data)
        if refused:
            break
    assert refused


def test_the_stub_agrees_with_the_module() -> None:
    pytest.importorskip("mypy.stubtest")
    command = [sys.executable, "-m", "mypy.stubtest", "radops._core"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
