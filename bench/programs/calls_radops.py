"""Calls of a creator, given a file of the lake and a number."""

import logging
import os
import sys
from pathlib import Path

from common import report

from radops.data_lake import DataLake, File, file_creator

logging.getLogger("radops").setLevel(logging.WARNING)


@file_creator(name="bench.copy")
def copy(f: File, number: int, *, rate: float = 0.5) -> File:
    """Make a file of one byte."""
    out = File()
    out.write_bytes(b"x")
    return out


def main(kind: str) -> None:
    """Measure one kind of call."""
    remote = os.environ["RADOPS_REMOTE"] if kind == "remote" else None
    lake = DataLake(home="first", remote=remote)
    Path("in.txt").write_bytes(b"x" * 1000)
    lake.add("in.txt", "in.txt")
    with lake.use():
        given = File("in.txt")
        if kind == "miss":
            report(lambda number: copy(given, number), 50)
            return
        copy(given, -1)
        if kind == "hit":
            report(lambda _: copy(given, -1), int(sys.argv[2]) if sys.argv[2:] else 1000)
            return
    # A machine that knows the lake but not the call: another home for each.
    homes = [DataLake(home=f"home{number}", remote=remote) for number in range(13)]
    for one in homes:
        one.info("in.txt")

    def ask(number: int) -> None:
        with homes[number].use():
            copy(File("in.txt"), -1)

    report(ask, 10)


main(sys.argv[1])
