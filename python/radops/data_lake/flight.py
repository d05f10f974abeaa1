"""One flight per call: who calls with the same key at the same time waits for the first.

Threads of a process find each other in a table, processes of a home by leases in the local
repository, machines by leases in the remote one. So of eight threads, processes or machines one
computes, the others wait and take its result. All of this only helps: see `repository/leases.py`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from radops.backends.folder import FolderBackend
from radops.backends.forking import renew_after_fork
from radops.errors import (
    CreatorError,
    LocalStorageError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from radops.repository.leases import BEATS, Leases
from radops.repository.transfer import repeating

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from radops.backends.base import Backend
    from radops.data_lake.session import Session
    from radops.model.digest import Digest
    from radops.repository.leases import Holder, Lease

C = TypeVar("C")
T = TypeVar("T")

_LOG = logging.getLogger("radops")

# Without a lease the work is done all the same; what is really wrong shows when it is published.
_GO_ON = (RemoteUnavailableError, RemoteRefusedError, LocalStorageError)

_under_way: ContextVar[frozenset[Hashable]] = ContextVar("radops_flights", default=frozenset())


class Turn:
    """The right to compute what a key stands for, as long as nobody has taken over."""

    def __init__(self) -> None:
        self.waited = False
        """Whether others were there before, who may have left a result."""
        self.leases: list[Lease] = []

    def beat(self) -> None:
        """Show others that this process lives."""
        for lease in list(self.leases):
            with contextlib.suppress(*_GO_ON):
                lease.beat()

    def is_lost(self) -> bool:
        """Say whether somebody took this process for dead and computes the same now."""
        for lease in self.leases:
            with contextlib.suppress(*_GO_ON):
                if lease.is_lost():
                    return True
        return False

    def release(self) -> None:
        """Let others go on."""
        while self.leases:
            with contextlib.suppress(*_GO_ON):
                self.leases.pop().release()


class _Table:
    """What the threads of this process compute."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew: the threads of the parent are not here."""
        self._lock = threading.Lock()
        self._busy: dict[Hashable, threading.Event] = {}

    @contextlib.contextmanager
    def alone(self, name: Hashable, what: str) -> Iterator[bool]:
        """Wait until no other thread computes this; tell whether one did."""
        waited = False
        done = threading.Event()
        while True:
            with self._lock:
                other = self._busy.setdefault(name, done)
            if other is done:
                break
            if not waited:
                _LOG.info("%s: waiting for another thread, which makes the same call", what)
            waited = True
            other.wait()
        try:
            yield waited
        finally:
            with self._lock:
                if self._busy.get(name) is done:  # not so in a forked child
                    del self._busy[name]
            done.set()


_table = _Table()


@contextlib.contextmanager
def turn(session: Session, key: Digest, what: str) -> Iterator[Turn]:
    """Wait until nobody else computes what a key stands for, and keep others waiting meanwhile.

    Args:
        session: The lake.
        key: The key of a call.
        what: The function, for people.

    Raises:
        CreatorError: The call waits for itself: a function that calls itself with the same
            arguments.
    """
    mine = Turn()
    seconds = session.settings.lease_seconds
    if not seconds:
        yield mine
        return
    name = (session.storage.root, session.settings.context, session.remote_url, key)
    if name in _under_way.get():
        raise CreatorError(
            f"{what} calls itself with the same arguments", hint="that would never end"
        )
    token = _under_way.set(_under_way.get() | {name})
    try:
        with _table.alone(name, what) as waited, repeating(mine.beat, seconds / BEATS):
            mine.waited = waited
            try:
                _take_all(session, mine, key, what)
                yield mine
            finally:
                mine.release()
    finally:
        _under_way.reset(token)


def once(
    session: Session,
    key: Digest,
    what: str,
    find: Callable[[], T | None],
    compute: Callable[[], C],
    commit: Callable[[C], T],
) -> T:
    """Compute what a key stands for, or take what somebody makes of it who does already.

    Args:
        session: The lake.
        key: The key of a call.
        what: The function, for people.
        find: Returns the result, if there is one by now.
        compute: Does the work; called once at most.
        commit: Publishes what was computed, and returns the result that stands.

    Raises:
        CreatorError: The call waits for itself.
    """
    done: list[C] = []
    while True:
        with turn(session, key, what) as mine:
            found = find() if mine.waited else None
            if found is not None:
                return found
            if not done:
                done.append(compute())
            # Whoever took over after a long silence is computing; see what becomes of it.
            if not mine.is_lost():
                return commit(done[0])


def _take_all(session: Session, mine: Turn, key: Digest, what: str) -> None:
    """Take the leases of this home, then of the lake: so few machines ask the remote at once."""

    def tell(holder: Holder) -> None:
        mine.waited = True
        _LOG.info(
            "%s: waiting for process %d on %s, which makes the same call since %s",
            what,
            holder.pid,
            holder.host,
            holder.since,
        )

    try:
        mirror = session.prepare_write()  # whose lake it is decides where the leases are
    except _GO_ON as error:
        _LOG.debug("no lease for %s: %s", what, error)
        return
    here, seconds = mirror.here, session.settings.lease_seconds
    places = [Leases(_fleeting(here.backend), here.prefix, seconds=seconds)]
    if mirror.remote is not None:
        remote = mirror.remote
        places.append(Leases(_fleeting(remote.backend), remote.prefix, seconds=seconds))
    for leases in places:
        try:
            lease = leases.take(key, what, tell)
        except _GO_ON as error:
            _LOG.debug("no lease for %s: %s", what, error)
            continue
        mine.waited |= lease.generation > 1
        mine.leases.append(lease)


def _fleeting(backend: Backend) -> Backend:
    return backend.fleeting() if isinstance(backend, FolderBackend) else backend
