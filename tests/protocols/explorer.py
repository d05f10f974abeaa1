"""The explorer: every order in which the operations of a few clients can happen, and every fault.

Depth first, by replay: a run follows a schedule to its end, then goes on as it likes, and each
other choice that it passes becomes a schedule to be run later. A *state* is what all backends
hold together with everything each client has been told so far; since clients see nothing else,
two runs that meet in a state go on alike, and one of them stops there. That is the only pruning
(besides the bound on preemptions, where one is given), and it is exact: what is counted as
covered really is.

There is no choice "crash", as none is needed. A crashed client is one that is never scheduled
again: the others go on, and every state is reached in which they have finished without it. And
every content of the backends that occurs at any instant is held against the invariants, and is
where recovery must succeed: that is a crash of all clients at once, at every operation.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from protocols.checker import check_step
from protocols.world import (
    LAKE,
    WRITES,
    Abandoned,
    Client,
    Content,
    Op,
    Thread,
    alone,
    as_client,
    content_of,
    lost_reply,
    open_backends,
    perform,
    pinned,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from radops.backends.memory import MemoryBackend

DEEP = os.environ.get("RADOPS_EXPLORE") == "deep"

LOST = "~"
"""The operation was done, but the client is told that the store cannot be reached."""
TWICE = "?"
"""A create was done, but its reply was lost and the retry says: it exists."""
REFUSED = "-"
"""The operation was not done, and the client is told that the store cannot be reached."""


class Broken(AssertionError):
    """A run that ended badly, with the schedule that repeats it."""


class Choice(NamedTuple):
    """Which client goes on, with which operation of its batch, and what goes wrong."""

    client: int
    item: int = 0
    fault: str = ""

    def __str__(self) -> str:
        return f"{chr(65 + self.client)}{self.item or ''}{self.fault}"


def parse_schedule(text: str) -> tuple[Choice, ...]:
    """Read a schedule as it is printed: `A A B1 A~`."""
    choices = []
    for word in text.split():
        fault = word[-1] if word[-1] in LOST + TWICE + REFUSED else ""
        item = word[1:].removesuffix(fault) if fault else word[1:]
        choices.append(Choice(ord(word[0]) - 65, int(item or 0), fault))
    return tuple(choices)


@dataclass(frozen=True)
class Done:
    """A client's work came to its end."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """A client's work ended with an error."""

    error: BaseException


Outcome = Done | Failed


@dataclass
class Scenario:
    """Who does what at once, and what must come of it."""

    name: str
    clients: Mapping[str, Callable[[Client], Any]]
    """Name and work of each client."""
    start: Content = field(default_factory=lambda: {LAKE: {}})
    racing: tuple[str, ...] = ("refs/",)
    """Prefixes of the shared backend's keys that several clients read and write. Operations on
    others commute with everything, so they need no choice; each is a crash point all the same."""
    faults: str = LOST + TWICE
    most_faults: int = 1
    preemptions: int | None = None
    """How often a client may be stopped that could go on; None: any number."""
    check: Callable[[Content], None] = lambda content: None
    """Holds one content against the invariants."""
    judge: Callable[[Content, Mapping[str, Outcome]], None] = lambda content, outcomes: None
    """Judges a run in which each of these clients has finished; the others have crashed."""
    recover: Callable[[Content], None] | None = None
    """Does the work again on a copy of a content, and judges that."""


@dataclass
class Count:
    """How much was explored."""

    name: str
    runs: int = 0
    states: int = 0
    contents: int = 0
    operations: int = 0
    interleavings: int = 0
    complete: bool = True

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.interleavings:,} interleavings covered by {self.runs:,} runs,"
            f" {self.states:,} states, {self.contents:,} crash points"
            f"{'' if self.complete else ' (cut short)'}"
        )


class _Explored:
    """A client under exploration."""

    def __init__(self, run: _Run, index: int, name: str, thread: Thread) -> None:
        self.run = run
        self.index = index
        self.thread = thread
        self.client = Client(name, run.backends, self._ask)
        self.batch: list[Op] = []
        self.answers: dict[int, Any] = {}
        self.error: BaseException | None = None
        self.outcome: Outcome | None = None
        self.history = b""
        self.abandoned = False

    def begin(self, work: Callable[[Client], Any]) -> None:
        def job() -> None:
            try:
                self.outcome = Done(work(self.client))
            except Abandoned:
                self.outcome = None
            except Exception as error:  # noqa: BLE001 - judged by the scenario
                self.outcome = Failed(error)

        with as_client(self.client):
            self.thread.begin(job)

    def resume(self) -> None:
        with as_client(self.client):
            self.thread.resume()

    def _ask(self, ops: list[Op]) -> list[Any]:
        if self.abandoned:
            raise Abandoned
        racing = self.run.scenario.racing
        if not any(op.backend == LAKE and op.key.startswith(racing) for op in ops):
            return [self.run.perform(op) for op in ops]
        self.batch, self.answers, self.error = ops, {}, None
        self.thread.stand()
        if self.abandoned:
            raise Abandoned
        self.batch = []
        if self.error is not None:
            raise self.error
        return [self.answers[index] for index in range(len(ops))]

    def hear(self, what: bytes) -> None:
        self.history = hashlib.blake2b(self.history + what, digest_size=16).digest()


class _Run:
    """One run: from the start along a schedule, and on until it ends or meets a known state."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.scenario = explorer.scenario
        self.backends = open_backends(self.scenario.start)
        self.print = explorer.start_print
        self.faults = 0
        self.preemptions = 0
        self.last: int | None = None
        self.path: list[Choice] = []
        self.trace: list[str] | None = None
        self.clients = [
            _Explored(self, index, name, explorer.threads[index])
            for index, name in enumerate(self.scenario.clients)
        ]

    # -- operations --------------------------------------------------------------------------

    def perform(self, op: Op) -> Any:
        """Do an operation; note the new content if it changed anything."""
        backend = self.backends[op.backend]
        if op.name not in WRITES:
            return perform(backend, op)
        old = self._peek(backend, op.key)
        answer = perform(backend, op)
        new = self._peek(backend, op.key)
        if old != new:
            fault = check_step(op.key, old, new) if op.backend == LAKE else None
            if fault:
                raise self.broken(f"{op.key}: {fault}")
            self.print ^= _print(op.backend, op.key, old) ^ _print(op.backend, op.key, new)
            self.explorer.note(self)
        return answer

    @staticmethod
    def _peek(backend: MemoryBackend, key: str) -> bytes | None:
        item = backend._items.get(key)
        return None if item is None else item[0]

    def do(self, choice: Choice) -> None:
        """Let one client have one operation done."""
        client = self.clients[choice.client]
        op = client.batch[choice.item]
        self.path.append(choice)
        if self._is_preemption(choice.client):
            self.preemptions += 1
        self.faults += choice.fault != ""
        self.last = choice.client
        answer = None if choice.fault == REFUSED else self.perform(op)
        if choice.fault == TWICE:
            answer = False
        if choice.fault in {LOST, REFUSED} and choice.fault:
            client.error = lost_reply(op)
        client.answers[choice.item] = answer
        heard = f"{choice.item}{choice.fault}{answer if answer is None else ''}".encode()
        client.hear(heard + (answer if isinstance(answer, bytes) else repr(answer).encode()))
        if self.trace is not None:
            self.trace.append(f"{choice!s:<4} {client.client.name}: {op} -> {_shown(answer)}")
        if client.error is not None or len(client.answers) == len(client.batch):
            client.resume()

    def _is_preemption(self, client: int) -> bool:
        return self.last not in {None, client} and self.clients[self.last].outcome is None

    def choices(self) -> list[Choice]:
        """Return what can happen next; what goes on with the same client comes first."""
        scenario = self.scenario
        found = []
        for client in self.clients:
            if client.outcome is not None:
                continue
            if (
                scenario.preemptions is not None
                and self.preemptions >= scenario.preemptions
                and self._is_preemption(client.index)
            ):
                continue
            for item, op in enumerate(client.batch):
                if item in client.answers:
                    continue
                found.append(Choice(client.index, item))
                if self.faults < scenario.most_faults:
                    found += [Choice(client.index, item, fault) for fault in self._faults_of(op)]
        found.sort(key=lambda choice: (choice.fault != "", choice.client != self.last))
        return found

    def _faults_of(self, op: Op) -> list[str]:
        if op.name not in WRITES:
            return []
        absent = self._peek(self.backends[op.backend], op.key) is None
        return [
            fault
            for fault in self.scenario.faults
            if fault != TWICE or (op.name == "create" and absent)
        ]

    def key(self) -> bytes:
        """Name the state: nothing that decides how the run goes on is left out."""
        known = hashlib.blake2b(self.print.to_bytes(17, "big"), digest_size=16)
        for client in self.clients:
            known.update(client.history)
            known.update(bytes([client.outcome is not None, len(client.answers)]))
            known.update(bytes(sorted(client.answers)))
        known.update(bytes([self.faults]))
        if self.scenario.preemptions is not None:
            known.update(bytes([self.preemptions, 255 if self.last is None else self.last]))
        return known.digest()

    # -- a whole run -------------------------------------------------------------------------

    def follow(self, schedule: Sequence[Choice]) -> None:
        for client, work in zip(self.clients, self.scenario.clients.values(), strict=True):
            client.begin(work)
        for choice in schedule:
            self.do(choice)

    def outcomes(self) -> dict[str, Outcome]:
        return {c.client.name: c.outcome for c in self.clients if c.outcome is not None}

    def abandon(self) -> None:
        for client in self.clients:
            if client.outcome is None:
                client.abandoned = True
                while client.batch and client.outcome is None:
                    client.batch = []
                    client.resume()

    def broken(self, why: str) -> Broken:
        return Broken(f"{self.scenario.name}: {why}\n  schedule: {' '.join(map(str, self.path))}")


