"""Many calls at once: threads, processes, and a real Dask cluster of processes."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import File, file_creator
from radops.errors import CallsFailedError, RadopsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radops.data_lake import DataLake

HERE = str(Path(__file__).parent)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The user's module, which other processes can import too."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", HERE)
    import many_program  # noqa: PLC0415

    return many_program


@pytest.fixture
def ran(tmp_path: Path) -> Callable[[], list[int]]:
    (tmp_path / "ran").mkdir()
    return lambda: sorted(int(p.name.split(".")[0]) for p in (tmp_path / "ran").iterdir())


@pytest.fixture
def folder(tmp_path: Path, ran: object) -> str:
    return str(tmp_path / "ran")


@pytest.fixture(params=["here", "threads", "processes", "dask"])
def executor(request: pytest.FixtureRequest, module: object, tmp_path: Path) -> Iterator[Any]:
    if request.param == "here":
        yield None
    elif request.param == "threads":
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            yield pool
    elif request.param == "processes":
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            yield pool
    else:
        distributed = pytest.importorskip("distributed")
        with (
            warnings.catch_warnings(),
            distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=2,
                processes=True,
                dashboard_address=None,
                local_directory=str(tmp_path / "dask"),
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            warnings.simplefilter("ignore")
            yield client


@pytest.mark.filterwarnings("ignore")
def test_results_failures_and_a_rerun(
    lake: DataLake, module: Any, executor: Any, folder: str, ran: Callable[[], list[int]]
) -> None:
    with pytest.raises(CallsFailedError, match="2 of 10 calls failed") as caught:
        module.square.map(range(10), executor=executor, folder=folder, bad=3, in_flight=4)
    error = caught.value
    assert [(one.index, one.args, one.kwargs["bad"]) for one in error.failures] == [
        (3, (3,), 3),
        (8, (8,), 3),
    ]
    assert {type(one.error) for one in error.failures} == {ValueError}
    assert "no 8" in str(error.failures[1])
    assert [file is None for file in error.results] == [n % 5 == 3 for n in range(10)]
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert [str(one) for one in copy.failures] == [str(one) for one in error.failures]
    assert ran() == list(range(10))
    # What was computed is not computed again.
    with pytest.raises(CallsFailedError):
        module.square.map(range(12), executor=executor, folder=folder, bad=3)
    assert ran() == sorted([*range(12), 3, 8])
    files = module.square.map(
        [(n,) for n in range(3)] + [{"number": 4}], executor=executor, folder=folder, bad=3
    )
    assert [file.read_text() for file in files] == ["0", "1", "4", "16"]
    assert ran() == sorted([*range(12), 3, 8])
    if executor is not None:
        future = module.square.submit(executor, 20, folder=folder)
        assert future.result().read_text() == "400"


def test_calls_in_flight_are_bounded_and_items_taken_as_there_is_room(
    lake: DataLake, module: Any
) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(30):
            taken.append(number)
            yield number

    finished: list[int] = []

    class View:
        def start(self, label: str, total_bytes: object, total_files: object) -> None:
            assert (label[-7:], total_files) == ("counted", None)

        def advance(self, bytes: int, files: int) -> None:  # noqa: A002
            finished.append(files)
            assert len(taken) <= len(finished) + 3

        def finish(self) -> None:
            finished.append(-1)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        files = module.counted.map(items(), executor=pool, in_flight=3, progress=View())
    assert [file.read_text() for file in files] == [str(number) for number in range(30)]
    assert 1 < module.running[1] <= 3
    assert finished == [1] * 30 + [-1]
    with pytest.raises(UsageError):
        module.counted.map([1], in_flight=0)


def test_a_line_of_progress(
    lake: DataLake, module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    module.counted.map([1, 2], progress=True)
    assert "counted: 2 of 2\n" in capsys.readouterr().err


def test_a_creator_is_pickled_by_name(module: Any) -> None:
    assert pickle.loads(pickle.dumps(module.square)) is module.square

    @file_creator
    def inner() -> File:
        return File()

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(inner)


def test_a_failure_that_cannot_be_pickled_still_crosses_processes(lake: DataLake) -> None:
    class HomeMadeError(Exception):
        pass

    @file_creator(name="tests.many.failing")
    def failing(number: int) -> File:
        raise HomeMadeError("local")

    with pytest.raises(CallsFailedError) as caught:
        failing.map([1])
    assert isinstance(caught.value.failures[0].error, HomeMadeError)
    (failure,) = pickle.loads(pickle.dumps(caught.value)).failures
    assert type(failure.error) is RadopsError
    assert "HomeMadeError: local" in str(failure)


def test_a_pool_that_breaks_is_told_with_the_rest(lake: DataLake) -> None:
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.shutdown()

    @file_creator(name="tests.many.unused")
    def unused(number: int) -> File:
        raise AssertionError

    with pytest.raises(CallsFailedError, match="2 of 2"):
        unused.map([1, 2], executor=pool)


def test_a_script_may_map_over_processes_of_its_own(lake: DataLake, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import concurrent.futures, multiprocessing\n"
        "from radops.data_lake import File, file_creator\n\n"
        "@file_creator\n"
        "def triple(number: int) -> File:\n"
        "    out = File()\n"
        "    out.write_text(str(number * 3))\n"
        "    return out\n\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:\n"
        "        files = triple.map(range(4), executor=pool)\n"
        "    print(*[file.read_text() for file in files], triple.is_cached(3))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "0 3 6 9 True\n"
