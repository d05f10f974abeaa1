"""Functions that other processes import in the tests of work inside creators."""

from __future__ import annotations

import os
import threading

from radops.data_lake import File


def write(file: File, text: str) -> None:
    file.write_text(text)


def write_name(uid: str, text: str) -> str:
    try:
        File(uid).write_text(text)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return f"{type(error).__name__}: {error} ({getattr(error, 'hint', '')})"
    return "written"


def copy(source: File, target: File) -> None:
    target.write_text(source.read_text().upper())


def read_name(uid: str) -> str:
    return File(uid).read_text()


def make_unnamed() -> str:
    try:
        File()
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return f"{type(error).__name__}: {error}"
    return "made"


def start_thread() -> str:
    seen: list[str] = []
    thread = threading.Thread(target=seen.append, args=["ran"])
    thread.start()
    thread.join(60)
    return seen[0]


def process() -> int:
    return os.getpid()


if __name__ == "__main__":
    import sys

    print(write_name(sys.argv[1], "from a program"))
