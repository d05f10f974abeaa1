"""Pieces of work that take files into a store leave nothing, also if they are not left in order."""

from __future__ import annotations

import contextvars
import gc
import threading
from typing import TYPE_CHECKING

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.repository.objects.staging import work_on
from radops.repository.objects.store import LocalStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(FolderBackend(tmp_path / "storage"))
    store.stage_bytes(b"made before")
    return store


def test_what_is_left_is_removed(store: LocalStore) -> None:
    with store.staging():
        staged = store.stage_bytes(b"some")
        assert staged.path.exists()
    assert not staged.path.exists()
    assert work_on(store) is None


def test_an_inner_block_whose_end_was_interrupted_is_left_with_it(store: LocalStore) -> None:
    """An interrupt as `__exit__` begins: nothing of it runs, and the block is dropped later."""

    def work() -> None:
        inner = store.staging()
        with store.staging():
            outside = store.stage_bytes(b"outside")
            inner.__enter__()
            inside = store.stage_bytes(b"inside")
        assert not outside.path.exists()
        assert inside.path.exists()
        del inner
        gc.collect()
        assert not inside.path.exists()
        assert work_on(store) is None

    contextvars.copy_context().run(work)


def test_what_a_thread_leaves_that_outlives_the_block_is_removed(store: LocalStore) -> None:
    go, paths = threading.Event(), []

    def late() -> None:
        go.wait()
        paths.append(store.stage_bytes(b"late").path)
        assert paths[0].exists()

    with store.staging():
        thread = threading.Thread(target=contextvars.copy_context().run, args=[late])
        thread.start()
    go.set()
    thread.join()
    del thread
    gc.collect()
    assert len(paths) == 1
    assert not paths[0].exists()
