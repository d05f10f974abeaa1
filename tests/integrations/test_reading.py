"""Files that are handed to libraries, at the end of the process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pyarrow")

if TYPE_CHECKING:
    from pathlib import Path

# A thread has a file as the program ends, as threads of pyarrow have for a moment.
PROGRAM = """
import sys, threading, time
import pyarrow
from radops.integrations.reading import for_libraries

def release(held):
    time.sleep(0.05)
    print("released", flush=True)  # once it is, the process may be at its end
    held.pop().close()

held = [for_libraries(open(sys.argv[1], "rb"))]
if sys.argv[2] == "thread":
    threading.Thread(target=release, args=(held,), daemon=True).start()
"""


def end_of(tmp_path: Path, kind: str) -> str:
    (tmp_path / "a").write_bytes(b"a")
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "a"), kind],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_end_of_a_process_waits_for_a_thread_that_releases_a_file(tmp_path: Path) -> None:
    assert end_of(tmp_path, "thread") == "released\n"


def test_a_file_that_is_never_closed_does_not_keep_a_process(tmp_path: Path) -> None:
    assert end_of(tmp_path, "open") == ""
