"""The file system of fsspec in threads and other processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import fsspec
import pytest

from integrations.places import LARGE
from radops import config
from radops.data_lake import DataLake, File, file_creator
from radops.integrations.fsspec import RadopsFileSystem

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy


def test_it_is_pickled_by_its_options(filled: DataLake) -> None:
    fs = RadopsFileSystem()
    assert pickle.loads(pickle.dumps(fs)).cat_file("notes/a.txt") == b"one"
    assert fs._options == {"home": str(filled.home)}
    fs = RadopsFileSystem(home=str(filled.home), offline=True)
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat_file("notes/a.txt") == b"one"
    assert again._options == {"home": str(filled.home), "offline": True}


def read(fs: RadopsFileSystem, path: str) -> bytes:
    return fs.cat_file(path, 5, 15)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_processes_after_use_in_the_parent(
    remote_fs: RadopsFileSystem, method: str, faulty_seaweedfs: FaultProxy
) -> None:
    paths = ["files/large.bin", "dir/a/0001.bin"]
    expected = [read(remote_fs, path) for path in paths]
    assert expected[0] == LARGE[5:15]
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(read, [(remote_fs, path) for path in paths * 3])
    assert found == expected * 3


def test_threads_read_at_once(remote_fs: RadopsFileSystem) -> None:
    paths = remote_fs.find("dir")[:50]
    with ThreadPoolExecutor(8) as pool:
        one_by_one = list(pool.map(remote_fs.cat_file, paths))
    assert one_by_one == list(remote_fs.cat(paths).values())


@file_creator(name="tests.reads_by_url")
def reads_by_url() -> File:
    out = File()
    with fsspec.open("radops://notes/a.txt", "r") as stream:
        text = stream.read()
    fs, found = fsspec.filesystem("radops"), []
    fs.exists("images/v1")
    # As libraries in C++ do: Python knows nothing of such a thread.
    import _thread  # noqa: PLC0415

    done = threading.Event()

    def work() -> None:
        found.append(fs.open("images/v1/x.csv").read())
        done.set()

    _thread.start_new_thread(work, ())
    assert done.wait(20)
    out.write_text(text + found[0].decode())
    return out


def test_what_a_creator_reads_by_url_is_recorded(filled: DataLake) -> None:
    call = reads_by_url().info().call
    assert {one.uid for one in call.reads} == {"notes/a.txt", "images/v1"}
    assert os.environ.get("RADOPS_INSIDE") is None


PROGRAM = """
import pickle, sys, threading
import _thread

fs = pickle.loads(sys.stdin.buffer.read())
fs.cat_file("notes/a.txt")
pickle.loads(pickle.dumps(fs)).cat_file("notes/deep/b.txt")
done = threading.Event()

def work():
    pickle.loads(pickle.dumps(fs)).cat_file("notes/c.txt")
    done.set()

_thread.start_new_thread(work, ())
assert done.wait(20)
"""


@file_creator(name="tests.passes_a_file_system_on")
def passes_a_file_system_on() -> File:
    """Start a program as clusters do: it knows of the creator by the file system only."""
    environment = {name: one for name, one in os.environ.items() if name != "RADOPS_INSIDE"}
    subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=pickle.dumps(fsspec.filesystem("radops")), check=True, env=environment,
    )  # fmt: skip
    out = File()
    out.write_text("read there")
    return out


def test_what_other_processes_read_by_its_pickle_is_recorded(filled: DataLake) -> None:
    File("notes/c.txt").write_text("three")
    call = passes_a_file_system_on().info().call
    assert {one.uid for one in call.reads} == {"notes/a.txt", "notes/deep/b.txt", "notes/c.txt"}


KEPT: list[bytes] = []
"""File systems of creators, pickled."""


@file_creator(name="tests.keeps_a_file_system")
def keeps_a_file_system() -> File:
    """Put a file system where it outlives the creator."""
    KEPT.append(pickle.dumps(fsspec.filesystem("radops")))
    out = File()
    out.write_text("kept")
    return out


def test_a_file_system_that_outlives_its_creator_belongs_to_none(
    filled: DataLake, tmp_path: Path
) -> None:
    config.create_context("team", {"remote": (tmp_path / "team").as_uri()})
    (tmp_path / "team").mkdir()
    DataLake("team").file("notes/a.txt").write_text("of the team")
    made = keeps_a_file_system()
    fs = pickle.loads(KEPT.pop())
    assert fs.cat_file("notes/a.txt") == b"one"
    # Inside a creator a file of another lake would be refused.
    assert fs.cat_file("radops://team@notes/a.txt") == b"of the team"
    assert made.info().call.reads == []


@file_creator(name="tests.reads_with_the_other_one")
def reads_with_the_other_one() -> File:
    """Read with a file system of another creator."""
    out = File()
    out.write_text(pickle.loads(KEPT.pop()).cat_file("notes/a.txt").decode())
    return out


def test_what_is_read_belongs_to_the_creator_that_runs(filled: DataLake) -> None:
    keeps_a_file_system()
    call = reads_with_the_other_one().info().call
    assert [one.uid for one in call.reads] == ["notes/a.txt"]
