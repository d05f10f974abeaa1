"""Real processes: eight at once on one lake, and some that are killed at any time."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from protocols.checker import check
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake
from radops.repository.refs.repository import Repository
from reliability import figures, worker

if TYPE_CHECKING:
    from radops.backends.base import Backend
    from servers.server import S3Server

SEED = os.environ.get("RADOPS_SOAK_SEED") or str(random.randrange(1 << 30))
KILLS = int(os.environ.get("RADOPS_SOAK_KILLS") or 20)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["radops.lake.lake", "reliability.worker"])


class Crowd:
    """Processes with a diary each."""

    def __init__(self, root: Path, remote: str | None) -> None:
        self.root = root
        self.remote = remote

    def start(self, number: int, home: str, seconds: float, seed: str, *, collect: bool) -> Any:
        arguments = (
            f"p{number}",
            self.root / home,
            self.remote,
            self.root / f"diary-{number}",
            seconds,
            f"{SEED}-{seed}",
            collect,
            dict(os.environ),
        )
        process = _context.Process(target=worker.work, args=arguments)
        process.start()
        return process

    def diaries(self) -> list[list[dict[str, Any]]]:
        return [worker.read_diary(path) for path in sorted(self.root.glob("diary-?"))]

    def raise_errors(self) -> None:
        for path in sorted(self.root.glob("*.error")):
            raise AssertionError(f"{path.stem}, seed {SEED}:\n{path.read_text()}")

    def look(self, backend: Backend, prefix: str = "") -> dict[str, int]:
        """Check the lake, and that all is there of which a process was told that it is done."""
        check(Repository(backend, prefix, originator="checker@example.com")).raise_for_findings()
        alive: set[str] = set()
        dead: set[str] = set()
        unsure: set[str] = set()
        lines = [line for diary in self.diaries() for line in diary]
        for line in sorted(lines, key=lambda one: one["at"]):
            what, uid = line["what"], line["uid"]
            if what in {"add", "create", "add-common", "create-common"} and line["state"] == "done":
                alive.add(uid)
            elif what == "delete" and line["state"] == "begun":
                unsure.add(uid)
            elif what == "delete":
                unsure.discard(uid)
                if line["state"] == "done":
                    dead.add(uid)
        home = "home" if self.remote is None else "witness"
        witness = DataLake(home=self.root / home, remote=self.remote)
        found = {row.uid for row in witness.ls(recursive=True, details=True)}
        lost = alive - dead - unsure - found
        assert not lost, f"seed {SEED}"
        assert not found & dead
        for uid in found:
            content = worker.body(uid.removesuffix(".in") + ".in" if uid.endswith(".in") else uid)
            assert witness.file(uid).read_bytes() == content, uid
        witness.close()
        return {"operations": len(lines) // 2, "files": len(found), "lost": len(lost)}


def crowd(root: Path, remote: str | None, homes: list[str]) -> Crowd:
    root.mkdir(exist_ok=True)
    many = Crowd(root, remote)
    seconds = figures.seconds(10)
    processes = [
        many.start(number, home, seconds, str(number), collect=number % 4 == 0)
        for number, home in enumerate(homes)
    ]
    for process in processes:
        process.join(seconds + 200)
        if process.is_alive():
            process.kill()
            process.join()
            raise AssertionError(f"{process.name} hangs, seed {SEED}")
    many.raise_errors()
    return many


def only_lake(home: Path) -> str:
    (lake,) = (home / "storage/lakes").iterdir()
    return f"lakes/{lake.name}/"


def test_eight_processes_in_one_home(quick_path: Path) -> None:
    many = crowd(quick_path, None, ["home"] * 8)
    numbers = many.look(FolderBackend(quick_path / "home/storage"), only_lake(quick_path / "home"))
    figures.report("eight processes in one home", **numbers)


def test_four_homes_and_one_folder(quick_path: Path) -> None:
    shared = quick_path / "shared"
    shared.mkdir()
    many = crowd(quick_path, shared.as_uri(), ["a", "a", "b", "b", "c", "c", "d", "d"])
    figures.report("eight processes, four homes, one folder", **many.look(FolderBackend(shared)))


def test_four_homes_and_one_bucket(
    quick_path: Path, seaweedfs: S3Server, s3_environment: None
) -> None:
    bucket = seaweedfs.new_bucket()
    many = crowd(quick_path, seaweedfs.url(bucket, "lake"), ["a", "b", "c", "d"])
    backend = seaweedfs.backend(bucket, "lake")
    figures.report("four homes, one bucket", **many.look(backend))
    backend.close()


@pytest.mark.parametrize("far", [False, True], ids=["alone", "far"])
def test_killed_at_any_time(quick_path: Path, far: bool) -> None:
    """Two processes, either of which may be killed; the next one does its work again."""
    shared = quick_path / "shared"
    shared.mkdir()
    many = Crowd(quick_path, shared.as_uri() if far else None)
    backend = FolderBackend(shared if far else quick_path / "home/storage")
    chance = random.Random(f"{SEED}-{far}")
    running: dict[int, Any] = {}
    for kill in range(KILLS):
        for number in (0, 1):
            if number not in running:
                running[number] = many.start(number, "home", 600, f"{kill}", collect=False)
        time.sleep(chance.uniform(0.05, 0.7))
        victim = running.pop(chance.choice([0, 1]))
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        many.raise_errors()
        if kill % 10 == 9 or kill == KILLS - 1:
            for process in running.values():
                process.kill()
                process.join()
            running.clear()
            many.raise_errors()
            numbers = many.look(backend, "" if far else only_lake(quick_path / "home"))
    figures.report(f"killed processes, {'far' if far else 'alone'}", kills=KILLS, **numbers)
