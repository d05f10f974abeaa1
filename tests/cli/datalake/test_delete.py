"""`radops datalake delete`: which files targets mean."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture
def lake(cli):
    for name in ("a.csv", "b.csv", "c.txt"):
        (cli.folder / name).write_text(name)
    for uid in ("data/a.csv", "data/b.csv", "data/sub/a.csv", "data/c.txt", "data2/a.csv"):
        cli.ok("datalake", "add", uid.rpartition("/")[2], uid)
    return cli


def left(cli):
    return cli.ok("datalake", "ls", "-r").lines


@pytest.mark.parametrize(
    ("targets", "deleted"),
    [
        (["data/*.csv"], ["data/a.csv", "data/b.csv"]),
        (["**/a.csv"], ["data/a.csv", "data/sub/a.csv", "data2/a.csv"]),
        (["data/"], ["data/a.csv", "data/b.csv", "data/c.txt", "data/sub/a.csv"]),
        (["data2/a.csv", "data/c.txt"], ["data2/a.csv", "data/c.txt"]),
        (["data/*.csv", "data/a.csv"], ["data/a.csv", "data/b.csv"]),
        (["-r", "data/sub", "data2"], ["data/sub/a.csv", "data2/a.csv"]),
    ],
)
def test_targets_are_names_folders_and_globs(lake, targets, deleted):
    before = left(lake)
    dry = lake.ok("datalake", "delete", *targets, "--dry-run")
    assert dry.lines == deleted
    assert left(lake) == before
    assert lake.ok("datalake", "delete", *targets, "--yes").lines == deleted
    assert left(lake) == [uid for uid in before if uid not in deleted]


@pytest.mark.parametrize("target", ["data/*.png", "nope/", "nope.csv"])
def test_a_target_that_means_no_file_deletes_nothing(lake, target):
    before = left(lake)
    result = lake("datalake", "delete", "data/a.csv", target, "--yes")
    assert result.code == 3
    assert target in result.err
    assert left(lake) == before


def test_delete_needs_a_yes(sample):
    result = sample("datalake", "delete", "name.txt")
    assert result.code == 2
    assert "--yes" in result.err
    assert sample.ok("datalake", "delete", "name.txt", "--dry-run").out == "name.txt\n"
    assert "name.txt" in sample.ok("datalake", "ls").lines
    refused = sample.terminal("datalake", "delete", "name.txt", keys="n\n")
    assert refused.code == 1
    assert refused.text.endswith("nothing was done\n")
    assert sample.terminal("datalake", "delete", "name.txt", keys="\x04").code == 130
    assert "name.txt" in sample.ok("datalake", "ls").lines
    agreed = sample.terminal("datalake", "delete", "name.txt", keys="y\n")
    assert agreed.code == 0
    assert "name.txt" not in sample.ok("datalake", "ls").lines


def test_delete_says_how_much_it_is_before_and_after(sample):
    dry = sample.ok("datalake", "delete", "data", "-r", "--dry-run")
    assert dry.err == "would delete 3 files, 3 B\n"
    shown = sample.terminal("datalake", "delete", "data", "-r", keys="y\n").text
    assert "Delete 3 files (3 B) for everyone? [y/N]" in shown
    assert shown.endswith("deleted 3 files, 3 B\n")
    assert sample.ok("datalake", "delete", "name.txt", "--yes").err == "deleted 1 file, 18 B\n"


def test_a_question_stays_on_the_screen_with_what_it_is_about(sample):
    many = sample.folder / "many"
    many.mkdir()
    for number in range(50):
        (many / f"{number:02}").write_text("x")
    sample.ok("datalake", "add", "--each", "many", "many/")
    shown = sample.terminal("datalake", "delete", "many", "-r", keys="n\n").text
    assert len(shown.splitlines()) < 24
    assert "... and 30 more, see --dry-run\nDelete 50 files (50 B) for everyone?" in shown


def test_a_folder_is_deleted_as_one(sample):
    result = sample.ok("datalake", "delete", "data", "-r", "--yes", "--json")
    assert result.json == {
        "dry_run": False,
        "deleted": ["data/a.csv", "data/b.csv", "data/sub/c d.csv"],
        "bytes": 3,
    }
    assert sample.ok("datalake", "ls", "-r").out == "name.txt\n"


def test_a_deleted_name_can_be_used_again(sample):
    sample.ok("datalake", "delete", "name.txt", "--yes")
    (sample.folder / "myfile.txt").write_text("new")
    sample.ok("datalake", "add", "myfile.txt", "name.txt")
    assert sample.ok("datalake", "cat", "name.txt").out == "new"


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
        (made.folder / "pipeline.py")
        .read_text()
        .replace('File("raw.txt")', 'File("made/first.txt")')
        .replace('output_uid="made/first.txt"', 'output_uid="outside.txt"')
        .replace('output_uid="made/second.txt"', 'output_uid="outside2.txt"')
    )
    subprocess.run([sys.executable, "more.py"], cwd=made.folder, env=made.environment(), check=True)
    result = made("datalake", "delete", "-r", "made/", "--yes", "--json")
    assert result.code == 4
    assert result.error["code"] == "has-dependents"
    assert "outside.txt" in result.error["message"]
    assert len(made.ok("datalake", "ls", "made/").lines) == 2
