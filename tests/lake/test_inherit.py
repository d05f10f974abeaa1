"""Starting threads, processes and jobs never fails because of radops, whatever goes wrong in it.

What belongs to a creator or to `use()` is passed on when they are started. Where that cannot be
done, they start all the same, and what they do with the lake is refused.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import UsageError
from radops.lake import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = str(Path(__file__).parents[1] / "scenarios")

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The user's module, which other processes can import too."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", HERE)
    import inside_program  # noqa: PLC0415

    return inside_program


@pytest.fixture
def in_broken_creator(lake: DataLake) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Run work in a creator that cannot make itself known to other processes.

    The folder for temporary files is gone: like a full disk, or a home that was unmounted.
    """
    results = []

    def run(work: Callable[[], Any]) -> Any:
        @file_creator(name="tests.broken")
        def broken(output_uid: str) -> File:
            File(output_uid).write_text("x")
            folder = lake.session.store.temporary().parent
            aside = folder.with_name("aside")
            folder.rename(aside)
            folder.touch()
            try:
                results.append(work())
            finally:
                folder.unlink()
                aside.rename(folder)
            return File(output_uid)

        broken("out")
        return results[0]

    yield run
    assert File("out").read_text() == "x"


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_a_process_starts_where_its_creator_cannot_be_passed_on(
    in_broken_creator: Callable[..., Any], program: Any, start: str, tmp_path: Path
) -> None:
    done = tmp_path / "done"

    def work() -> int | None:
        process = multiprocessing.get_context(start).Process(target=os.mkdir, args=[str(done)])
        process.start()
        process.join(120)
        return process.exitcode

    assert in_broken_creator(work) == 0
    assert done.is_dir()


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_jobs_of_a_process_pool_run_where_their_creator_cannot_be_passed_on(
    in_broken_creator: Callable[..., Any], program: Any, start: str
) -> None:
    def work() -> tuple[float, str]:
        context = multiprocessing.get_context(start)
        with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
            return pool.submit(abs, -1).result(120), pool.submit(
                program.write_name, "stray", "x"
            ).result(120)

    result, written = in_broken_creator(work)
    assert result == 1
    assert written.startswith("UsageError: it is not known which lake or creator")
    assert "RADOPS_HOME" in written


def test_what_a_child_writes_there_is_in_no_lake(
    in_broken_creator: Callable[..., Any], program: Any, lake: DataLake
) -> None:
    def work() -> str:
        with concurrent.futures.ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn")
        ) as pool:
            return pool.submit(program.write_name, "stray", "x").result(120)

    in_broken_creator(work)
    assert [one.uid for one in lake.ls()] == ["out"]


def test_threads_start_in_a_child_whose_home_went_away(
    make_lake: Callable[..., DataLake], program: Any, tmp_path: Path
) -> None:
    """There even what the child itself belongs to cannot be found out."""
    other = make_lake("other")
    context = multiprocessing.get_context("spawn")
    with other.use(), concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        pool.submit(abs, 1).result(120)
        shutil.rmtree(tmp_path / "other", ignore_errors=True)
        (tmp_path / "other").touch()
        assert pool.submit(program.start_thread).result(120) == "ran"


class Guarded(threading.Thread):
    """A thread of another library, whose attributes are its own business."""

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_radops"):
            raise AttributeError(f"{name} is no attribute of mine")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_radops"):
            raise RuntimeError(f"{name} was asked for")
        raise AttributeError(name)


def test_threads_with_attributes_of_their_own_start_and_belong_to_use(
    make_lake: Callable[..., DataLake],
) -> None:
    other = make_lake("other")
    with other.use():
        thread = Guarded(target=lambda: File("a").write_text("1"))
        thread.start()
        thread.join(120)
    assert [one.uid for one in other.ls()] == ["a"]


def test_a_thread_without_init_fails_with_the_message_of_python(lake: DataLake) -> None:
    class Empty(threading.Thread):
        def __init__(self) -> None: ...

    with lake.use(), pytest.raises(RuntimeError, match="__init__"):
        Empty().start()


def test_errors_of_start_itself_are_those_of_python(lake: DataLake) -> None:
    thread = threading.Thread(target=int)
    with lake.use():
        thread.start()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
    thread.join()


def test_a_lost_mark_is_refused_until_the_lake_is_named(
    lake: DataLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[UsageError] = []
    started = threading.Event()

    def work() -> None:
        started.wait(120)
        try:
            File("a").write_text("1")
        except UsageError as error:
            errors.append(error)
        with lake.use():
            File("b").write_text("2")

    with lake.use():
        thread = threading.Thread(target=work)
        with monkeypatch.context() as patched:
            patched.setattr(current, "_held", lambda: 1 / 0)
            thread.start()
    started.set()
    thread.join(120)
    assert "not known which lake" in str(errors[0])
    assert [one.uid for one in lake.ls()] == ["b"]
