"""Leases: of several processes about to compute the same result, one computes, the others wait.

Leases only save work. A process that ignores them, or does not notice that it lost one, computes
the result a second time; the atomic creation of the slot then decides which result is kept.

A lease is `leases/<key>/<generation>`, counted from 1. It is written by create-if-absent; after
that only its holder overwrites it: with a growing counter while the holder runs (the heartbeat),
and finally with a mark that it was released. The highest generation counts. Another process takes
it over by creating the next generation, if the lease

- was released,
- did not change for `seconds` on the watcher's own clock, or is older than that by the clock of
  the store, so that no two clocks are compared,
- names a process of this machine that has ended, or
- names this process, which has forgotten it: the call was interrupted before it could release it.

A holder that finds a higher generation has lost its lease and publishes nothing. Only the
garbage collector deletes leases.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from radops.backends.base import KeyNotFoundError
from radops.backends.forking import Owner
from radops.backends.process import is_gone, this_process
from radops.errors import CorruptRecordError
from radops.format import cbor
from radops.format.wire import format_time
from radops.repository import layout
from radops.repository.refs.repository import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.backends.base import Backend
    from radops.format.digest import Digest

BEATS = 4
"""Heartbeats in the time that a lease is valid: one or two may get lost."""

LONGEST_SECONDS = 3600.0
"""Upper bound of the time that a lease claims to be valid: no process waits without end."""

_MAX_BYTES = 64 * 1024
# The store's clock and its times of change are exact to a second.
_CLOCK_SLACK = 2.0
_KIND = "radops/lease"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lease, as written in the lease."""

    host: str
    pid: int
    process: str
    """Identity of the process, unique on its machine also over time; empty if not known."""
    what: str
    """What it computes, for messages."""
    since: str
    """When it started, by its own clock."""


@dataclass(frozen=True, slots=True)
class _Body:
    token: bytes
    counter: int
    released: bool
    seconds: float
    holder: Holder

    def encode(self) -> bytes:
        return cbor.encode(
            {
                "kind": _KIND,
                "v": _VERSION,
                "token": self.token,
                "counter": self.counter,
                "released": self.released,
                "seconds": self.seconds,
                "host": self.holder.host,
                "pid": self.holder.pid,
                "process": self.holder.process,
                "what": self.holder.what,
                "since": self.holder.since,
            }
        )


def _decode(raw: bytes) -> _Body | None:
    """Return the content of a lease; None if another version wrote it, or it is damaged."""
    fields: dict[str, type] = {
        "token": bytes,
        "counter": int,
        "released": bool,
        "seconds": float,
        "host": str,
        "pid": int,
        "process": str,
        "what": str,
        "since": str,
    }
    try:
        tree: Any = cbor.decode(raw)
    except CorruptRecordError:
        return None
    if not isinstance(tree, dict) or (tree.get("kind"), tree.get("v")) != (_KIND, _VERSION):
        return None
    if any(type(tree.get(name)) is not kind for name, kind in fields.items()):
        return None
    if not 0 <= tree["seconds"] < math.inf:  # NaN fails too: it would never expire
        return None
    holder = Holder(*(tree[name] for name in ("host", "pid", "process", "what", "since")))
    return _Body(tree["token"], tree["counter"], tree["released"], tree["seconds"], holder)


class Lease:
    """A lease that this process holds."""

    def __init__(self, leases: Leases, key: Digest, generation: int, body: _Body) -> None:
        self._leases = leases
        self._key = key
        self._body = body
        self._owner = Owner()
        # A heartbeat that is still being written must not arrive after the release.
        self._lock = threading.Lock()
        self.generation = generation
        """Number of the lease among all that there were for its key, from 1."""

    @property
    def token(self) -> bytes:
        """Random bytes that no other lease has."""
        return self._body.token

    def beat(self) -> None:
        """Write a heartbeat. Does nothing if the lease was lost."""
        if not self._owner.is_this_process():
            return
        with self._lock:
            if not self._body.released and not self.is_lost():
                self._write(replace(self._body, counter=self._body.counter + 1))

    def is_lost(self) -> bool:
        """Return whether another process took the lease over."""
        return self._leases.exists(self._key, self.generation + 1)

    def release(self) -> None:
        """Release the lease, so that waiting processes continue at once."""
        if self._owner.is_this_process():
            with self._lock:
                self._write(replace(self._body, released=True))

    def _write(self, body: _Body) -> None:
        self._body = body
        self._leases.write(self._key, self.generation, body.encode())


_held: WeakValueDictionary[bytes, Lease] = WeakValueDictionary()
"""The leases that calls of this process hold, by token. A lease that names this process and is not
in here was left by an interrupted call, and can be taken over at once."""


