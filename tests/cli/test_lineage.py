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
    assert "--cascade deletes them too: 3 files in all" in result.err
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


TREE = """\
made/second.txt  <- __main__.process(rate=2.0)
└── made/first.txt  <- __main__.process(rate=0.5)
    └── raw.txt  <- raw.txt
"""


def test_lineage_draws_a_tree(made):
    result = made.ok("datalake", "lineage", "made/second.txt")
    assert (result.out, result.err) == (TREE, "")
    down = made.ok("datalake", "lineage", "raw.txt", "--down").lines
    assert [line.split("  <-")[0] for line in down] == [
        "raw.txt",
        "└── made/first.txt",
        "    └── made/second.txt",
    ]
    near = made.ok("datalake", "lineage", "made/second.txt", "--depth", "1").lines
    assert len(near) == 3
    assert near[2].startswith("…")


def test_lineage_for_programs(made):
    graph = made.ok("datalake", "lineage", "made/first.txt", "--up", "--down", "--json").json
    assert [(node["uid"], node["level"]) for node in graph["nodes"]] == [
        ("made/first.txt", 0),
        ("raw.txt", -1),
        ("made/second.txt", 1),
    ]
    assert (
        graph
        == made.ok(
            "datalake", "lineage", "made/first.txt", "--up", "--down", "--format", "json"
        ).json
    )
    mermaid = made.ok("datalake", "lineage", "made/first.txt", "--format", "mermaid").lines
    assert mermaid[0] == "flowchart LR"
    dot = made.ok("datalake", "lineage", "made/first.txt", "--format", "dot").lines
    assert dot[0] == "digraph lineage {"
    assert made("datalake", "lineage", "made/first.txt", "--format", "png").code == 2
    assert made("datalake", "lineage", "nowhere").code == 3


def test_lineage_is_verified(made):
    result = made.ok("datalake", "lineage", "made/second.txt", "--verify")
    assert "2 records on the way up" in result.err
    (path,) = made.home.glob("storage/lakes/*/refs/raw.txt.radops")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"user@", b"evil@"))
    result = made("datalake", "lineage", "made/second.txt", "--verify")
    assert result.code == 1
    assert "raw.txt, from which made/first.txt was made" in result.err
    assert "[changed]" in result.out
    assert made("datalake", "lineage", "made/second.txt", "--verify", "--json").json["problems"]


def test_why_says_what_a_file_was_made_from(made):
    lines = made.ok("datalake", "why", "made/first.txt").lines
    assert lines[0] == "made/first.txt was made by __main__.process(rate=0.5)"
    assert lines[1] == "  f: raw.txt  as it was"
    answer = made.ok("datalake", "why", "made/first.txt", "--json").json
    assert (answer["current"], answer["inputs"][0]["state"]) == (True, "same")
    assert made.ok("datalake", "why", "raw.txt").out == "raw.txt was added from raw.txt\n"
    assert made("datalake", "why", "nowhere").code == 3
