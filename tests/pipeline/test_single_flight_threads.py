"""The same call made by several threads: one computes; interrupts release the turn."""

from __future__ import annotations

import concurrent.futures
import dis
import functools
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import File, file_creator
from radops.errors import CreatorError
from radops.format.digest import Digest
from radops.pipeline import execute
from radops.pipeline.single_flight import Turn, turn
from radops.repository.refs import leases

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from radops.data_lake import DataLake


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

    monkeypatch.setattr(execute.single_flight, "turn", touched)
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
    assert time.monotonic() - began < 40  # not the 60 that a lease is good for


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
            status = 1
            try:
                slowly(5)  # neither waits for the parent's threads
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
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
    """A laptop that slept through its lease: another machine took over, and its result is kept."""
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


# -- interrupts ----------------------------------------------------------------------------------


_TRACED = ("pipeline/single_flight.py", "repository/workers.py", "refs/leases.py", "contextlib.py")
_CALLS = ("CALL", "CALL_KW", "CALL_FUNCTION_EX")


@functools.cache
def _places(code: CodeType) -> set[int]:
    """Where Python looks for signals: as a function begins, after calls, at the end of loops."""
    found, before = set(), ""
    for one in dis.get_instructions(code):
        if before in _CALLS or one.opname in {"RESUME", "JUMP_BACKWARD"}:
            found.add(one.offset)
        before = one.opname
    return found


class _Interrupt:
    """Raises KeyboardInterrupt at the n-th place where Ctrl-C could, as a turn begins."""

    def __init__(self, number: int) -> None:
        self.left = number

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if not self.left or not frame.f_code.co_filename.endswith(_TRACED):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_lasti in _places(frame.f_code):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self.trace


@pytest.mark.skipif(sys.version_info < (3, 11), reason="looks for signals elsewhere")
def test_an_interrupt_as_a_call_begins_leaves_no_place_taken(lake: DataLake) -> None:
    """At every place until the function runs; afterwards another thread can make the call."""
    for number in range(1, 100_000):
        key = Digest.of(str(number).encode())
        interrupt = _Interrupt(number)
        begun = False
        sys.settrace(interrupt.trace)
        try:
            with turn(lake.session, key, "work"):
                sys.settrace(None)
                begun = True
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        made: list[bool] = []

        def again(key: Digest = key, made: list[bool] = made) -> None:
            with turn(lake.session, key, "work"):
                made.append(True)

        thread = threading.Thread(target=again, daemon=True)
        thread.start()
        thread.join(20)
        assert made, f"the place is taken after an interrupt at place {number}"
        again()
        if begun:
            break
    assert number > 20
    deadline = time.monotonic() + 60
    while any(one.name == "radops-heartbeat" for one in threading.enumerate()):
        assert time.monotonic() < deadline, "a heartbeat thread was left"
        time.sleep(0.01)


@pytest.mark.parametrize("where", ["created", "returned", "released"])
def test_an_interrupted_call_does_not_wait_for_its_own_lease(
    lake: DataLake, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Ctrl-C at the worst moments: the lease is there, and is not given back."""

    def interrupt(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def raising(*args: object, **named: object) -> None:
            original(*args, **named)
            raise KeyboardInterrupt

        def refusing(*args: object, **named: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(kind, name, refusing if name == "release" else raising)

    name = {"created": "_create", "returned": "take", "released": "release"}[where]
    fail = where == "released"

    @file_creator(name="tests.interrupted")
    def interrupted() -> File:
        if fail:
            raise ValueError("no")
        out = File()
        out.write_text("7")
        return out

    interrupt(leases.Lease if where == "released" else leases.Leases, name)
    with pytest.raises(KeyboardInterrupt) as caught:  # kept, as a notebook keeps it
        interrupted()
    monkeypatch.undo()
    fail = False
    with lake.use():
        began = time.monotonic()
        assert interrupted().read_text() == "7"
    assert time.monotonic() - began < 40  # not the 60 that a lease is good for
    assert caught.traceback
