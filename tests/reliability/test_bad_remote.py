"""A remote that fails in every way, under everything that people do with a lake on it.

A fault hits one request of an action, any of them, or all from there on. The action succeeds, or
ends within bounds with an error that says why; nothing wrong is visible; done again, it succeeds.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import time
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from protocols.checker import check
from radops.backends.s3 import backend
from radops.backends.s3.client import Timeouts
from radops.data_lake import DataLake
from radops.errors import (
    CorruptDataError,
    CorruptObjectError,
    IntegrityError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from radops.repository.refs.repository import Repository
from reliability import figures
from reliability.scenarios import SCENARIOS
from reliability.worlds import Scenario, World
from servers.http_faults import (
    Answer,
    Cut,
    CutUpload,
    Delay,
    DropReply,
    Fault,
    Flip,
    FlipUpload,
    Refuse,
    Stall,
    Truncate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.proxy import FaultProxy

SEED = int(os.environ.get("RADOPS_SOAK_SEED") or random.randrange(1 << 30))
FAULTS: list[Fault] = [
    Refuse(),
    Stall(4),
    Delay(0.3),
    Answer(500),
    Answer(503),
    Answer(429, retry_after="1"),
    Cut(0),
    Cut(100),
    Truncate(10),
    Flip(5),
    Flip(200),
    CutUpload(50),
    FlipUpload(50),
    DropReply(),
]
CLEAR = (RemoteUnavailableError, RemoteRefusedError, CorruptDataError, IntegrityError)
"""What people may be told: the remote is away, says no, or holds (sends) wrong bytes."""
LONGEST = 120.0
"""Seconds until an action gives up, with timeouts of a second: retries are bounded."""


class FarWorld(World):
    """A world whose remote is a bucket behind a proxy."""

    def __init__(self, root: Path, proxy: FaultProxy) -> None:
        super().__init__(root, far=True)
        self.proxy = proxy
        self.bucket = proxy.server.new_bucket()
        self.url = proxy.as_server.url(self.bucket, "lake")
        self.make()

    def lake(self, home: str = "home", **options: object) -> DataLake:
        lake = DataLake(home=self.root / home, remote=self.url, **options)
        self._open.append(lake)
        return lake

    def places(self) -> list[tuple[str, bool]]:
        return [place for place in super().places() if place[0] != "shared"]

    def check(self) -> None:
        super().check()
        backend = self.proxy.server.backend(self.bucket, "lake")
        check(Repository(backend, "", originator="checker@example.com")).raise_for_findings()
        backend.close()


@pytest.fixture(autouse=True)
def _in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send large objects in several parts."""
    monkeypatch.setattr(
        backend, "S3Backend", functools.partial(backend.S3Backend, part_size=5 << 20)
    )


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Wait a second for the server. Where nothing may fail, a busy machine can need longer."""
    quick = functools.partial(backend.S3Backend, timeouts=Timeouts(1, 1.5, 2, 3))
    with mock.patch.object(backend, "S3Backend", quick):
        yield


def is_clear(error: RadopsError, fault: Fault) -> bool:
    """Say whether an error names what is wrong; only wrong bytes are called so."""
    if isinstance(error, CorruptObjectError) and not isinstance(fault, (Flip, Truncate)):
        return False
    return isinstance(error, CLEAR) and bool(error.message)


def attempt(scenario: Scenario, world: FarWorld, fault: Fault, at: int, times: int | None) -> bool:
    """Do the action while the remote fails; say whether it succeeded."""
    began = time.monotonic()
    world.proxy.inject(fault, skip=at, times=times)
    try:
        with impatient(), world.closing():
            scenario.action(world)
    except RadopsError as error:
        if not is_clear(error, fault):
            raise AssertionError(f"not a clear error: {error!r}") from error
        done = False
    else:
        done = True
    finally:
        world.proxy.reset()
    assert time.monotonic() - began < LONGEST
    return done


def requests_of(scenario: Scenario, root: Path, proxy: FaultProxy) -> int:
    world = FarWorld(root, proxy)
    with world.closing():
        scenario.before(world)
    proxy.reset()
    with world.closing():
        scenario.action(world)
    number = len(proxy.requests)
    proxy.reset()
    return number


FAR = [
    scenario
    for scenario in SCENARIOS
    if scenario.name in {"first add", "add many", "create", "download", "sync", "delete", "repair"}
]


@pytest.mark.parametrize("scenario", FAR, ids=lambda scenario: scenario.name)
def test_any_fault_at_any_request(
    tmp_path: Path, faulty_seaweedfs: FaultProxy, scenario: Scenario
) -> None:
    chance = random.Random(f"{SEED}-{scenario.name}")
    requests = requests_of(scenario, tmp_path / "dry", faulty_seaweedfs)
    end = time.monotonic() + figures.seconds(0)
    tried, failed = 0, 0
    while tried < 1 or time.monotonic() < end:
        fault, at = chance.choice(FAULTS), chance.randrange(requests)
        # A fault that stays is a fault of all requests: few runs show it, and they take long.
        times = None if chance.random() < 0.1 else chance.choice([1, 1, 2, 3])
        world = FarWorld(tmp_path / f"world-{tried}", faulty_seaweedfs)
        try:
            with world.closing():
                scenario.before(world)
            done = attempt(scenario, world, fault, at, times)
            scenario.check_between(world)
            scenario.again(world)
            scenario.check_after(world)
        except BaseException as error:
            error.add_note(f"{scenario.name}: {fault} at {at}, {times} times, seed {SEED}")
            raise
        tried += 1
        failed += not done
    figures.report(f"bad remote, {scenario.name}", faults=tried, failed_clearly=failed)
