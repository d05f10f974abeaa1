"""Time and chance of explored clients: each has its own, so that a run is repeated exactly."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import logging
import os
from typing import TYPE_CHECKING, Any
from unittest import mock

from protocols import checker, steps
from radops.format import build
from radops.format.record import decode_slot
from radops.lake import delete_files
from radops.pipeline import single_flight
from radops.repository import publish, resolver, working_lake
from radops.repository.objects import trash
from radops.repository.refs import bury, commit, intents, leases, remote_cache, slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from protocols.world import Client

START = 1_800_000_000.0
"""When everything begins, in seconds since the epoch."""


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

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class _Time:
    time = monotonic = staticmethod(lambda: START)


def _clock() -> float:
    return START if _Now.client is None else _Now.client.now()


def _sleep(seconds: float) -> None:
    assert _Now.client is not None, "only clients sleep"
    _Now.client.sleep(seconds)


def this_process() -> str:
    """Return the name of the process in which the current client runs."""
    return "" if _Now.client is None else _Now.client.process.name


class _Held:
    """The leases that calls of the current client's process hold, by their tokens."""

    def __setitem__(self, token: bytes, lease: object) -> None:
        assert _Now.client is not None, "only clients hold leases"
        _Now.client.process.held[token] = lease

    def __contains__(self, token: bytes) -> bool:
        assert _Now.client is not None, "only clients look for leases"
        found = token in _Now.client.process.held
        # What decides how a client goes on is part of its state.
        _Now.client.hear(f"held: {found}".encode())
        return found

    def pop(self, token: bytes, default: object = None) -> object:
        assert _Now.client is not None, "only clients give leases up"
        return _Now.client.process.held.pop(token, default)


class _Beating:
    """In place of a thread: the client gives its signs of life when it is told to."""

    def __init__(self, action: Callable[[], None], _seconds: float) -> None:
        self._action = action

    def __enter__(self) -> None:
        assert _Now.client is not None, "only clients live"
        _Now.client.beat = self._action

    def __exit__(self, *_: object) -> None:
        pass


_decode = functools.lru_cache(maxsize=100_000)(decode_slot)
_sibling = functools.lru_cache(maxsize=100_000)(build.sibling)


@contextlib.contextmanager
def pinned() -> Iterator[None]:
    """Pin random bytes and clocks; remember what pure functions of the model answered."""
    with contextlib.ExitStack() as stack:
        for module, name, stand_in in (
            (build, "os", _Os()),
            (trash, "os", _Os()),
            (remote_cache, "os", _Os()),
            (delete_files, "os", _Os()),
            (leases, "os", _Os()),
            (leases, "now", _now),
            (leases, "this_process", this_process),
            (leases, "_held", _Held()),
            (single_flight, "Leases", functools.partial(leases.Leases, clock=_clock, sleep=_sleep)),
            (single_flight, "repeating", _Beating),
            (resolver, "time", _Time),
            (working_lake, "clock", _clock),
            (publish, "clock", _clock),
            (intents, "now", _now),
            (bury, "now", _now),
            (commit, "decode_slot", _decode),
            (intents, "decode_slot", _decode),
            (slots, "decode_slot", _decode),
            (intents, "sibling", _sibling),
            (checker, "decode_slot", _decode),
            (steps, "decode_slot", _decode),
            (checker, "sibling", _sibling),
            (logging.getLogger("radops"), "disabled", True),
        ):
            stack.enter_context(mock.patch.object(module, name, stand_in))
        yield
