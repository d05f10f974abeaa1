"""What processes may do that are started inside a creator: the same as the creator itself."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import CreatorError

if TYPE_CHECKING:
    from collections.abc import Callable


HERE = str(Path(__file__).parent)


pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The user's module, which other processes can import too."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", HERE)
    import inside_program  # noqa: PLC0415

    return inside_program


STARTS = pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())


@STARTS
@pytest.mark.parametrize("kind", ["process", "executor", "pool"])
def test_a_child_process_writes_the_outputs_it_is_given(
    lake: DataLake, program: Any, start: str, kind: str
) -> None:
    File("in").write_text("abc")
    context = multiprocessing.get_context(start)

    @file_creator(name="tests.children")
    def children(f: File, output_uids: list[str]) -> list[File]:
        outs = [File(uid) for uid in output_uids]
        if kind == "process":
            child = context.Process(target=program.copy, args=(f, outs[0]))
            child.start()
            child.join(60)
            assert child.exitcode == 0
        elif kind == "executor":
            with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
                pool.submit(program.copy, f, outs[0]).result(60)
                # By name too: the job knows where it was submitted.
                assert pool.submit(program.read_name, "in").result(60) == "abc"
        else:
            with context.Pool(1) as pool:
                pool.apply(program.copy, (f, outs[0]))
        assert not lake.ls("a")
        assert outs[0].read_text() == "ABC"
        outs[1].write_text("here")
        return outs

    made = children(File("in"), ["a", "b"])
    assert [file.read_text() for file in made] == ["ABC", "here"]
    for file in made:
        call = file.info().call
        assert call is not None
        assert call.name == "children"
    assert not list((lake.home / "storage/tmp").iterdir())


@STARTS
def test_what_a_child_reads_is_recorded(lake: DataLake, program: Any, start: str) -> None:
    File("in").write_text("abc")
    context = multiprocessing.get_context(start)

    @file_creator(name="tests.reading")
    def reading(output_uid: str) -> File:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            text = pool.submit(program.read_name, "in").result(60)
        out = File(output_uid)
        out.write_text(text)
        return out

    call = reading("out").info().call
    assert call is not None
    assert [one.uid for one in call.reads] == ["in"]


@STARTS
def test_nothing_stays_of_a_child_when_the_call_raises(
    lake: DataLake, program: Any, start: str
) -> None:
    context = multiprocessing.get_context(start)

    @file_creator(name="tests.raising_child")
    def raising(output_uid: str) -> File:
        child = context.Process(target=program.write, args=(File(output_uid), "x"))
        child.start()
        child.join(60)
        raise RuntimeError("no")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            raising("out")
        assert lake.ls() == []
    assert not list((lake.home / "storage/tmp").iterdir())


@STARTS
def test_a_child_is_held_to_the_same_rules(lake: DataLake, program: Any, start: str) -> None:
    context = multiprocessing.get_context(start)

    @file_creator(name="tests.rules")
    def rules(output_uid: str) -> File:
        out = File(output_uid)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            answers.append(pool.submit(program.write_name, "another", "x").result(60))
            answers.append(pool.submit(program.make_unnamed).result(60))
            answers.append(pool.submit(program.write_name, output_uid, "x").result(60))
            answers.append(pool.submit(program.write_name, output_uid, "y").result(60))
        with pytest.raises(CreatorError, match="twice"):
            out.write_text("z")
        return out

    answers: list[str] = []
    assert rules("out").read_text() == "x"
    assert "was not given" in answers[0]
    assert "CreatorError" in answers[1]
    assert answers[2] == "written"
    assert "twice" in answers[3]


@STARTS
def test_a_child_works_in_the_lake_of_use(
    make_lake: Callable[..., DataLake], program: Any, start: str
) -> None:
    mine, other = make_lake("home"), make_lake("other")
    context = multiprocessing.get_context(start)
    with other.use():
        child = context.Process(target=program.write_name, args=("a", "x"))
        child.start()
        child.join(60)
        child = context.Process(target=program.write, args=(File("b"), "x"))
        child.start()
        child.join(60)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        with other.use():
            assert pool.submit(program.write_name, "c", "x").result(60) == "written"
        assert pool.submit(program.write_name, "mine", "x").result(60) == "written"
    assert [row.uid for row in other.ls()] == ["a", "b", "c"]
    if start != "forkserver":  # whose variables are those of the first test that used it
        assert [row.uid for row in mine.ls()] == ["mine"]


def test_a_program_started_in_a_creator_is_refused(lake: DataLake, program: Any) -> None:
    said: list[str] = []

    def start(uid: str) -> None:
        command = [sys.executable, program.__file__, uid]
        said.append(subprocess.run(command, capture_output=True, text=True, check=False).stdout)

    @file_creator(name="tests.programs")
    def programs(output_uid: str) -> File:
        start("import")
        start(output_uid)
        File(output_uid).write_text("x")
        return File(output_uid)

    programs("out")
    assert all("CreatorError" in text and "programs" in text for text in said), said
    assert [row.uid for row in lake.ls()] == ["out"]
    start("import")  # and afterwards it is a program like any other
    assert said[-1] == "written\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_that_returns_from_the_function_publishes_nothing(lake: DataLake) -> None:
    @file_creator(name="tests.forked")
    def forked(output_uid: str) -> File:
        out = File(output_uid)
        child = os.fork()
        if child == 0:
            return out
        os.waitpid(child, 0)
        out.write_text("parent")
        return out

    parent = os.getpid()
    try:
        made = forked("out")
    except CreatorError:
        if os.getpid() != parent:
            os._exit(0)
        raise
    finally:
        if os.getpid() != parent:
            os._exit(1)
    assert made.read_text() == "parent"
