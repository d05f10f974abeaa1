"""A storm: processes that share their names are stopped, continued and killed at any time.

What they were answered is judged by `linearizable.py`, what is stored by `protocols/checker.py`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from typing import TYPE_CHECKING, Any

from protocols.checker import check
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake
from radops.repository.refs.repository import Repository
from reliability import figures
from reliability.linearizable import Operation, counterexample
from reliability.storm import Client, histories, storm

if TYPE_CHECKING:
    from pathlib import Path

    from radops.backends.base import Backend
    from servers.server import S3Server

SEED = os.environ.get("RADOPS_SOAK_SEED") or str(random.randrange(1 << 30))
PROCESSES = int(os.environ.get("RADOPS_SOAK_PROCESSES") or 6)
# So many that a name is in use by some processes at a time, not by all of them.
NAMES = [f"shared/{number}" for number in range(2 * PROCESSES)]
# Longest stop: longer than a lease lasts, shorter than half the collector's grace.
LONG_STOP = 5.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["radops.lake.lake", "reliability.storm"])


class Storm:
    """Processes on one lake, each with a diary, and what happens to them.

    Args:
        root: Where homes and diaries are.
        remote: The URL of the remote; None for none.
        homes: The home of each process, by name.
    """

    def __init__(self, root: Path, remote: str | None, homes: list[str]) -> None:
        self.root = root
        self.remote = remote
        self.homes = homes
        self.chance = random.Random(SEED)
        self.running: dict[int, Any] = {}
        self.stopped: dict[int, float] = {}
        self.started = 0
        self.counts = {"kills": 0, "stops": 0}

    def rage(self, seconds: float) -> None:
        """Let all of them work so long; some are stopped or killed, and others take their place."""
        first = _context.Process(target=int)  # the fork server imports all that it is to fork
        first.start()
        first.join()
        self.end = time.monotonic() + seconds
        try:
            while time.monotonic() < self.end:
                for number in range(len(self.homes)):
                    if number not in self.running:
                        self._start(number)
                time.sleep(self.chance.uniform(0.05, 0.5))
                self._continue(time.monotonic())
                self._hit(self.chance.choice(sorted(self.running)))
            self._continue(float("inf"))
            for process in self.running.values():
                process.join(120)
                assert not process.is_alive(), f"{process.name} hangs, seed {SEED}"
        finally:
            for process in self.running.values():
                process.kill()  # ends a stopped process too
                process.join()
        for path in sorted(self.root.glob("*.error")):
            raise AssertionError(f"{path.stem}, seed {SEED}:\n{path.read_text()}")

    def _start(self, number: int) -> None:
        self.started += 1
        diary = self.root / f"{self.started}.diary"
        home = self.root / self.homes[number]
        seed = f"{SEED}-{self.started}"
        process = _context.Process(
            target=storm, args=(home, self.remote, diary, NAMES, self.end, seed, dict(os.environ))
        )
        process.start()
        self.running[number] = process

    def _hit(self, number: int) -> None:
        process = self.running[number]
        if not process.is_alive():
            process.join()
            del self.running[number]
            self.stopped.pop(number, None)  # it ended as it was stopped
        elif number in self.stopped:
            return
        elif self.chance.random() < 0.75:
            with contextlib.suppress(ProcessLookupError):  # it has come to its end just now
                os.kill(process.pid, signal.SIGSTOP)
            longest = LONG_STOP if self.chance.random() < 0.1 else 0.5
            self.stopped[number] = time.monotonic() + self.chance.uniform(0.02, longest)
            self.counts["stops"] += 1
        else:
            process.kill()
            process.join()
            del self.running[number]
            self.counts["kills"] += 1

    def _continue(self, now: float) -> None:
        for number, until in list(self.stopped.items()):
            if until <= now:
                del self.stopped[number]
                if self.running[number].is_alive():
                    os.kill(self.running[number].pid, signal.SIGCONT)

    def judge(self, backend: Backend, prefix: str = "") -> None:
        """Check what is stored and what was answered, with a last read of every name."""
        check(Repository(backend, prefix, originator="checker@example.com")).raise_for_findings()
        found = histories(sorted(self.root.glob("*.diary")))
        home = self.homes[0] if self.remote is None else "witness"
        witness = DataLake(home=self.root / home, remote=self.remote)
        client = Client(witness, self.root)
        for uid in NAMES:
            called = time.monotonic()
            content = client.read(uid)
            answer = "missing" if content is None else "found"
            found[uid].append(Operation("read", content, answer, called, time.monotonic()))
        witness.close()
        # A home may show a file that another one has deleted, until it asks the remote again.
        stale = len(set(self.homes)) > 1
        for uid, history in found.items():
            wrong = counterexample(history, stale=stale)
            shown = "\n".join(map(str, wrong[-40:]))
            assert not wrong, f"no order explains what was answered of {uid}, seed {SEED}:\n{shown}"
        operations = sum(map(len, found.values()))
        what = f"storm, {len(self.homes)} processes, {len(set(self.homes))} homes, {self.where}"
        figures.report(what, operations=operations, **self.counts)
        assert operations > len(NAMES), "nothing was done"

    @property
    def where(self) -> str:
        """What the remote is."""
        return "no remote" if self.remote is None else self.remote.partition(":")[0]


def test_one_home(quick_path: Path) -> None:
    many = Storm(quick_path, None, ["home"] * PROCESSES)
    many.rage(figures.seconds(5))
    (lake,) = (quick_path / "home/storage/lakes").iterdir()
    many.judge(FolderBackend(quick_path / "home/storage"), f"lakes/{lake.name}/")


def test_homes_and_a_folder(quick_path: Path) -> None:
    shared = quick_path / "shared"
    shared.mkdir()
    many = Storm(quick_path, shared.as_uri(), [f"home-{n // 2}" for n in range(PROCESSES)])
    many.rage(figures.seconds(5))
    many.judge(FolderBackend(shared))


def test_homes_and_a_bucket(quick_path: Path, seaweedfs: S3Server, s3_environment: None) -> None:
    bucket = seaweedfs.new_bucket()
    homes = [f"home-{n // 3}" for n in range(PROCESSES)]
    many = Storm(quick_path, seaweedfs.url(bucket, "lake"), homes)
    many.rage(figures.seconds(8))
    backend = seaweedfs.backend(bucket, "lake")
    many.judge(backend)
    backend.close()
