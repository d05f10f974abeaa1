"""Where explored clients live: backends that stop before each operation, time and chance pinned.

A client is real protocol code in a thread of its own. Its backends are *ports*: before an
operation that others can see the thread stands still, until the explorer has done the operation
and hands back the answer. Only one thread ever runs, so a run is a function of its schedule.
"""

from __future__ import annotations

import _thread
import contextlib
import hashlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from protocols.pinned import START, as_client
from radops.backends.base import MOVE_SECONDS, Backend, KeyNotFoundError
from radops.backends.memory import MemoryBackend
from radops.errors import RemoteUnavailableError
from radops.repository.refs.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from radops.backends.base import Entry, Reader, Upload

LAKE = "lake"
"""The backend that all clients share."""
CLOCK = "clock"
"""What a client that waits stands at."""
WRITES = frozenset(("put", "create", "delete", "move", "copy"))

_LONGEST_SLEEP = 3600.0


class Content(dict[str, dict[str, bytes]]):
    """What all backends hold: name -> key -> bytes; and since when."""

    def __init__(
        self,
        items: Mapping[str, dict[str, bytes]],
        times: Mapping[str, dict[str, float]] | None = None,
        now: float = START,
    ) -> None:
        super().__init__(items)
        self.times = times or {}
        """Name -> key -> when it was written; what is not here was there at the start."""
        self.now = now


class Clock:
    """The clock of stores and machines: it stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Backends(dict[str, MemoryBackend]):
    """Backends by name, and the clock that they share."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()


class Op(NamedTuple):
    """One operation on one key."""

    backend: str
    name: str
    key: str
    body: bytes = b""
    """What is written; of a move or copy the target."""

    @property
    def keys(self) -> list[str]:
        """What it may change."""
        return [self.key, self.body.decode()] if self.name in {"move", "copy"} else [self.key]

    def __str__(self) -> str:
        where = "" if self.backend == LAKE else f"{self.backend}:"
        return f"{self.name} {where}{self.key}"


class Abandoned(BaseException):
    """Ends a client whose run is not followed any further; for it, its process was killed."""


def perform(backends: Mapping[str, MemoryBackend], op: Op) -> Any:
    """Do one operation; a missing key is an answer, not an error."""
    if op.backend == CLOCK:  # the clock goes on by itself, or not
        return None
    backend = backends[op.backend]
    if op.name == "create":
        return backend.create([(op.key, op.body)])[0]
    if op.name == "put":
        return backend.put([(op.key, op.body)])
    if op.name == "read":
        try:
            with backend.open(op.key) as reader:
                return reader.read()
        except KeyNotFoundError:
            return None
    if op.name == "stat":
        return backend.stat(op.key)
    if op.name == "list":
        return tuple(backend.list(op.key))
    if op.name == "folders":
        return tuple(backend.list(op.key, recursive=False))
    if op.name == "move":
        if backend.stat(op.key) is None:
            return False
        backend.move(op.key, op.body.decode())
        return True
    if op.name == "copy":
        try:
            with backend.open(op.key) as reader:
                backend.put([(op.body.decode(), reader.read())])
        except KeyNotFoundError:
            return False
        return True
    return backend.delete([op.key])


class Port(Backend):
    """One client's view of one backend.

    Args:
        client: Whose.
        name: Of the backend.
        renames: Whether a move is one operation, or a copy and a delete as on S3.
    """

    def __init__(self, client: Client, name: str, *, renames: bool = True) -> None:
        self.name = name
        self.inner = client.backends[name]
        self.renames = renames
        self._client = client
        self._ask = client.ask
        self.hear = client.hear

    def _one(self, name: str, key: str, body: bytes = b"") -> Any:
        return self._ask([Op(self.name, name, key, body)])[0]

    @property
    def url(self) -> str:
        return self.inner.url

    @property
    def is_local(self) -> bool:
        return True

    @property
    def max_connections(self) -> int:
        return 1

    def stat(self, key: str) -> Entry | None:
        return self._one("stat", key)

    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        if self._one("read", key) is None:
            raise KeyNotFoundError(key)
        return self.inner.open(key, start, length)

    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        for key, body in items:
            self._one("put", key, body)

    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        # The items of one batch may be under way at once: in which order is the explorer's choice.
        return self._ask([Op(self.name, "create", key, body) for key, body in items])

    def upload(self, key: str, size: int) -> Upload:
        raise NotImplementedError("explored objects are small")

    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        yield from self._one("list" if recursive else "folders", prefix)

    def move(self, source: str, target: str) -> None:
        if self.renames:
            if not self._one("move", source, target.encode()):
                raise KeyNotFoundError(source)
            return
        with self._client.prompt(MOVE_SECONDS):
            if not self._one("copy", source, target.encode()):
                raise KeyNotFoundError(source)
            self._one("delete", source)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._one("delete", key)

    def now(self) -> float:
        return self._client.now()

    def include(self, keys: Sequence[str]) -> None:
        """Nothing, as for `flush`."""

    def flush(self) -> None:
        """Nothing: memory loses nothing. Power loss has tests of its own."""

    def remove_stale(self, grace: float, below: Sequence[str] = ("",)) -> int:
        return 0

    def close(self) -> None: ...


