"""Threads that fetch: waited for, unless somebody pressed Ctrl-C. PyTorch is not needed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from radops.integrations.torch.threads import Threads

# A training whose server has stalled: what is fetched never comes.
STALLED = """
import os, signal, threading
from radops.integrations.torch.lookahead import read_ahead
from radops.integrations.torch.order import Place

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored

class Stalled:
    def prepare(self, runs): pass
    def missing(self, run): return 1
    def sample(self, place): return place
    def fetch(self, run):
        os.write(1, b"fetching\\n")  # whole: two threads do it
        threading.Event().wait()

for _ in read_ahead(Stalled(), iter([Place(0, 0), Place(1, 0)]), 100):
    pass
"""


def test_an_interrupt_ends_a_process_whose_server_has_stalled() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STALLED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "fetching\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def test_an_interrupt_does_not_wait_for_calls_under_way() -> None:
    began, over = threading.Event(), threading.Event()
    calls: list[int] = []

    def call() -> None:
        began.set()
        over.wait()

    with pytest.raises(KeyboardInterrupt), Threads(1, "interrupted") as threads:
        first = threads.submit(call)
        later = threads.submit(calls.append, 1)
        began.wait()
        raise KeyboardInterrupt
    assert first.running()
    assert later.cancelled()
    over.set()
    first.result()
    assert not calls


@pytest.mark.parametrize("error", [None, ValueError, GeneratorExit])
def test_calls_under_way_are_waited_for_else(error: type[BaseException] | None) -> None:
    began, done = threading.Event(), []

    def call() -> None:
        began.set()
        began_elsewhere.wait(0.2)
        done.append(1)

    began_elsewhere = threading.Event()
    try:
        with Threads(4, "test") as threads:
            threads.submit(call)
            began.wait()
            if error is not None:
                raise error
    except (ValueError, GeneratorExit):
        pass
    assert done == [1]


def test_results_and_errors_come_by_the_future() -> None:
    with Threads(2, "test") as threads:
        assert not threads.is_used
        found = [threads.submit(divmod, 7, number) for number in (0, 2)]
        assert threads.is_used
        with pytest.raises(ZeroDivisionError):
            found[0].result()
        assert found[1].result() == (3, 1)
    assert not [one for one in threading.enumerate() if one.name == "test"]
