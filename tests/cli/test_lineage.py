"""What commands say of files that pipelines made."""

from __future__ import annotations

import subprocess
import sys

import pytest

PIPELINE = """\
from radops.data_lake import File, file_creator


@file_creator
def process(f: File, rate: float, output_uid: str) -> File:
    with f.open("r") as fileobj:
        data = fileobj.read()
    out_file = File(output_uid)
    with out_file.open("w") as fileobj:
        fileobj.write(data + "additional data")
    return out_file


if __name__ == "__main__":
    first = process(File("raw.txt"), rate=0.5, output_uid="made/first.txt")
    process(first, rate=2.0, output_uid="made/second.txt")
"""


@pytest.fixture
def made(cli):
    """A lake where `made/second.txt` was made from `made/first.txt`, and that from `raw.txt`."""
    (cli.folder / "raw.txt").write_text("raw\n")
    (cli.folder / "pipeline.py").write_text(PIPELINE)
    cli.env["RADOPS_EMAIL"] = "user@striveworks.com"
    cli.ok("datalake", "add", "raw.txt")
    subprocess.run(
        [sys.executable, "pipeline.py"], cwd=cli.folder, env=cli.environment(), check=True
    )
    return cli


BOXES = """\
╭─────────────╮    ╭──────────────────────────────╮    ╭────────────────────────────────────╮
│ input files │    │ creation method              │    │ output                             │
│             │ -> │                              │ -> │                                    │
│  raw.txt    │    │  function  __main__.process  │    │  uid         made/first.txt        │
╰─────────────╯    │  rate      0.5               │    │  originator  user@striveworks.com  │
                   ╰──────────────────────────────╯    ╰────────────────────────────────────╯
"""


def test_info_draws_how_it_was_made(made):
    out = made.ok("datalake", "info", "made/first.txt").out
    assert out.startswith(BOXES)
    assert "\ncreation method code: " in out
    assert "\nradops version: 0.1.0\n" in out


def test_info_puts_boxes_below_each_other_in_a_narrow_terminal(made):
    lines = made.terminal("datalake", "info", "made/first.txt", columns=60).text.splitlines()
    assert lines[5:7] == ["  │", "  ▼"]
    assert max(map(len, lines[:18])) <= 60


def test_info_prints_the_code(made):
    out = made.ok("datalake", "info", "made/first.txt", "--code").out
    assert "def process(f: File, rate: float, output_uid: str) -> File:\n" in out


def test_info_has_it_all_as_json(made):
    call = made.ok("datalake", "info", "made/second.txt", "--json").json["call"]
    assert call["function"] == "__main__.process"
    assert [one["uid"] for one in call["inputs"]] == ["made/first.txt"]
    assert [one["uid"] for one in call["outputs"]] == ["made/second.txt"]
    assert "rate" in call["params"]


def test_what_others_were_made_from_is_not_deleted(made):
    result = made("datalake", "delete", "raw.txt", "--yes")
    assert result.code == 4
    assert "made/first.txt" in result.err
    assert "--cascade" in result.err
    assert "raw.txt" in made.ok("datalake", "ls").lines


def test_cascade_deletes_from_the_last_to_the_first(made):
    plan = ["made/second.txt", "made/first.txt", "raw.txt"]
    assert made.ok("datalake", "delete", "raw.txt", "--cascade", "--dry-run").lines == plan
    assert made.ok("datalake", "delete", "raw.txt", "--cascade", "--yes").lines == plan
    assert made.ok("datalake", "ls", "-r").out == ""


def test_a_folder_whose_files_were_made_from_each_other_can_be_deleted(made):
    result = made.ok("datalake", "delete", "-r", "made/", "--yes")
    assert result.lines == ["made/second.txt", "made/first.txt"]


def test_a_folder_that_others_were_made_from_cannot(made):
    (made.folder / "more.py").write_text(
        PIPELINE.replace('File("raw.txt")', 'File("made/first.txt")')
        .replace('output_uid="made/first.txt"', 'output_uid="outside.txt"')
        .replace('output_uid="made/second.txt"', 'output_uid="outside2.txt"')
    )
    subprocess.run([sys.executable, "more.py"], cwd=made.folder, env=made.environment(), check=True)
    result = made("datalake", "delete", "-r", "made/", "--yes", "--json")
    assert result.code == 4
    assert result.error["code"] == "has-dependents"
    assert "outside.txt" in result.error["message"]
    assert len(made.ok("datalake", "ls", "made/").lines) == 2
