"""Failures of the disk and of the file system, and what they are called."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, WrongBytesError, WrongPart, pattern
from backends.folder.folders import leftovers, no_exclusive_rename, no_links
from radops import native
from radops.backends.folder.backend import FolderBackend
from radops.backends.folder.errors import translate
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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter. Not `tmp_path`: each pytest closes what is above it."""
    with tempfile.TemporaryDirectory(prefix="radops-open-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_permission_denied(open_folder: Path) -> None:
    root = open_folder / "store"
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
    no_exclusive_rename(monkeypatch)
    monkeypatch.setattr(os, "link", no_links)
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


# File systems that can do less


def refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_file_system_that_refuses_modes_and_times(
    home: FolderBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As gcsfuse and CIFS do."""
    new, old = home.new_temporaries(2)
    new.write_bytes(b"1")
    old.write_bytes(b"2")
    os.utime(old, (0, 0))
    for name in ("chmod", "fchmod", "utime"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(
        native, "finish_files", lambda paths, **_: [OSError(errno.EPERM, "no") for _ in paths]
    )
    home.adopt([(new, "a")])
    assert home.stat("a") is not None
    with pytest.raises(LocalStorageError):  # it would look older than the collector's grace
        home.adopt([(old, "b")])
    assert home.stat("b") is None


def test_a_kernel_without_syncfs(home: FolderBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> bool:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(native, "sync_filesystem", unknown)
    assert all(home.create([(f"{number}/x", b"1") for number in range(50)]))
    home.flush()
