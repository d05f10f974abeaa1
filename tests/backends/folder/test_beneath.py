"""A shared folder, or the home of a group, where a member puts links in the place of folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart
from radops import native
from radops.backends.base import KeyNotFoundError
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake
from radops.errors import LocalStorageError, RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ERRORS = (RemoteRefusedError, RemoteUnavailableError, LocalStorageError, KeyNotFoundError)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """What lies outside the shared folder: the objects of another lake."""
    folder = tmp_path / "elsewhere"
    (folder / "b").mkdir(parents=True)
    (folder / "x").write_bytes(b"theirs")
    (folder / "b/y").write_bytes(b"theirs")
    return folder


def open_shared(root: Path, kind: str) -> FolderBackend:
    return (
        FolderBackend(root, remote=True)
        if kind == "remote"
        else FolderBackend(root, shared="group")
    )


@pytest.fixture(params=["remote", "group home"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["local", "network"])
def remote(tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch) -> FolderBackend:
    if request.param == "network":  # then names are made by links
        monkeypatch.setattr("radops.backends.durability.file_system", lambda _: "nfs4")
    (tmp_path / "shared").mkdir()
    remote = open_shared(tmp_path / "shared", kind)
    remote.put([("mine", b"1"), ("c/d", b"2")])
    return remote


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("relative", [False, True])
def test_a_link_in_the_place_of_a_folder_leads_nowhere(
    remote: FolderBackend, elsewhere: Path, relative: bool
) -> None:
    target = os.path.relpath(elsewhere, remote.root) if relative else str(elsewhere)
    (remote.root / "a").symlink_to(target)
    before = snapshot(elsewhere)
    for key in ("a/x", "a/b/y"):
        assert remote.stat(key) is None
        with pytest.raises(KeyNotFoundError):
            remote.open(key)
        with pytest.raises(KeyNotFoundError):
            remote.move(key, "stolen")
        remote.delete([key])
    assert sorted(entry.key for entry in remote.list("")) == ["c/d", "mine"]
    assert list(remote.list("a/")) == []
    for key in ("a/new", "a/b/new", "a/deep/new", "a/x"):
        with pytest.raises(ERRORS):
            remote.put([(key, b"0")])
        with pytest.raises(ERRORS):
            remote.create([(key, b"0")])
        with pytest.raises(ERRORS):
            remote.move("mine", key)
        upload = remote.upload(key, 1)
        upload.write(0, BytesPart(b"0"))
        with pytest.raises(ERRORS):
            upload.commit()
        upload.abort()
    assert snapshot(elsewhere) == before
    assert (elsewhere / "b").is_dir()
    assert remote.stat("mine") is not None
    assert os.listdir(remote.root / "tmp") == []


def test_a_link_in_the_place_of_the_folder_of_unfinished_files(
    remote: FolderBackend, kind: str, elsewhere: Path
) -> None:
    (remote.root / "tmp").rmdir()
    (remote.root / "tmp").symlink_to(elsewhere)
    before = snapshot(elsewhere)
    for remote_ in (remote, open_shared(remote.root, kind)):
        for call in (remote_.put, remote_.create):
            with pytest.raises(ERRORS):
                call([("new", b"0")])
        with pytest.raises(ERRORS):
            remote_.upload("new", 1)
        with pytest.raises(ERRORS):
            remote_.new_temporaries(1)
        assert remote_.remove_stale(0) == 0
    assert snapshot(elsewhere) == before


def test_a_folder_that_becomes_a_link_at_any_moment(remote: FolderBackend, elsewhere: Path) -> None:
    """A check before the use would be too early: the link comes between the two."""
    before = snapshot(elsewhere)
    over = threading.Event()
    place, real, link = remote.root / "a", remote.root / "real", remote.root / "link"
    real.mkdir()
    link.symlink_to(elsewhere)

    def swap() -> None:
        while not over.is_set():
            for other in (real, link):
                with contextlib.suppress(OSError):
                    os.rename(other, place)
                    os.rename(place, other)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(600):
            with contextlib.suppress(*ERRORS):
                remote.put([(f"a/{number}", b"0")])
            with contextlib.suppress(*ERRORS):
                remote.create([(f"a/c{number}", b"0")])
            remote.delete(["a/x", "a/b/y", f"a/{number}"])
            assert remote.stat("a/x") is None
            for entry in remote.list("a/"):
                assert entry.key not in ("a/x", "a/b/y")
    finally:
        over.set()
        thread.join()
    assert snapshot(elsewhere) == before


def test_the_root_itself_may_be_reached_by_a_link(
    tmp_path: Path, kind: str, remote: FolderBackend
) -> None:
    (tmp_path / "mount").symlink_to(remote.root)
    other = open_shared(tmp_path / "mount", kind)
    other.put([("a/b", b"1")])
    assert sorted(entry.key for entry in remote.list("")) == ["a/b", "c/d", "mine"]


def test_many_files_are_one_call(remote: FolderBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []

    def noting(name: str, real: Callable[..., list[OSError | None]]):
        def call(items, **options) -> list[OSError | None]:
            calls.append((name, len(items)))
            assert options["beneath"] == str(remote.root)
            return real(items, **options)

        return call

    for name in ("write_files", "place_files", "remove_files"):
        monkeypatch.setattr(native, name, noting(name, getattr(native, name)))
    items = [(f"{number % 7}/{number}", b"1") for number in range(50)]
    assert remote.create(items) == [True] * 50
    assert remote.create(items[:1]) == [False]
    remote.put(items)
    remote.delete([key for key, _ in items])
    assert [call for call in calls if call[1] > 1] == [
        ("write_files", 50),
        ("place_files", 50),
        ("write_files", 50),
        ("place_files", 50),
        ("remove_files", 50),
    ]
    assert sorted(entry.key for entry in remote.list("")) == ["c/d", "mine"]
    assert sorted(os.listdir(remote.root)) == ["c", "mine", "tmp"]
    assert os.listdir(remote.root / "tmp") == []


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_remote_that_a_group_can_write_to_stays_so(tmp_path: Path, umask: int) -> None:
    """Whatever the umask of the member whose command makes a folder or a file."""
    root = tmp_path / "shared"
    root.mkdir()
    root.chmod(0o2770)
    remote = FolderBackend(root, remote=True)
    before = os.umask(umask)
    try:
        remote.put([("a/b/c", b"1")])
        remote.create([("d/e", b"1")])
        upload = remote.upload("f/g", 1)
        upload.write(0, BytesPart(b"1"))
        upload.commit()
    finally:
        os.umask(before)
    for path in root.rglob("*"):
        expected = 0o2770 if path.is_dir() else 0o440
        assert path.stat().st_mode & 0o7777 == expected, path


def test_views_of_a_group_home_stay_in_it(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/config.toml").write_text('shared = "group"\n')
    lake = DataLake(home=tmp_path / "home")
    (tmp_path / "source").write_bytes(b"mine")
    lake.add(tmp_path / "source", "b/y")
    assert lake.path("b/y").read_bytes() == b"mine"
    (views,) = (tmp_path / "home/storage/lakes").glob("*/files")
    shutil.rmtree(views)
    views.symlink_to(elsewhere)
    before = snapshot(elsewhere)
    lake.delete("b/y")
    assert snapshot(elsewhere) == before
    lake.add(tmp_path / "source", "b/z")
    with contextlib.suppress(LocalStorageError):
        assert lake.path("b/z").read_bytes() == b"mine"
    assert snapshot(elsewhere) == before
