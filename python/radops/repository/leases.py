"""Leases: of all who are about to compute the same thing, one does and the others wait.

Leases only help. Whoever ignores them, or lost one without noticing, computes once more what is
computed already, and then meets the atomic create of the slot like anybody else.

A lease is `leases/<key>/<generation>`, counted from 1: made by create-if-absent, and from then on
overwritten by its holder alone, with a counter that grows while the holder lives and at last with
the word that it was given back. The highest generation counts. It can be taken over, by creating
the next one, when it

- was given back,
- did not change for `seconds` on the watcher's own clock, or is older than that by the clock of
  the store, so that no two clocks are compared, or
- names a process of this very machine that is gone.

A holder that finds a higher generation has lost: it publishes nothing. Nobody deletes a lease but
the collector.
"""

from __future__ import annotations

import functools
import math
import os
import re
import socket
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptRecordError
from radops.model import cbor
from radops.model.wire import format_time
from radops.repository import layout
from radops.repository.repository import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.backends.base import Backend
    from radops.model.digest import Digest

BEATS = 4
"""Signs of life in that time: one or two may get lost."""

LONGEST_SECONDS = 3600.0
"""However long a lease says that it is good: nobody is kept waiting for ever."""

_MAX_BYTES = 64 * 1024
_PID = re.compile("[0-9]{1,10}")
# The store's clock and its times of change are exact to a second.
_CLOCK_SLACK = 2.0
_KIND = "radops/lease"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, as the lease says."""

    host: str
    pid: int
    process: str
    """What tells a process of one machine from all others, now and later; empty: not known."""
    what: str
    """What it computes, for people."""
    since: str
    """When it began, by its own clock."""


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
    """Return what a lease says; None for one that another version wrote, or nobody."""
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
    if not 0 <= tree["seconds"] < math.inf:  # NaN too: it would be waited for without end
        return None
    holder = Holder(*(tree[name] for name in ("host", "pid", "process", "what", "since")))
    return _Body(tree["token"], tree["counter"], tree["released"], tree["seconds"], holder)


class Lease:
    """A lease that this process holds."""

    def __init__(self, leases: Leases, key: Digest, generation: int, body: _Body) -> None:
        self._leases = leases
        self._key = key
        self._body = body
        self._owner = os.getpid()
        # A sign of life that is still on its way must not arrive after the lease was given back.
        self._lock = threading.Lock()
        self.generation = generation
        """How many there were for this key, with this one."""

    def beat(self) -> None:
        """Say that the holder lives. A lease that was lost is left alone."""
        with self._lock:
            if not self._body.released and not self.is_lost():
                self._write(replace(self._body, counter=self._body.counter + 1))

    def is_lost(self) -> bool:
        """Say whether somebody has taken over."""
        return self._leases.exists(self._key, self.generation + 1)

    def release(self) -> None:
        """Give it back, so that those who wait go on at once."""
        if self._owner == os.getpid():  # a forked child does not speak for its parent
            with self._lock:
                self._write(replace(self._body, released=True))

    def _write(self, body: _Body) -> None:
        self._body = body
        self._leases.write(self._key, self.generation, body.encode())


class _Watch:
    """What was seen of a lease that somebody else holds."""

    def __init__(self) -> None:
        self.generation = 0
        self.raw = b""
        self.since = 0.0


class Leases:
    """The leases on one backend.

    Args:
        backend: Where; what is written need not be durable.
        prefix: What stands before `leases/`.
        seconds: How long a lease is good without a sign of life.
        pause: Seconds between the first looks at a lease of somebody else, and the later ones.
        clock: This machine's monotonic clock.
        sleep: Waits for so many seconds.
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

    def take(self, key: Digest, what: str, tell: Callable[[Holder], None]) -> Lease:
        """Return the lease of a key, once nobody else holds it.

        Args:
            key: What is to be computed.
            what: The same, for people.
            tell: Told once who holds it now, if anybody does.
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
                # Somebody was faster, or it is so long ago that the collector was here.
                generation = self._highest(key)
                continue
            if not told:
                told = True
                tell(body.holder)
            self._sleep(pause)
            pause = min(pause * 1.5, longest)

    def exists(self, key: Digest, generation: int) -> bool:
        """Say whether there is such a lease."""
        return self._backend.stat(self._key(key, generation)) is not None

    def write(self, key: Digest, generation: int, body: bytes) -> None:
        """Overwrite a lease: only for its holder."""
        self._backend.put([(self._key(key, generation), body)])

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
        (created,) = self._backend.create([(self._key(key, generation), raw)])
        # Where a reply was lost, "exists" may mean our own.
        if created or self._read(key, generation) == raw:
            return Lease(self, key, generation, body)
        return None

    def _read(self, key: Digest, generation: int) -> bytes | None:
        try:
            with self._backend.open(self._key(key, generation), 0, _MAX_BYTES) as reader:
                return reader.read(_MAX_BYTES)
        except KeyNotFoundError:
            return None

    def _holder(self, key: Digest, generation: int, watch: _Watch) -> _Body | None:
        """Return what a lease says if it is held; None if it can be taken over."""
        raw = self._read(key, generation)
        if raw is None:
            return None
        unknown = Holder("another machine", 0, "", "", "")
        body = _decode(raw) or _Body(b"", 0, released=False, seconds=self.seconds, holder=unknown)
        if body.released or is_gone(body.holder.process):
            return None
        seconds = min(body.seconds, LONGEST_SECONDS)
        if watch.generation != generation:
            watch.generation, watch.raw, watch.since = generation, raw, self._clock()
            # Nobody waits for what was left behind yesterday.
            entry = self._backend.stat(self._key(key, generation))
            if entry is None or self._backend.now() - entry.modified > seconds + _CLOCK_SLACK:
                return None
        elif watch.raw != raw:
            watch.raw, watch.since = raw, self._clock()
        elif self._clock() - watch.since > seconds:
            return None
        return body


# -- processes of this machine -------------------------------------------------------------------


def this_process() -> str:
    """Return what tells this process from all others; empty where the system does not say."""
    return _named(os.getpid())


def is_gone(process: str) -> bool:
    """Say whether a process is known to have ended; False if nothing is known of it."""
    place, _, pid = process.rpartition("/")[0].rpartition("/")
    if not place or place != _this_place() or not _PID.fullmatch(pid):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's: it lives; or nobody's
        return False
    return _named(int(pid)) != process


def _named(pid: int) -> str:
    """Return boot, process namespace, number and start of a process; empty if it is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = status.rpartition(")")[2].split()
        if fields[0] in "ZX":  # killed, and not waited for yet
            return ""
        return f"{_this_place()}/{pid}/{fields[19]}" if _this_place() else ""
    except (OSError, IndexError):
        return ""


@functools.lru_cache(maxsize=1)
def _this_place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except (OSError, ValueError):
        return ""
    return f"{boot}:{namespace.name}"
