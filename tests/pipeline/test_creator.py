"""`file_creator`: computed once, whole or not at all, with its lineage."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import logging
import threading
from pathlib import Path

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    InvalidUIDError,
    LineageMismatchError,
    UIDConflictError,
    UIDNotFoundError,
)

runs: list[object] = []


@pytest.fixture(autouse=True)
def _count() -> None:
    runs.clear()


@file_creator
def shout(f: File, output_uid: str | None = None, *, times: int = 1) -> File:
    runs.append(f.uid)
    out = File(output_uid) if output_uid else File()
    out.write_text(f.read_text().upper() * times)
    return out


@file_creator
def parts(f: File, count: int, fail_at: int = -1) -> list[File]:
    runs.append(count)
    made = []
    for number in range(count):
        if number == fail_at:
            raise RuntimeError("no")
        out = File(suffix=".txt")
        out.write_text(f"{f.read_text()}{number}")
        made.append(out)
    return made[::-1]


@file_creator
def named(f: File, output_uids: dict[str, str] | None = None) -> dict[str, File]:
    runs.append("named")
    made = {}
    for name in ("train", "test"):
        made[name] = File(output_uids[name]) if output_uids else File()
        made[name].write_text(name)
    return made


@file_creator
def pair(output_uids: list[str]) -> tuple[File, File]:
    runs.append("pair")
    made = [File(uid) for uid in output_uids]
    for out in made:
        out.write_text(out.uid)
    return made[0], made[1]


def test_a_call_is_made_once(
    lake: DataLake, source: File, caplog: pytest.LogCaptureFixture
) -> None:
    assert shout(source, "out.txt").read_text() == "ABC"
    with caplog.at_level(logging.INFO, logger="radops"):
        assert shout(source, output_uid="out.txt") == File("out.txt")
    assert runs == ["in.txt"]
    assert "skipping" in caplog.text
    assert "out.txt" in caplog.text


def test_defaults_and_keywords_are_the_same_call(lake: DataLake, source: File) -> None:
    assert shout(source) == shout(f=source, times=1) == shout(source, output_uid=None)
    assert runs == ["in.txt"]
    assert shout.is_cached(source)
    assert not shout.is_cached(source, times=2)
    assert shout.key(source) != shout.key(source, times=2)


def test_implicit_names_come_from_the_key(lake: DataLake, source: File) -> None:
    out = shout(source)
    assert out.uid == f".generated_uids/{shout.key(source)}_0"
    assert [row.uid for row in lake.ls(recursive=True)] == ["in.txt"]
    assert out.uid in [row.uid for row in lake.ls(recursive=True, generated=True)]


def test_the_hint_of_where_results_are_can_be_lost(lake: DataLake, source: File) -> None:
    first = parts(source, 3)
    for path in lake.home.glob("storage/lakes/*/calls/*/*"):
        path.unlink()
    assert parts(source, 3) == first
    assert runs == [3]


def test_shapes_come_back_as_they_were(lake: DataLake, source: File) -> None:
    made = parts(source, 3)
    assert [file.read_text() for file in made] == ["abc2", "abc1", "abc0"]
    assert [file.uid[-6:] for file in made] == ["_2.txt", "_1.txt", "_0.txt"]
    assert parts(source, 3) == made
    assert named(source) == named(source)
    assert {name: file.read_text() for name, file in named(source).items()} == {
        "train": "train",
        "test": "test",
    }
    names = {"train": "sets/a", "test": "sets/b"}
    assert named(source, output_uids=names) == {"train": File("sets/a"), "test": File("sets/b")}
    assert named(source, output_uids=names)["test"].read_text() == "test"
    assert pair(["z", "a"]) == (File("z"), File("a")) == pair(["z", "a"])
    assert runs == [3, "named", "named", "pair"]


def test_nothing_is_published_when_the_function_raises(lake: DataLake, source: File) -> None:
    before = {path for path in lake.home.rglob("*") if path.is_file()}
    with pytest.raises(RuntimeError, match="no"):
        parts(source, 5, fail_at=2)
    assert lake.ls(generated=True, recursive=True) == lake.ls(recursive=True)
    after = {path for path in lake.home.rglob("*") if path.is_file()}
    left = {path for path in after - before if "catalog" not in path.name}
    assert {path for path in left if "leases" not in path.parts} == set()


def test_other_lineage_under_the_name_is_loud(lake: DataLake, source: File) -> None:
    shout(source, "out.txt", times=2)
    with pytest.raises(LineageMismatchError, match="times was 2, not 3"):
        shout(source, "out.txt", times=3)
    File("other.txt").write_text("abc")
    with pytest.raises(LineageMismatchError, match=r"in\.txt"):
        shout(File("other.txt"), "out.txt", times=2)
    File("by-hand.txt").write_text("x")
    with pytest.raises(LineageMismatchError, match="added"):
        shout(source, "by-hand.txt")
    File("a/folder").write_text("x")
    with pytest.raises(UIDConflictError, match="folder"):
        shout(source, "a")
    assert runs == ["in.txt"]


def test_a_new_input_under_the_same_name_is_another_call(lake: DataLake, source: File) -> None:
    first = shout(source)
    lake.delete("in.txt", cascade=True)
    File("in.txt").write_text("xyz")
    second = shout(source)
    assert second != first
    assert second.read_text() == "XYZ"


def test_an_output_that_was_deleted_is_made_again(lake: DataLake, source: File) -> None:
    made = parts(source, 3)
    made[1].delete()
    again = parts(source, 3)
    assert [file.read_text() for file in again] == ["abc2", "abc1", "abc0"]
    assert runs == [3, 3]
    assert parts(source, 3) == again
    assert runs == [3, 3]


def test_inputs_may_sit_anywhere(lake: DataLake, source: File) -> None:
    @dataclasses.dataclass
    class Setup:
        data: File
        rate: float

    @file_creator(name="tests.deep")
    def deep(files: list[File], by_name: dict[str, File], setup: Setup) -> File:
        out = File()
        out.write_text(files[0].read_text() + by_name["b"].read_text() + setup.data.read_text())
        return out

    for name in ("a", "b", "c"):
        File(name).write_text(name)
    out = deep([File("a")], {"b": File("b")}, setup=Setup(File("c"), 0.5))
    assert out.read_text() == "abc"
    call = out.info().call
    assert call is not None
    assert [(one.arg, one.uid) for one in call.inputs] == [
        ('by_name["b"]', "b"),
        ("files[0]", "a"),
        ("setup.data", "c"),
    ]
    assert lake.upstream(out.uid) == ["a", "b", "c"]
    assert lake.downstream("b") == [out.uid]


def test_the_record_says_how(lake: DataLake, source: File) -> None:
    info = shout(source, "out.txt", times=2).info()
    call = info.call
    assert call is not None
    assert call.name == "shout"
    assert call.params == {"times": 2}
    assert call.key == shout.key(source, times=2)
    assert [one.uid for one in call.outputs] == ["out.txt"]
    assert call.code.source is not None
    assert "upper()" in call.code.source
    assert call.code.fingerprint is not None
    assert call.environment["python"].count(".") == 2
    assert "radops" in call.environment["distributions"]
    assert info.originator == "ada@example.com"
    assert info.size == 6
    source_info = source.info()
    assert call.inputs[0].record == source_info.record
    assert call.inputs[0].digest == source_info.digest


def test_arguments_are_recorded_as_they_were_before_the_call(lake: DataLake) -> None:
    @file_creator(name="tests.mutating")
    def mutating(values: list[int]) -> File:
        values.append(4)
        out = File()
        out.write_text(str(values))
        return out

    given = [1, 2, 3]
    out = mutating(given)
    call = out.info().call
    assert call is not None
    assert call.params == {"values": [1, 2, 3]}
    assert mutating([1, 2, 3]) == out


def test_an_input_that_is_not_there_is_told(lake: DataLake) -> None:
    with pytest.raises(UIDNotFoundError):
        shout(File("nowhere.txt"))
    assert runs == []


@pytest.mark.parametrize("uid", ["../x", "a//b", ".generated_uids/x", ""])
def test_bad_output_names_are_refused_before_the_work(
    lake: DataLake, source: File, uid: str
) -> None:
    with pytest.raises(InvalidUIDError):
        shout(source, uid)
    assert runs == []


def test_methods_are_creators(lake: DataLake, source: File) -> None:
    @dataclasses.dataclass
    class Model:
        rate: float

        @file_creator(name="tests.fit")
        def fit(self, f: File) -> File:
            runs.append(self.rate)
            out = File()
            out.write_text(f"{self.rate}")
            return out

    assert Model(0.5).fit(source).read_text() == "0.5"
    assert Model(0.5).fit(source) == Model(0.5).fit(source)
    assert Model(0.7).fit(source).read_text() == "0.7"
    assert runs == [0.5, 0.7]


def test_creators_call_creators(lake: DataLake, source: File) -> None:
    @file_creator(name="tests.outer")
    def outer(f: File) -> File:
        inner = shout(f)
        out = File()
        out.write_text(inner.read_text() + "!")
        return out

    out = outer(source)
    assert out.read_text() == "ABC!"
    call = out.info().call
    assert call is not None
    assert [one.uid for one in call.reads] == [shout(source).uid]


def test_threads_have_runs_of_their_own(lake: DataLake) -> None:
    for number in range(8):
        File(f"in-{number}").write_text(str(number))
    barrier = threading.Barrier(4)

    @file_creator(name="tests.slow")
    def slow(f: File) -> File:
        barrier.wait(timeout=20)
        out = File()
        out.write_text(f.read_text() * 2)
        return out

    def call(number: int) -> str:
        with lake.use():
            return slow(File(f"in-{number}")).read_text()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(8))) == [str(n) * 2 for n in range(8)]


def test_changed_code_is_a_warning_and_can_be_more(
    lake: DataLake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load(text: str, options: str = ""):
        path = tmp_path / f"code{len(list(tmp_path.glob('code*')))}.py"
        path.write_text(
            "from radops.data_lake import File, file_creator\n"
            f"@file_creator(name='tests.changing'{options})\n"
            "def changing() -> File:\n"
            "    out = File()\n"
            f"    out.write_text({text!r})\n"
            "    return out\n"
        )
        scope = {"__name__": path.stem, "__file__": str(path)}
        exec(compile(path.read_text(), str(path), "exec"), scope)
        return scope["changing"]

    first = load("1")()
    assert load("2")() == first
    assert "has changed" in caplog.text
    with pytest.raises(LineageMismatchError, match="has changed"):
        load("3", ", on_code_change='error'")()
    monkeypatch.setenv("RADOPS_ON_CODE_CHANGE", "error")
    caplog.clear()
    assert load("4", ", on_code_change='ignore'")() == first
    assert "has changed" not in caplog.text
    assert load("5", ", track_code=True")().read_text() == "5"
    assert load("6", ", version='2'")().read_text() == "6"
