"""Work that runs ahead of the caller."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from radops.repository.progress import watching
from radops.repository.workers import ahead, each, repeating


def nothing() -> None:
    pass


def transfers() -> set[threading.Thread]:
    """Return the threads that are at work; those of earlier tests may be among them."""
    return {one for one in threading.enumerate() if one.name == "radops-transfer"}


def test_results_come_in_order() -> None:
    for count in (0, 1, 2, 7):
        taken = ahead(lambda n: n * n, list(range(count)), stop=nothing, discard=pytest.fail)
        assert list(taken) == [n * n for n in range(count)]


def test_the_next_is_worked_on_while_one_is_used_and_never_more() -> None:
    begun: list[int] = []
    second = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            second.set()
        return number

    with contextlib.closing(ahead(work, [0, 1, 2, 3], stop=nothing, discard=lambda _: None)) as it:
        assert next(it) == 0
        assert second.wait(60)  # although the caller has not asked for it yet
        time.sleep(0.05)
        assert begun == [0, 1]


def test_results_that_are_not_taken_are_discarded() -> None:
    stopped, discarded = [], []
    running, before = threading.Event(), transfers()

    def work(number: int) -> int:
        if number == 1:
            running.set()
            while not stopped:
                time.sleep(0.001)
        return number

    results = ahead(work, [0, 1, 2], stop=lambda: stopped.append(True), discard=discarded.append)
    assert next(results) == 0
    assert running.wait(60)
    results.close()
    assert stopped == [True]
    assert discarded == [1]
    assert transfers() <= before


def test_what_leaves_nothing_behind_is_not_waited_for() -> None:
    running, over, before = threading.Event(), threading.Event(), transfers()

    def work(number: int) -> int:
        if number == 1:
            running.set()
            over.wait(60)
        return number

    results = ahead(work, [0, 1, 2])
    assert next(results) == 0
    assert running.wait(60)
    results.close()
    (left,) = transfers() - before  # still at work
    over.set()
    left.join(60)
    assert not left.is_alive()


def test_an_error_comes_in_its_turn() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError(number)
        return number

    results = ahead(work, [0, 1, 2, 3], stop=nothing, discard=pytest.fail)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="2"):
        next(results)


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_where_the_system_allows_few_threads_the_work_is_done_all_the_same(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    real, left = threading.Thread.start, [allowed]

    def start(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert sorted(each(lambda n: n * n, range(50), 8)) == [(n, n * n) for n in range(50)]
    left[0] = allowed
    with pytest.raises(ZeroDivisionError):
        list(each(lambda n: 1 // (n - 30), range(50), 8))
    left[0] = 0
    results = ahead(lambda n: n, [1, 2, 3], stop=nothing, discard=pytest.fail)
    assert list(results) == [1, 2, 3]
    counted: list[tuple[int, int]] = []
    with watching(lambda *more: counted.append(more)), repeating(nothing, 0.01):
        pass
    assert counted == [(0, 0)]
