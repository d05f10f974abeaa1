"""What happens to this process's own things when it forks.

- A lock that another thread holds at the moment of a fork stays locked in the child: locks,
  clients and connections are replaced there (`renew_after_fork`).
- The C library of SQLite has locks of its own, and a descriptor must be listed before a fork can
  copy it: a fork waits until no thread is inside a `shielded` block.
- Python does not renew the locks of modules that are being imported: a fork waits until no other
  thread imports anything.
- An advisory lock belongs to all copies of its descriptor, so a child closes its copies at once
  (`LockDescriptors`).
- A child does not own what its parent began: temporary files, leases, uploads (`Owner`).
"""

from __future__ import annotations

import _imp
import os
import threading
import time
from contextlib import suppress
from importlib import _bootstrap
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable


class Forkable(Protocol):
    """Something that must be renewed in a forked child."""

    def after_fork(self) -> None:
        """Replace locks, clients and descriptors that the parent may be using."""
        ...


class Quiet(Forkable, Protocol):
    """Something that has to be put away before a fork."""

    def before_fork(self) -> None:
        """Close what must not be copied. No thread is inside a `shielded` block."""
        ...


class Owner:
    """Which process began something: a forked child is another one."""

    __slots__ = ("_generation", "_pid")

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._generation = _state.generation

    def is_this_process(self) -> bool:
        """Return whether this very process, no child of it, made this object."""
        return self._pid == os.getpid() and self._generation is _state.generation


# A thread that is stuck on a dead disk does not keep the process from forking for ever.
_MOST_SECONDS = 10.0


class _State:
    """What the hooks keep; a forked child has a new one."""

    def __init__(self) -> None:
        self.generation = object()
        self.forks = threading.Lock()  # one fork at a time, or two wait for each other
        # Can be taken twice: the garbage collector may run a `__del__` with a block at any moment.
        self.changed = threading.Condition(threading.RLock())
        self.closed = False
        self.forking: int | None = None
        """The thread that forks, while it keeps others waiting."""
        # Weak, as an interrupt can come between entering a block and its `__exit__`.
        self.inside: WeakSet[shielded] = WeakSet()

    def may_enter(self) -> bool:
        """Return whether this thread may enter a `shielded` block now.

        One that is inside already is what the fork waits for; the one that forks would wait for
        itself.
        """
        thread = threading.get_ident()
        return (
            not self.closed
            or self.forking == thread
            or any(one.thread == thread for one in self.inside)
        )

    def close(self) -> None:
        """Wait until no other thread is inside a block, and keep further ones waiting."""
        self.forks.acquire()
        end = time.monotonic() + _MOST_SECONDS
        with self.changed:
            self.closed = True
            self.forking = threading.get_ident()
            while self._others() and time.monotonic() < end:
                self.changed.wait(0.1)

    def _others(self) -> bool:
        # A signal handler may fork inside its own thread's block, which cannot be waited for.
        return any(one.thread != threading.get_ident() for one in self.inside)

    def open(self) -> None:
        """Let blocks begin again."""
        with self.changed:
            self.closed = False
            self.forking = None
            self.changed.notify_all()
        with suppress(RuntimeError):  # an interrupt came while the fork waited
            self.forks.release()


class shielded:  # noqa: N801 - used like a function
    """A block during which no fork happens. Keep it short; blocks can be nested."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self._state = _state

    def __enter__(self) -> None:
        state = self._state
        with state.changed:
            while not state.may_enter():
                state.changed.wait()
            if state.forking != self.thread:
                state.inside.add(self)

    def __exit__(self, *_: object) -> None:
        if self._state is _state:  # not so in a child that was forked inside
            with self._state.changed:
                self._state.inside.discard(self)
                if self._state.closed:
                    self._state.changed.notify_all()


_state = _State()
_renewed: WeakSet[Forkable] = WeakSet()
_quiet: WeakSet[Quiet] = WeakSet()
_callbacks: list[Callable[[], None]] = []
_lock_descriptors: set[int] = set()


def renew_after_fork(instance: Forkable) -> None:
    """Have `instance.after_fork()` called in every child forked from now on."""
    _renewed.add(instance)


def put_away_before_fork(instance: Quiet) -> None:
    """Have `instance.before_fork()` called before every fork, and `after_fork` in the child."""
    _quiet.add(instance)
    _renewed.add(instance)


def call_after_fork(callback: Callable[[], None]) -> None:
    """Have a function called in every forked child, before `renew_after_fork` is heeded."""
    _callbacks.append(callback)


class LockDescriptors:
    """Descriptors that hold advisory locks, closed in a forked child."""

    def __init__(self) -> None:
        self._owner = Owner()
        self._mine: list[int] = []

    def open(self, opener: Callable[[], int]) -> int:
        """Return a new descriptor; no fork comes between opening and listing it."""
        with shielded():
            descriptor = opener()
            self._mine.append(descriptor)
            _lock_descriptors.add(descriptor)
        return descriptor

    def close(self) -> None:
        """Close all of them, which gives the locks back; nothing in a forked child."""
        if not self._owner.is_this_process():
            return
        with shielded():
            while self._mine:
                descriptor = self._mine.pop()
                _lock_descriptors.discard(descriptor)
                os.close(descriptor)


def _wait_for_imports() -> None:
    """Wait until no other thread is importing a module, and let none begin."""
    end = time.monotonic() + _MOST_SECONDS
    while True:
        _imp.acquire_lock()
        if not _others_import() or time.monotonic() > end:
            return
        _imp.release_lock()
        time.sleep(0.001)


def _others_import() -> bool:
    # Locks of modules are private to Python; where they look different, nothing is waited for.
    locks = getattr(_bootstrap, "_module_locks", {})
    found = [reference() for reference in locks.values()]
    owners = {getattr(lock, "owner", None) for lock in found}
    return bool(owners - {None, threading.get_ident()})


def _before() -> None:
    _wait_for_imports()
    _state.close()
    for each in list(_quiet):
        each.before_fork()


def _after_in_parent() -> None:
    _state.open()
    _imp.release_lock()


def _after_in_child() -> None:
    global _state  # noqa: PLW0603 - one for each process
    _imp.release_lock()
    _state = _State()
    while _lock_descriptors:
        with suppress(OSError):
            os.close(_lock_descriptors.pop())
    for callback in _callbacks:
        callback()
    for each in list(_renewed):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
