"""Conversion to structs by many threads at once."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from radops.structs import convert, prepared

_PROGRAM = """
import sys
import threading

import msgspec

from radops.structs import prepared

sys.setswitchinterval(1e-6)


def define():
    @prepared
    class Inner(msgspec.Struct):
        number: int
        names: list[str]

    @prepared
    class Outer(msgspec.Struct):
        one: Inner
        other: Inner | None
        more: dict[str, Inner]

    return Outer


inner = {"number": 1, "names": ["a"]}
tree = {"one": inner, "other": None, "more": {"a": inner}}
for _ in range(300):
    kind = define()
    barrier = threading.Barrier(8)

    def convert():
        barrier.wait()
        msgspec.convert(tree, kind)

    threads = [threading.Thread(target=convert) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_threads_may_convert_to_one_struct_for_the_first_time_at_once() -> None:
    # A fault here is a crash of the process.
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_only_prepared_classes_are_converted_to() -> None:
    class Unprepared(msgspec.Struct):
        number: int

    with pytest.raises(TypeError, match="Unprepared is not prepared"):
        convert({"number": 1}, Unprepared)
    assert convert({"number": 1}, prepared(Unprepared)).number == 1
