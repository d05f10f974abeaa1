"""Make a lake whose files were all made from one another, by calls of 100 results each.

Usage: ui_lineage.py COUNT. The first file is `begin`; the last, `end`, was made from all others.
"""

from __future__ import annotations

import logging
import sys

from radops.data_lake import DataLake, File, file_creator

EACH = 100
FROM = 3

logging.getLogger("radops").setLevel(logging.WARNING)


@file_creator(name="bench.spread")
def spread(parts: list[File], output_uids: list[str], *, number: int) -> list[File]:
    """Make many files out of a few."""
    made = []
    for place, uid in enumerate(output_uids):
        out = File(uid)
        out.write_text(f"{number} {place}\n")
        made.append(out)
    return made


@file_creator(name="bench.gather")
def gather(parts: list[File], output_uid: str) -> File:
    """Make one file out of many."""
    out = File(output_uid)
    out.write_text("".join(part.uid for part in parts))
    return out


def main(count: int) -> None:
    """Make so many files."""
    lake = DataLake(home="home")
    with lake.use():
        File("begin").write_text("begin\n")
        parts = [File("begin")]
        ends = []
        for number in range(count // EACH):
            uids = [f"made/{number:04}/{place:02}" for place in range(EACH)]
            files = spread(parts, output_uids=uids, number=number)
            ends.append(files[-1])
            # Some calls begin from the first results again, so that the graph is wide and deep.
            parts = files[: FROM * (1 + number % 5)] if number % 10 else ends[-FROM:]
        gather(ends, output_uid="end")


main(int(sys.argv[1]))
