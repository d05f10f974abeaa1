"""Work that runs ahead of whoever uses it."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from radops.repository.transfer import ahead


def nothing() -> None:
    pass


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
        assert second.wait(10)  # although nobody asked for it yet
        time.sleep(0.05)
        assert begun == [0, 1]


def test_what_nobody_takes_is_discarded() -> None:
    stopped, discarded = [], []
    running = threading.Event()

    def work(number: int) -> int:
        if number == 1:
            running.set()
            while not stopped:
                time.sleep(0.001)
        return number

    results = ahead(work, [0, 1, 2], stop=lambda: stopped.append(True), discard=discarded.append)
    assert next(results) == 0
    assert running.wait(10)
    results.close()
    assert stopped == [True]
    assert discarded == [1]
    assert not [one for one in threading.enumerate() if one.name == "radops-transfer"]


def test_an_error_comes_in_its_turn() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError(number)
        return number

    results = ahead(work, [0, 1, 2, 3], stop=nothing, discard=pytest.fail)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="2"):
        next(results)
