"""One run of a scenario: clients stand still before each operation and are let go one by one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from protocols.checker import check_step
from protocols.scenario import (
    LOST,
    REFUSED,
    TWICE,
    BrokenError,
    Choice,
    Done,
    Failed,
    Outcome,
)
from protocols.world import (
    LAKE,
    WRITES,
    Abandoned,
    Client,
    Op,
    Thread,
    as_client,
    lost_reply,
    open_backends,
    perform,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from protocols.explorer import Explorer
    from radops.backends.memory import MemoryBackend


class Explored:
    """A client under exploration."""

    def __init__(self, run: Run, index: int, name: str, thread: Thread) -> None:
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


class Run:
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
            Explored(self, index, name, explorer.threads[index])
            for index, name in enumerate(self.scenario.clients)
        ]

    # -- operations --------------------------------------------------------------------------

    def perform(self, op: Op) -> Any:
        """Do an operation; note the new content if it changed anything."""
        backend = self.backends[op.backend]
        if op.name not in WRITES:
            return perform(backend, op)
        old = [self._peek(backend, key) for key in op.keys]
        answer = perform(backend, op)
        before = self.print
        for key, was in zip(op.keys, old, strict=True):
            now = self._peek(backend, key)
            fault = check_step(key, was, now) if op.backend == LAKE else None
            if fault:
                raise self.broken(f"{key}: {fault}")
            self.print ^= print_of(op.backend, key, was) ^ print_of(op.backend, key, now)
        if self.print != before:
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
        told = f"{choice!s:<4} {client.client.name}: {op}"
        if self.trace is not None:
            self.trace.append(told)  # whatever comes of it
        answer = None if choice.fault == REFUSED else self.perform(op)
        if choice.fault == TWICE:
            answer = False
        if choice.fault in {LOST, REFUSED} and choice.fault:
            client.error = lost_reply(op)
        client.answers[choice.item] = answer
        heard = f"{choice.item}{choice.fault}{answer if answer is None else ''}".encode()
        client.hear(heard + (answer if isinstance(answer, bytes) else repr(answer).encode()))
        if self.trace is not None:
            self.trace[-1] = f"{told} -> {_shown(answer)}"
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

    def broken(self, why: str) -> BrokenError:
        return BrokenError(
            f"{self.scenario.name}: {why}\n  schedule: {' '.join(map(str, self.path))}"
        )


def _shown(answer: Any) -> str:
    if isinstance(answer, bytes):
        return f"{len(answer)} bytes {hashlib.blake2b(answer, digest_size=3).hexdigest()}"
    return str(answer)


_prints: dict[tuple[str, str, bytes], int] = {}


def print_of(backend: str, key: str, body: bytes | None) -> int:
    """Return the share of one key in the fingerprint of a content."""
    if body is None:
        return 0
    found = _prints.get((backend, key, body))
    if found is None:
        text = b"\0".join((backend.encode(), key.encode(), body))
        found = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
        _prints[backend, key, body] = found
    return found
