from __future__ import annotations

import errno
import os
import stat
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.contract import BackendContract, BytesPart, WrongBytesError, WrongPart, pattern
from radops import native
from radops.backends import durability, folder_temp
from radops.backends.base import KeyNotFoundError
from radops.backends.folder import FolderBackend
from radops.backends.folder_errors import translate
from radops.backends.parts import MIB
from radops.errors import (
    FileChangedError,
    LocalStorageError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UnsafeRemoteError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def home(root: Path) -> FolderBackend:
    return FolderBackend(root, part_size=MIB)


def leftovers(root: Path) -> list[str]:
    return os.listdir(root / "tmp") if (root / "tmp").exists() else []


def no_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "no links")


def no_exclusive_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the file system of every folder be one that always replaces."""
    real = native.place_files

    def place_files(pairs: list[tuple[str, str]], *, replace: bool) -> list[OSError | None]:
        if replace:
            return real(pairs, replace=True)
        return [OSError(errno.EINVAL, "no such flag") for _ in pairs]

    monkeypatch.setattr(native, "place_files", place_files)


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
        assert caught.value.hint == "a file stands where a folder is needed"
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
    remote.prepare_root()
    remote.put([("a/b", b"1")])
    os.rename(root, root.with_name("unmounted"))
    check()


# Durability


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
    """Whoever finds such a file later takes it for one that stands, and builds on it."""
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
    home.adopt([(paths[0], "a/b"), (paths[1], "c")])
    assert log[:2] == ["sync temporary", "sync temporary"]
    assert [event.split()[0] for event in log[2:]] == ["rename"] * 2
    for key in ("a/b", "c"):
        entry = home.stat(key)
        assert entry is not None
        assert abs(entry.modified - time.time()) < 5
        assert stat.S_IMODE(home.path(key).stat().st_mode) == 0o444
    assert leftovers(home.root) == []


def test_the_file_system_is_known() -> None:
    assert durability.file_system(Path("/proc/self")) in {"proc", ""}
    assert durability.file_system(Path("/nowhere/at/all")) == durability.file_system(Path("/"))


# Failures


@contextmanager
def small_disk(path: Path) -> Iterator[None]:
    path.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path],
            check=False,
            capture_output=True,
        ).returncode
    ):
        pytest.skip("needs the right to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize("remote", [False, True])
def test_a_full_disk(root: Path, remote: bool) -> None:
    expected = RemoteUnavailableError if remote else LocalStorageError
    with small_disk(root):
        backend = FolderBackend(root, remote=remote, part_size=MIB)
        backend.put([("a", b"1")])
        with pytest.raises(expected, match="No space left") as caught:
            backend.put([("b", pattern(3 * MIB))])
        assert caught.value.hint == "make room on that disk"
        with pytest.raises(expected):
            backend.create([("b", pattern(3 * MIB))])
        with pytest.raises(expected):  # before anything was sent
            backend.upload("c", 3 * MIB)
        assert [entry.key for entry in backend.list("")] == ["a"]
        assert leftovers(root) == []
        backend.close()


def test_a_full_disk_in_the_middle_of_an_upload(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = home.upload("a", 10)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(LocalStorageError, match="No space left"):
            upload.write(0, BytesPart(bytes(10)))
    upload.abort()
    assert leftovers(home.root) == []


def test_errors_of_a_part_are_not_taken_for_the_disks(home: FolderBackend) -> None:
    upload = home.upload("a", 10)
    error = OSError(errno.ENOSPC, "of the source")
    with pytest.raises(OSError, match="of the source") as caught:
        upload.write(0, WrongPart(bytes(10), 0, error))
    assert caught.value is error
    with pytest.raises(WrongBytesError):
        upload.write(0, WrongPart(bytes(10), 0, WrongBytesError()))
    upload.abort()


def as_nobody(work: Callable[[], object]) -> int:
    """Run in a child without root's rights; its exit status."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
            status = 0
        except LocalStorageError:
            status = LocalStorageError.exit_code
        except RemoteRefusedError:
            status = RemoteRefusedError.exit_code
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_permission_denied(tmp_path: Path) -> None:
    for path in [tmp_path, *tmp_path.parents]:
        if path.owner() == Path(tmp_path).owner() and path != Path(path.anchor):
            path.chmod(path.stat().st_mode | 0o055)
    root = tmp_path / "store"
    FolderBackend(root).put([("a/b", b"1")])
    for folder in ("tmp", "a", "."):  # where this user is nobody already, it owns them
        (root / folder).chmod(0o555)
    for remote, code in ((False, 8), (True, 7)):
        backend = FolderBackend(root, remote=remote)
        assert as_nobody(lambda: backend.open("a/b").read()) == 0  # noqa: B023
        assert as_nobody(lambda: backend.put([("a/c", b"1")])) == code  # noqa: B023
        assert as_nobody(lambda: backend.create([("a/c", b"1")])) == code  # noqa: B023
        assert as_nobody(lambda: backend.upload("a/c", 1)) == code  # noqa: B023
        assert as_nobody(lambda: backend.delete(["a/b"])) == code  # noqa: B023
    (root / "a/b").chmod(0)
    assert as_nobody(lambda: FolderBackend(root).open("a/b")) == 8
    (root / "a").chmod(0)
    assert as_nobody(lambda: list(FolderBackend(root).list(""))) == 8
    assert as_nobody(lambda: FolderBackend(root).stat("a/b")) == 8


