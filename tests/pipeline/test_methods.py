"""Creators that are methods have all that other creators have."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import File, file_creator

if TYPE_CHECKING:
    from radops.data_lake import DataLake


@dataclasses.dataclass
class Model:
    rate: float

    @file_creator(name="tests.methods.fit")
    def fit(self, f: File, times: int = 1) -> File:
        out = File()
        out.write_text(f.read_text() * times + str(self.rate))
        return out

    @staticmethod
    @file_creator(name="tests.methods.plain")
    def plain(f: File) -> File:
        out = File()
        out.write_text(f.read_text())
        return out


def test_questions_are_asked_of_the_instance(lake: DataLake) -> None:
    File("in").write_text("x")
    one, other = Model(0.5), Model(0.7)
    assert not one.fit.is_cached(File("in"))
    assert one.fit.key(File("in")) != other.fit.key(File("in"))
    made = one.fit(File("in"))
    assert made.uid == f".generated_uids/{one.fit.key(File('in'))}_0"
    assert one.fit.is_cached(File("in"))
    assert Model(0.5).fit.is_cached(f=File("in"))
    assert not other.fit.is_cached(File("in"))
    assert one.fit.why(File("in")).hit
    assert [str(one) for one in other.fit.why(File("in")).differences]
    assert one.fit.__wrapped__.__self__ is one
    assert one.fit == one.fit
    assert one.fit != other.fit
    assert hash(one.fit) == hash(one.fit)
    assert Model.plain.key(File("in")) != one.fit.key(File("in"))


@pytest.mark.parametrize("kind", ["here", "threads", "processes"])
def test_many_calls_of_a_method(lake: DataLake, kind: str) -> None:
    for name in "ab":
        File(name).write_text(name)
    model = Model(0.5)
    executor: Any = None
    if kind == "threads":
        executor = concurrent.futures.ThreadPoolExecutor(2)
    elif kind == "processes":
        context = multiprocessing.get_context("spawn")
        executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)
    items: list[Any] = [File("a"), (File("b"), 2), {"f": File("a"), "times": 3}]
    made = model.fit.map(items, executor=executor)
    assert [file.read_text() for file in made] == ["a0.5", "bb0.5", "aaa0.5"]
    if executor is not None:
        assert model.fit.submit(executor, File("b")).result().read_text() == "b0.5"
        executor.shutdown()


def test_a_bound_creator_is_pickled_with_its_instance() -> None:
    again = pickle.loads(pickle.dumps(Model(0.5).fit))
    assert again.__wrapped__.__self__ == Model(0.5)
