"""What `file_creator` refuses: functions, arguments and what is returned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import (
    ArgumentTypeError,
    CreatorError,
    UsageError,
)


def test_a_file_that_was_not_given_is_an_error(lake: DataLake, source: File) -> None:
    @file_creator(name="tests.stray")
    def stray(f: File, output_uid: str) -> File:
        File("elsewhere.txt").write_text("x")
        return File(output_uid)

    with pytest.raises(CreatorError, match=r"elsewhere\.txt"):
        stray(source, "out.txt")
    assert not File("elsewhere.txt").exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda out: None, "NoneType|returned None"),
        (lambda out: [out], "returned"),
        (lambda out: File("in.txt"), "has not written"),
        (lambda out: (File().write_text("left"), out.write_text("x"), out)[2], "did not return"),
        (lambda out: (out.write_text("x"), out.write_text("y"), out)[2], "twice"),
    ],
)
def test_what_is_returned_must_be_what_was_made(
    lake: DataLake, source: File, body: Callable[[File], object], words: str
) -> None:
    @file_creator(name="tests.wrong")
    def wrong(f: File) -> File:
        return body(File())  # type: ignore[return-value]

    with pytest.raises(CreatorError, match=words):
        wrong(source)
    assert [row.uid for row in lake.ls(recursive=True, generated=True)] == ["in.txt"]


def test_what_a_function_made_is_kept_if_what_it_returned_is_refused(
    lake: DataLake, source: File
) -> None:
    @file_creator(name="tests.forgetful")
    def forgetful(f: File) -> File:
        File(suffix=".txt").write_text("hours of work")
        with Directory().staged() as folder:
            (folder / "a.txt").write_text("a")
        out = File(suffix=".txt")
        out.write_text("x")
        return out

    with pytest.raises(CreatorError, match=r"did not return it.*kept in ") as caught:
        forgetful(source)
    kept = [Path(place) for place in caught.value.message.partition("kept in ")[2].split(", ")]
    files = {f for place in kept for f in ([place] if place.is_file() else place.rglob("*.txt"))}
    assert {f.read_text() for f in files} == {"hours of work", "a", "x"}
    assert [row.uid for row in lake.ls(recursive=True, generated=True)] == ["in.txt"]


def test_all_given_outputs_must_be_made(lake: DataLake) -> None:
    @file_creator(name="tests.lazy")
    def lazy(output_uids: list[str]) -> list[File]:
        out = File(output_uids[0])
        out.write_text("x")
        return [out]

    with pytest.raises(CreatorError, match="did not make b"):
        lazy(["a", "b"])
    assert lake.ls() == []


def test_functions_that_cannot_be_creators_are_refused_at_once() -> None:
    with pytest.raises(CreatorError, match="no return annotation"):

        @file_creator
        def bare(f):
            return f

    with pytest.raises(CreatorError, match="annotated to return"):

        @file_creator
        def wrong(f: File) -> int:
            return 1

    with pytest.raises(CreatorError, match="asynchronous"):

        @file_creator
        async def later(f: File) -> File:
            return f

    with pytest.raises(CreatorError, match="generator"):

        @file_creator
        def many(f: File) -> File:
            yield f

    with pytest.raises(UsageError, match="parameter"):

        @file_creator(ignore=("verbose",))
        def ignoring(f: File) -> File:
            return f

        ignoring(File("a"))


def test_arguments_that_cannot_be_recorded_are_named(lake: DataLake) -> None:
    @file_creator(name="tests.any")
    def anything(value: object) -> File:
        raise AssertionError

    with pytest.raises(ArgumentTypeError, match=r"value\[1\]") as caught:
        anything([1, object()])
    assert caught.value.hint
    with pytest.raises(TypeError):
        anything(open)


def test_secrets_are_refused_unless_ignored(lake: DataLake) -> None:
    @file_creator(name="tests.secretive")
    def secretive(password: str | None) -> File:
        out = File()
        out.write_text("x")
        return out

    with pytest.raises(ArgumentTypeError, match="secret"):
        secretive("hunter2")
    secretive(None)

    @file_creator(name="tests.careful", ignore=("password",))
    def careful(password: str) -> File:
        out = File()
        out.write_text("x")
        return out

    out = careful("hunter2")
    assert careful("other") == out
    assert b"hunter2" not in b"".join(
        path.read_bytes() for path in lake.home.rglob("*") if path.is_file()
    )