@pytest.mark.parametrize(
    ("number", "local", "remote"),
    [
        (errno.ENOSPC, LocalStorageError, RemoteUnavailableError),
        (errno.EDQUOT, LocalStorageError, RemoteUnavailableError),
        (errno.EIO, LocalStorageError, RemoteUnavailableError),
        (errno.ESTALE, LocalStorageError, RemoteUnavailableError),
        (errno.EROFS, LocalStorageError, RemoteRefusedError),
        (errno.EACCES, LocalStorageError, RemoteRefusedError),
        (errno.EPERM, LocalStorageError, RemoteRefusedError),
        (errno.ENOTDIR, LocalStorageError, RemoteRefusedError),
    ],
)
def test_what_errors_mean(number: int, local: type, remote: type) -> None:
    error = OSError(number, os.strerror(number), "/store/a")
    for is_remote, expected in ((False, local), (True, remote)):
        translated = translate(error, Path("/store"), remote=is_remote)
        assert type(translated) is expected
        assert str(translated) == f"/store/a: {os.strerror(number)}"


def test_a_file_system_that_cannot_create_once(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.EINVAL, "no such flag")

    no_exclusive_rename(monkeypatch)
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(native, "rename_noreplace", unknown)
    with pytest.raises(UnsafeRemoteError, match="only if it is absent"):
        home.create([("a", b"1")])
    assert list(home.list("")) == []
    assert leftovers(home.root) == []


def test_a_link_that_was_made_though_its_reply_was_lost(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: str, target: str) -> None:
        real(source, target)
        raise FileExistsError(errno.EEXIST, "as NFS says to a repeated request")

    no_exclusive_rename(monkeypatch)
    monkeypatch.setattr(os, "link", link)
    assert home.create([("a", b"1")]) == [True]


def test_a_file_that_shrinks_while_it_is_read(home: FolderBackend) -> None:
    home.put([("a", pattern(100))])
    with home.open("a") as reader:
        reader.read(10)
        os.chmod(home.root / "a", 0o644)
        os.truncate(home.root / "a", 50)
        with pytest.raises(FileChangedError):
            reader.read()


# Leftovers


def test_remove_stale(home: FolderBackend) -> None:
    home.put([("a", b"1")])
    tmp = home.root / "tmp"
    host, old = folder_temp.host_name(), time.time() - 7200
    gone = subprocess.Popen(["true"])
    gone.wait()
    names = {
        f"{host}.{gone.pid}.00ff-1": (old, True),  # its process is gone
        f"{host}.{gone.pid}.00ff-2": (time.time(), False),  # or is it of another container?
        f"{host}.{os.getpid()}.00ff-3": (old, False),  # is being written
        f"{host}.{os.getpid()}.00ff-4": (old - 1e6, True),
        "elsewhere.1.00ff-5": (old, False),
        "elsewhere.1.00ff-6": (old - 1e6, True),
        "partial-abc": (old - 1e6, False),  # not ours
    }
    for name, (modified, _) in names.items():
        (tmp / name).touch()
        os.utime(tmp / name, (modified, modified))
    assert home.remove_stale(86_400) == 3
    assert set(os.listdir(tmp)) == {name for name, (_, goes) in names.items() if not goes}


def test_temporary_names_tell_who_made_them() -> None:
    names = folder_temp.TemporaryNames()
    (first,), others = names.take(1), names.take(2)
    assert len({first, *others}) == 3
    assert folder_temp.owner_of(first) == (folder_temp.host_name(), os.getpid())
    assert folder_temp.owner_of("partial-abc") is None


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
