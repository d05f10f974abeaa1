"""Locks between processes, and file systems that have none."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.errors import CorruptObjectError
from radops.native import BLOCK_SIZE
from radops.repository import layout
from radops.repository.objects.store import LocalStore
from radops.repository.transfer import locks
from radops.repository.transfer.download import fetch
from repository.transfer.remotes import Remote, ignore


def test_without_locks_no_process_writes_into_an_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_open", lambda _: (_ for _ in ()).throw(OSError("no locks")))
    remote = Remote()
    data = os.urandom(4 * BLOCK_SIZE)
    item = remote.stock(data, outline=False)
    stores = [LocalStore(FolderBackend(tmp_path / "home")) for _ in range(2)]
    half, admitted = threading.Event(), threading.Event()
    slow = Remote()
    slow.stock(bytes(len(data)))  # other keys only
    slow.put([(layout.object_key(item[0]), bytes(4 * BLOCK_SIZE))])

    def wait() -> None:
        half.set()
        assert admitted.wait(30)

    slow.before = wait
    errors: list[BaseException] = []

    def run() -> None:
        try:
            fetch(stores[1], slow, [item], ignore)
        except CorruptObjectError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert half.wait(30)
    fetch(stores[0], remote, [item], ignore)
    admitted.set()
    thread.join()
    assert len(errors) == 1
    assert stores[0].object_path(item[0]).read_bytes() == data
    for store in stores:
        store.close()


def test_locks_in_a_group_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second member may not write to lock files of the first, and locks all the same."""
    folder = LocalStore(FolderBackend(tmp_path / "home", shared="group")).lock_folder()
    assert folder is not None
    original = os.open

    def refuse(path, flags, *rest, **named):
        if Path(path).parent == folder and flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, flags, *rest, **named)

    with locks.holding(folder, ["one"]):
        pass
    assert folder.stat().st_mode & 0o7777 == folder.parent.stat().st_mode & 0o7777
    monkeypatch.setattr(os, "open", refuse)
    with locks.holding(folder, ["one"]):
        assert locks.remove_unheld(folder, time.time() + 1) == 0
