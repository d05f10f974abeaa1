"""The checker of histories: it accepts what a register could have answered, and nothing else."""

from __future__ import annotations

import math
import random

import pytest

from reliability.linearizable import Operation, State, counterexample, step


def op(kind: str, content: str | None, answer: str | None, *times: float) -> Operation:
    return Operation(kind, content, answer, *times)


GOOD = {
    "one after the other": [
        op("read", None, "missing", 0, 1),
        op("add", "a", "added", 2, 3),
        op("add", "a", "already", 4, 5),
        op("add", "b", "conflict", 6, 7),
        op("read", "a", "found", 8, 9),
        op("delete", None, "deleted", 10, 11),
        op("delete", None, "missing", 12, 13),
        op("add", "b", "added", 14, 15),
    ],
    "a race in which the later caller wins": [
        op("add", "a", "conflict", 0, 10),
        op("add", "b", "added", 1, 9),
    ],
    "killed, and it took effect later": [
        op("add", "a", None, 0),
        op("read", None, "missing", 1, 2),
        op("read", "a", "found", 3, 4),
    ],
    "killed, and it never took effect": [
        op("add", "a", None, 0),
        op("add", "b", "added", 1, 2),
        op("read", "b", "found", 3, 4),
    ],
    "two that delete the same file": [
        op("add", "a", "added", 0, 1),
        op("delete", None, "deleted", 2, 5),
        op("delete", None, "deleted", 3, 6),
        op("read", None, "missing", 7, 8),
    ],
}

BAD = {
    "lost": [op("add", "a", "added", 0, 1), op("read", None, "missing", 2, 3)],
    "two winners": [op("add", "a", "added", 0, 5), op("add", "b", "added", 1, 6)],
    "changed": [
        op("add", "a", "added", 0, 1),
        op("add", "b", "conflict", 2, 3),
        op("read", "b", "found", 4, 5),
    ],
    "back from the dead": [
        op("add", "a", "added", 0, 1),
        op("delete", None, "deleted", 2, 3),
        op("read", None, "missing", 4, 5),
        op("add", "b", "conflict", 6, 7),
    ],
    "deleted by two, one after the other": [
        op("add", "a", "added", 0, 1),
        op("delete", None, "deleted", 2, 3),
        op("delete", None, "deleted", 4, 5),
    ],
    "read before it was there": [
        op("read", "a", "found", 0, 1),
        op("add", "a", "added", 2, 3),
    ],
    "there is nothing like it": [op("add", "a", "already", 0, 1)],
}


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD)
def test_accepts(history: list[Operation]) -> None:
    assert counterexample(history) == []


@pytest.mark.parametrize("history", BAD.values(), ids=BAD)
def test_finds(history: list[Operation]) -> None:
    assert counterexample(history)


def test_what_is_found_is_short() -> None:
    history = [*GOOD["one after the other"], op("read", "a", "found", 16, 17)]
    more = [op("read", "b", "found", 20 + 2 * n, 21 + 2 * n) for n in range(50)]
    assert counterexample([*history, *more]) == history


def test_a_deleted_file_may_be_read_only_where_that_is_allowed() -> None:
    history = [
        op("add", "a", "added", 0, 1),
        op("delete", None, "deleted", 2, 3),
        op("read", "a", "found", 4, 5),
    ]
    assert counterexample(history, stale=True) == []
    assert counterexample(history)
    history[2] = op("read", "b", "found", 4, 5)
    assert counterexample(history, stale=True)


def _random_history(chance: random.Random) -> list[Operation]:
    """Return operations whose answers come from one register, at a moment within each."""
    history = []
    state = State()
    moment = 0.0
    for _ in range(80):
        moment += 1
        kind = chance.choice(["add", "add", "delete", "read"])
        content = chance.choice("ab") if kind == "add" else None
        if kind == "add":
            names = {None: "added", content: "already"}
            answer = names.get(state.content, "conflict")
        elif kind == "delete":
            answer = "missing" if state.content is None else "deleted"
        else:
            content, answer = state.content, "missing" if state.content is None else "found"
        called, returned = moment - chance.uniform(0, 4), moment + chance.uniform(0, 4)
        if kind != "read" and chance.random() < 0.05:
            answer, returned = None, math.inf
        one = op(kind, content, answer, called, returned)
        after = step(state, one, joined=False, stale=False)
        assert after is not None
        state = after
        history.append(one)
    return history


@pytest.mark.parametrize("seed", range(30))
def test_accepts_whatever_a_register_answers_to_many_at_once(seed: int) -> None:
    history = _random_history(random.Random(seed))
    chance = random.Random(f"order {seed}")
    chance.shuffle(history)
    assert counterexample(history) == []
