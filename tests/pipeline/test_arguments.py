"""Arguments that can never work are refused before the function runs, and say whose they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import ArgumentTypeError, UsageError

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def _made(*uids: str) -> list[File]:
    ran.append("ran")
    for uid in uids:
        File(uid).write_text("x")
    return [File(uid) for uid in uids]


# -- text in place of a File ---------------------------------------------------------------------


@dataclasses.dataclass
class Config:
    weights: File
    rate: float = 0.5


@file_creator(name="tests.one")
def one(f: File) -> File:
    return _made()[0]


@file_creator(name="tests.maybe")
def maybe(f: File | None = None) -> File:
    return _made()[0]


@file_creator(name="tests.old")
def old(f: Optional[File] = None) -> File:  # noqa: UP045 - as people write it
    return _made()[0]


@file_creator(name="tests.some")
def some(f: list[File]) -> File:
    return _made()[0]


@file_creator(name="tests.sequence")
def sequence(f: Sequence[File]) -> File:
    return _made()[0]


@file_creator(name="tests.pairs")
def pairs(f: tuple[int, File]) -> File:
    return _made()[0]


@file_creator(name="tests.mapped")
def mapped(f: Mapping[str, list[File]]) -> File:
    return _made()[0]


@file_creator(name="tests.config")
def config(f: Config) -> File:
    return _made()[0]


@file_creator(name="tests.star")
def star(*f: File, **more: File) -> File:
    return _made()[0]


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (one, "f"),
        (lambda text: one(Path(text)), "f"),
        (lambda text: one(text.encode()), "f"),
        (maybe, "f"),
        (old, "f"),
        (some, "f"),
        (lambda text: some([File("in"), text]), "f[1]"),
        (lambda text: sequence((text,)), "f[0]"),
        (lambda text: pairs((1, text)), "f[1]"),
        (lambda text: mapped({"a": [File("in"), text]}), "f['a'][1]"),
        (lambda text: config(Config(text)), "f.weights"),
        (lambda text: star(File("in"), text), "f[1]"),
        (lambda text: star(other=text), "more['other']"),
    ],
)
def test_text_where_a_file_is_wanted(
    lake: DataLake, call: Callable[[Any], object], where: str
) -> None:
    File("in").write_text("x")
    with pytest.raises(TypeError) as caught:
        call("data/train.csv")
    assert isinstance(caught.value, ArgumentTypeError)
    assert f"argument {where}: " in caught.value.message
    assert "tests.pipeline.test_arguments." in caught.value.message
    assert caught.value.hint == "pass the file of the lake: File('data/train.csv')"
    assert ran == []


def test_what_may_be_text_may(lake: DataLake) -> None:
    File("in").write_text("x")

    @file_creator(name="tests.either")
    def either(f: File | str, g: dict[str, Any], h: object, output_uid: str) -> File:
        return _made(output_uid)[0]

    either("text", {"a": "text"}, "text", "out")
    maybe_made = file_creator(name="tests.none")(_takes_none)
    maybe_made(None, "out2")
    assert ran == ["ran", "ran"]


def _takes_none(f: File | None, output_uid: str) -> File:
    return _made(output_uid)[0]


def test_annotations_that_cannot_be_resolved_are_left_alone(lake: DataLake) -> None:
    @file_creator(name="tests.unresolved")
    def unresolved(f: Nowhere, output_uid: str) -> File:  # type: ignore[name-defined] # noqa: F821
        return _made(output_uid)[0]

    unresolved("text", "out")
    assert ran == ["ran"]


# -- names of outputs ----------------------------------------------------------------------------


@file_creator(name="tests.out_one")
def out_one(output_uids: object = None) -> File:
    return _made()[0]


@file_creator(name="tests.out_two")
def out_two(output_uids: object = None) -> tuple[File, File]:
    return tuple(_made())  # type: ignore[return-value]


@file_creator(name="tests.out_dict")
def out_dict(output_uids: object = None, output_uid: object = None) -> dict[str, File]:
    return dict.fromkeys("a", _made()[0])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: out_one(["a", "b"]), "returns one file, and is given 2 files"),
        (lambda: out_two(["a"]), "returns 2 files, and is given one file"),
        (lambda: out_two(["a", "b", "c"]), "returns 2 files, and is given 3 files"),
        (lambda: out_dict({1: "a"}), "has the key 1, an int, not text"),
        (lambda: out_dict({"\ud800": "a"}), "cannot be encoded"),
        (lambda: out_dict(["a", 2]), "holds an int"),
        (lambda: out_dict("a"), "output_uids is a str"),
        (lambda: out_dict(b"a"), "output_uids is a bytes"),
        (lambda: out_dict(5), "output_uids is an int"),
        (lambda: out_dict([]), "output_uids is empty"),
        (lambda: out_dict(["a", "a"]), "names a file twice"),
        (lambda: out_dict(output_uid=Path("a")), "output_uid is a PosixPath"),
        (lambda: out_dict(["a"], output_uid="b"), "not both"),
    ],
)
def test_outputs_that_can_never_be_made(
    lake: DataLake, call: Callable[[], object], match: str
) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        call()
    assert "tests.pipeline.test_arguments.out_" in caught.value.message
    assert ran == []


# -- whose argument it is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        one,
        lambda: one(File("in"), 2),
        lambda: one(File("in"), g=1),
        lambda: one(object()),
        lambda: one(open),
    ],
)
def test_type_errors_name_the_function(lake: DataLake, call: Callable[[], object]) -> None:
    File("in").write_text("x")
    with pytest.raises(TypeError, match=r"test_arguments\.one: "):
        call()
