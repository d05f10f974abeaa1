"""Reading objects: whole or in part, from here or from a remote, while others remove them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from backends.bodies import pattern
from radops import native
from radops.backends.folder.backend import FolderBackend
from radops.backends.memory import MemoryBackend
from radops.errors import CorruptObjectError, LocalStorageError, RemoteUnavailableError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.objects.reader import ObjectReader
from radops.repository.objects.store import LocalStore
from radops.repository.transfer.download import RemoteOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGE = pattern(3 * BLOCK_SIZE + 17)
SMALL = b"some bytes"


class World:
    """A remote with two objects, and an empty home."""

    def __init__(self, root: Path) -> None:
        self.remote = MemoryBackend()
        self.outline: dict[Digest, bytes] = {}
        for data in (LARGE, SMALL):
            raw, outline = native.hash_bytes(data)
            digest = Digest(raw)
            self.remote.put([(layout.object_key(digest), data)])
            if outline:
                self.remote.put([(layout.outline_key(digest), outline)])
        self.store = LocalStore(FolderBackend(root))
        self.reader = ObjectReader(self.store, RemoteOrigin(self.store, self.remote))

    def admit(self, data: bytes) -> Digest:
        self.store.admit([self.store.stage_bytes(data)])
        return Digest.of(data)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "storage")
    yield world
    world.store.close()


@pytest.mark.parametrize("data", [LARGE, SMALL])
def test_a_whole_object_is_fetched_and_opened(world: World, data: bytes) -> None:
    digest = Digest.of(data)
    with world.reader.open(digest, len(data)) as file:
        assert file.read() == data
        file.seek(3)
        assert file.read(4) == data[3:7]
    assert world.store.has(digest, len(data))


@pytest.mark.parametrize("here", [False, True])
@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, 1),
        (5, BLOCK_SIZE),
        (BLOCK_SIZE - 1, 2),
        (BLOCK_SIZE, BLOCK_SIZE),
        (2 * BLOCK_SIZE + 1, None),
        (len(LARGE) - 1, 100),
        (len(LARGE), 1),
        (10, 0),
        (0, None),
    ],
)
def test_a_span_is_what_the_object_has_there(
    world: World, here: bool, start: int, length: int | None
) -> None:
    digest = world.admit(LARGE) if here else Digest.of(LARGE)
    expected = LARGE[start:] if length is None else LARGE[start : start + length]
    assert world.reader.read(digest, len(LARGE), start, length) == expected
    assert world.store.has(digest, len(LARGE)) == here  # the rest was not fetched


def test_a_span_of_a_small_object_and_one_without_outline(world: World) -> None:
    assert world.reader.read(Digest.of(SMALL), len(SMALL), 2, 3) == SMALL[2:5]
    digest = Digest.of(LARGE)
    world.remote.delete([layout.outline_key(digest)])
    assert world.reader.read(digest, len(LARGE), 7, 9) == LARGE[7:16]
    assert world.store.has(digest, len(LARGE))


def test_wrong_bytes_of_a_span_are_never_returned(world: World) -> None:
    digest = Digest.of(LARGE)
    wrong = bytearray(LARGE)
    wrong[BLOCK_SIZE + 5] ^= 1
    world.remote.put([(layout.object_key(digest), bytes(wrong))])
    assert world.reader.read(digest, len(LARGE), 0, 10) == LARGE[:10]
    with pytest.raises(CorruptObjectError, match="wrong in blocks 1 to 1"):
        world.reader.read(digest, len(LARGE), BLOCK_SIZE, 1)
    world.remote.put([(layout.object_key(digest), LARGE[: 2 * BLOCK_SIZE])])  # torn
    with pytest.raises(CorruptObjectError):
        world.reader.read(digest, len(LARGE), 2 * BLOCK_SIZE, 10)


def test_what_cannot_be_fetched(world: World) -> None:
    alone = ObjectReader(world.store, None)
    with pytest.raises(CorruptObjectError, match="there is no remote"):
        alone.open(Digest.of(SMALL), len(SMALL))
    offline = ObjectReader(world.store, None, offline=True)
    with pytest.raises(RemoteUnavailableError, match="offline"):
        offline.read(Digest.of(LARGE), len(LARGE), 1, 1)
    with pytest.raises(ValueError, match="no bytes"):
        alone.read(Digest.of(SMALL), len(SMALL), -1)


def test_an_object_that_is_removed_between_proof_and_use_is_fetched_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = Digest.of(LARGE)
    real, left = world.reader.path, [2]

    def removed_at_once(*of: object) -> Path:
        path = real(*of)  # type: ignore[arg-type]
        if left[0]:
            left[0] -= 1
            path.unlink()
        return path

    monkeypatch.setattr(world.reader, "path", removed_at_once)
    with world.reader.open(digest, len(LARGE)) as file:
        assert file.read() == LARGE
    left[0] = 2
    assert world.reader.view("lakes/x/files/a", digest, len(LARGE)).read_bytes() == LARGE
    left[0] = 1000
    with pytest.raises(LocalStorageError, match="was removed"):
        world.reader.open(digest, len(LARGE))


def test_an_object_whose_names_change_while_it_is_verified_is_read(world: World) -> None:
    """Another process makes views of it, or removes them: the bytes are the same all the time."""
    digest = world.admit(LARGE)
    path = world.store.object_path(digest)
    over = threading.Event()

    def link() -> None:
        other = path.with_name("other")
        while not over.is_set():
            os.link(path, other)
            os.unlink(other)

    thread = threading.Thread(target=link)
    thread.start()
    try:
        for _ in range(200):
            world.store.distrust(digest)
            with world.reader.open(digest, len(LARGE)) as file:
                assert file.read(10) == LARGE[:10]
    finally:
        over.set()
        thread.join()


def test_reads_beside_removals(world: World) -> None:
    digest = Digest.of(LARGE)
    path = world.store.object_path(digest)
    over = threading.Event()

    def remove() -> None:
        while not over.wait(0.05):
            path.unlink(missing_ok=True)
            world.store.forget([digest])

    thread = threading.Thread(target=remove)
    thread.start()
    try:
        for _ in range(30):
            with world.reader.open(digest, len(LARGE)) as file:
                same = file.read() == LARGE
            assert same
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("kept", [0, 4, len(SMALL)])
def test_a_damaged_object_of_unknown_size_is_fetched_again(world: World, kept: int) -> None:
    """What a loss of power or a bad disk leaves of a layout has another size than the layout."""
    digest = world.admit(SMALL)
    path = world.store.object_path(digest)
    path.chmod(0o644)
    path.write_bytes(SMALL[:kept][::-1])
    assert world.reader.bring(digest, 100) == len(SMALL)
    assert path.read_bytes() == SMALL
    assert world.reader.bring(digest, 100) == len(SMALL)
    apart = ObjectReader(world.store, None)
    assert apart.bring(digest, 100) == len(SMALL)
    path.chmod(0o644)
    path.write_bytes(SMALL[:3])
    with pytest.raises(CorruptObjectError, match="moved to quarantine"):
        apart.bring(digest, 100)


def test_an_object_that_is_larger_than_it_may_be_is_not_brought(world: World) -> None:
    digest = world.admit(SMALL)
    with pytest.raises(CorruptObjectError):
        world.reader.bring(digest, len(SMALL) - 1)
    with pytest.raises(CorruptObjectError):
        world.reader.bring(Digest.of(LARGE), 1000)
