"""Results are used again only where they are what is asked for: else it is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import LineageMismatchError

runs: list[object] = []


@pytest.fixture(autouse=True)
def _count() -> None:
    runs.clear()


@file_creator(name="tests.reuse.split")
def split(output_uids: dict[str, str]) -> dict[str, File]:
    runs.append("split")
    made = {name: File(uid) for name, uid in output_uids.items()}
    for name, out in made.items():
        out.write_text(name)
    return made


@file_creator(name="tests.reuse.parts")
def parts(output_uids: list[str]) -> list[File]:
    runs.append("parts")
    made = [File(uid) for uid in output_uids]
    for number, out in enumerate(made):
        out.write_text(str(number))
    return made[::-1]


suffixes = [".a"]


@file_creator(name="tests.reuse.other_suffix")
def other_suffix(number: int) -> File:
    runs.append(number)
    out = File(suffix=suffixes[-1])
    out.write_text(str(number))
    return out


def test_outputs_that_changed_places_are_loud(lake: DataLake) -> None:
    split(output_uids={"train": "a", "test": "b"})
    with pytest.raises(LineageMismatchError, match="a as 'train'"):
        split(output_uids={"train": "b", "test": "a"})
    assert split(output_uids={"test": "b", "train": "a"})["test"] == File("b")
    assert runs == ["split"]


@pytest.mark.parametrize("asked", [["a"], ["a", "b"], ["a", "b", "c", "d"], ["c", "d"]])
def test_fewer_or_more_outputs_are_loud(lake: DataLake, asked: list[str]) -> None:
    parts(output_uids=["a", "b", "c"])
    with pytest.raises(LineageMismatchError, match="made a, b, c"):
        parts(output_uids=asked)
    why = parts.why(output_uids=asked)
    assert not why.hit
    assert "made a, b, c" in why.reason
    assert runs == ["parts"]


def test_a_list_may_come_back_in_another_order(lake: DataLake) -> None:
    made = parts(output_uids=["a", "b", "c"])
    assert parts(output_uids=["a", "b", "c"]) == made == [File("c"), File("b"), File("a")]
    assert runs == ["parts"]


def test_a_deleted_output_is_made_again_beside_the_others(lake: DataLake) -> None:
    made = parts(output_uids=["a", "b", "c"])
    File("b").delete()
    assert parts(output_uids=["a", "b", "c"]) == made
    assert runs == ["parts", "parts"]


def test_a_hint_that_leads_nowhere_is_no_reason_to_compute(
    make_lake: Callable[..., DataLake], shared: str
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    with one.use():
        first = other_suffix(1)
        first.delete()
    suffixes.append(".b")
    with two.use():
        second = other_suffix(1)
    with one.use():
        assert other_suffix(1) == second != first
        assert other_suffix(1) == second
    assert runs == [1, 1]
