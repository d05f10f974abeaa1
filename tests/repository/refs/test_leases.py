"""Leases, one step at a time and with clocks that are set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.backends.memory import MemoryBackend
from radops.format import cbor
from radops.format.digest import Digest
from radops.repository.refs import leases as module
from radops.repository.refs.leases import Holder, Leases

if TYPE_CHECKING:
    from pathlib import Path

KEY = Digest.of(b"a call")
SECONDS = 60.0


class World:
    """One store, whose clock differs from that of the machines."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.backend = MemoryBackend(clock=lambda: self.now + 777)
        self.told: list[Holder] = []
        self.script: list[object] = []

    def machine(self) -> Leases:
        return Leases(
            self.backend,
            "lake/",
            seconds=SECONDS,
            pause=(1.0, 8.0),
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        """Let time pass; what others do meanwhile is in the script."""
        self.now += seconds
        if self.script:
            step = self.script.pop(0)
            if callable(step):
                step()
        assert self.now < 1_001_000, "waits for ever"

    @property
    def keys(self) -> list[str]:
        return sorted(self.backend.snapshot())


@pytest.fixture(autouse=True)
def _other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holders look as if they were on another machine, whose processes are not seen here."""
    monkeypatch.setattr(module, "is_gone", lambda process: False)
    monkeypatch.setattr(module, "this_process", lambda: "")


@pytest.fixture
def world() -> World:
    return World()


def test_a_free_lease_is_taken_at_once(world: World) -> None:
    lease = world.machine().take(KEY, "clean", world.told.append)
    assert lease.generation == 1
    assert world.told == []
    assert world.keys == [f"lake/leases/{KEY}/1"]
    tree = cbor.decode(world.backend.snapshot()[f"lake/leases/{KEY}/1"])
    assert tree["pid"] == os.getpid()
    assert (tree["counter"], tree["released"], tree["what"]) == (0, False, "clean")


def test_who_waits_goes_on_when_it_is_given_back(world: World) -> None:
    first = world.machine().take(KEY, "clean", world.told.append)
    world.script = [None, first.beat, None, first.release]
    second = world.machine().take(KEY, "clean", world.told.append)
    assert second.generation == 2
    assert [holder.pid for holder in world.told] == [os.getpid()]
    assert world.now < 1_000_000 + SECONDS
    assert len(world.keys) == 2  # only the collector deletes leases


def test_a_holder_that_lives_is_waited_for_however_long_it_takes(world: World) -> None:
    first = world.machine().take(KEY, "clean", world.told.append)
    world.script = [first.beat] * 50 + [first.release]
    world.machine().take(KEY, "clean", world.told.append)
    assert world.now > 1_000_000 + 5 * SECONDS


def test_a_silent_holder_is_followed_and_finds_out(world: World) -> None:
    first = world.machine().take(KEY, "clean", world.told.append)
    second = world.machine().take(KEY, "clean", world.told.append)
    assert second.generation == 2
    assert SECONDS < world.now - 1_000_000 <= SECONDS + 8 + 1
    assert first.is_lost()
    assert not second.is_lost()
    before = world.backend.snapshot()
    first.beat()  # leaves everything as it is
    assert world.backend.snapshot() == before


def test_what_was_left_behind_yesterday_is_not_waited_for(world: World) -> None:
    world.machine().take(KEY, "clean", world.told.append)
    world.now += SECONDS + 3
    began = world.now
    assert world.machine().take(KEY, "clean", world.told.append).generation == 2
    assert world.now == began


def test_a_holder_that_says_how_long_it_is_good_is_believed_within_bounds(world: World) -> None:
    slow = Leases(world.backend, "lake/", seconds=200.0)
    slow.take(KEY, "clean", world.told.append)
    world.machine().take(KEY, "clean", world.told.append)
    assert world.now - 1_000_000 > 200
    assert Leases(world.backend, seconds=1e9).take(KEY, "x", world.told.append).generation == 1
    tree = cbor.decode(world.backend.snapshot()[f"leases/{KEY}/1"])
    assert tree["seconds"] == 3600.0


def test_of_many_who_take_over_one_does(world: World) -> None:
    world.machine().take(KEY, "clean", world.told.append)
    rival = world.machine()

    def overtake() -> None:
        world.now += SECONDS + 100
        winner.append(rival.take(KEY, "clean", world.told.append))
        world.script = [winner[0].beat, winner[0].release]

    winner: list[module.Lease] = []
    world.script = [overtake]
    lease = world.machine().take(KEY, "clean", world.told.append)
    assert (winner[0].generation, lease.generation) == (2, 3)


def _endless(seconds: float) -> bytes:
    holder = Holder("host", 1, "", "work", "")
    return module._Body(bytes(16), 1, released=False, seconds=seconds, holder=holder).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        cbor.encode({"kind": "radops/lease", "v": 2}),
        *map(_endless, (float("nan"), float("inf"), -1.0)),
    ],
)
def test_a_lease_that_cannot_be_read_is_waited_for_and_taken_over(
    world: World, body: bytes
) -> None:
    world.backend.create([(f"lake/leases/{KEY}/7", body), (f"lake/leases/{KEY}/x", b"")])
    lease = world.machine().take(KEY, "clean", world.told.append)
    assert lease.generation == 8
    assert SECONDS < world.now - 1_000_000 <= SECONDS + 9


def test_a_sign_of_life_never_follows_the_word_that_it_was_given_back(world: World) -> None:
    lease = world.machine().take(KEY, "clean", world.told.append)
    lease.release()
    lease.beat()
    assert cbor.decode(world.backend.snapshot()[f"lake/leases/{KEY}/1"])["released"] is True


def test_a_lost_reply_is_recognised(world: World) -> None:
    plain = world.backend.create
    world.backend.create = lambda items: [False for _ in plain(items)]  # type: ignore[method-assign]
    assert world.machine().take(KEY, "clean", world.told.append).generation == 1


def test_leases_wait_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A miss must cost little: naively each lease is two barriers."""
    backend = FolderBackend(tmp_path / "home")
    backend.put([("x", b"")])
    syncs: list[object] = []
    monkeypatch.setattr(os, "fsync", syncs.append)
    lease = Leases(backend.without_durability(), seconds=SECONDS).take(KEY, "clean", print)
    lease.beat()
    lease.release()
    assert syncs == []
    assert backend.without_durability() is backend.without_durability()
