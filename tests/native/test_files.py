"""Copies, checks and the few bare system calls, through the Python face."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from privileges import stopped_by_permissions
from radops import native

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = native.BLOCK_SIZE


def digest(data: bytes) -> bytes:
    return blake3(data).digest()


def test_a_copy(tmp_path: Path) -> None:
    for size in (0, 1, MIB, 5 * MIB + 3):
        data = os.urandom(size)
        source, target = tmp_path / f"source{size}", tmp_path / f"target{size}"
        source.write_bytes(data)
        copied = native.copy_file(source, target)
        found = target.stat()
        assert target.read_bytes() == data
        assert copied.digest == digest(data)
        assert stat.S_IMODE(found.st_mode) == 0o444
        assert (copied.size, copied.mtime_ns, copied.ctime_ns, copied.inode) == (
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
            found.st_ino,
        )
        with pytest.raises(FileExistsError) as caught:
            native.copy_file(source, target)
        assert caught.value.filename == str(target)
    native.copy_file(source, tmp_path / "other", mode=0o640)
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o640


def test_many_copies(tmp_path: Path) -> None:
    pairs = [(tmp_path / f"source{number}", tmp_path / f"target{number}") for number in range(300)]
    for number, (source, _) in enumerate(pairs[:-1]):
        source.write_bytes(bytes([number % 256]) * number)
    answers = native.copy_files([(str(source), target) for source, target in pairs])
    assert isinstance(answers[-1], FileNotFoundError)
    assert not pairs[-1][1].exists()
    for (source, target), answer in zip(pairs[:-1], answers, strict=False):
        assert isinstance(answer, native.FileHash)
        assert answer.digest == digest(source.read_bytes()) == digest(target.read_bytes())


def test_checks(tmp_path: Path) -> None:
    data = os.urandom(4 * MIB)
    good, short, flipped = (tmp_path / name for name in ("good", "short", "flipped"))
    good.write_bytes(data)
    short.write_bytes(data[1:])
    flipped.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    paths = [good, short, flipped, tmp_path / "missing", tmp_path]
    checks = native.check_files([(path, len(data), digest(data)) for path in paths])
    states = [check.state for check in checks]
    assert states == ["ok", "size", "bytes", "missing", "unreadable"]
    for check, path in zip(checks[:3], paths, strict=False):
        found = path.stat()
        assert (check.size, check.mtime_ns, check.ctime_ns, check.inode) == (
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
            found.st_ino,
        )
        assert check.message == ""
    assert checks[4].message == "Is a directory"
    with pytest.raises(ValueError, match="32 bytes"):
        native.check_files([(good, len(data), b"short")])


@stopped_by_permissions
def test_a_check_of_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    path.chmod(0)
    (check,) = native.check_files([(path, 3, digest(b"abc"))])
    assert (check.state, check.message) == ("unreadable", "Permission denied")


@pytest.mark.parametrize(
    "use",
    [
        native.hash_file,
        lambda path: native.copy_file(path, f"{path}.target"),
        lambda path: native.reflink(path, f"{path}.target"),
        lambda path: native.bad_blocks(path, 2 * MIB, bytes(64)),
    ],
    ids=["hash", "copy", "reflink", "bad_blocks"],
)
def test_special_files_are_refused_at_once(use: Callable[[Path], object], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="Not a regular file") as caught:
        use(fifo)
    assert caught.value.errno == errno.EINVAL
    assert caught.value.filename == str(fifo)
    with pytest.raises(IsADirectoryError):
        use(tmp_path)
    if len(str(tmp_path)) < 90:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(tmp_path / "socket"))
            with pytest.raises(OSError, match="socket"):
                use(tmp_path / "socket")
    assert not list(tmp_path.glob("*.target"))


def test_a_file_that_changes_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(8 * MIB))
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            os.truncate(path, 5 * MIB)
            os.truncate(path, 8 * MIB)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        seen: list[native.FileChangedError] = []
        states: set[str] = set()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                native.copy_file(path, tmp_path / "target")
                (tmp_path / "target").unlink()
            except native.FileChangedError as error:
                seen.append(error)
            assert not (tmp_path / "target").exists()
            (check,) = native.check_files([(path, 8 * MIB, digest(bytes(8 * MIB)))])
            states.add(check.state)
            if seen and "changed" in states:
                break
    finally:
        stop.set()
        changer.join()
    assert seen[0].filename == str(path)
    assert isinstance(seen[0], OSError)
    assert "changed" in states
    assert "bytes" not in states
    copy = pickle.loads(pickle.dumps(seen[0]))
    assert (type(copy), copy.args) == (native.FileChangedError, seen[0].args)


def test_a_limit_on_sizes_is_told_and_leaves_no_target(tmp_path: Path) -> None:
    program = """
import resource, signal, sys
from radops import native
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
source, target = sys.argv[1:]
try:
    native.copy_file(source, target)
except OSError as error:
    print(error.errno, error.filename)
(answer,) = native.copy_files([(source, target)])
print(answer.errno, answer.filename)
"""
    source, target = tmp_path / "source", tmp_path / "target"
    for size in (2 * MIB, 9 * MIB):
        source.write_bytes(bytes(size))
        output = subprocess.check_output([sys.executable, "-c", program, source, target], text=True)
        assert output.splitlines() == [f"{errno.EFBIG} {target}"] * 2
        assert not target.exists()


def test_rename_noreplace(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"old")
    native.rename_noreplace(old, new)
    old.write_bytes(b"other")
    with pytest.raises(FileExistsError) as caught:
        native.rename_noreplace(old, new)
    assert (caught.value.filename, caught.value.filename2) == (str(old), str(new))
    assert new.read_bytes() == b"old"
    with pytest.raises(FileNotFoundError):
        native.rename_noreplace(tmp_path / "missing", tmp_path / "free")


def test_reflink_or_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"abc" * 5000)
    source.chmod(0o640)
    if native.reflink(source, target):
        assert target.read_bytes() == source.read_bytes()
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        with pytest.raises(FileExistsError):
            native.reflink(source, target)
    else:
        assert not target.exists()
    target.unlink(missing_ok=True)
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        native.reflink(source, target)
    assert target.read_bytes() == b"mine"


def test_sync_filesystem(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert native.sync_filesystem(descriptor) == (sys.platform == "linux")
    finally:
        os.close(descriptor)
    if sys.platform == "linux":
        for closed in (-1, 10**6):
            with pytest.raises(OSError, match="Bad file descriptor") as caught:
                native.sync_filesystem(closed)
            assert caught.value.errno == errno.EBADF
