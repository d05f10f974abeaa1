"""A move removes the very file that it took, and only once the lake holds its bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lake.tampering import flip, noise, object_of
from radops.data_lake import DataLake
from radops.errors import FileChangedError
from radops.native import BLOCK_SIZE
from radops.repository.objects.store import LocalStore
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.server import S3Server

LARGE = b"b" * (2 * BLOCK_SIZE + 1)

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes to a file")


def during_commit(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Do something while the bytes are sent and committed, after they were hashed."""
    real, done = WorkingLake.make, []

    def make(*arguments, **named):
        if not done:
            done.append(True)
            action()
        return real(*arguments, **named)

    monkeypatch.setattr(WorkingLake, "make", make)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.fixture(params=["linked", "second name", "symbolic link"])
def source(request: pytest.FixtureRequest, write, tmp_path: Path) -> Path:
    """A source that is moved without a copy, and two that are copied."""
    path = write("a.bin", LARGE)
    if request.param == "second name":
        (tmp_path / "second").hardlink_to(path)
    elif request.param == "symbolic link":
        real = path.rename(tmp_path / "real")
        path.symlink_to(real)
    return path


def test_the_source_is_gone(lake: DataLake, source: Path) -> None:
    result = lake.add(source, "a", move=True)
    assert not os.path.lexists(source)
    assert result.source_left is None
    assert lake.file("a").read_bytes() == LARGE
    assert leftovers(source.parent) == []


@pytest.mark.parametrize("far", [False, True])
def test_a_newer_version_renamed_into_place_stays(
    make_lake, shared: str, source: Path, tmp_path: Path, monkeypatch, far: bool
) -> None:
    lake = make_lake(remote=shared) if far else make_lake()
    newer = tmp_path / "newer"
    newer.write_bytes(b"newer")
    during_commit(monkeypatch, lambda: newer.replace(source) and None)
    result = lake.add(source, "a", move=True)
    assert source.read_bytes() == b"newer"
    assert "another file" in (result.source_left or "")
    assert lake.file("a").read_bytes() == LARGE
    assert leftovers(source.parent) == []
    assert lake.verify().ok


@pytest.mark.parametrize("known", [False, True])
def test_a_copied_source_that_was_written_to_stays(
    lake: DataLake, write, tmp_path: Path, monkeypatch, known: bool
) -> None:
    """Also where the bytes were there already, so that nothing was copied."""
    path = write("a.bin", LARGE)
    if known:
        lake.add(path, "a")
        during = "is_published"
        real = WorkingLake.is_published

        def change(*arguments):
            path.write_bytes(b"changed")
            return real(*arguments)

        monkeypatch.setattr(WorkingLake, during, change)
    else:
        (tmp_path / "second").hardlink_to(path)
        during_commit(monkeypatch, lambda: path.write_bytes(b"changed") and None)
    result = lake.add(path, "a", move=True)
    assert path.read_bytes() == b"changed"
    assert "changed" in (result.source_left or "")
    assert lake.file("a").read_bytes() == LARGE
    assert lake.verify().ok


def test_the_last_name_of_an_existing_object_is_not_removed(lake: DataLake, write) -> None:
    """The lake's record alone is no reason to remove a source."""
    lake.add(write("a.bin", LARGE), "a")
    object_of(lake, "a").unlink()
    path = write("a.bin", LARGE)
    assert lake.add(path, "a", move=True).restored
    assert not path.exists()
    assert lake.file("a").read_bytes() == LARGE


@linux
@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_a_source_that_is_open_for_writing_is_refused(
    lake: DataLake, source: Path, mode: str
) -> None:
    before = source.stat().st_mode, source.read_bytes()
    with source.open(mode) as writer:
        with pytest.raises(FileChangedError, match=r"open for writing.*this process"):
            lake.add(source, "a", move=True)
        writer.seek(0)
        writer.write(b"more")
    assert source.read_bytes() != before[1]
    assert source.stat().st_mode == before[0]
    assert lake.ls() == []
    assert leftovers(source.parent) == []
    lake.add(source, "a", move=True)
    assert not source.exists()


@linux
def test_the_other_process_is_named(lake: DataLake, write) -> None:
    path = write("a.bin", LARGE)
    program = f"file = open({str(path)!r}, 'ab'); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        with pytest.raises(FileChangedError, match=f"process {child.pid}"):
            lake.add(path, "a", move=True)
        child.stdin.write("\n")
        child.stdin.close()
    assert path.read_bytes() == LARGE


