"""Very many objects in bounded memory, over a listing that is made up as it goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from radops.errors import LocalStorageError
from radops.repository.gc.partition import Partition
from reliability.figures import report

PROGRAM = """
import contextlib, hashlib, resource, sys, tempfile, time
from pathlib import Path

from radops.backends.base import Entry, KeyNotFoundError
from radops.backends.memory import MemoryBackend
from radops.format.digest import Digest
from radops.format.record import FileRecord
from radops.format.uid import UID, slot_key
from radops.repository.gc import collect
from radops.repository.refs import slots
from radops.repository.refs.repository import Repository
from repository.bucket import Bucket

count = int(sys.argv[1])
bucket = Bucket()
PATTERN = bucket.record("f/00000000", Digest(bytes(32)))


def digest(number):
    return hashlib.sha256(b"%d" % number).digest()


class Listing(MemoryBackend):
    '''Has `count` objects and half as many names, each of which keeps one of them.'''

    deleted = moved = 0

    def list(self, prefix, *, recursive=True):
        if prefix == "objects/":
            for number in range(count):
                text = digest(number).hex()
                yield Entry(f"objects/{text[:2]}/{text[2:]}", 1, 0.0)
        elif prefix == "refs/":
            for number in range(0, count, 2):
                yield Entry(f"refs/f/{number:08}.radops", 300, 0.0)

    def open(self, key, start=0, length=None):
        if not key.startswith("refs/f/"):
            raise KeyNotFoundError(key)
        number = int(key[7:15])
        raw = PATTERN.raw.replace(b"f/00000000", b"f/%08d" % number)
        raw = raw.replace(b"00000000", b"%08d" % number).replace(bytes(32), digest(number))
        self._items["x"] = (raw, 0.0)
        return super().open("x")

    def move(self, source, target):
        self.moved += 1


backend = Listing(clock=lambda: bucket.time)


def peak():
    # Not `ru_maxrss`, which on Linux begins with that of the process that started this one.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


before, began = peak(), time.monotonic()
with tempfile.TemporaryDirectory() as scratch:
    report = collect.collect(
        collect.Target(backend, lambda: [bucket.repository(backend)], pending=False),
        grace=3600.0,
        dry_run=False,
        scratch=Path(scratch),
        stages=lambda label: contextlib.nullcontext(lambda _bytes, _files: None),
    )
    assert not any(Path(scratch).iterdir())
assert report.slots == count // 2 and report.moved == backend.moved == count // 2, report
print(f"{peak() - before:.0f} {time.monotonic() - began:.1f}")
"""


@pytest.mark.timeout(1200)
def test_memory_is_bounded() -> None:
    count = int(os.environ.get("RADOPS_SOAK_OBJECTS") or 100_000)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(count)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    megabytes, seconds = map(float, done.stdout.split())
    report("memory of a collection", objects=count, peak_mib=megabytes, seconds=seconds)
    # Two partitions hold 32 MiB each before they spill; the rest is one bucket and the interpreter.
    assert megabytes < 150


def test_rows_that_spill_are_all_there(tmp_path: Path) -> None:
    made = []

    def folder() -> Path:
        path = tmp_path / "scratch"
        path.mkdir()
        made.append(path)
        return path

    rows = [bytes([number % 256]) + number.to_bytes(3, "big") for number in range(5000)]
    for limit in (10**6, 4000, 100, 0):
        partition = Partition(4, folder, limit)
        for row in rows:
            partition.add(row)
        assert partition.rows == 5000
        found = [row for index in partition.filled for row in partition.bucket(index)]
        assert sorted(found) == sorted(rows)
        assert bool(made) == (limit < 20_000)
        partition.close()
        assert not any(path.exists() for path in made)
        made.clear()


def test_rows_that_others_removed_are_an_error(tmp_path: Path) -> None:
    """A collector that believes that nothing is kept would collect everything."""

    def folder() -> Path:
        (tmp_path / "scratch").mkdir()
        return tmp_path / "scratch"

    partition = Partition(4, folder, 100)
    for number in range(100):
        partition.add(bytes([number % 10, 0, 0, number]))
    shutil.rmtree(tmp_path / "scratch")
    assert list(partition.bucket(11)) == []
    with pytest.raises(LocalStorageError):
        list(partition.bucket(3))
