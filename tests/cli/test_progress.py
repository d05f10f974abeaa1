"""Progress: a bar for people, a line now and then for logs, nothing for the quick."""

from __future__ import annotations

import io
import sys
import threading
import time

import pytest

from radops.cli import progress as module
from radops.cli.failures import Failure, describe
from radops.cli.progress import Bar, Lines, paused, progress


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_every_half_minute(clock, capsys):
    with progress(quiet=False) as view:
        assert isinstance(view, Lines)
        view.start("uploading", 100 << 20, 4)
        for _ in range(100):
            clock.now += 1
            view.advance(1 << 20, 0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0] == "uploading: 30.0 MiB of 100.0 MiB, 0 of 4 files, 1.0 MiB/s, 70 s left"


@pytest.mark.parametrize(
    ("total_bytes", "total_files", "line"),
    [
        (None, None, "x: 1.0 MiB, 34.1 KiB/s"),
        (None, 10, "x: 1.0 MiB, 1 of 10 files, 34.1 KiB/s"),
        (0, 1, "x: 1.0 MiB, 34.1 KiB/s"),
    ],
)
def test_totals_may_be_unknown(clock, capsys, total_bytes, total_files, line):
    with progress(quiet=False) as view:
        view.start("x", total_bytes, total_files)
        clock.now += 30
        view.advance(1 << 20, 1)
    assert capsys.readouterr().err.splitlines() == [line]


def test_quick_work_shows_nothing(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(quiet=False) as view:
        assert isinstance(view, Bar)
        view.start("adding", 10, 1)
        view.advance(10, 1)
        view.finish()
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(("total_bytes", "total_files"), [(100, 2), (None, 7), (None, None)])
def test_slow_work_shows_a_bar_and_takes_it_away(clock, monkeypatch, total_bytes, total_files):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(quiet=False) as view:
        view.start("adding [red]", total_bytes, total_files)
        clock.now += 2
        view.advance(50, 1)
        view.advance(50, 1)
        view.finish()
        view.start("uploading", total_bytes, total_files)
        clock.now += 2
        view.advance(50, 1)
    shown = sys.stderr.getvalue()
    assert "adding [red]" in shown
    assert "uploading" in shown
    assert shown.endswith("\x1b[2K")


def test_the_bar_goes_when_the_work_fails(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    def work():
        with progress(quiet=False) as view:
            view.start("adding", 100, 1)
            clock.now += 2
            view.advance(50, 0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert "\x1b[?25h" in sys.stderr.getvalue(), "the cursor is there again"


def test_a_terminal_shows_within_half_a_second_that_something_is_done(clock, monkeypatch):
    assert module._PATIENCE + module._TICK <= 0.5
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(quiet=False):
        clock.now += module._PATIENCE
        shows("working")  # before any stage has begun


def test_a_stage_that_reports_nothing_is_shown_too(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(quiet=False) as view:
        view.start("listing", None, None)
        clock.now += module._PATIENCE
        shows("listing")


def shows(text: str) -> None:
    """Wait until the terminal shows the text."""
    began = time.monotonic()
    while text not in sys.stderr.getvalue():
        assert time.monotonic() - began < 60, f"{text} is never shown"
        time.sleep(0.01)


def test_the_bar_is_away_while_a_question_is_asked(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(quiet=False) as view:
        view.start("adding", None, None)
        shows("adding")
        with paused():
            before = sys.stderr.getvalue()
            time.sleep(1)
            assert sys.stderr.getvalue() == before
            assert before.endswith("\x1b[2K"), "the bar is removed"
        view.start("deleting", None, None)
        shows("deleting")


def test_without_a_view_there_is_nothing_to_pause():
    with paused(), progress(quiet=True), paused():
        pass


def test_an_interrupt_says_whether_running_it_again_continues():
    with pytest.raises(KeyboardInterrupt) as caught, progress(quiet=True, resumable=True):
        raise KeyboardInterrupt
    assert describe(caught.value) == Failure(
        "interrupted",
        130,
        "interrupted",
        hint="what is finished stays; run the same command again to do the rest",
    )
    with pytest.raises(KeyboardInterrupt) as caught, progress(quiet=True):
        raise KeyboardInterrupt
    assert describe(caught.value) == Failure("interrupted", 130, "interrupted")


def test_quiet_is_quiet():
    with progress(quiet=True) as view:
        assert view is None


def test_many_threads_may_report(clock, capsys):
    with progress(quiet=False) as view:
        view.start("x", None, None)
        threads = [
            threading.Thread(target=lambda: [view.advance(1, 1) for _ in range(1000)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (view.bytes, view.files) == (8000, 8000)