@linux
def test_a_writer_who_comes_while_the_bytes_are_committed_keeps_the_file(
    lake: DataLake, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written later must neither be lost nor reach the object."""
    opened = []

    def begin_to_write() -> None:
        source.chmod(0o600)  # as a linked source is read-only by now, unless for root
        opened.append(source.open("ab", buffering=0))

    during_commit(monkeypatch, begin_to_write)
    real = source.resolve()
    result = lake.add(source, "a", move=True)
    with opened[0] as writer:
        writer.write(b"more")
    if real == source:  # of a link only the link is removed
        assert result.source_left in {
            "a process has it open for writing",
            "it changed meanwhile",  # of a copied source ctime counts too
        }
        assert source.read_bytes() == LARGE + b"more"
    assert real.read_bytes() == LARGE + b"more"
    assert lake.file("a").read_bytes() == LARGE
    assert lake.verify().ok
    assert leftovers(source.parent) == []


@linux
def test_what_is_written_into_a_moved_file_before_it_is_the_lakes_is_noticed(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if size and times were put back to what they were."""
    path = write("a.bin", LARGE)
    real = LocalStore.admit

    def admit(self: LocalStore, staged):
        before = path.stat()
        with path.open("r+b") as file:
            file.write(b"X")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return real(self, staged)

    monkeypatch.setattr(LocalStore, "admit", admit)
    with pytest.raises(FileChangedError, match="changed"):
        lake.add(path, "a", move=True)
    assert path.read_bytes() == b"X" + LARGE[1:]
    assert path.stat().st_nlink == 1
    assert lake.ls() == []


def test_many_sources_of_equal_bytes_are_all_removed(lake: DataLake, write) -> None:
    paths = [write(f"{number}", LARGE) for number in range(4)]
    results = lake.add_many([(path, f"x/{path.name}") for path in paths], move=True)
    assert [result.source_left for result in results] == [None] * 4
    assert not any(path.exists() for path in paths)
    assert lake.verify().ok


class TestAgain:
    """With bytes in hand, both sides are made right before `add` says "already there"."""

    @pytest.fixture(params=["small", "large"])
    def data(self, request: pytest.FixtureRequest) -> bytes:
        return noise(3 * BLOCK_SIZE if request.param == "large" else 1000)

    @pytest.fixture(params=["missing", "flipped", "truncated"])
    def lose(self, request: pytest.FixtureRequest):
        def lose(path: Path) -> None:
            if request.param == "missing":
                path.unlink()
            elif request.param == "flipped":
                flip(path, path.stat().st_size // 2)
            else:
                path.chmod(0o644)
                with path.open("r+b") as file:
                    file.truncate(10)

        return lose

    @pytest.mark.parametrize("move", [False, True])
    @pytest.mark.parametrize("as_url", [False, True])
    def test_what_the_remote_lost_is_sent_again(
        self, make_lake, shared: str, tmp_path: Path, write, data, lose, move: bool, as_url: bool
    ) -> None:
        one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
        one.add(write("a.bin", data), "sets/a.bin")
        digest = one.info("sets/a.bin").digest
        lose(tmp_path / "shared" / "objects" / digest.path)
        path = write("a.bin", data)
        result = two.add(path.as_uri() if as_url else path, "sets/a.bin", move=move)
        assert result.already_there
        assert result.restored
        assert path.exists() is not move
        assert make_lake("three", remote=shared).file("sets/a.bin").read_bytes() == data
        assert one.verify(remote=True, full=True).ok

    def test_after_a_move_the_bytes_are_here_too(self, make_lake, shared: str, write, data) -> None:
        one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
        one.add(write("a.bin", data), "a.bin")
        path = write("a.bin", data)
        result = two.add(path, "a.bin", move=True)
        assert (result.already_there, result.restored) == (True, False)
        assert not path.exists()
        assert two.file("a.bin").is_local()
        assert two.verify().ok

    def test_a_damaged_copy_here_does_not_count(self, make_lake, shared: str, write, data) -> None:
        lake = make_lake("one", remote=shared)
        lake.add(write("a.bin", data), "a.bin")
        flip(object_of(lake, "a.bin"), 3)
        lake.add(write("a.bin", data), "a.bin", move=True)
        assert lake.file("a.bin").read_bytes() == data
        assert lake.verify().ok

    @pytest.mark.parametrize("move", [False, True])
    def test_an_object_of_another_file_is_not_trusted(
        self, make_lake, shared: str, tmp_path: Path, write, data, lose, move: bool
    ) -> None:
        """A new name for bytes that the remote has under another one, damaged."""
        one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
        one.add(write("a.bin", data), "a.bin")
        lose(tmp_path / "shared" / "objects" / one.info("a.bin").digest.path)
        two.add(write("b.bin", data), "b.bin", move=move)
        assert make_lake("three", remote=shared).file("b.bin").read_bytes() == data

    @pytest.mark.parametrize("kind", ["missing", "other bytes"])
    def test_what_a_bucket_lost_is_sent_again(
        self, make_lake, seaweedfs: S3Server, write, data, kind: str
    ) -> None:
        bucket = seaweedfs.new_bucket()
        url = seaweedfs.url(bucket, "lake")
        one, two = make_lake("one", remote=url), make_lake("two", remote=url)
        one.add(write("a.bin", data), "a.bin")
        key = f"lake/objects/{one.info('a.bin').digest.path}"
        if kind == "missing":
            seaweedfs.client().delete_object(Bucket=bucket, Key=key)
        else:
            seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=b"x" * len(data))
        result = two.add(write("a.bin", data), "a.bin")
        assert (result.already_there, result.restored) == (True, True)
        assert make_lake("three", remote=url).file("a.bin").read_bytes() == data
        assert not two.add(write("a.bin", data), "a.bin").restored


def test_an_interrupt_while_the_source_is_looked_at_last_leaves_it(
    lake: DataLake, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        real(path, target)
        if path == source:
            raise KeyboardInterrupt
        return target

    mode = source.stat().st_mode
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        lake.add(source, "a", move=True)
    monkeypatch.undo()
    assert source.read_bytes() == LARGE
    assert source.stat().st_mode == mode
    assert leftovers(source.parent) == []
    assert lake.verify().ok
    assert lake.add(source, "a", move=True).source_left is None


def test_a_file_that_came_by_the_name_of_a_source_keeps_its_mode(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, newer = write("a.bin", LARGE), write("newer", "newer")
    source.chmod(0o644)
    newer.chmod(0o600)
    during_commit(monkeypatch, lambda: newer.replace(source) and None)
    assert "another file" in (lake.add(source, "a", move=True).source_left or "")
    assert source.stat().st_mode & 0o777 == 0o600
