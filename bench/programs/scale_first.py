"""Read one file of a directory that is not on this machine: the `first`, the `next` one, or one `far` away.

Usage: scale_first.py first|next|far UID. For the last two the first file is read before, and does not count.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from filesystems import measure

from radops.data_lake import DataLake


def main(kind: str, uid: str) -> None:
    """Measure one read."""
    data = Path(os.environ["DATA"])
    folders = sorted(data.iterdir())
    first, after, *_ = sorted(folders[0].iterdir())
    last = max(folders[-1].iterdir())
    path = first.relative_to(data).as_posix()
    other = (last if kind == "far" else after).relative_to(data).as_posix()
    lake = DataLake(home=Path(os.environ["W"]) / f"home-{os.getpid()}")
    directory = lake.directory(uid)
    if kind != "first":
        directory[path].read_bytes()
        path = other
    expected = (data / path).read_bytes()

    def read() -> bytes:
        return directory[path].read_bytes()

    measure(read, lambda found: found == expected)


main(*sys.argv[1:])
