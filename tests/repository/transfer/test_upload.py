"""Uploads of large objects: many at once, and nothing half done in sight."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from radops.backends.base import Upload
from radops.backends.folder.backend import FolderBackend
from radops.backends.memory import MemoryBackend
from radops.errors import CorruptObjectError, RemoteUnavailableError
from radops.native import BLOCK_SIZE
from radops.repository import layout
from radops.repository.objects.store import LocalStore
from radops.repository.transfer.upload import send

if TYPE_CHECKING:
    from pathlib import Path

    from radops.backends.base import Part
    from radops.format.digest import Digest


def ignore(_bytes: int, _files: int) -> None: ...


class Target(MemoryBackend):
    """Takes some connections at once, slowly; notes how many there were."""

    def __init__(self, part_size: int = 4 * BLOCK_SIZE) -> None:
        super().__init__(part_size=part_size)
        self.lock = threading.Lock()
        self.at_once = self.peak = self.aborted = self.writes = 0
        self.fail_at: int | None = None

    @property
    def max_connections(self) -> int:
        return 8

    def upload(self, key: str, size: int) -> Upload:
        return Slow(self, super().upload(key, size))


class Slow(Upload):
    def __init__(self, target: Target, inner: Upload) -> None:
        self.target, self.inner = target, inner

    @property
    def part_size(self) -> int:
        return self.inner.part_size

    def write(self, number: int, part: Part) -> None:
        target = self.target
        with target.lock:
            target.writes += 1
            target.at_once += 1
            target.peak = max(target.peak, target.at_once)
            fails = target.fail_at is not None and target.writes > target.fail_at
        try:
            time.sleep(0.01)
            if fails:
                raise RemoteUnavailableError("gone")
            self.inner.write(number, part)
        finally:
            with target.lock:
                target.at_once -= 1

    def commit(self) -> None:
        self.inner.commit()

    def abort(self) -> None:
        self.target.aborted += 1
        self.inner.abort()


@pytest.fixture
def store(tmp_path: Path):
    store = LocalStore(FolderBackend(tmp_path / "home"))
    yield store
    store.close()


def keep(store: LocalStore, *sizes: int) -> list[tuple[Digest, int]]:
    staged = [store.stage_bytes(os.urandom(size)) for size in sizes]
    store.admit(staged)
    return [(one.digest, one.size) for one in staged]


@pytest.mark.parametrize(
    "sizes",
    [[2 * BLOCK_SIZE + n for n in range(24)], [40 * BLOCK_SIZE + 1], [18 * BLOCK_SIZE] * 3],
    ids=["some blocks", "one of many parts", "some of several parts"],
)
def test_many_requests_at_once(store: LocalStore, sizes: list[int]) -> None:
    target = Target()
    items = keep(store, *sizes)
    counted: list[tuple[int, int]] = []
    sent = send(store, target, items, lambda size, files: counted.append((size, files)))
    assert sent == sum(sizes) == sum(size for size, _ in counted)
    assert sum(files for _, files in counted) == len(items)
    assert target.peak > 1
    for digest, size in items:
        with target.open(layout.object_key(digest)) as reader:
            assert reader.read() == store.object_path(digest).read_bytes()
        with target.open(layout.outline_key(digest)) as reader:
            assert reader.read() == store.outline(digest, size)
    writes = target.writes
    assert send(store, target, items, ignore) == 0
    assert target.writes == writes


def test_what_is_half_sent_is_given_up(store: LocalStore) -> None:
    target = Target()
    items = keep(store, 40 * BLOCK_SIZE, 20 * BLOCK_SIZE)
    target.fail_at = 4
    with pytest.raises(RemoteUnavailableError):
        send(store, target, items, ignore)
    assert target.aborted > 0
    assert not any(key.startswith("objects/") for key in target.snapshot())
    target.fail_at = None
    assert send(store, target, items, ignore) == 60 * BLOCK_SIZE


def test_wrong_local_bytes_do_not_leave(store: LocalStore) -> None:
    target = Target()
    items = keep(store, *[3 * BLOCK_SIZE] * 3)
    bad = items[1][0]
    store.object_path(bad).chmod(0o644)
    store.object_path(bad).write_bytes(bytes(3 * BLOCK_SIZE))
    with pytest.raises(CorruptObjectError):
        send(store, target, items, ignore)
    assert target.stat(layout.object_key(bad)) is None
