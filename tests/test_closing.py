"""The closing line of a test run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_needs_a_server(number):
    pytest.skip("the server is not installed: apt-get install server")

@pytest.mark.skipif(True, reason="needs root")
def test_root():
    pass

def test_good():
    pass
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_last_line_says_what_was_skipped_and_why(tmp_path, workers):
    (tmp_path / "test_it.py").write_text(TESTS)
    assert last_line(tmp_path, "-n", workers) == (
        "skipped: 4 of the tests: 3 (the server is not installed: apt-get install server);"
        " 1 (needs root)"
    )
    assert last_line(tmp_path, "-n", workers, "-k", "good") == "skipped: nothing"


def last_line(folder, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "closing", *arguments, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]
