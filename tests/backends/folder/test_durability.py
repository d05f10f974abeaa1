"""What is synced, and when, so that no name points to bytes that a crash takes away."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart
from backends.folder.folders import leftovers
from radops import native
from radops.backends import durability
from radops.backends.folder.backend import FolderBackend
from radops.errors import (
    LocalStorageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, home: FolderBackend) -> list[str]:
    """What is synced, linked and renamed, in order; temporary files are called "temporary"."""
    home.now()  # so that it is there: the folder above it is synced too
    events: list[str] = []

    def name(path: object) -> str:
        text = os.fspath(path)
        parent, last = os.path.split(text)
        return "temporary" if os.path.basename(parent) == "tmp" else last

    def noting(verb: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            events.append(f"{verb} {' '.join(name(arg) for arg in args)}")
            return real(*args)

        return call

    monkeypatch.setattr(durability, "sync_path", noting("sync", durability.sync_path))
    monkeypatch.setattr(os, "link", noting("link", os.link))
    monkeypatch.setattr(os, "rename", noting("rename", os.rename))
    real_place = native.place_files

    def place_files(pairs: list[tuple[str, str]], *, replace: bool) -> list[OSError | None]:
        verb = "rename" if replace else "create"
        events.extend(f"{verb} {name(old)} {name(new)}" for old, new in pairs)
        return real_place(pairs, replace=replace)

    monkeypatch.setattr(native, "place_files", place_files)
    real_sync = native.sync_filesystem

    def sync_filesystem(descriptor: int) -> bool:
        events.append("sync all")
        return real_sync(descriptor)

    monkeypatch.setattr(native, "sync_filesystem", sync_filesystem)
    return events


def test_content_is_durable_before_its_name(home: FolderBackend, log: list[str]) -> None:
    home.create([("a/b", b"1")])
    assert log == ["sync temporary", "create temporary b"]
    log.clear()
    home.flush()
    assert sorted(log) == ["sync a", "sync store"]
    log.clear()
    home.flush()
    assert log == []
    home.put([("a/b", b"2")])
    assert log == ["sync temporary", "rename temporary b"]
    log.clear()
    home.delete(["a/b"])
    home.flush()
    assert log == ["sync a", "sync store"] or log == ["sync store", "sync a"]


def test_a_large_batch_has_one_barrier(home: FolderBackend, log: list[str]) -> None:
    home.create([(f"{number}/x", b"1") for number in range(100)])
    assert log[0] == "sync all"
    assert log[1:] == ["create temporary x"] * 100
    log.clear()
    home.flush()
    assert log == ["sync all"]


def test_without_syncfs_every_file_and_folder_is_synced(
    home: FolderBackend, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "sync_filesystem", lambda _: False)
    home.create([(f"{number}/x", b"1") for number in range(100)])
    assert log[:100] == ["sync temporary"] * 100
    log.clear()
    home.flush()
    assert sorted(log) == sorted([f"sync {number}" for number in range(100)] + ["sync store"])


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_a_whole_folder_is_made_durable(
    home: FolderBackend, log: list[str], monkeypatch: pytest.MonkeyPatch, has_syncfs: bool
) -> None:
    if not has_syncfs:
        monkeypatch.setattr(native, "sync_filesystem", lambda _: False)
    top = home.root / "tmp" / "made"
    (top / "a/b").mkdir(parents=True)
    (top / "a/link").symlink_to("nowhere")
    names = [f"a/b/{number}" for number in range(3)]
    for name in names:
        (top / name).write_bytes(b"1")
    home.sync_tree(top)
    assert sorted(log) == ["sync 0", "sync 1", "sync 2", "sync a", "sync b", "sync temporary"]
    log.clear()
    for number in range(3, 20):
        (top / f"a/{number}").write_bytes(b"1")
    home.sync_tree(top)
    assert log == ["sync all"] if has_syncfs else len(log) == 23


def test_a_flush_that_failed_is_still_to_be_done(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.create([("a/b", b"1")])
    real = durability.sync_path

    def fail(path: str) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    monkeypatch.setattr(durability, "sync_path", fail)
    with pytest.raises(LocalStorageError):
        home.flush()
    synced: list[str] = []
    monkeypatch.setattr(durability, "sync_path", lambda path: (synced.append(path), real(path)))
    home.flush()
    assert sorted(synced) == [str(home.root), str(home.root / "a")]


@pytest.mark.parametrize("write", ["put", "create"])
def test_what_a_batch_that_failed_has_named_is_flushed(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    """A process that finds such a file later takes it for a finished one, and builds on it."""
    (home.root / "c/d").mkdir(parents=True)
    with pytest.raises(LocalStorageError):
        getattr(home, write)([("a/b", b"1"), ("c/d", b"2")])
    assert home.stat("a/b") is not None
    synced: list[str] = []
    monkeypatch.setattr(durability, "sync_path", synced.append)
    home.flush()
    assert str(home.root / "a") in synced


def test_an_upload_is_durable_before_its_name(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.now()
    events: list[str] = []
    real_sync, real_place = os.fsync, native.place_files

    def place_files(pairs: list[tuple[str, str]], *, replace: bool) -> list[OSError | None]:
        events.append("rename")
        return real_place(pairs, replace=replace)

    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("sync"), real_sync(fd)))
    monkeypatch.setattr(native, "place_files", place_files)
    upload = home.upload("a", 1)
    upload.write(0, BytesPart(b"1"))
    assert events == []
    upload.commit()
    assert events == ["sync", "rename"]


def test_adopt(home: FolderBackend, log: list[str]) -> None:
    paths = home.new_temporaries(2)
    for path in paths:
        path.write_bytes(b"1")
        os.utime(path, (0, 0))
    before = time.time()
    home.adopt([(paths[0], "a/b"), (paths[1], "c")])
    after = time.time()
    assert log[:2] == ["sync temporary", "sync temporary"]
    assert [event.split()[0] for event in log[2:]] == ["rename"] * 2
    for key in ("a/b", "c"):
        entry = home.stat(key)
        assert entry is not None
        assert before - 5 < entry.modified < after + 5
        assert stat.S_IMODE(home.path(key).stat().st_mode) == 0o444
    assert leftovers(home.root) == []


def test_the_file_system_is_known() -> None:
    assert durability.file_system(Path("/proc/self")) in {"proc", ""}
    assert durability.file_system(Path("/nowhere/at/all")) == durability.file_system(Path("/"))


def test_what_others_wrote_is_made_durable_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process was killed before it came to flush; another finds its files and builds on them."""
    FolderBackend(tmp_path).put([("a/b", b"1"), ("c/d", b"2")])
    other = FolderBackend(tmp_path)
    other.put([("e", b"3")])
    other.include(["a/b", "not/there"])
    assert other.create([("c/d", b"4")]) == [False]
    synced: list[str] = []
    monkeypatch.setattr(durability, "sync_path", synced.append)
    other.flush()
    assert {str(tmp_path / "a"), str(tmp_path / "c"), str(tmp_path)} <= set(synced)


def test_a_new_root_is_durable_before_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(durability, "sync_path", synced.append)
    FolderBackend(tmp_path / "home/storage").put([("a", b"1")])
    assert str(tmp_path) in synced
    assert str(tmp_path / "home") in synced
