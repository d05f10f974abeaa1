"""Downloads: many at once, and one that is wrong costs the others nothing."""

from __future__ import annotations

import os
import stat

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.errors import CorruptObjectError
from radops.native import BLOCK_SIZE
from radops.repository import layout
from radops.repository.objects.store import LocalStore
from radops.repository.transfer.download import fetch
from repository.transfer.remotes import Remote, ignore, names


@pytest.mark.parametrize("outline", [True, False])
def test_objects_of_some_blocks_come_many_at_once(store: LocalStore, outline: bool) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(2 * BLOCK_SIZE + n), outline=outline) for n in range(40)]
    remote.delay = 0.01
    counted: list[tuple[int, int]] = []
    fetch(store, remote, items, lambda size, files: counted.append((size, files)))
    assert remote.peak > 1
    assert sum(size for size, _ in counted) == sum(size for _, size in items)
    assert sum(files for _, files in counted) == len(items)
    for digest, size in items:
        assert store.proven(digest, size) is not None
        assert stat.S_IMODE(store.object_path(digest).stat().st_mode) == 0o444
        assert store.outline(digest, size)
    assert names(store) == []


def test_one_barrier_for_a_group(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(BLOCK_SIZE + 1)) for _ in range(20)]
    flushes = []
    flush = FolderBackend.flush
    monkeypatch.setattr(FolderBackend, "flush", lambda self: (flushes.append(1), flush(self))[1])
    fetch(store, remote, items, ignore)
    assert len(flushes) == 1
    fetch(store, remote, items, ignore)
    assert len(flushes) == 1


def test_one_object_that_is_wrong_costs_the_others_nothing(store: LocalStore) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(2 * BLOCK_SIZE)) for _ in range(6)]
    bad = min(items)[0]
    good = [item for item in items if item[0] != bad]
    remote.put([(layout.object_key(bad), bytes(2 * BLOCK_SIZE))])
    with pytest.raises(CorruptObjectError, match=str(bad)):
        fetch(store, remote, items, ignore)
    assert not store.object_path(bad).exists()
    fetch(store, remote, good, ignore)
    assert all(store.proven(*item) for item in good)
