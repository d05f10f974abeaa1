"""Two processes create one key at once, fifty times over: one wins each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.open import open_backend
from servers.fixtures import needs_ceph

if TYPE_CHECKING:
    from servers.server import S3Server

ROUNDS = 50


def race(url: str) -> None:
    command = [sys.executable, str(Path(__file__).parent / "racer.py"), url]
    racers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(2)
    ]
    backend = open_backend(url)
    wins = set()
    try:
        for number in range(ROUNDS):
            key = f"refs/deep/{number}.radops"
            # By turns, as the one that is told first wins always where no processor is free.
            for racer in racers if number % 2 else reversed(racers):
                racer.stdin.write(f"{key}\n")
            answers = [racer.stdout.readline().split() for racer in racers]
            winners = [pid for pid, won in answers if won == "1"]
            assert len(winners) == 1, (number, answers)
            with backend.open(key) as reader:
                assert reader.read().decode() == winners[0]
            wins.update(winners)
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
        backend.close()
    # Both won at times, or this was no race.
    assert len(wins) == 2


def test_folder(tmp_path: Path) -> None:
    race(tmp_path.as_uri())


def test_seaweedfs(seaweedfs: S3Server) -> None:
    race(seaweedfs.url(seaweedfs.new_bucket(), "a lake"))


@needs_ceph
def test_Ceph(ceph: S3Server) -> None:  # noqa: N802
    race(ceph.url(ceph.new_bucket(), "a lake"))
