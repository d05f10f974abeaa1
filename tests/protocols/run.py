"""One run of a scenario: clients stand still before each operation and are let go one by one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from protocols.pinned import as_client
from protocols.scenario import (
    CRASHED,
    INTERRUPTED,
    LOST,
    REFUSED,
    STOPPED,
    TICK,
    TWICE,
    BrokenError,
    Choice,
    Done,
    Failed,
    Outcome,
)
from protocols.steps import check_step
from protocols.world import (
    CLOCK,
    LAKE,
    WRITES,
    Abandoned,
    Client,
    Op,
    Process,
    Thread,
    lost_reply,
    open_backends,
    perform,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from protocols.explorer import Explorer

_MOST_FREE_TICKS = 16
_MOST_NAPS = 16


class Explored:
    """A client under exploration."""

    def __init__(self, run: Run, index: int, name: str, thread: Thread) -> None:
        self.run = run
        self.index = index
        self.thread = thread
        self.client = Client(name, run.backends, self._ask, self.hear)
        self.client.process = run.process_of(name)
        self.batch: list[Op] = []
        self.answers: dict[int, Any] = {}
        self.error: BaseException | None = None
        self.outcome: Outcome | None = None
        self.history = b""
        self.abandoned = False
        self.crashed = False
        self.stirred = True
        """Whether anything has changed since it woke last."""
        self.naps = 0
        """How often it has slept since a backend's content changed last."""

    def begin(self, work: Callable[[Client], Any]) -> None:
        def job() -> None:
            try:
                self.outcome = Done(work(self.client))
            except Abandoned:
                self.outcome = None
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - judged by the scenario
                self.outcome = Failed(error)

        with as_client(self.client):
            self.thread.begin(job)

    def resume(self) -> None:
        with as_client(self.client):
            self.thread.resume()

    def _ask(self, ops: list[Op]) -> list[Any]:
        if self.abandoned:
            raise Abandoned
        if not any(self.run.is_racing(op) for op in ops):
            return [self.run.perform(op) for op in ops]
        self.batch, self.answers, self.error = ops, {}, None
        self.thread.stand()
        if self.abandoned:
            raise Abandoned
        self.batch = []
        if self.error is not None:
            raise self.error
        return [self.answers[index] for index in range(len(ops))]

    @property
    def is_over(self) -> bool:
        return self.crashed or self.outcome is not None

    def is_waiting(self) -> bool:
        """Say whether it sleeps, and nothing has happened that it waits for."""
        op = self.batch[0]
        if op.name == "sleep":
            return not self.stirred
        return op.name == "pause" and self.run.backends.clock.now < float(op.key)

    def hear(self, what: bytes) -> None:
        self.history = hashlib.blake2b(self.history + what, digest_size=16).digest()


