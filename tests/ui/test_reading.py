"""Contents are read in few processes, for a limited time, and nothing goes on after it."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from radops.errors import UIDNotFoundError
from radops.ui.previews.bounded import MOST as MOST_BYTES
from radops.ui.previews.bounded import Bounded, TooMuchError
from radops.ui.reading import MOST, NotReadError, Readers
from ui.conftest import PATIENCE, run_apart
from ui.test_guard import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from radops.data_lake import DataLake
    from ui.conftest import Served

LETTERS = [f"{one}{other}" for one in "abcdefghijkl" for other in "abcdefghijkl"]


def endless(seed: int) -> str:
    """Return a text that takes `difflib` many seconds to compare with that of another seed.

    The longest lines that both have in a row come first, then ever shorter ones. So the search goes
    through all that is left, again and again.
    """
    numbers = random.Random(0)
    lines: list[str] = []
    for length in range(190, 0, -1):
        lines += [*numbers.choices(LETTERS, k=length), f"{seed}:{length}"]
    return "\n".join(lines)


@pytest.fixture
def files(lake: DataLake, write: Callable[..., Path]) -> DataLake:
    """A lake with a small table, and two texts that cannot be compared."""
    lake.add(write("t.csv", "a,b\n1,2\n"), "t.csv")
    for number in (1, 2):
        lake.add(write(f"{number}", endless(number)), f"endless/{number}.txt")
    return lake


def children(parent: int, module: str = "radops.ui.reading_process") -> set[int]:
    """Return the processes that read for another one."""
    found = subprocess.run(
        ["pgrep", "-P", str(parent), "-f", module], capture_output=True, text=True, check=False
    )
    return set(map(int, found.stdout.split()))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


def run(work: Callable[[Readers], Coroutine[Any, Any, Any]], lake: DataLake, **options: Any) -> Any:
    """Do something with readers, which leave no process, thread or open file behind."""

    async def main() -> Any:
        readers = Readers(lake, **options)
        try:
            return await work(readers)
        finally:
            await readers.close()

    lake.info("t.csv")  # so that the lake is open
    gc.collect()  # or what an earlier test dropped is closed between the two counts
    before = threading.active_count(), open_files()
    found = run_apart(main())
    assert children(os.getpid()) == set()
    until = time.monotonic() + PATIENCE
    while (threading.active_count(), open_files()) != before:  # a thread may just be ending
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def endlessly(readers: Readers, seconds: float) -> Coroutine[Any, Any, Any]:
    return readers.run("compare", "endless/1.txt", "endless/2.txt", seconds=seconds)


def table(readers: Readers, lake: DataLake) -> Coroutine[Any, Any, Any]:
    return readers.run("preview", lake.info("t.csv"), seconds=200)


def test_what_takes_too_long_is_ended(files: DataLake) -> None:
    async def work(readers: Readers) -> None:
        with pytest.raises(NotReadError, match="It took more than 1 seconds to read"):
            await endlessly(readers, 1)
        assert children(os.getpid()) == set()
        assert (await table(readers, files)).table.rows == [["1", "2"]]
        (process,) = children(os.getpid())
        assert (await table(readers, files)).table.rows == [["1", "2"]]
        assert children(os.getpid()) == {process}
        with pytest.raises(UIDNotFoundError):
            await readers.run("compare", "t.csv", "none", seconds=200)

    run(work, files)


def test_forty_at_once_are_few_processes(files: DataLake) -> None:
    async def work(readers: Readers) -> tuple[list[Any], int]:
        most = 0
        jobs = [table(readers, files) for _ in range(37)]
        jobs += [endlessly(readers, 1) for _ in range(3)]
        everything = asyncio.gather(*jobs, return_exceptions=True)
        while not everything.done():
            most = max(most, len(await asyncio.to_thread(children, os.getpid())))
            await asyncio.sleep(0.05)
        return await everything, most

    found, most = run(work, files, wait_seconds=200)
    assert 1 <= most <= MOST
    assert [one.table.rows for one in found[:37]] == [[["1", "2"]]] * 37
    assert all(isinstance(one, NotReadError) for one in found[37:])


def test_what_has_no_turn_is_given_up(files: DataLake) -> None:
    async def work(readers: Readers) -> None:
        first = asyncio.create_task(endlessly(readers, 200))
        while not children(os.getpid()):
            await asyncio.sleep(0.05)
        with pytest.raises(NotReadError, match="Too much else is being read"):
            await table(readers, files)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert children(os.getpid()) == set()

        async def unwanted() -> bool:
            return False

        with pytest.raises(NotReadError, match="Nobody waits"):
            await readers.run("compare", "t.csv", "t.csv", seconds=200, wanted=unwanted)
        assert children(os.getpid()) == set()

    run(work, files, most=1, wait_seconds=0.01)


def test_a_process_that_breaks_down_is_replaced(files: DataLake) -> None:
    async def work(readers: Readers) -> None:
        first = asyncio.create_task(endlessly(readers, 200))
        while not (found := children(os.getpid())):
            await asyncio.sleep(0.05)
        os.kill(*found, signal.SIGKILL)
        with pytest.raises(NotReadError, match="broke down"):
            await first
        assert (await table(readers, files)).table.rows == [["1", "2"]]

    run(work, files)


SERVER = """
import asyncio, sys
from radops.data_lake import DataLake
from radops.ui.reading import Readers

async def main():
    readers = Readers(DataLake(home=sys.argv[1]))
    await readers.prepare()
    print("ready", flush=True)
    await readers.run("compare", "endless/1.txt", "endless/2.txt", seconds=5)

asyncio.run(main())
"""


def test_it_ends_without_the_server_too(files: DataLake) -> None:
    command = [sys.executable, "-c", SERVER, str(files.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        (process,) = children(server.pid)
        server.kill()
    until = time.monotonic() + PATIENCE
    while alive(process):
        assert time.monotonic() < until
        time.sleep(0.1)


def alive(process: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip()[:1] not in ("", "Z")


def test_pages_of_many_files_at_once(demo: Served) -> None:
    client = Client(demo)
    base, cookie = client.log_in()
    names = ["raw/day1.csv", "events.jsonl", "features/day1.parquet", "images/v2/cats/001.png"]
    paths = [f"{base}/file?uid={uid}" for uid in names] * 10
    with ThreadPoolExecutor(len(paths)) as pool:
        answers = pool.map(lambda path: client(path, cookie), paths)
        assert [status for status, _, _ in answers] == [200] * 40
    assert 1 <= len(children(demo.process.pid)) <= 2 * MOST  # and as many for small images


def test_only_so_much_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(3 * MOST_BYTES)
    with path.open("rb") as file:
        whole = Bounded(file)
        with pytest.raises(TooMuchError):
            whole.read()
        spread = Bounded(file)
        for place in range(0, MOST_BYTES, 1 << 20):
            spread.seek(2 * place)
            assert spread.read(8) == bytes(8)
            spread.seek(2 * place)
            assert spread.read(8) == bytes(8)
        spread.seek(-1, os.SEEK_END)
        with pytest.raises(TooMuchError):
            spread.read(1)
        end = Bounded(file)
        end.seek(-5, os.SEEK_END)
        assert end.read() == bytes(5)
        assert end.read(10 * MOST_BYTES) == b""
