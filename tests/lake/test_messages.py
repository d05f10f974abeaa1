"""Messages: shown in plain scripts, and left to a program that has configured logging."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from radops.lake.messages import _duration

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
    from radops.data_lake import File, file_creator

    @file_creator
    def make(output_uid: str) -> File:
        File(output_uid).write_text("x")
        return File(output_uid)

    make("out")
    make("out")
"""


def run(tmp_path: Path, before: str) -> list[str]:
    """Run a program and return what it writes to standard error, without times."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(before) + textwrap.dedent(PROGRAM))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    return re.sub(r"took [0-9.]+ s", "took TIME", done.stderr).splitlines()


def test_a_plain_script_shows_what_runs_and_what_is_skipped(tmp_path: Path) -> None:
    assert run(tmp_path, "") == [
        "radops: running __main__.make",
        "radops: __main__.make took TIME and made out",
        "radops: skipping __main__.make: out is already in the lake",
    ]


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize(("level", "shown"), [("WARNING", 0), ("INFO", 3)])
def test_a_program_that_configured_logging_decides(
    tmp_path: Path, order: str, level: str, shown: int
) -> None:
    configured = (
        f"import logging\nlogging.basicConfig(level='{level}', format='host %(message)s')\n"
    )
    imported = "import radops.data_lake\n"
    start = configured + imported if order == "before" else imported + configured
    lines = run(tmp_path, start)
    assert len(lines) == shown
    assert all(line.startswith("host ") for line in lines)


def test_the_loggers_level_silences_it(tmp_path: Path) -> None:
    quiet = "import logging\nlogging.getLogger('radops').setLevel('WARNING')\n"
    assert run(tmp_path, quiet) == []


def test_importing_leaves_the_logging_of_a_program_alone(tmp_path: Path) -> None:
    program = (
        "import logging\n"
        "import radops.data_lake\n"
        "root, own = logging.getLogger(), logging.getLogger('radops')\n"
        "assert root.handlers == [] and root.level == logging.WARNING\n"
        "assert own.level == logging.NOTSET and own.propagate\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (61, "1 min 1 s"),
        (3599.6, "1 h 0 min"),
        (7380, "2 h 3 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert _duration(seconds) == text
