"""The explorer: every order in which the operations of a few clients can happen, and every fault.

Depth first, by replay: a run follows a schedule to its end, then goes on as it likes, and each
other choice that it passes becomes a schedule to be run later. A *state* is what all backends
hold together with everything each client has been told so far; since clients see nothing else,
two runs that meet in a state go on alike, and one of them stops there. The time, and when each
key was written, are part of it: that time passes is one more choice. That is the only pruning
(besides the bound on preemptions, where one is given), and it is exact: what is counted as
covered really is.

A choice "crash" is seldom needed. A crashed client is one that is never scheduled
again: the others go on, and every state is reached in which they have finished without it. (Where
they wait for it, they must be seen to go on: there crashes are choices.) And
every content of the backends that occurs at any instant is held against the invariants, and is
where recovery must succeed: that is a crash of all clients at once, at every operation.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from protocols.pinned import START, pinned
from protocols.run import Run, print_of
from protocols.scenario import BrokenError, Choice, Count, Done, Failed, Scenario, parse_schedule
from protocols.world import CLOCK, Client, Content, Thread, alone, content_of, open_backends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from protocols.scenario import Outcome


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one core.

    Only one of them ever runs, and waking the next one takes less time on the same core.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Explorer:
    """Explores one scenario.

    Args:
        scenario: Which.
        most_runs: Stop after so many, and say so; None: go on to the end.
    """

    def __init__(self, scenario: Scenario, most_runs: int | None = None) -> None:
        self.scenario = scenario
        self.most_runs = most_runs
        self.count = Count(scenario.name)
        self.threads: list[Thread] = []
        self.start_print = print_of(CLOCK, "now", (b"", scenario.start.now))
        for name, items in scenario.start.items():
            for key, body in items.items():
                since = scenario.start.times.get(name, {}).get(key, START)
                self.start_print ^= print_of(name, key, (body, since))
        self._contents: set[int] = set()
        self._fresh: list[tuple[Content, tuple[Choice, ...]]] = []
        self._judged: set[tuple[Any, ...]] = set()
        self._next: dict[bytes, list[bytes]] = {}

    def explore(self) -> Count:
        """Explore all orders.

        Raises:
            BrokenError: With the schedule and the trace of the first run that went wrong.
        """
        with pinned(), _on_one_core():
            self.threads = [Thread() for _ in self.scenario.clients]
            try:
                self._explore()
            except BrokenError as error:
                raise BrokenError(f"{error}\n{self._retrace(str(error))}") from error.__cause__
            finally:
                for thread in self.threads:
                    thread.end()
        self.count.states = len(self._next)
        self.count.contents = len(self._contents)
        self.count.interleavings = self._paths()
        return self.count

    def _explore(self) -> None:
        todo: list[tuple[Choice, ...]] = [()]
        while todo:
            if self.most_runs is not None and self.count.runs >= self.most_runs:
                self.count.complete = False
                return
            self._one(todo.pop(), todo)

    def _one(self, schedule: tuple[Choice, ...], todo: list[tuple[Choice, ...]]) -> None:
        run = Run(self)
        self.count.runs += 1
        try:
            run.follow(schedule[:-1])
            before = run.key() if schedule else None
            if schedule:
                run.do(schedule[-1])
            while True:
                key = run.key()
                if before is not None:
                    self._next[before].append(key)
                if key in self._next:
                    break
                self._next[key] = []
                self._judge(run)
                choices = run.choices()
                if not choices:
                    break
                todo += [(*run.path, choice) for choice in reversed(choices[1:])]
                run.do(choices[0])
                before = key
        finally:
            run.abandon()
        self.count.operations += len(run.path)
        self._look(run)

    def note(self, run: Run) -> None:
        """Note a content that was not seen before; it is looked at when the run is over."""
        if run.print not in self._contents:
            self._contents.add(run.print)
            self._fresh.append((content_of(run.backends), tuple(run.path)))

    def _look(self, run: Run) -> None:
        fresh, self._fresh = self._fresh, []
        for content, path in fresh:
            run.path = list(path)
            for look in (self.scenario.check, self.scenario.recover):
                if look is not None:
                    try:
                        look(content)
                    except Exception as error:
                        what = "invariants" if look is self.scenario.check else "recovery"
                        raise run.broken(f"{what}: {error}") from error

    def _judge(self, run: Run) -> None:
        """Judge the clients that have finished; others count as crashed."""
        outcomes = run.outcomes()
        if not outcomes:
            return
        key = (run.print, *((c.history, c.outcome is None) for c in run.clients if c.outcome))
        if key not in self._judged:
            self._judged.add(key)
            try:
                self.scenario.judge(content_of(run.backends), outcomes)
            except Exception as error:
                raise run.broken(f"{error}") from error

    def _paths(self) -> int:
        """Count the ways through the states: each is an order of operations that is covered."""
        paths: dict[bytes, int] = {}
        stack = [next(iter(self._next))]
        while stack:
            key = stack[-1]
            if key in paths:
                stack.pop()
                continue
            after = self._next.get(key, [])
            if waiting := [one for one in after if one not in paths]:
                stack += waiting
                continue
            paths[key] = sum(paths[one] for one in after) or 1
            stack.pop()
        return paths[next(iter(self._next))]

    def _retrace(self, error: str) -> str:
        schedule = parse_schedule(error.partition("schedule: ")[2].partition("\n")[0])
        run = Run(self)
        run.trace = []
        try:
            run.follow(schedule)
        except BrokenError:
            pass
        finally:
            run.abandon()
        ends = [f"     {name}: {outcome}"[:300] for name, outcome in run.outcomes().items()]
        return "\n".join(["  trace:", *("    " + line for line in run.trace + ends)])


def replay(scenario: Scenario, schedule: str) -> Content:
    """Run one schedule, as printed with a failure; everything is checked on the way.

    Returns:
        What the backends hold at its end.
    """
    explorer = Explorer(scenario)
    with pinned():
        explorer.threads = [Thread() for _ in scenario.clients]
        run = Run(explorer)
        try:
            run.follow(parse_schedule(schedule))
            explorer._judge(run)
            explorer._look(run)
            return content_of(run.backends)
        finally:
            run.abandon()
            for thread in explorer.threads:
                thread.end()


def settled(content: Content, *works: tuple[str, Callable[[Client], Any]]) -> tuple[Content, list]:
    """Do works one after the other on a copy of a content; return it and how they ended."""
    backends = open_backends(content)
    outcomes: list[Outcome] = []
    for name, work in works:
        try:
            outcomes.append(Done(alone(name, backends, work)))
        except Exception as error:  # noqa: BLE001 - judged by the caller
            outcomes.append(Failed(error))
    return content_of(backends), outcomes
