"""Adding bytes that stand already is done, whatever made them and wherever they stand."""

from __future__ import annotations

import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import UIDConflictError


@file_creator(name="tests.adding.make")
def make(text: str, output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(text)
    return out


@pytest.mark.parametrize("as_url", [False, True])
def test_bytes_that_a_function_made(lake: DataLake, write, as_url: bool) -> None:
    make("same", output_uid="a.txt")
    path = write("a.txt", "same")
    before = lake.info("a.txt").record
    result = lake.add(path.as_uri() if as_url else path, "a.txt")
    assert result.already_there
    assert lake.info("a.txt").record == before
    other = write("other.txt", "else")
    with pytest.raises(UIDConflictError, match="other bytes"):
        lake.add(other.as_uri() if as_url else other, "a.txt")


def test_the_call_need_not_be_here(make_lake, shared: str, write) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    with one.use():
        make("same" * 20_000, output_uid="a.txt")  # a call so long is an object of its own
    assert two.add(write("a.txt", "same" * 20_000)).already_there


def test_what_a_function_made_apart_is_published_as_such(make_lake, shared: str, write) -> None:
    one = make_lake("one", remote=shared)
    one.join()
    with make_lake("one", remote=shared, offline=True).use():
        make("same", output_uid="a.txt")
    assert one.add(write("a.txt", "same")).already_there
    assert one.out_of_sync() == []
    assert make_lake("two", remote=shared).info("a.txt").call is not None


def test_a_folder_is_in_the_way(lake: DataLake, write) -> None:
    lake.add(write("x.txt", "x"), "a/x.txt")
    with pytest.raises(UIDConflictError, match="folder"):
        lake.add(write("y.txt", "y"), "a")
