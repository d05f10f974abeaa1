"""Partial files: the next download continues them, and no two write into one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.errors import LocalStorageError, RemoteUnavailableError
from radops.format.digest import Digest
from radops.native import BLOCK_SIZE
from radops.repository.objects.store import LocalStore
from radops.repository.transfer import partials
from radops.repository.transfer.download import fetch
from repository.transfer.remotes import Remote, ignore, names

if TYPE_CHECKING:
    from pathlib import Path


def test_a_download_that_stopped_is_taken_up_by_the_next(store: LocalStore) -> None:
    remote = Remote()
    items = [remote.stock(os.urandom(40 * BLOCK_SIZE)) for _ in range(2)]
    remote.stop_after = 3
    got: list[int] = []
    with pytest.raises(RemoteUnavailableError):
        fetch(store, remote, items, lambda size, _: got.append(size))
    assert names(store) == sorted(f"partial-{digest}" for digest, _ in items)
    assert 0 < sum(got) < 80 * BLOCK_SIZE
    remote.stop_after = None
    fetch(store, remote, items, lambda size, _: got.append(size))
    assert sum(got) == 80 * BLOCK_SIZE
    assert names(store) == []


def test_what_a_killed_process_left_is_taken_up(store: LocalStore) -> None:
    """The file has the name of a process that cannot give it back."""
    remote = Remote()
    data = os.urandom(3 * BLOCK_SIZE)
    digest, size = remote.stock(data)
    program = """
    import os, signal, sys
    from pathlib import Path
    from radops.backends.folder.backend import FolderBackend
    from radops.format.digest import Digest
    from radops.repository.transfer.partials import take
    data = Path(sys.argv[2]).read_bytes()
    unused = FolderBackend(Path(sys.argv[1])).new_temporaries(1)[0]
    partial = take(unused, Digest.of(data), lambda path: None)
    partial.begin(len(data))
    partial.write(data[: 2 << 20], 0)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    source = store.root.parent / "data"
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(data)
    arguments = [sys.executable, "-c", textwrap.dedent(program), store.root, source]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert len(names(store)) == 1
    assert names(store) != [f"partial-{digest}"]
    got: list[int] = []
    fetch(store, remote, [(digest, size)], lambda size, _: got.append(size))
    assert sum(got) == BLOCK_SIZE
    assert store.object_path(digest).read_bytes() == data
    assert names(store) == []


def test_two_downloads_never_have_one_file_open(store: LocalStore) -> None:
    digest = Digest.of(b"x")
    first = partials.take(store.temporary(), digest, lambda _: None)
    second = partials.take(store.temporary(), digest, lambda _: None)
    first.write(b"first", 0)
    second.write(b"other", 0)
    assert first.path.read_bytes() == b"first"
    second.leave()
    third = partials.take(store.temporary(), digest, lambda _: None)
    assert third.path.read_bytes() == b"other"
    assert first.path != third.path
    for one in (first, third):
        one.remove()


def test_a_download_that_is_quiet_keeps_its_file_to_itself(store: LocalStore) -> None:
    """A process of another host may sleep: it must not write into what becomes an object."""
    digest = Digest.of(b"x")
    folder = store.root / "tmp"
    folder.mkdir(parents=True)
    asleep = folder / f"partial-{digest}.elsewhere.17.abcdef012345-0~elsewhere"
    asleep.write_bytes(b"there")
    second = partials.take(store.temporary(), digest, lambda _: None)
    assert second.path.read_bytes() == b""
    second.remove()
    with asleep.open("r+b") as stream:
        os.utime(asleep, (time.time() - 7200, time.time() - 7200))
        third = partials.take(store.temporary(), digest, lambda _: None)
        assert third.path.read_bytes() == b"there"
        stream.write(b"WRONG")
    assert third.path.read_bytes() == b"there"
    assert not asleep.exists()
    third.remove()


def test_a_partial_file_that_is_removed_while_it_grows(store: LocalStore) -> None:
    remote = Remote()
    data = os.urandom(2 * BLOCK_SIZE)
    item = remote.stock(data)

    def remove() -> None:
        for name in names(store):
            (store.root / "tmp" / name).unlink()
        remote.before = lambda: None

    remote.before = remove
    fetch(store, remote, [item], ignore)
    assert store.object_path(item[0]).read_bytes() == data


def test_after_an_interrupt_no_thread_writes_through_a_closed_descriptor(
    store: LocalStore,
) -> None:
    partial = partials.take(store.temporary(), Digest.of(b"x"), lambda _: None)
    partial.leave()
    with pytest.raises(ValueError, match="closed"):
        partial.write(b"late", 0)


def test_a_link_in_the_place_of_tmp_is_not_followed(tmp_path: Path) -> None:
    """In the home of a group, another member may have put it there."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home = LocalStore(FolderBackend(tmp_path / "storage", shared="group"))
    remote = Remote()
    item = remote.stock(os.urandom(2 * BLOCK_SIZE))
    (home.root / "tmp").parent.mkdir(parents=True)
    (home.root / "tmp").symlink_to(elsewhere)
    with pytest.raises(LocalStorageError):
        fetch(home, remote, [item], ignore)
    assert list(elsewhere.iterdir()) == []