def _shown(answer: Any) -> str:
    if isinstance(answer, bytes):
        return f"{len(answer)} bytes {hashlib.blake2b(answer, digest_size=3).hexdigest()}"
    return str(answer)


_prints: dict[tuple[str, str, bytes], int] = {}


def _print(backend: str, key: str, body: bytes | None) -> int:
    """Return the share of one key in the fingerprint of a content."""
    if body is None:
        return 0
    found = _prints.get((backend, key, body))
    if found is None:
        text = b"\0".join((backend.encode(), key.encode(), body))
        found = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
        _prints[backend, key, body] = found
    return found


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
        self.start_print = 0
        for name, items in scenario.start.items():
            for key, body in items.items():
                self.start_print ^= _print(name, key, body)
        self._contents: set[int] = set()
        self._fresh: list[tuple[Content, tuple[Choice, ...]]] = []
        self._judged: set[tuple[Any, ...]] = set()
        self._next: dict[bytes, list[bytes]] = {}

    def explore(self) -> Count:
        """Explore all orders.

        Raises:
            Broken: With the schedule and the trace of the first run that went wrong.
        """
        with pinned():
            self.threads = [Thread() for _ in self.scenario.clients]
            try:
                self._explore()
            except Broken as error:
                raise Broken(f"{error}\n{self._retrace(str(error))}") from error.__cause__
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
        run = _Run(self)
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

    def note(self, run: _Run) -> None:
        """Note a content that was not seen before; it is looked at when the run is over."""
        if run.print not in self._contents:
            self._contents.add(run.print)
            self._fresh.append((content_of(run.backends), tuple(run.path)))

    def _look(self, run: _Run) -> None:
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

    def _judge(self, run: _Run) -> None:
        """Judge those that have finished; whoever has not counts as crashed."""
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
        run = _Run(self)
        run.trace = []
        try:
            run.follow(schedule)
        except Broken:
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
        run = _Run(explorer)
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
