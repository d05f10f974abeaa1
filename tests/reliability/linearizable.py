"""An independent checker: names of a lake behave as if one operation happened after the other.

Each name is a register that holds nothing or one content. A history says when each operation was
called and when it returned, by one clock. It is linearizable if every operation can be given a
moment between the two so that, in the order of these moments, each returned what a register would
have returned (Herlihy and Wing, 1990). The search is that of Wing and Gong with the states seen so
far remembered (Lowe, 2017). It knows nothing of slots, records or leases.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Operation(NamedTuple):
    """One operation on one name."""

    kind: str
    """`add`, `delete` or `read`."""
    content: str | None
    """What was to be added, or what was read; None for a delete or a read that found nothing."""
    answer: str | None
    """`added`, `already`, `conflict`, `deleted`, `missing` or `found`; None if the process was
    killed before it returned: such an operation took effect at any later time, or never."""
    called: float
    returned: float = math.inf


class State(NamedTuple):
    """What a name holds, and what it held before."""

    content: str | None = None
    past: frozenset[str] = frozenset()


def step(state: State, operation: Operation, *, joined: bool, stale: bool) -> State | None:
    """Return the state after an operation; None if a register would not have answered so.

    Args:
        state: What the name holds.
        operation: What was done, and what was answered.
        joined: Whether another delete ran at the same time: two that delete one file may both say
            that they did.
        stale: Whether reads may return what was deleted already. Another home may serve a file
            that it has until it asks the remote again; that is documented.
    """
    kind, content, answer = operation.kind, operation.content, operation.answer
    if kind == "add":
        if state.content is None:
            return State(content, state.past) if answer in ("added", None) else None
        same = state.content == content
        allowed = ("already", None) if same else ("conflict", None)
        return state if answer in allowed else None
    if kind == "delete":
        if state.content is None:
            return state if answer in ("missing", None) or joined else None
        deleted = State(None, state.past | {state.content})
        return deleted if answer in ("deleted", None) else None
    if answer == "missing":
        return state if state.content is None else None
    return state if content == state.content or (stale and content in state.past) else None


def counterexample(history: list[Operation], *, stale: bool = False) -> list[Operation]:
    """Return operations on one name that no order explains; empty if some order does.

    What is returned is the shortest beginning of the history, by time of return, that already
    cannot be explained.
    """
    if _explained(history, stale=stale):
        return []
    ended = sorted(one.returned for one in history if one.returned < math.inf)
    low, high = 0, len(ended) - 1
    while low < high:
        middle = (low + high) // 2
        if _explained(_until(history, ended[middle]), stale=stale):
            low = middle + 1
        else:
            high = middle
    return _until(history, ended[low])


def _until(history: list[Operation], end: float) -> list[Operation]:
    """Return the history as it was known then: what had not returned may have taken effect."""
    known = [one for one in history if one.called <= end]
    return [
        one if one.returned <= end else one._replace(answer=None, returned=math.inf)
        for one in known
        if one.returned <= end or one.kind != "read"
    ]


def _explained(history: list[Operation], *, stale: bool) -> bool:
    operations = sorted(history, key=lambda one: one.called)
    joined = [_is_joined(one, operations) for one in operations]
    needed = sum(1 << n for n, one in enumerate(operations) if one.answer is not None)
    start = (0, State())
    seen = {start}
    stack = [start]
    while stack:
        done, state = stack.pop()
        if done & needed == needed:
            return True
        first_return = min(
            (one.returned for n, one in enumerate(operations) if not done >> n & 1),
            default=math.inf,
        )
        # Those that returned first are tried first: pushed last.
        candidates = [
            n
            for n, one in enumerate(operations)
            if not done >> n & 1 and one.called <= first_return
        ]
        for n in sorted(candidates, key=lambda n: -operations[n].returned):
            after = step(state, operations[n], joined=joined[n], stale=stale)
            if after is None:
                continue
            following = (done | 1 << n, after)
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return False


def _is_joined(operation: Operation, operations: list[Operation]) -> bool:
    return operation.kind == "delete" and any(
        other is not operation
        and other.kind == "delete"
        and other.called <= operation.returned
        and operation.called <= other.returned
        for other in operations
    )
