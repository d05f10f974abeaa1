"""Whatever ends an add, at whatever line: nothing is left, or the next command clears it."""

from __future__ import annotations

import gc
import linecache
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import radops
from lake.tampering import noise
from radops.data_lake import DataLake
from radops.native import BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

HERE = str(Path(radops.__file__).parent)
# Lines of Python in an add at which an interrupt can come: each test takes every so many of
# them, and that of a move without a remote each of the last ones, where the work ends.
STEP = 179
LAST = 90


class Interrupt:
    """Raises `KeyboardInterrupt` at one line of radops, in this thread."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.lines = 0

    def _trace(self, frame: FrameType, event: str, _argument: object) -> object:
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        if event == "line":
            self.lines += 1
            # A trace function sees the line of a `with` once more before the block is left, and
            # that of a `try`. Python handles no signal at either, and what is raised there may
            # leave a lock held.
            text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            if self.lines >= self._at and not text.startswith(("with ", "try:")):
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._trace

    def run(self, action: Callable[[], object]) -> bool:
        """Return whether the action was interrupted."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            action()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


def temporary_files(lake: DataLake) -> list[Path]:
    tmp = lake.home / "storage" / "tmp"
    return [path for path in tmp.rglob("*") if path.is_file() and path.parent.name != "locks"]


def shared_objects(lake: DataLake) -> list[Path]:
    """Objects that have a second name."""
    objects = (lake.home / "storage" / "objects").rglob("*")
    return [path for path in objects if path.is_file() and path.stat().st_nlink > 1]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("radops")]


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: very many barriers are waited for."""
    memory = Path("/dev/shm")
    gc.collect()
    gc.freeze()  # or each of many collections goes through all that earlier tests have left
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)
    gc.unfreeze()


# An interrupt between opening a file and its `with` leaves the closing to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("move", [False, True])
def test_nothing_is_left_in_a_process_that_goes_on(quick: Path, far: bool, move: bool) -> None:
    (quick / "shared").mkdir()
    (quick / "outside").mkdir()
    shared = (quick / "shared").as_uri()

    def write(name: str, content: bytes) -> Path:
        path = quick / "outside" / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        return path

    data = {"small": b"s" * 100, "large": noise(2 * BLOCK_SIZE + 1), "twin": b"s" * 100}
    # Count the lines of the second add: the first one runs through more, once in a process.
    number, points, interruptions = 0, [sys.maxsize, sys.maxsize], 0
    while points:
        number, point = number + 1, points.pop(0)
        lake = DataLake(home=quick / f"home-{number}", remote=shared if far else None)
        paths = {name: write(name, content) for name, content in data.items()}
        pairs = [(path, f"x{number}/{name}") for name, path in paths.items()]
        interrupt = Interrupt(point)
        interrupted = interrupt.run(lambda: lake.add_many(pairs, move=move))  # noqa: B023
        interruptions += interrupted
        if number == 2:
            points = list(range(STEP // 2, interrupt.lines, STEP))
            points += range(interrupt.lines - LAST, interrupt.lines) if move and not far else ()
        where = f"interrupted at line {point}"
        # A thread that outlives the add removes what it leaves at its end.
        deadline = time.monotonic() + 60
        while (gc.collect() or threads()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert threads() == [], where
        assert temporary_files(lake) == [], where
        for name, path in paths.items():
            if path.exists():
                assert path.read_bytes() == data[name], where
                assert path.stat().st_nlink == 1, where
                assert os.access(path, os.W_OK), where
                assert path.stat().st_mode & 0o200, where
            else:
                assert move, where
                assert lake.file(f"x{number}/{name}").read_bytes() == data[name], where
        assert shared_objects(lake) == [], where
        assert not list(paths["small"].parent.glob(".radops-*")), where
        left = [pair for pair in pairs if Path(pair[0]).exists()]
        if left:
            lake.add_many(left, move=move)
        for name, content in data.items():
            assert lake.file(f"x{number}/{name}").read_bytes() == content, where
        lake.close()
        shutil.rmtree(lake.home)
    assert interruptions > 3


PROGRAM = """
import os, signal, sys
from radops.repository.objects import lending, store
from radops.repository.working_lake import WorkingLake
from radops.data_lake import DataLake

home, source, step = sys.argv[1:]

def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if step == "staged":
    store.LocalStore.admit = stop
elif step == "sealed":
    from radops.backends.folder.backend import FolderBackend
    FolderBackend.adopt = stop
elif step == "adopted":
    WorkingLake.make = stop
elif step == "committed":
    store.LocalStore.remove_source = stop
elif step.startswith("renamed"):
    lending._last_look = stop
DataLake(home=home).add(source, "a", move=True)
"""


@pytest.mark.parametrize("step", ["staged", "sealed", "adopted", "committed", "renamed"])
@pytest.mark.parametrize("then", ["add", "write"])
def test_the_next_command_gives_back_what_a_kill_left(
    lake: DataLake, write, step: str, then: str
) -> None:
    lake.add(write("first", "first"))
    path = write("a", noise(2 * BLOCK_SIZE))
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18 + 7))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(lake.home), str(path), step],
        check=False,
        capture_output=True,
        env={**os.environ},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = path.parent.glob(".radops-*") if step == "renamed" else [path]
    assert left.stat().st_nlink == 2
    with DataLake(home=lake.home).use():
        other = DataLake(home=lake.home)
        if then == "add":
            other.add(write("b", "b"))
        else:
            other.file("b").write_text("b")
        assert temporary_files(lake) == []
        assert not list(path.parent.glob(".radops-*"))
        status = path.stat()
        assert (status.st_nlink, status.st_mode & 0o777, status.st_mtime_ns) == (
            1,
            0o640,
            10**18 + 7,
        )
        path.write_bytes(b"changed")
        assert other.verify().ok
        path.write_bytes(noise(2 * BLOCK_SIZE))
        assert other.add(path, "a", move=True).source_left is None
        assert other.file("a").read_bytes() == noise(2 * BLOCK_SIZE)
        assert other.verify().ok


@pytest.mark.parametrize("kind", ["second name", "symbolic link", "known"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_copied_source_gets_its_name_back_after_a_kill(
    lake: DataLake, write, tmp_path: Path, kind: str, taken: bool, caplog
) -> None:
    """Killed after it was renamed to be looked at last and before it was removed."""
    data = noise(2 * BLOCK_SIZE)
    path = write("a", data)
    if kind == "second name":
        (tmp_path / "second").hardlink_to(path)
    elif kind == "symbolic link":
        real = path.rename(tmp_path / "real")
        path.symlink_to(real)
    else:
        lake.add(path, "a")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(lake.home), str(path), "renamed"],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = path.parent.glob(".radops-*")
    assert not os.path.lexists(path)
    other = DataLake(home=lake.home)
    if taken:
        path.write_bytes(b"newer")
        other.add(write("b", "b"))
        assert path.read_bytes() == b"newer"
        assert left.read_bytes() == data
        assert left.name in caplog.text
        return
    # The very command that was killed, again.
    result = other.add(path, "a", move=True)
    assert result.source_left is None
    assert not os.path.lexists(path)
    assert list(path.parent.glob(".radops-*")) == []
    assert temporary_files(lake) == []
    assert other.file("a").read_bytes() == data
    if kind != "known":
        assert (tmp_path / ("real" if kind == "symbolic link" else "second")).read_bytes() == data
    assert other.verify().ok
