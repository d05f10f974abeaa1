"""Where explored clients live: backends that stop before each operation, time and chance pinned.

A client is real protocol code in a thread of its own. Its backends are *ports*: before an
operation that others can see the thread stands still, until the explorer has done the operation
and hands back the answer. Only one thread ever runs, so a run is a function of its schedule.
"""

from __future__ import annotations

import _thread
import contextlib
import datetime
import functools
import hashlib
import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from protocols import checker
from radops.backends.base import Backend, KeyNotFoundError
from radops.backends.memory import MemoryBackend
from radops.errors import RemoteUnavailableError
from radops.model import build
from radops.model.record import decode_slot
from radops.repository import commit, mirror, slots
from radops.repository.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from radops.backends.base import Entry, Reader, Upload

LAKE = "lake"
"""The backend that all clients share."""
WRITES = frozenset(("put", "create", "delete", "move"))

Content = dict[str, dict[str, bytes]]
"""What all backends hold: name -> key -> bytes."""


class Op(NamedTuple):
    """One operation on one key."""

    backend: str
    name: str
    key: str
    body: bytes = b""
    """What is written; of a move the target."""

    @property
    def keys(self) -> list[str]:
        """What it may change."""
        return [self.key, self.body.decode()] if self.name == "move" else [self.key]

    def __str__(self) -> str:
        where = "" if self.backend == LAKE else f"{self.backend}:"
        return f"{self.name} {where}{self.key}"


class Abandoned(BaseException):
    """Ends a client whose run is not followed any further; for it, its process was killed."""


def perform(backend: MemoryBackend, op: Op) -> Any:
    """Do one operation; a missing key is an answer, not an error."""
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
    return backend.delete([op.key])


class Port(Backend):
    """One client's view of one backend."""

    def __init__(self, name: str, inner: MemoryBackend, ask: Callable[[list[Op]], list]) -> None:
        self.name = name
        self.inner = inner
        self._ask = ask

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
        if not self._one("move", source, target.encode()):
            raise KeyNotFoundError(source)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._one("delete", key)

    def now(self) -> float:
        return self.inner.now()

    def include(self, keys: Sequence[str]) -> None:
        """Nothing, as for `flush`."""

    def flush(self) -> None:
        """Nothing: memory loses nothing. Power loss has tests of its own."""

    def remove_stale(self, grace: float) -> int:
        return 0

    def close(self) -> None: ...


class Client:
    """What a client's work is given: its name, its ports, and room for what it remembers."""

    def __init__(
        self, name: str, backends: Mapping[str, MemoryBackend], ask: Callable[[list[Op]], list]
    ) -> None:
        self.name = name
        self._backends = backends
        self._ask = ask
        self.drawn = 0
        self.notes: list[Any] = []
        """For judges: what the client saw on its way."""

    def port(self, name: str = LAKE) -> Port:
        return Port(name, self._backends[name], self._ask)

    @property
    def repository(self) -> Repository:
        """The shared repository, seen by a process that has just begun."""
        return Repository(self.port(), originator=self.name)

    def random(self, size: int) -> bytes:
        self.drawn += 1
        seed = f"{self.name} {self.drawn}".encode()
        return hashlib.blake2b(seed, digest_size=size).digest()


Work = "Callable[[Client], Any]"


class _Now:
    """The client that runs: chance and time ask for it."""

    client: Client | None = None


@contextlib.contextmanager
def as_client(client: Client | None) -> Iterator[None]:
    """Let chance and time be this client's own."""
    before, _Now.client = _Now.client, client
    try:
        yield
    finally:
        _Now.client = before


def _urandom(size: int) -> bytes:
    assert _Now.client is not None, "only clients draw random bytes"
    return _Now.client.random(size)


def _now() -> datetime.datetime:
    # A client's clock stands still, so what it writes does not depend on when it writes it.
    name = "" if _Now.client is None else _Now.client.name
    minute = hashlib.blake2b(name.encode(), digest_size=1).digest()[0] % 60
    return datetime.datetime(2026, 11, 22, 12, minute, tzinfo=datetime.timezone.utc)


class _Os:
    urandom = staticmethod(_urandom)


class _Time:
    time = monotonic = staticmethod(lambda: 1_800_000_000.0)


_decode = functools.lru_cache(maxsize=100_000)(decode_slot)
_sibling = functools.lru_cache(maxsize=100_000)(build.sibling)


@contextlib.contextmanager
def pinned() -> Iterator[None]:
    """Pin random bytes and clocks; remember what pure functions of the model answered."""
    with contextlib.ExitStack() as stack:
        for module, name, stand_in in (
            (build, "os", _Os),
            (mirror, "time", _Time),
            (commit, "now", _now),
            (commit, "decode_slot", _decode),
            (slots, "decode_slot", _decode),
            (commit, "sibling", _sibling),
            (checker, "decode_slot", _decode),
            (checker, "sibling", _sibling),
            (logging.getLogger("radops"), "disabled", True),
        ):
            stack.enter_context(mock.patch.object(module, name, stand_in))
        yield


def open_backends(content: Mapping[str, Mapping[str, bytes]]) -> dict[str, MemoryBackend]:
    """Return new backends that hold this content."""
    backends = {}
    for name, items in content.items():
        backends[name] = MemoryBackend(name, clock=lambda: 1_800_000_000.0)
        backends[name].put(list(items.items()))
    return backends


def content_of(backends: Mapping[str, MemoryBackend]) -> Content:
    return {name: backend.snapshot() for name, backend in backends.items()}


def alone(name: str, backends: Mapping[str, MemoryBackend], work: Callable[[Client], Any]) -> Any:
    """Do a client's work at once, with nobody else about."""
    client = Client(name, backends, lambda ops: [perform(backends[op.backend], op) for op in ops])
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
