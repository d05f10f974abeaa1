"""A cached call that hits on this machine: quick, and never out of date."""

from __future__ import annotations

import builtins
import inspect
import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import File, file_creator
from radops.pipeline.call import Binder
from radops.pipeline.function import Function, Options
from radops.repository.refs import slot_cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.data_lake import DataLake

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@file_creator(name="tests.hit")
def double(f: File, output_uid: str | None = None, *, rate: float = 0.5) -> File:
    ran.append(f.uid)
    out = File(output_uid) if output_uid else File()
    out.write_text(f.read_text() * 2)
    return out


def elsewhere(lake: DataLake, code: str) -> None:
    """Do something in another process of the same home."""
    program = f"from radops.data_lake import DataLake\nlake = DataLake(home={str(lake.home)!r})\n"
    subprocess.run([sys.executable, "-c", program + code], check=True)


@pytest.mark.parametrize("output", [None, "out.txt"])
def test_a_hit_opens_nothing_and_starts_nothing(
    lake: DataLake, monkeypatch: pytest.MonkeyPatch, output: str | None
) -> None:
    File("in.txt").write_text("ab")
    made = double(File("in.txt"), output)
    double(File("in.txt"), output)

    def refuse(*args: object, **options: object) -> Any:
        raise AssertionError(args)

    for module in (builtins, io, os):
        monkeypatch.setattr(module, "open", refuse)
    monkeypatch.setattr(io, "FileIO", refuse)
    monkeypatch.setattr("threading.Thread.start", refuse)
    monkeypatch.setattr("radops.format.cbor.decode", refuse)
    monkeypatch.setattr("radops.repository.objects.catalog.Catalog._run", refuse)
    for _ in range(3):
        assert double(File("in.txt"), output) == made
    assert ran == ["in.txt"]


@pytest.mark.parametrize("output", [None, "out.txt"])
def test_a_tombstone_of_another_process_is_noticed(lake: DataLake, output: str | None) -> None:
    File("in.txt").write_text("ab")
    made = double(File("in.txt"), output)
    assert double(File("in.txt"), output) == made
    elsewhere(lake, f"lake.delete({made.uid!r})")
    assert not double.is_cached(File("in.txt"), output)
    assert double(File("in.txt"), output).read_text() == "abab"
    assert ran == ["in.txt", "in.txt"]
    elsewhere(
        lake,
        "lake.delete('in.txt', cascade=True)\nlake.file('in.txt').write_text('xy')",
    )
    assert double(File("in.txt"), output).read_text() == "xyxy"
    assert ran == ["in.txt"] * 3


def test_a_record_that_was_damaged_is_noticed(lake: DataLake) -> None:
    File("in.txt").write_text("ab")
    double(File("in.txt"))
    double(File("in.txt"))
    (path,) = lake.home.glob("storage/lakes/*/refs/in.txt.radops")
    data, times = path.read_bytes(), path.stat()
    path.chmod(0o644)
    path.write_bytes(data.replace(b"in.txt", b"on.txt"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(Exception, match=r"on\.txt"):
        double(File("in.txt"))


def test_what_is_remembered_is_bounded(lake: DataLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_cache, "_MOST_BYTES", 20_000)
    for number in range(20):
        File(f"{number}.txt").write_text(f"{number}")
        assert File(f"{number}.txt").exists()
    slots = lake.session.lake.local.slots
    assert isinstance(slots, slot_cache.RememberingSlots)
    assert 0 < len(slots._known) < 10
    assert slots._bytes <= 20_000
    assert all(File(f"{number}.txt").read_text() == f"{number}" for number in range(20))


# -- binding arguments as Python does ------------------------------------------------------------


def plain(a, b=2, *, c=3, d): ...
def positional(a, /, b=2): ...
def many(a, *rest, c=1, **options): ...
def nothing(): ...


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((1,), {}),
    ((1,), {"d": 4}),
    ((1, 5), {"d": 4}),
    ((1, 5, 6), {"d": 4}),
    ((1,), {"a": 1, "d": 4}),
    ((), {"d": 4, "a": 1, "c": 7}),
    ((1,), {"d": 4, "e": 5}),
    ((1, 2), {"b": 3, "d": 4}),
    ((1,), {"b": 3}),
]


@pytest.mark.parametrize("function", [plain, positional, many, nothing])
@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_arguments_are_bound_as_python_does(
    function: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    signature = inspect.signature(function)
    binder = Binder(Function(function, Options()))
    told = None
    try:
        expected = signature.bind(*args, **kwargs)
    except TypeError as error:
        told = str(error)
    if told is not None:
        with pytest.raises(TypeError) as caught:
            binder._bind(args, kwargs)
        assert str(caught.value) == told
        return
    expected.apply_defaults()
    found = binder._bind(args, kwargs)
    assert list(found.arguments.items()) == list(expected.arguments.items())
    assert (found.args, found.kwargs) == (expected.args, expected.kwargs)
