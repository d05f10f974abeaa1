"""Disks that are full or may not be written, files that change or are none, forks, wrong clocks."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from protocols.checker import check
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake, File, file_creator
from radops.errors import FileChangedError, LocalStorageError, RadopsError
from radops.format.digest import Digest
from radops.repository.refs.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
NOBODY = 65534
is_root = hasattr(os, "geteuid") and os.geteuid() == 0


def check_home(home: Path) -> None:
    storage = FolderBackend(home / "storage")
    for lake in (home / "storage/lakes").iterdir():
        check(Repository(storage, f"lakes/{lake.name}/", originator="c@c")).raise_for_findings()


def uids(lake: DataLake) -> list[str]:
    return [row.uid for row in lake.ls(recursive=True)]


@file_creator(name="tests.disks.two")
def two(f: File, output_uids: list[str]) -> list[File]:
    made = [File(uid) for uid in output_uids]
    for out in made:
        out.write_bytes(f.read_bytes() * 2)
    return made


def remove_kept(storage: Path) -> None:
    """Make room as a person does: remove what was made and not published, which is whole."""
    for place in storage.glob("unpublished*"):
        files = [place] if place.is_file() else [one for one in place.rglob("*") if one.is_file()]
        assert all(file.read_bytes() == b"s" * 2 * MIB for file in files)
        place.unlink() if place.is_file() else shutil.rmtree(place)


# -- full ----------------------------------------------------------------------------------------


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    lake = DataLake(home=small_disk / "home")
    source = tmp_path / "source"
    source.write_bytes(b"s" * MIB)
    lake.add(source, "small")
    big = tmp_path / "big"
    big.write_bytes(b"b" * 9 * MIB)
    with pytest.raises(LocalStorageError, match="No space"):
        lake.add(big, "big")
    # A stream says it as streams do.
    with pytest.raises(OSError, match="No space"), lake.file("w").open("wb") as stream:
        stream.write(bytes(9 * MIB))
    assert uids(lake) == ["small"]
    assert not [path for path in (small_disk / "home/storage/tmp").iterdir() if path.is_file()]
    # Not a byte is left, at any point of a commit: fill it up, and give back a little at a time.
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    failures = 0
    with lake.use():
        while True:
            try:
                two(File("small"), output_uids=["out/1", "out/2"])
            except (LocalStorageError, OSError):
                failures += 1
                assert uids(lake) == ["small"]
                remove_kept(small_disk / "home/storage")
                check_home(small_disk / "home")
                os.truncate(ballast, max(0, ballast.stat().st_size - 128 * 1024))
            else:
                break
    assert failures > 2
    assert lake.file("out/2").read_bytes() == b"s" * 2 * MIB
    check_home(small_disk / "home")
    lake.close()


def _limited(home: Path, remote: str, source: Path, answers: Any) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    os.environ["RADOPS_EMAIL"] = "ada@example.com"
    lake = DataLake(home=home, remote=remote)
    for action in (lambda: lake.add(source, "new"), lambda: lake.path("there")):
        try:
            action()
        except RadopsError as error:
            answers.put((type(error).__name__, str(error)))
        else:
            answers.put(("", "done"))


def test_a_limit_to_the_size_of_files(quick_path: Path) -> None:
    (quick_path / "shared").mkdir()
    remote = (quick_path / "shared").as_uri()
    source = quick_path / "source"
    source.write_bytes(b"s" * 3 * MIB)
    lake = DataLake(home=quick_path / "one", remote=remote)
    lake.add(source, "there")
    for name, message in in_process(_limited, quick_path / "two", remote, source, count=2):
        assert name == "LocalStorageError"
        assert "File too large" in message
    with_room = DataLake(home=quick_path / "two", remote=remote)
    assert uids(with_room) == ["there"]
    assert with_room.file("there").read_bytes() == b"s" * 3 * MIB
    with_room.add(source, "new")
    assert sorted(uids(lake)) == ["new", "there"]


def in_process(target: Callable[..., None], *arguments: object, count: int) -> list[Any]:
    """Run something in a process of its own, and return what it answers."""
    context = multiprocessing.get_context("forkserver")
    answers = context.Queue()
    process = context.Process(target=target, args=(*arguments, answers))
    process.start()
    found = [answers.get(timeout=60) for _ in range(count)]
    process.join(30)
    return found


# -- forbidden -----------------------------------------------------------------------------------


def _as_nobody(home: Path, source: Path, answers: Any) -> None:
    os.environ.update({"RADOPS_EMAIL": "ada@example.com", "HOME": "/nonexistent"})
    lake = DataLake(home=home)
    lake.verify(quick=True)  # imports what the other user may not read
    lake.close()
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    lake = DataLake(home=home)
    actions: dict[str, Callable[[], object]] = {
        "read": lambda: lake.file("a").read_bytes(),
        "list": lambda: uids(lake),
        "verify": lambda: lake.verify().raise_for_problems() is None,
        "add": lambda: lake.add(home.parent / "open", "new"),
        "add secret": lambda: lake.add(source, "secret"),
        "delete": lambda: lake.delete("a"),
        "write": lambda: lake.file("w").write_bytes(b"w"),
    }
    for name, action in actions.items():
        try:
            answers.put((name, action()))
        except Exception as error:  # noqa: BLE001 - a wrong one fails the test by its name
            answers.put((name, f"{type(error).__name__}: {error}"))


@pytest.mark.skipif(not is_root, reason="only root can become another user")
def test_a_store_that_this_user_may_only_read(quick_path: Path) -> None:
    quick_path.chmod(0o755)
    storage = quick_path / "home/storage"
    storage.mkdir(parents=True)
    storage.chmod(0o755)  # a new one would be for its owner alone
    lake = DataLake(home=quick_path / "home")
    (quick_path / "open").write_bytes(b"open")
    secret = quick_path / "secret"
    secret.write_bytes(b"secret")
    secret.chmod(0o600)
    lake.add(quick_path / "open", "a")
    lake.close()
    answers = dict(in_process(_as_nobody, quick_path / "home", secret, count=7))
    assert (answers["read"], answers["list"], answers["verify"]) == (b"open", ["a"], True)
    for name in ("add", "add secret", "delete", "write"):
        assert answers[name].startswith("LocalStorageError"), answers
        assert "denied" in answers[name]
        assert ("secret" if "secret" in name else "storage") in answers[name]
    assert uids(lake) == ["a"]
    check_home(quick_path / "home")


# -- files that change, or are none ----------------------------------------------------------------


def test_files_that_shrink_and_grow_while_they_are_added(quick_path: Path) -> None:
    lake = DataLake(home=quick_path / "home")
    source = quick_path / "source"
    source.write_bytes(bytes(24 * MIB))
    over = threading.Event()

    def change() -> None:
        size = 0
        while not over.is_set():
            os.truncate(source, 8 * MIB + size * MIB)
            size = (size + 5) % 16

    thread = threading.Thread(target=change)
    thread.start()
    changed = 0
    try:
        for number in range(20):
            try:
                result = lake.add(source, f"file-{number}")
            except FileChangedError:
                changed += 1
            else:
                data = lake.file(result.uid).read_bytes()
                assert Digest.of(data) == result.digest
                assert len(data) == result.size
    finally:
        over.set()
        thread.join()
    assert changed
    lake.verify().raise_for_problems()
    if uids(lake):
        check_home(quick_path / "home")


@pytest.mark.timeout(60)
def test_what_is_no_file_is_refused_at_once(quick_path: Path) -> None:
    lake = DataLake(home=quick_path / "home")
    folder = quick_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "to-fifo").symlink_to("fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    names = ["fifo", "loop", "dangling", "to-fifo", "socket"]
    paths = [folder / name for name in names] + [Path("/dev/zero"), Path("/dev/null"), folder]
    for path in paths:
        for move in (False, True):
            with pytest.raises(RadopsError) as caught:
                lake.add(path, "x", move=move)
            assert path.name in str(caught.value)
            assert os.path.lexists(path)
    listener.close()
    (folder / "real").write_bytes(b"real")
    (folder / "link").symlink_to("real")
    lake.add(folder / "link", "through a link")
    assert lake.file("through a link").read_bytes() == b"real"
    assert uids(lake) == ["through a link"]


# -- forks -----------------------------------------------------------------------------------------

LOADER = """
import multiprocessing, os, sys, threading
from radops.data_lake import DataLake

