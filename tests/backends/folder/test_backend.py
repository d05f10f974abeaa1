"""The contract of backends on folders; names that lead elsewhere, and roots that are missing."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart
from backends.contract import BackendContract
from backends.folder.folders import leftovers, no_exclusive_rename, no_links
from radops import native
from radops.backends import durability
from radops.backends.base import KeyNotFoundError
from radops.backends.folder.backend import FolderBackend
from radops.backends.parts import MIB
from radops.errors import (
    LocalStorageError,
    RemoteUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class TestFolder(BackendContract):
    @pytest.fixture
    def backend(self, root: Path) -> Iterator[FolderBackend]:
        backend = FolderBackend(root, part_size=MIB)
        yield backend
        assert leftovers(root) == []


class TestRemoteFolder(TestFolder):
    @pytest.fixture
    def backend(self, root: Path) -> FolderBackend:
        root.mkdir()
        return FolderBackend(root, remote=True, part_size=MIB)


class TestGroupFolder(TestFolder):
    @pytest.fixture
    def backend(self, root: Path) -> Iterator[FolderBackend]:
        before = os.umask(0o077)
        yield FolderBackend(root, shared="group", part_size=MIB)
        os.umask(before)
        for path in root.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert mode == (0o2775 if path.is_dir() else 0o444), path


class TestFolderWithoutLinks(TestFolder):
    """As on some network folders: there is the exclusive rename instead."""

    @pytest.fixture
    def backend(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> FolderBackend:
        monkeypatch.setattr(os, "link", no_links)
        monkeypatch.setattr(durability, "file_system", lambda _: "cifs")
        return FolderBackend(root, part_size=MIB)


class TestFolderWithoutExclusiveRename(TestFolder):
    @pytest.fixture
    def backend(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> FolderBackend:
        no_exclusive_rename(monkeypatch)
        return FolderBackend(root, part_size=MIB)


class TestNetworkFolder(TestFolder):
    """As on NFS: no `syncfs`, and a clock that may not be ours."""

    @pytest.fixture
    def backend(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> FolderBackend:
        monkeypatch.setattr(durability, "file_system", lambda _: "nfs4")
        monkeypatch.setattr(native, "sync_filesystem", None)
        return FolderBackend(root, part_size=MIB)


# Names


@pytest.mark.parametrize(
    "key",
    [
        *["", "/", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "a/", "a\\..\\b", "a\0b"],
        *["tmp", "tmp/x", "./x", "x/."],
    ],
)
def test_no_key_leads_outside(home: FolderBackend, key: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: home.stat(key),
        lambda: home.open(key),
        lambda: home.path(key),
        lambda: home.put([(key, b"")]),
        lambda: home.create([(key, b"")]),
        lambda: home.upload(key, 1),
        lambda: home.move(key, "a"),
        lambda: home.move("a", key),
        lambda: home.delete([key]),
        lambda: home.adopt([(Path("x"), key)]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="key"):
            call()
    assert not home.root.exists()


def test_modes_follow_the_umask(home: FolderBackend) -> None:
    before = os.umask(0o027)
    try:
        home.create([("a/b", b"1")])
        home.put([("c", b"1")])
    finally:
        os.umask(before)
    assert stat.S_IMODE((home.root / "a/b").stat().st_mode) == 0o440
    assert stat.S_IMODE((home.root / "c").stat().st_mode) == 0o440
    assert stat.S_IMODE((home.root / "a").stat().st_mode) == 0o750


def test_what_is_no_regular_file_is_not_there(home: FolderBackend, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_bytes(b"secret")
    home.put([("real", b"1")])
    os.mkfifo(home.root / "fifo")
    (home.root / "link").symlink_to(secret / "file")
    (home.root / "inside").symlink_to(home.root / "real")
    (home.root / "dangling").symlink_to(tmp_path / "nowhere")
    (home.root / "folder").symlink_to(secret)
    (home.root / "empty" / "er").mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(home.root) + b"/\xff")).touch()
    (home.root / "back\\slash").touch()
    for key in ("fifo", "link", "inside", "dangling", "folder", "empty", "empty/er"):
        assert home.stat(key) is None
        with pytest.raises(KeyNotFoundError):
            home.open(key)
        with pytest.raises(KeyNotFoundError):
            home.move(key, "x")
        if key != "empty/er":
            with pytest.raises(LocalStorageError):
                home.create([(key, b"")])
    for recursive in (True, False):
        assert [entry.key for entry in home.list("", recursive=recursive)] == ["real"]
    assert (secret / "file").read_bytes() == b"secret"
    assert leftovers(home.root) == []


def test_a_file_where_a_folder_is_needed(home: FolderBackend) -> None:
    home.put([("a", b"1")])
    for call in (home.put, home.create):
        with pytest.raises(LocalStorageError, match="a/b") as caught:
            call([("a/b", b"2")])
        assert caught.value.hint == "there is a file where a folder is needed"
    upload = home.upload("a/b/c", 1)
    upload.write(0, BytesPart(b"1"))
    with pytest.raises(LocalStorageError):
        upload.commit()
    upload.abort()
    with pytest.raises(LocalStorageError):
        home.move("a", "a/b")
    assert [entry.key for entry in home.list("")] == ["a"]
    assert leftovers(home.root) == []


def test_a_folder_where_a_file_is_needed(home: FolderBackend) -> None:
    home.put([("a/b", b"1")])
    with pytest.raises(LocalStorageError):
        home.put([("a", b"2")])
    with pytest.raises(LocalStorageError):
        home.create([("a", b"2")])
    assert leftovers(home.root) == []


def test_own_temporary_files_are_not_listed(home: FolderBackend) -> None:
    home.put([("tmpfile", b""), ("a/tmp/b", b"")])
    upload = home.upload("b", 1)
    assert leftovers(home.root) != []
    assert sorted(entry.key for entry in home.list("")) == ["a/tmp/b", "tmpfile"]
    assert [entry.key for entry in home.list("t", recursive=False)] == ["tmpfile"]
    assert list(home.list("tmp/")) == []
    upload.abort()


def test_move_between_two_links_to_one_file(home: FolderBackend) -> None:
    home.put([("a", b"1")])
    os.link(home.root / "a", home.root / "b")
    home.move("a", "b")
    assert [entry.key for entry in home.list("")] == ["b"]


def test_folders_come_and_go_under_creators(home: FolderBackend) -> None:
    end = time.monotonic() + 1.5
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            while time.monotonic() < end:
                key = f"a/b/c/d/{number}"
                assert home.create([(key, b"1")]) == [True]
                home.move(key, f"x/y/{number}")
                home.delete([f"x/y/{number}"])
                home.flush()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    def look() -> None:
        try:
            while time.monotonic() < end:
                list(home.list(""))
                list(home.list("a/b", recursive=False))
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    threads.append(threading.Thread(target=look))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(home.root) == ["tmp"]


# The root


def test_a_home_that_is_not_there_is_empty(home: FolderBackend) -> None:
    assert home.stat("a") is None
    assert list(home.list("")) == []
    with pytest.raises(KeyNotFoundError):
        home.open("a")
    home.delete(["a"])
    home.flush()
    assert home.remove_stale(0) == 0
    assert not home.root.exists()


def test_a_remote_that_is_not_there_is_an_error(root: Path) -> None:
    remote = FolderBackend(root, remote=True)

    def check() -> None:
        calls: list[Callable[[], object]] = [
            lambda: remote.stat("a"),
            lambda: remote.open("a"),
            lambda: list(remote.list("")),
            lambda: remote.put([("a", b"")]),
            lambda: remote.create([("a/b", b"")]),
            lambda: remote.upload("a", 1),
            lambda: remote.move("a", "b"),
            lambda: remote.delete(["a"]),
        ]
        for call in calls:
            with pytest.raises(RemoteUnavailableError, match="there is no folder") as caught:
                call()
            assert caught.value.hint == "mount it, or make it"
        assert not root.exists()

    check()
    assert remote.create_root()
    assert not remote.create_root()
    remote.put([("a/b", b"1")])
    os.rename(root, root.with_name("unmounted"))
    check()


def test_files_that_were_removed_while_they_were_open_are_no_keys(home: FolderBackend) -> None:
    """As NFS and FUSE keep them, by a name of their own, until they are closed."""
    home.put([("a/b", b"1"), ("c/d", b"1"), (".nfs/real", b"1")])
    home.delete(["c/d"])
    for folder in ("a", "c"):
        (home.root / folder).mkdir(exist_ok=True)
        (home.root / folder / ".nfs0000000000a1b2c300000001").write_bytes(b"1")
        (home.root / folder / ".fuse_hidden0000a1b200000001").write_bytes(b"1")
    assert sorted(entry.key for entry in home.list("")) == [".nfs/real", "a/b"]
    assert sorted(entry.key for entry in home.list("", recursive=False)) == [".nfs/", "a/"]
    home.delete(["a/b"])
    assert (home.root / "a").is_dir()
    assert sorted(entry.key for entry in home.list("")) == [".nfs/real"]
    home.put([("a/b", b"2")])
    assert home.stat("a/b") is not None


def test_many_files_are_moved_at_once(home: FolderBackend) -> None:
    home.put([("a/1", b"1"), ("a/2", b"2"), ("b/3", b"3")])
    (home.root / "folder").mkdir()
    pairs = [("a/1", "x/1"), ("a/absent", "x/2"), ("b/3", "x/3"), ("folder", "x/4"), ("a/2", "a/2")]
    assert home.move_all(pairs) == [True, False, True, False, True]
    assert sorted(entry.key for entry in home.list("")) == ["a/2", "x/1", "x/3"]
    assert not (home.root / "b").exists()
    os.link(home.root / "x/1", home.root / "y")
    assert home.move_all([("x/1", "y")]) == [True]
    assert sorted(entry.key for entry in home.list("")) == ["a/2", "x/3", "y"]


def test_many_files_get_new_names(home: FolderBackend) -> None:
    paths = [str(path) for path in home.new_temporaries(4)]
    for number, path in enumerate(paths[:3]):
        Path(path).write_text(f"{number}")
    home.put([("files/b", b"before")])
    (home.root / "files/folder").mkdir()
    names = ["files/new/a", "files/b", "files/folder", "files/absent"]
    answers = home.rename_all(list(zip(paths, names, strict=True)))
    assert list(answers[:2]) == [None, None]
    assert isinstance(answers[2], IsADirectoryError)
    assert isinstance(answers[3], FileNotFoundError)
    assert (home.root / "files/new/a").read_text() == "0"
    assert (home.root / "files/b").read_text() == "1"
    assert Path(paths[2]).read_text() == "2"
    Path(paths[2]).unlink()
    (home.root / "files/folder").rmdir()


@pytest.mark.parametrize("name", ["", "..", "a/../../b", "a//b", "/a", "a/", "./a", "a\0b"])
def test_a_name_that_could_be_outside_is_refused(home: FolderBackend, name: str) -> None:
    home.put([("a/b", b"1")])
    (home.root.parent / "b").write_bytes(b"outside")
    calls: list[Callable[[str], object]] = [
        *(home.lstat, home.unlink, lambda name: home.rename(home.root / "a/b", name)),
        lambda name: home.rename_all([(str(home.root / "a/b"), name)]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="not a name below a folder"):
            call(name)
    assert (home.root.parent / "b").read_bytes() == b"outside"
