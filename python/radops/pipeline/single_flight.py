"""Equal calls at the same time are computed once: the first computes, the others wait.

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

from radops.backends.forking import renew_after_fork
from radops.errors import (
    CreatorError,
    LocalStorageError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from radops.lake import messages
from radops.printable import printable
from radops.repository.refs.leases import BEATS, Leases
from radops.repository.workers import repeating

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from radops.format.digest import Digest
    from radops.lake.session import Session
    from radops.repository.refs.leases import Holder, Lease

C = TypeVar("C")
T = TypeVar("T")

_LOG = logging.getLogger("radops")

# Without a lease the work is still done; real problems show when it is published.
_GO_ON = (RemoteUnavailableError, RemoteRefusedError, LocalStorageError)

_under_way: ContextVar[frozenset[Hashable]] = ContextVar("radops_flights", default=frozenset())


class Turn:
    """The right to compute the call of a key, until another process takes over."""

    def __init__(self) -> None:
        self.waited = False
        """Whether others computed it before, and may have left a result."""
        self.leases: list[Lease] = []
        self.places: list[Leases] = []
        """Where leases were taken, or were about to be."""

    def beat(self) -> None:
        """Show others that this process lives."""
        for lease in list(self.leases):
            with contextlib.suppress(*_GO_ON):
                lease.beat()

    def is_lost(self) -> bool:
        """Return whether another process took this one for dead and computes the same now."""
        for lease in self.leases:
            with contextlib.suppress(*_GO_ON):
                if lease.is_lost():
                    return True
        return False

    def release(self) -> None:
        """Let others go on."""
        try:
            for lease in self.leases:
                with contextlib.suppress(*_GO_ON):
                    lease.release()
        finally:
            for place in self.places:
                place.forget()


class _Table:
    """What the threads of this process compute."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Start empty: the threads of the parent are not in this process."""
        self.lock = threading.Lock()
        self.busy: dict[Hashable, _Place] = {}


_table = _Table()


class _Place:
    """The place of one thread in the table.

    `take` and `leave` are separate, so that `leave` runs whenever an interrupt (Ctrl-C) comes:
    between the return of a generator's `__enter__` and its `with` block it would not.
    """

    def __init__(self, name: Hashable) -> None:
        self._name = name
        self._thread = threading.get_ident()
        self._done = threading.Event()

    def take(self, what: str) -> bool:
        """Wait until no other thread computes this; return whether one did."""
        waited = False
        while True:
            with _table.lock:
                other = _table.busy.setdefault(self._name, self)
                # A place of this thread that it no longer computes for: an interrupt came in
                # the middle of `leave`.
                if other is not self and other._thread == self._thread:  # noqa: SLF001 - own class
                    other._done.set()  # noqa: SLF001 - own class
                    other = _table.busy[self._name] = self
            if other is self:
                return waited
            if not waited:
                messages.tell("%s: waiting for another thread, which makes the same call", what)
            waited = True
            other._done.wait()

    def leave(self) -> None:
        """Let other threads go on."""
        with _table.lock:
            if _table.busy.get(self._name) is self:  # not so in a forked child
                del _table.busy[self._name]
        self._done.set()


class turn:  # noqa: N801 - used like a function
    """Wait until no other call computes the same key, and keep others waiting during the block.

    Args:
        session: The lake.
        key: The key of a call.
        what: The function, for people.

    Raises:
        CreatorError: The call waits for itself: a function that calls itself with the same
            arguments.
    """

    def __init__(self, session: Session, key: Digest, what: str) -> None:
        self._session = session
        self._key = key
        self._what = what
        self._mine = Turn()
        self._seconds = session.settings.lease_seconds
        self._name: Hashable = (
            session.storage.root,
            session.settings.context,
            session.remote_url,
            key,
        )
        self._place = _Place(self._name)
        self._heartbeat = repeating(self._mine.beat, self._seconds / BEATS)

    def __enter__(self) -> Turn:
        if not self._seconds:
            return self._mine
        if self._name in _under_way.get():
            raise CreatorError(
                f"{self._what} calls itself with the same arguments", hint="that would never end"
            )
        try:
            _under_way.set(_under_way.get() | {self._name})
            self._mine.waited = self._place.take(self._what)
            self._heartbeat.__enter__()
            _take_all(self._session, self._mine, self._key, self._what)
        except BaseException:
            self._end()
            raise
        return self._mine

    def __exit__(self, *_: object) -> None:
        if self._seconds:
            self._end()

    def _end(self) -> None:
        try:
            self._mine.release()
        finally:
            self._heartbeat.__exit__()
            self._place.leave()
            # Not by a token: an interrupt can come before the token is kept.
            _under_way.set(_under_way.get() - {self._name})


def once(
    session: Session,
    key: Digest,
    what: str,
    find: Callable[[], T | None],
    compute: Callable[[], C],
    commit: Callable[[C], T],
) -> T:
    """Compute the call of a key, or take the result of another that computes it already.

    Args:
        session: The lake.
        key: The key of a call.
        what: The function, for people.
        find: Returns the result, if there is one by now.
        compute: Does the work; called once at most.
        commit: Publishes what was computed, and returns the result that is in the lake.

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
            # Another process took over after a long silence, and computes: wait for its result.
            if not mine.is_lost():
                return commit(done[0])


def _take_all(session: Session, mine: Turn, key: Digest, what: str) -> None:
    """Take the leases of this home, then of the lake: so few machines ask the remote at once."""

    def tell(holder: Holder) -> None:
        mine.waited = True
        messages.tell(
            "%s: waiting for process %d on %s, which makes the same call since %s",
            what,
            holder.pid,
            printable(holder.host),
            printable(holder.since),
        )

    try:
        lake = session.prepare_write()  # whose lake it is decides where the leases are
    except _GO_ON as error:
        _LOG.debug("no lease for %s: %s", what, error)
        return
    here, seconds = lake.local, session.settings.lease_seconds
    places = [Leases(here.backend.without_durability(), here.prefix, seconds=seconds)]
    if lake.remote is not None:
        remote = lake.remote
        shared = remote.backend.without_durability()
        places.append(Leases(shared, remote.prefix, seconds=seconds))
    for leases in places:
        mine.places.append(leases)
        try:
            lease = leases.take(key, what, tell)
        except _GO_ON as error:
            _LOG.debug("no lease for %s: %s", what, error)
            continue
        mine.waited |= lease.generation > 1
        mine.leases.append(lease)