class Process:
    """A process, in which one client or several run as its threads.

    Processes are of several machines: none can see whether another still runs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.held: dict[bytes, Any] = {}
        """The leases that its calls hold."""


class Client:
    """What a client's work is given: its name, its ports, and room for what it remembers.

    Args:
        name: The name of the client.
        backends: Where it works.
        ask: Has operations done, and returns their answers.
        hear: Told of all that the client learns otherwise.
    """

    def __init__(
        self,
        name: str,
        backends: Backends,
        ask: Callable[[list[Op]], list],
        hear: Callable[[bytes], None] = lambda _what: None,
    ) -> None:
        self.name = name
        self.process = Process(name)
        self.backends = backends
        self.ask = ask
        self.hear = hear
        self.drawn = 0
        self.notes: list[Any] = []
        """For judges: what the client saw on its way."""
        self.deadline: float | None = None
        """When what it has promised to be done by is over."""
        self.beat: Callable[[], None] = lambda: None
        """Gives a sign of life."""

    def port(self, name: str = LAKE, *, renames: bool = True) -> Port:
        return Port(self, name, renames=renames)

    @property
    def repository(self) -> Repository:
        """The shared repository, seen by a process that has just begun."""
        return Repository(self.port(), originator=self.name)

    def random(self, size: int) -> bytes:
        self.drawn += 1
        seed = f"{self.name} {self.drawn}".encode()
        return hashlib.blake2b(seed, digest_size=size).digest()

    def now(self) -> float:
        """Look at the clock."""
        now = self.backends.clock.now
        self.hear(f"{now}".encode())
        return now

    def begin(self) -> None:
        """Begin at any time, not with the others: for clients that read the clock first."""
        self.ask([Op(CLOCK, "begin", "")])

    def sleep(self, seconds: float) -> None:
        """Sleep until anything at all has changed since this client woke last."""
        self.ask([Op(CLOCK, "sleep", f"{seconds}")])

    def pause(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        self.ask([Op(CLOCK, "pause", f"{self.now() + seconds}")])

    @contextlib.contextmanager
    def prompt(self, seconds: float) -> Iterator[None]:
        """Promise to be done sooner: if time passes this, the client counts as crashed."""
        before, self.deadline = self.deadline, self.now() + seconds
        try:
            yield
        finally:
            self.deadline = before


Work = "Callable[[Client], Any]"


def open_backends(content: Mapping[str, Mapping[str, bytes]]) -> Backends:
    """Return new backends that hold this content."""
    backends = Backends()
    times = content.times if isinstance(content, Content) else {}
    for name, items in content.items():
        backends[name] = MemoryBackend(name, clock=backends.clock)
        since = times.get(name, {})
        for key, body in items.items():
            backends.clock.now = since.get(key, START)
            backends[name].put([(key, body)])
    backends.clock.now = content.now if isinstance(content, Content) else START
    return backends


def content_of(backends: Backends) -> Content:
    return Content(
        {name: backend.snapshot() for name, backend in backends.items()},
        {
            name: {entry.key: entry.modified for entry in backend.list("")}
            for name, backend in backends.items()
        },
        backends.clock.now,
    )


def alone(name: str, backends: Backends, work: Callable[[Client], Any]) -> Any:
    """Do a client's work at once, while no other client runs."""
    slept: list[float] = []

    def ask(ops: list[Op]) -> list[Any]:
        for op in ops:
            if op.name == "pause":
                backends.clock.now = max(backends.clock.now, float(op.key))
            elif op.name == "sleep":
                slept.append(100 * float(op.key))
                assert sum(slept) < _LONGEST_SLEEP, "waiting for ever"
                backends.clock.now += slept[-1]
        return [perform(backends, op) for op in ops]

    client = Client(name, backends, ask)
    with as_client(client):
        return work(client)


class Thread:
    """A thread that works for one client after the other, standing still when told."""

    def __init__(self) -> None:
        self._go = _thread.allocate_lock()
        self._back = _thread.allocate_lock()
        self._go.acquire()
        self._back.acquire()
        self._job: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._loop, name="explored", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        while True:
            self._go.acquire()
            if self._job is None:
                return
            self._job()
            self._back.release()

    def begin(self, job: Callable[[], None] | None) -> None:
        self._job = job
        self.resume()

    def resume(self) -> None:
        """Let the client run, and wait until it stands still or is done."""
        self._go.release()
        self._back.acquire()

    def stand(self) -> None:
        """Called by the client: stand still."""
        self._back.release()
        self._go.acquire()

    def end(self) -> None:
        self._job = None
        self._go.release()
        self._thread.join()


def lost_reply(op: Op) -> RemoteUnavailableError:
    return RemoteUnavailableError(f"no reply to {op.name} {op.key} (injected)")