class Run:
    """One run: from the start along a schedule, and on until it ends or meets a known state."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.scenario = explorer.scenario
        self.backends = open_backends(self.scenario.start)
        self.print = explorer.start_print
        self.faults = 0
        self.ticks = 0
        self.free_ticks = 0
        self.preemptions = 0
        self.last: int | None = None
        self.path: list[Choice] = []
        self.trace: list[str] | None = None
        self._processes: dict[str, Process] = {}
        self.clients = [
            Explored(self, index, name, explorer.threads[index])
            for index, name in enumerate(self.scenario.clients)
        ]

    def process_of(self, client: str) -> Process:
        """Return the process in which a client runs: one of its own, unless the scenario says."""
        name = self.scenario.processes.get(client, client)
        return self._processes.setdefault(name, Process(name))

    # -- operations --------------------------------------------------------------------------

    def is_racing(self, op: Op) -> bool:
        """Say whether others can tell when this is done."""
        if op.backend == CLOCK:
            return True
        if op.name == "delete" and op.key.endswith(self.scenario.absent):
            return False
        key = op.key if op.backend == LAKE else f"{op.backend}:{op.key}"
        racing = self.scenario.racing
        return key.startswith(racing) or (
            op.name in {"list", "folders"} and any(one.startswith(key) for one in racing)
        )

    def perform(self, op: Op) -> Any:
        """Do an operation; note the new content if it changed anything."""
        if op.name not in WRITES:
            return perform(self.backends, op)
        old = [self._peek(op.backend, key) for key in op.keys]
        answer = perform(self.backends, op)
        before = self.print
        for key, was in zip(op.keys, old, strict=True):
            now = self._peek(op.backend, key)
            bodies = None if was is None else was[0], None if now is None else now[0]
            if op.backend == LAKE:
                fault = check_step(key, *bodies)
            else:
                fault = self.scenario.check_step(self.backends, op.backend, key, *bodies)
            if fault:
                raise self.broken(f"{key}: {fault}")
            self.print ^= print_of(op.backend, key, was) ^ print_of(op.backend, key, now)
        if self.print != before:
            for client in self.clients:
                client.naps = 0
            self._stir()
        return answer

    def _stir(self) -> None:
        for client in self.clients:
            client.stirred = True
        self.explorer.note(self)

    def _peek(self, backend: str, key: str) -> tuple[bytes, float] | None:
        return self.backends[backend]._items.get(key)

    def _tick(self) -> None:
        """Let time pass, whatever anybody is doing."""
        clock = self.backends.clock
        if any(self._can_go_on(client) for client in self.clients):
            self.ticks += 1
        else:
            self.free_ticks += 1
            if self.free_ticks > _MOST_FREE_TICKS:
                waiting = [c.client.name for c in self.clients if not c.is_over]
                raise self.broken(f"waiting for ever: {', '.join(waiting)}")
        self.print ^= print_of(CLOCK, "now", (b"", clock.now))
        clock.now += self.scenario.tick
        self.print ^= print_of(CLOCK, "now", (b"", clock.now))
        for client in self.clients:
            deadline = client.client.deadline
            if not client.is_over and deadline is not None and clock.now >= deadline:
                client.crashed = True
        if self.trace is not None:
            self.trace.append(f"+    {self.scenario.tick} seconds pass")
        self._stir()

    @staticmethod
    def _can_go_on(client: Explored) -> bool:
        return not client.is_over and not client.is_waiting()

    def do(self, choice: Choice) -> None:
        """Let one client have one operation done, or time pass."""
        self.path.append(choice)
        if choice == TICK:
            self._tick()
            return
        self.free_ticks = 0
        client = self.clients[choice.client]
        op = client.batch[choice.item]
        if self._is_preemption(choice.client):
            self.preemptions += 1
        self.faults += choice.fault != ""
        self.last = choice.client
        told = f"{choice!s:<4} {client.client.name}: {op}"
        if self.trace is not None:
            self.trace.append(told)  # whatever comes of it
        if choice.fault == CRASHED:
            for one in self.clients:
                if one.client.process is client.client.process and one.outcome is None:
                    one.crashed = True
            return
        if op.name == "sleep":
            client.stirred = False
            # One that only wakes up, looks and sleeps again would do so for ever.
            client.naps += 1
            if client.naps > _MOST_NAPS:
                raise self.broken(f"waiting for ever: {client.client.name}")
        is_done = choice.fault not in {REFUSED, STOPPED}
        answer = self.perform(op) if is_done else None
        if choice.fault == TWICE:
            answer = False
        if choice.fault in {LOST, REFUSED}:
            client.error = lost_reply(op)
        elif choice.fault in {INTERRUPTED, STOPPED}:
            client.error = KeyboardInterrupt()
        client.answers[choice.item] = answer
        heard = f"{choice.item}{choice.fault}{answer if answer is None else ''}".encode()
        client.hear(heard + (answer if isinstance(answer, bytes) else repr(answer).encode()))
        if self.trace is not None:
            self.trace[-1] = f"{told} -> {_shown(answer)}"
        if client.error is not None or len(client.answers) == len(client.batch):
            client.resume()

    def _is_preemption(self, client: int) -> bool:
        return self.last not in {None, client} and self._can_go_on(self.clients[self.last])

    def choices(self) -> list[Choice]:
        """Return what can happen next; what goes on with the same client comes first."""
        scenario = self.scenario
        found = []
        for client in self.clients:
            if not self._can_go_on(client):
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
        if self.ticks < scenario.most_ticks or not found:
            found += [TICK] * any(not client.is_over for client in self.clients)
        return found

    def _faults_of(self, op: Op) -> list[str]:
        faults = self.scenario.faults
        if op.name not in WRITES:
            return [one for one in (CRASHED, INTERRUPTED, STOPPED) if one in faults]
        absent = self._peek(op.backend, op.key) is None
        done_once = (op.name == "create" and absent) or (op.name == "move" and not absent)
        return [fault for fault in faults if fault != TWICE or done_once]

    def key(self) -> bytes:
        """Name the state: nothing that decides how the run goes on is left out."""
        known = hashlib.blake2b(self.print.to_bytes(17, "big"), digest_size=16)
        for client in self.clients:
            known.update(client.history)
            known.update(bytes([client.outcome is not None, client.crashed, client.stirred]))
            known.update(bytes([client.naps]))
            known.update(bytes([len(client.answers), *sorted(client.answers)]))
        known.update(bytes([self.faults, self.ticks, self.free_ticks]))
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
            if client.outcome is None:  # also one that has crashed: its thread stands still
                client.abandoned = True
                while client.batch and client.outcome is None:
                    client.batch = []
                    client.resume()

    def broken(self, why: str) -> BrokenError:
        return BrokenError(
            f"{self.scenario.name}: {why}\n  schedule: {' '.join(map(str, self.path))}"
        )


def _shown(answer: Any) -> str:
    if isinstance(answer, bytes):
        return f"{len(answer)} bytes {hashlib.blake2b(answer, digest_size=3).hexdigest()}"
    return str(answer)


_prints: dict[tuple[str, str, bytes, float], int] = {}


def print_of(backend: str, key: str, item: tuple[bytes, float] | None) -> int:
    """Return the share of one key, its bytes and when they came, in the print of a content."""
    if item is None:
        return 0
    whole = (backend, key, *item)
    found = _prints.get(whole)
    if found is None:
        text = b"\0".join((backend.encode(), key.encode(), f"{item[1]}".encode(), item[0]))
        found = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
        _prints[whole] = found
    return found