class Dataset:
    def __init__(self, lake):
        self.lake = lake
        self.names = [row.uid for row in lake.ls(recursive=True)]
    def __getitem__(self, index):
        name = self.names[index]
        return name, self.lake.file(name).read_bytes()

def loop(dataset, todo, done):
    for index in iter(todo.get, None):
        done.put(dataset[index])

lake = DataLake(home=sys.argv[1], remote=sys.argv[2])
lake.verify().raise_for_problems()
pid = os.fork()
if pid == 0:
    lake.verify().raise_for_problems()
    assert lake.file("f/3").read_bytes() == b"f/3"
    lake.file("child").write_bytes(b"child")
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
dataset = Dataset(lake)
for epoch in range(2):
    lake.verify(quick=epoch > 0).raise_for_problems()
    fork = multiprocessing.get_context("fork")
    todo, done = fork.Queue(), fork.Queue()
    workers = [fork.Process(target=loop, args=(dataset, todo, done)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for index in range(len(dataset.names)):
        todo.put(index)
    for _ in dataset.names:
        name, data = done.get(timeout=60)
        assert data == name.encode()
    for worker in workers:
        todo.put(None)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
print("done", len(dataset.names))
"""


def test_verify_then_workers_that_fork(quick_path: Path) -> None:
    (quick_path / "shared").mkdir()
    remote = (quick_path / "shared").as_uri()
    lake = DataLake(home=quick_path / "home", remote=remote)
    pairs = []
    for number in range(30):
        path = quick_path / f"{number}"
        path.write_bytes(f"f/{number}".encode())
        pairs.append((path, f"f/{number}"))
    lake.add_many(pairs)
    lake.delete_local("f/1*")  # some are fetched by the children
    lake.close()
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOADER), str(quick_path / "home"), remote],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "done 31\n"), run.stderr


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [-20, 20])
def test_a_clock_that_is_wrong(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    (quick_path / "shared").mkdir()
    lake = DataLake(home=quick_path / "home", remote=(quick_path / "shared").as_uri())
    source = quick_path / "source"
    source.write_bytes(b"before")
    lake.add(source, "before")
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + years * 365 * 86400)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + years * 365 * 86400 * 10**9)
    for again in (False, True):
        lake = DataLake(home=quick_path / "home", remote=(quick_path / "shared").as_uri())
        assert lake.file("before").read_bytes() == b"before"
        lake.file(f"during-{again}").write_bytes(b"during")
        lake.verify(quick=True).raise_for_problems()
        lake.verify().raise_for_problems()
        lake.sync()
        lake.gc(dry_run=False)
        lake.close()
    monkeypatch.setattr(time, "time", real)
    monkeypatch.setattr(time, "time_ns", real_ns)
    lake = DataLake(home=quick_path / "home", remote=(quick_path / "shared").as_uri())
    lake.gc(dry_run=False)
    for uid in ("before", "during-False", "during-True"):
        assert lake.file(uid).read_bytes() == uid.partition("-")[0].encode()
    lake.verify().raise_for_problems()
    (quick_path / "elsewhere").mkdir()
    other = DataLake(home=quick_path / "elsewhere", remote=(quick_path / "shared").as_uri())
    assert uids(other) == ["before", "during-False", "during-True"]
