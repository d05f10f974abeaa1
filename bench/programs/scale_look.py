"""Look at a directory, in a session of its own each time: `ls` of a folder, `info`, or a `call`.

Usage: scale_look.py ls|info|call UID FOLDER COUNT. FOLDER is what is listed, and has COUNT files. The call
is one that was made before, with the directory as its argument.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from common import report

from radops.data_lake import DataLake, Directory, File, file_creator

if TYPE_CHECKING:
    from collections.abc import Callable

logging.getLogger("radops").setLevel(logging.WARNING)


@file_creator(name="bench.note")
def note(images: Directory) -> File:
    """Make a file that says how many files a directory has."""
    out = File()
    out.write_text(f"{len(images)}\n")
    return out


def fresh(work: Callable[[DataLake], None]) -> Callable[[int], None]:
    """Return a function that does something in a session that knows nothing yet."""

    def run(_number: int) -> None:
        with contextlib.closing(DataLake()) as lake:
            work(lake)

    return run


def main(what: str, uid: str, folder: str, count: int) -> None:
    """Measure one kind of look."""

    def list_folder(lake: DataLake) -> None:
        found = lake.ls(folder)
        if len(found) != count:
            raise SystemExit(f"{folder} has {len(found)} files, not {count}")

    def call(lake: DataLake) -> None:
        with lake.use():
            note(Directory(uid))

    kinds: dict[str, Callable[[DataLake], object]] = {
        "ls": list_folder,
        "info": lambda lake: lake.info(uid),
        "call": call,
    }
    report(fresh(kinds[what]), 30)


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
