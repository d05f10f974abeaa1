"""Parts of objects that are kept: bounded, droppable, shared, and never a reason to fail."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from privileges import stopped_by_permissions
from radops.backends.folder.backend import FolderBackend
from radops.format.digest import Digest
from radops.repository.objects.range_cache import RangeCache

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = Digest.of(b"one"), Digest.of(b"two")


def make(root: Path, limit: int | None = None) -> RangeCache:
    cache = RangeCache(FolderBackend(root))
    cache.use_limit(limit)
    return cache


def age(root: Path, digest: Digest, part: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(root / "cache" / f"{digest.path}.{part}", (then, then))


def test_parts_come_back_also_to_another_process(tmp_path: Path) -> None:
    cache = make(tmp_path)
    assert cache.get(ONE, "0") is None
    cache.put([(ONE, "0", b"block"), (TWO, "7", b"other")])
    assert cache.get(ONE, "0") == b"block"
    assert make(tmp_path).get(TWO, "7") == b"other"
    assert cache.get(ONE, "7") is None
    assert cache.size() == 10
    cache.drop(ONE, "0")
    assert cache.get(ONE, "0") is None
    cache.drop(ONE, "0")


def test_the_longest_unused_parts_make_room(tmp_path: Path) -> None:
    cache = make(tmp_path, 1000)
    for number in range(10):
        cache.put([(ONE, str(number), bytes(100))])
        age(tmp_path, ONE, str(number), 1000 - number)
    assert cache.get(ONE, "0") is not None  # used now
    cache.put([(TWO, "0", bytes(100))])
    assert cache.size() <= 1000
    assert cache.get(ONE, "0") is not None
    assert cache.get(TWO, "0") is not None
    assert cache.get(ONE, "1") is None
    for number in range(100):
        cache.put([(TWO, str(number), bytes(90))])
        assert cache.size() <= 1100


def test_a_limit_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    cache = make(tmp_path, 0)
    cache.put([(ONE, "0", b"block")])
    assert cache.get(ONE, "0") is None
    assert not (tmp_path / "cache").exists()


def test_clearing_by_age(tmp_path: Path) -> None:
    cache = make(tmp_path)
    cache.put([(ONE, "0", bytes(10)), (ONE, "1", bytes(20))])
    age(tmp_path, ONE, "0", 100)
    assert cache.clear(older_than=50, dry_run=True) == 10
    assert cache.clear(older_than=50) == 10
    assert cache.size() == 20
    assert cache.clear() == 20
    assert cache.clear() == 0


@stopped_by_permissions
def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    cache = make(tmp_path)
    cache.put([(ONE, "0", b"block")])
    (tmp_path / "tmp").chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        cache.put([(TWO, "0", b"block")])
        assert cache.get(ONE, "0") == b"block"
        assert cache.get(TWO, "0") is None
    finally:
        (tmp_path / "tmp").chmod(0o755)


def test_something_else_in_its_place_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = make(tmp_path)
    cache.put([(ONE, "0", b"block")])
    assert cache.get(ONE, "0") is None
    assert cache.clear() == 0


FULL = """
import resource, sys, pathlib
from radops.backends.folder.backend import FolderBackend
from radops.format.digest import Digest
from radops.repository.objects.range_cache import RangeCache

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
root = pathlib.Path(sys.argv[1])
cache = RangeCache(FolderBackend(root))
cache.put([(Digest.of(b"small"), "0", b"fits")])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
cache.put([(Digest.of(b"large"), "0", bytes(5000))])
assert cache.get(Digest.of(b"small"), "0") == b"fits"
assert cache.get(Digest.of(b"large"), "0") is None
left = [path.name for path in (root / "tmp").glob("*") if path.is_file()]
assert left == [], left
"""


def test_a_write_that_the_disk_refuses_is_no_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files refuses a write in the middle, as a full disk does."""
    subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=True)


@pytest.mark.parametrize("limit", [None, 5000])
def test_two_processes_that_evict_at_once(tmp_path: Path, limit: int | None) -> None:
    one, two = make(tmp_path, limit), make(tmp_path, limit)
    for number in range(50):
        one.put([(ONE, str(number), bytes([number]) * 200)])
        two.put([(TWO, str(number), bytes([number]) * 200)])
        for cache, digest in ((one, TWO), (two, ONE)):
            found = cache.get(digest, str(number))
            assert found in {None, bytes([number]) * 200}
    if limit is not None:
        assert one.size() <= limit + 2 * (limit // 16 + 200)