class _Watch:
    """The last observed state of a lease that another process holds."""

    def __init__(self) -> None:
        self.generation = 0
        self.raw = b""
        self.since = 0.0


class Leases:
    """The leases on one backend.

    Args:
        backend: Where leases are stored; they need not be durable.
        prefix: Prefix of the keys, before `leases/`.
        seconds: How long a lease is valid without a heartbeat.
        pause: Seconds between the first reads of another process's lease, and at most later.
        clock: This machine's monotonic clock, in seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        backend: Backend,
        prefix: str = "",
        *,
        seconds: float,
        pause: tuple[float, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._backend = backend
        self._prefix = prefix + layout.LEASES
        self.seconds = seconds
        self._pause = pause or ((0.005, 0.1) if backend.is_local else (0.1, 1.0))
        self._clock = clock
        self._sleep = sleep
        self._mine: list[Lease] = []

    def take(self, key: Digest, what: str, tell: Callable[[Holder], None]) -> Lease:
        """Return the lease of a key, as soon as no other process or call holds it.

        Call `forget` at the end, also if this raises.

        Args:
            key: The key of the call to be computed.
            what: Its function, for messages.
            tell: Called once with the present holder, if there is one.
        """
        watch, told = _Watch(), False
        pause, longest = self._pause
        generation = self._highest(key)
        while True:
            body = self._holder(key, generation, watch) if generation else None
            if body is None:
                lease = self._create(key, generation + 1, what)
                if lease is not None:
                    return lease
                # Another process was faster, or the collector has deleted old generations.
                generation = self._highest(key)
                continue
            if not told:
                told = True
                tell(body.holder)
            self._sleep(pause)
            pause = min(pause * 1.5, longest)

    def exists(self, key: Digest, generation: int) -> bool:
        """Return whether there is such a lease."""
        return self._backend.stat(self._key(key, generation)) is not None

    def write(self, key: Digest, generation: int, body: bytes) -> None:
        """Overwrite a lease; only its holder may."""
        self._backend.put([(self._key(key, generation), body)])

    def forget(self) -> None:
        """Let other calls of this process take over what was not released."""
        for lease in self._mine:
            _held.pop(lease.token, None)
        self._mine.clear()

    def _hold(self, lease: Lease) -> None:
        # Remembered here first: an interrupt can come at any moment, and `forget` goes by this.
        self._mine.append(lease)
        _held[lease.token] = lease

    def _key(self, key: Digest, generation: int) -> str:
        return f"{self._prefix}{key.hex}/{generation}"

    def _highest(self, key: Digest) -> int:
        prefix = f"{self._prefix}{key.hex}/"
        names = (entry.key[len(prefix) :] for entry in self._backend.list(prefix))
        return max((int(name) for name in names if name.isascii() and name.isdigit()), default=0)

    def _create(self, key: Digest, generation: int, what: str) -> Lease | None:
        holder = Holder(socket.gethostname(), os.getpid(), this_process(), what, format_time(now()))
        seconds = min(self.seconds, LONGEST_SECONDS)
        body = _Body(os.urandom(16), 0, released=False, seconds=seconds, holder=holder)
        raw = body.encode()
        lease = Lease(self, key, generation, body)
        # Before it is written: another thread that read it would take it for a forgotten one.
        self._hold(lease)
        (created,) = self._backend.create([(self._key(key, generation), raw)])
        # If a reply was lost, "exists" can mean our own lease.
        return lease if created or self._read(key, generation) == raw else None

    def _read(self, key: Digest, generation: int) -> bytes | None:
        try:
            with self._backend.open(self._key(key, generation), 0, _MAX_BYTES) as reader:
                return reader.read(_MAX_BYTES)
        except KeyNotFoundError:
            return None

    def _holder(self, key: Digest, generation: int, watch: _Watch) -> _Body | None:
        """Return the content of a lease if it is held; None if it can be taken over."""
        raw = self._read(key, generation)
        if raw is None:
            return None
        unknown = Holder("another machine", 0, "", "", "")
        body = _decode(raw) or _Body(b"", 0, released=False, seconds=self.seconds, holder=unknown)
        if body.released or is_gone(body.holder.process):
            return None
        if body.holder.process == this_process() != "" and body.token not in _held:
            return None
        seconds = min(body.seconds, LONGEST_SECONDS)
        if watch.generation != generation:
            watch.generation, watch.raw, watch.since = generation, raw, self._clock()
            # A lease that was left long ago is taken over without waiting.
            entry = self._backend.stat(self._key(key, generation))
            if entry is None or self._backend.now() - entry.modified > seconds + _CLOCK_SLACK:
                return None
        elif watch.raw != raw:
            watch.raw, watch.since = raw, self._clock()
        elif self._clock() - watch.since > seconds:
            return None
        return body
