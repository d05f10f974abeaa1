"""Work that is started inside a creator or `use()` belongs to it, also in threads."""

from __future__ import annotations

import concurrent.futures
import contextvars
import multiprocessing
import multiprocessing.pool
import pickle
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import CreatorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def in_thread(work: Callable[[], object]) -> None:
    """Run work in a thread, and raise what it raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised in the caller
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    if errors:
        raise errors[0]


def on_thread(work: Callable[[File], object], file: File) -> None:
    in_thread(lambda: work(file))


def on_executor(work: Callable[[File], object], file: File) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pool.submit(work, file).result(60)


def on_pool(work: Callable[[File], object], file: File) -> None:
    with multiprocessing.pool.ThreadPool(2) as pool:
        pool.map(work, [file])


WAYS = pytest.mark.parametrize("way", [on_thread, on_executor, on_pool])


@WAYS
def test_a_thread_in_a_creator_writes_its_outputs(lake: DataLake, way: Callable[..., None]) -> None:
    File("in").write_text("x")

    @file_creator(name="tests.threaded")
    def threaded(output_uid: str) -> File:
        out = File(output_uid)

        def work(file: File) -> None:
            file.write_text(File("in").read_text() * 3)

        way(work, out)
        assert not lake.ls("out")  # nothing is published before the function has ended
        return out

    made = threaded("out")
    assert made.read_text() == "xxx"
    call = made.info().call
    assert call is not None
    assert call.name == "threaded"
    assert [one.uid for one in call.reads] == ["in"]


@WAYS
def test_nothing_stays_of_a_thread_when_the_call_raises(
    lake: DataLake, way: Callable[..., None]
) -> None:
    @file_creator(name="tests.raising")
    def raising(output_uid: str) -> File:
        way(lambda file: file.write_text("x"), File(output_uid))
        raise RuntimeError("no")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            raising("out")
        assert lake.ls() == []


def test_a_thread_writes_no_other_file(lake: DataLake) -> None:
    @file_creator(name="tests.other")
    def other(output_uid: str) -> File:
        on_thread(lambda file: file.write_text("x"), File("another"))
        return File(output_uid)

    with pytest.raises(CreatorError, match="was not given"):
        other("out")
    assert lake.ls() == []


def test_jobs_of_a_shared_pool_belong_to_who_submitted_them(lake: DataLake) -> None:
    barrier = threading.Barrier(2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # Threads of the pool are started in here, by the first creator that needs them.
        @file_creator(name="tests.sharing")
        def sharing(number: int, output_uid: str) -> File:
            out = File(output_uid)
            barrier.wait(30)
            pool.submit(out.write_text, str(number)).result(60)
            return out

        def call(number: int) -> str:
            with lake.use():
                return sharing(number, f"out-{number}").read_text()

        with concurrent.futures.ThreadPoolExecutor(2) as callers:
            assert list(callers.map(call, range(2))) == ["0", "1"]
        # Afterwards, the same threads work for the program again.
        pool.submit(File("import").write_text, "by hand").result(60)
    assert File("import").info().call is None


@WAYS
def test_a_thread_works_in_the_lake_of_use(
    make_lake: Callable[..., DataLake], way: Callable[..., None]
) -> None:
    mine, other = make_lake("home"), make_lake("other")
    with other.use():
        way(lambda file: file.write_text("x"), File("a"))
        way(lambda _: File("b").write_text("x"), File("a"))
    assert [row.uid for row in other.ls()] == ["a", "b"]
    assert mine.ls() == []


@pytest.fixture
def worker() -> Iterator[Callable[[Callable[[], object]], Any]]:
    """A thread that was there before, and takes work from a queue."""
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def serve() -> None:
        for work, done in iter(tasks.get, None):
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised in the caller
                done.set_exception(error)

    thread = threading.Thread(target=serve)
    thread.start()

    def ask(work: Callable[[], object]) -> Any:
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        tasks.put((work, done))
        return done.result(60)

    yield ask
    tasks.put(None)
    thread.join(60)


def test_where_it_cannot_be_known_writing_is_refused(
    lake: DataLake, worker: Callable[..., Any]
) -> None:
    @file_creator(name="tests.queued")
    def queued(output_uid: str) -> File:
        out = File(output_uid)
        worker(lambda: out.write_text("x"))
        return out

    with pytest.raises(CreatorError, match="not known") as caught:
        queued("out")
    assert "copy_context" in str(caught.value.hint)
    assert lake.ls() == []

    @file_creator(name="tests.handed_over")
    def handed_over(output_uid: str) -> File:
        out = File(output_uid)
        context = contextvars.copy_context()
        worker(lambda: context.run(out.write_text, "x"))
        return out

    assert handed_over("out").read_text() == "x"

    @file_creator(name="tests.beside")
    def beside(output_uid: str) -> File:
        def own() -> None:
            with lake.use():  # so the thread works for no creator
                File("import").write_text("y")

        worker(own)
        File(output_uid).write_text("z")
        return File(output_uid)

    assert beside("out2").info().call is not None
    assert File("import").info().call is None


def test_a_thread_that_outlives_its_creator_writes_nothing(lake: DataLake) -> None:
    go_on, errors = threading.Event(), []

    @file_creator(name="tests.outlived")
    def outlived(output_uids: list[str]) -> list[File]:
        outs = [File(uid) for uid in output_uids]

        def late() -> None:
            go_on.wait(60)
            try:
                outs[1].write_text("late")
            except CreatorError as error:
                errors.append(str(error))

        threads.append(threading.Thread(target=late))
        threads[0].start()
        outs[0].write_text("x")
        return outs[:1]

    threads: list[threading.Thread] = []
    with pytest.raises(CreatorError):
        outlived(["a", "b"])
    go_on.set()
    threads[0].join(60)
    assert "ended" in errors[0]
    assert lake.ls() == []


# -- files of other lakes ------------------------------------------------------------------------


def test_a_file_of_another_lake_is_refused_at_open(make_lake: Callable[..., DataLake]) -> None:
    mine, other = make_lake("home"), make_lake("other")
    with other.use():
        File("there").write_text("x")
    ways: list[Callable[[], object]] = [
        lambda: File("there", lake=other).read_text(),
        lambda: File("there", lake=other).path(),
        lambda: other.path("there"),
        lambda: other.download("there"),
        lambda: other.local_path("there"),
        lambda: File("out", lake=other).write_text("y"),
    ]

    @file_creator(name="tests.foreign")
    def foreign(number: int, output_uid: str) -> File:
        ways[number]()
        out = File(output_uid)
        out.write_text("made")
        return out

    with mine.use():
        for number in range(len(ways)):
            with pytest.raises(CreatorError, match="another lake"):
                foreign(number, "out")
        assert mine.ls() == []
        assert [row.uid for row in other.ls()] == ["there"]


def test_use_inside_a_creator_is_heeded(make_lake: Callable[..., DataLake]) -> None:
    mine, other = make_lake("home"), make_lake("other")
    with other.use():
        File("there").write_text("x")

    @file_creator(name="tests.inner")
    def inner(f: File, output_uid: str) -> File:
        out = File(output_uid)
        out.write_text(f.read_text() * 2)
        return out

    @file_creator(name="tests.outer")
    def outer(output_uid: str) -> File:
        with other.use():
            inner(File("there"), "inner")  # a call of its own, in the other lake
            with pytest.raises(CreatorError, match="another lake"):
                File("there").read_text()
            with pytest.raises(CreatorError, match="another lake"):
                File(output_uid).write_text("x")
        with mine.use():
            File(output_uid).write_text("made")
        return File(output_uid)

    with mine.use():
        assert outer("out").read_text() == "made"
        assert [row.uid for row in mine.ls()] == ["out"]
    assert [row.uid for row in other.ls()] == ["inner", "there"]


def test_adding_inside_a_creator_is_refused(lake: DataLake, write: Callable[..., Path]) -> None:
    path = write("a.txt", "x")

    @file_creator(name="tests.adding")
    def adding(output_uid: str) -> File:
        with pytest.raises(CreatorError, match="inside"):
            lake.add_many([(path, "b.txt")])
        lake.add(path, "a.txt")
        return File(output_uid)

    with pytest.raises(CreatorError, match="inside"):
        adding("out")
    assert lake.ls() == []


def test_paths_that_the_lake_gives_inside_a_creator_are_reads(lake: DataLake) -> None:
    for name in "abc":
        File(name).write_text(name)

    @file_creator(name="tests.paths")
    def paths(output_uid: str) -> File:
        lake.path("a")
        lake.download("b")
        lake.local_path("c")
        File(output_uid).write_text("x")
        return File(output_uid)

    call = paths("out").info().call
    assert call is not None
    assert [one.uid for one in call.reads] == ["a", "b", "c"]


def test_a_file_that_was_pickled_in_a_creator_is_the_same_in_it(lake: DataLake) -> None:
    @file_creator(name="tests.pickled")
    def pickled(output_uid: str) -> File:
        kept.append(pickle.dumps(File(output_uid)))
        pickle.loads(kept[0]).write_text("x")
        assert File(output_uid).read_text() == "x"
        return File(output_uid)

    kept: list[bytes] = []
    made = pickled("out")
    again = pickle.loads(kept[0])
    assert again == made
    assert again.read_text() == "x"
    with pytest.raises((CreatorError, UsageError)):
        again.write_text("y")
