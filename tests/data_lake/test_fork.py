"""A lake in a forked child: a thread of the parent may be in the midst of opening it."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from radops.data_lake import session as module

if TYPE_CHECKING:
    from radops.backends.base import Backend

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
