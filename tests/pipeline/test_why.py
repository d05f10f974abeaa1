"""Why a call runs or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.data_lake import File, file_creator
from radops.errors import RemoteUnavailableError
from radops.format.uid import UID
from radops.repository.refs.bury import bury

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake


@file_creator(name="tests.why")
def scale(f: File, output_uid: str | None = None, *, rate: float = 0.5, mode: str = "a") -> File:
    out = File(output_uid) if output_uid else File()
    out.write_text(f.read_text() * int(rate * 2))
    return out


def test_a_hit_says_where(lake: DataLake) -> None:
    File("in").write_text("x")
    out = scale(File("in"), "out")
    why = scale.why(File("in"), "out")
    assert (why.hit, why.outputs, why.differences) == (True, ("out",), ())
    assert "is in the lake: out" in str(why)
    assert why.key == scale.key(File("in"))
    assert out.uid == "out"


def test_a_miss_names_what_differs_from_the_nearest(lake: DataLake) -> None:
    File("in").write_text("x")
    assert "no result of this function" in scale.why(File("in")).reason
    scale(File("in"), "far", rate=1.0, mode="b")
    scale(File("in"), "near", rate=1.0)
    why = scale.why(File("in"), rate=1.5)
    assert (why.hit, why.nearest) == (False, "near")
    assert [(one.kind, one.name) for one in why.differences] == [("argument", "rate")]
    assert str(why).splitlines()[1:] == ["nearest result: near", "  - rate was 1.0, not 1.5"]


def test_an_input_that_changed_under_its_name(lake: DataLake) -> None:
    File("in").write_text("x")
    scale(File("in"))
    lake.delete("in", cascade=True)
    File("in").write_text("x")
    made = scale(File("in"), "made")
    assert made.exists()
    # Deleted without what was made from it, as an older writer may that knows no edges.
    record = lake.session.record(UID("in"))
    bury(lake.session.lake.local, UID("in"), 1, record.raw)
    File("in").write_text("yy")
    why = scale.why(File("in"))
    assert why.nearest == "made"
    assert [(one.kind, one.name) for one in why.differences] == [("input", "in")]
    assert [(one.uid, one.state) for one in lake.why("made").inputs] == [("in", "changed")]


def test_other_inputs_are_compared_with_what_is_known_here(lake: DataLake) -> None:
    File("a").write_text("x")
    File("b").write_text("x")
    scale(File("a"), "from-a")
    why = scale.why(File("b"))
    assert why.nearest == "from-a"
    assert "f was" in str(why)


def test_a_deleted_result_and_a_taken_name(lake: DataLake) -> None:
    File("in").write_text("x")
    scale(File("in")).delete()
    assert "was deleted" in scale.why(File("in")).reason
    scale(File("in"), "out").delete()
    assert "out was deleted" in scale.why(File("in"), "out").reason
    scale(File("in"), "out", rate=1.0)
    why = scale.why(File("in"), "out", rate=2.0)
    assert (why.hit, why.nearest) == (False, "out")
    assert "would fail" in why.reason
    assert [one.name for one in why.differences] == ["rate"]
    File("folder/x").write_text("x")
    assert "is a folder" in scale.why(File("in"), "folder").reason
    File("by-hand").write_text("x")
    assert scale.why(File("in"), "by-hand").differences[0].kind == "origin"


def test_code_is_named_where_it_counts(lake: DataLake, tmp_path: Path) -> None:
    def load(text: str, options: str) -> object:
        path = tmp_path / f"code{len(list(tmp_path.glob('code*')))}.py"
        path.write_text(
            "from radops.data_lake import File, file_creator\n"
            f"@file_creator(name='tests.code', {options})\n"
            "def make(n: int) -> File:\n"
            "    out = File()\n"
            f"    out.write_text({text!r})\n"
            "    return out\n"
        )
        scope = {"__name__": path.stem, "__file__": str(path)}
        exec(compile(path.read_text(), str(path), "exec"), scope)
        return scope["make"]

    load("1", "track_code=True")(1)
    why = load("2", "track_code=True").why(1)
    assert (why.hit, [one.kind for one in why.differences]) == (False, ["code"])
    load("1", "version='1'")(1)
    why = load("2", "version='1'").why(1)
    assert (why.hit, [one.kind for one in why.differences]) == (True, ["code"])
    why = load("1", "version='2'").why(1)
    assert [one.kind for one in why.differences] == ["version"]


def test_a_result_that_waits_to_be_published(
    make_lake, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(remote=shared)
    with lake.use():
        File("in").write_text("x")

        def fail(*args: object, **options: object) -> object:
            raise RemoteUnavailableError("gone")

        with monkeypatch.context() as patch:
            patch.setattr("radops.repository.working_lake.publish", fail)
            with pytest.raises(RemoteUnavailableError):
                scale(File("in"))
        why = scale.why(File("in"))
        assert why.hit
        assert "waits to be published" in why.reason
