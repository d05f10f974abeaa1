"""What a call of a creator costs: a local hit and a miss, beside `joblib.Memory` in the same run.

    make bench

Both are given one file of a lake, and a number. The functions do nothing, so what is
measured is what memoisation adds. A miss of radops waits for the disk, many times: what it leaves
behind survives a loss of power. Prints medians in microseconds. Exits with 1 if a hit takes longer
than joblib's, or if capturing code and environment takes more than 5 milliseconds, after the first
call in the process.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import joblib

from radops.data_lake import DataLake, File, file_creator
from radops.provenance.capture import capture_code, capture_environment, package_version
from radops.provenance.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_CAPTURE = 5e-3


@file_creator(name="bench.copy")
def copy(f: File, number: int, *, rate: float = 0.5) -> File:
    """Make a file of one byte."""
    out = File()
    out.write_bytes(b"x")
    return out


@file_creator(name="bench.make")
def make(f: File, output_uid: str, *, rate: float = 0.5) -> File:
    """Make a file of one byte under a name that is given."""
    out = File(output_uid)
    out.write_bytes(b"x")
    return out


def alone(path: Path, number: int, rate: float = 0.5) -> bytes:
    """Do the same for joblib."""
    return b"x"


def capture() -> None:
    """Do what a miss does to say which code ran, and in what."""
    capture_code(copy.__wrapped__, fingerprint(copy.__wrapped__))
    capture_environment()
    package_version(copy.__wrapped__)


def sync(path: Path) -> None:
    """Write a byte, durably."""
    with path.open("wb") as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())


def times(calls: Iterable[Callable[[], object]]) -> list[float]:
    """Return how long each call takes, in seconds."""
    found = []
    for call in calls:
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found


def show(what: str, seconds: list[float]) -> float:
    """Print the median of some times, and return it."""
    median = statistics.median(seconds)
    tenth = sorted(seconds)[len(seconds) * 9 // 10]
    print(f"{what:42} {median * 1e6:10.1f} us   (nine of ten under {tenth * 1e6:.0f})")
    return median


def measure(folder: Path, rounds: int) -> bool:
    """Measure in a folder; return whether all is as quick as it should be."""
    lake = DataLake(home=folder / "home")
    memory = joblib.Memory(folder / "joblib", verbose=0)
    cached = memory.cache(alone)
    source = folder / "in.txt"
    source.write_bytes(b"x" * 1000)
    lake.add(source, "in.txt")
    with lake.use():
        given = File("in.txt")
        copy(given, 0)
        make(given, "out/made.txt")
        cached(source, 0)
        hits, named, theirs = [], [], []
        for _ in range(rounds):  # in turns, so that whatever else the machine does hits all alike
            hits += times([lambda: copy(given, 0)])
            named += times([lambda: make(given, "out/made.txt")])
            theirs += times([lambda: cached(source, 0)])
        hit = show("radops: hit, implicit output", hits)
        show("radops: hit, named output", named)
        other = show("joblib.Memory: hit", theirs)
        numbers = range(1, rounds // 10 + 1)
        numbers = range(1, rounds // 10 + 1)
        show(
            "radops: miss, an empty function", times((lambda n=n: copy(given, n)) for n in numbers)
        )
        theirs = times((lambda n=n: cached(source, n)) for n in numbers)
        show("joblib.Memory: miss, an empty function", theirs)
        captured = show(
            "of a miss, capturing code and environment", times(capture for _ in numbers)
        )
        syncs = times(lambda: sync(folder / "synced") for _ in numbers)
        show("one write and fsync on this disk", syncs)
    good = hit <= other and captured <= MOST_CAPTURE
    most = MOST_CAPTURE * 1e3
    print(f"hit: {hit / other:.2f} of joblib's; capture: {captured * 1e3:.2f} of {most:.0f} ms")
    return good


def main() -> None:
    """Measure, print, and say by the exit status whether it is good."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000, help="calls of each kind")
    rounds = parser.parse_args().rounds
    # What is said of skipped calls costs time too, but not the terminal's.
    logging.getLogger("radops").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(not measure(Path(folder), rounds))


if __name__ == "__main__":
    main()
