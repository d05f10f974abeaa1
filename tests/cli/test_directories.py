"""Directories on the command line: a folder goes in on one machine and comes out on another."""

from __future__ import annotations

import json
import os

import pytest

from directories.lakes import content, fill

FILES = {
    "cats/1.txt": b"cat 1",
    "cats/2.txt": b"cat 2",
    "cats/deep/3.csv": b"cat 3",
    "dogs/1.txt": b"dog",
    "read me.txt": b"hello",
}


@pytest.fixture
def two(machines):
    """Two machines; the first has added a folder as a directory."""
    first, second = machines
    fill(first.folder / "images", FILES)
    first.ok("datalake", "add", "images", "sets/images/@next")
    return first, second


def test_a_folder_becomes_one_directory(two):
    first, second = two
    added = first.ok("datalake", "add", "images", "sets/images/@next")
    assert added.out == "sets/images/v2\n"
    assert "added sets/images/v2: 5 files, 23 B" in added.err
    again = first.ok("datalake", "add", "images", "sets/images/v2", "--json").json
    assert again["directories"][0]["already_there"] is True
    assert again["directories"][0]["files"] == 5
    assert second.ok("datalake", "ls", "sets/images/").lines == [
        "sets/images/v1",
        "sets/images/v2",
    ]


def test_its_inside_is_listed(two):
    for machine in two:
        assert machine.ok("datalake", "ls", "sets/images/v1/").lines == [
            "sets/images/v1/cats/",
            "sets/images/v1/dogs/",
            "sets/images/v1/read me.txt",
        ]
        assert machine.ok("datalake", "ls", "sets/images/v1/cats").lines == [
            "sets/images/v1/cats/deep/",
            "sets/images/v1/cats/1.txt",
            "sets/images/v1/cats/2.txt",
        ]
        assert machine.ok("datalake", "ls", "-r", "sets/images/@latest/").lines == [
            f"sets/images/v1/{path}" for path in sorted(FILES)
        ]
        shown = machine.ok("datalake", "ls", "sets/images/v1/dogs/1.txt", "--json").json
        assert shown["entries"][0]["size"] == 3
        whole = machine.ok("datalake", "ls", "-l", "sets/images/v1", "--json").json["entries"][0]
        assert (whole["uid"], whole["files"], whole["size"]) == ("sets/images/v1", 5, 23)
    gone = two[1]("datalake", "ls", "sets/images/v1/cat/")
    assert (gone.code, gone.out) == (3, "")
    assert "sets/images/v1/cats/" in gone.err


def test_bold_names_are_here(two):
    _, second = two
    assert second.ok("datalake", "ls", "--local", "-r").out == ""
    second.ok("datalake", "download", "sets/images/v1/cats/")
    local = second.ok("datalake", "ls", "--local", "-r", "sets/images/v1/").lines
    assert "sets/images/v1/cats/1.txt" in local


def test_files_in_it_are_read(two):
    for machine in two:
        assert machine.ok("datalake", "cat", "sets/images/v1/cats/1.txt").out == "cat 1"
        assert machine.ok("datalake", "cat", "sets/images/@latest/cats/deep/3.csv").out == "cat 3"
    _, second = two
    path = second.ok("datalake", "download", "sets/images/v1/read me.txt").lines[0]
    assert path.endswith("/read me.txt")
    assert second.ok("datalake", "local-path", "sets/images/v1/read me.txt").lines == [path]
    wrong = second("datalake", "cat", "sets/images/v1/cats/11.txt")
    assert wrong.code == 3
    assert "did you mean sets/images/v1/cats/1.txt" in wrong.err


def test_info_shows_what_it_is(two):
    for machine in two:
        shown = machine.ok("datalake", "info", "sets/images/@latest")
        assert "files: 5" in shown.out
        assert "size: 23 B" in shown.out
        assert "added from" in shown.out
        assert "sets/images/@latest is sets/images/v1" in shown.err
        document = machine.ok("datalake", "info", "sets/images/v1", "--json").json
        assert (document["type"], document["files"], document["bytes"]) == ("directory", 5, 23)
        inner = machine.ok("datalake", "info", "sets/images/v1/dogs/1.txt", "--json").json
        assert (inner["type"], inner["size"], inner["directory"]) == ("file", 3, "sets/images/v1")


def test_it_is_written_as_a_folder_and_added_again(two):
    _, second = two
    result = second.ok("datalake", "download", "sets/images/v1", "--to", "work")
    assert result.out == "work\n"
    assert "wrote 5 files" in result.err
    work = second.folder / "work"
    marker = json.loads((work / ".radops-checkout").read_text())
    assert (marker["uid"], marker["patterns"]) == ("sets/images/v1", [])
    assert {p: d for p, d in content(work).items() if p != ".radops-checkout"} == FILES
    assert (work / "cats/1.txt").stat().st_mode & 0o777 == 0o644
    (work / "cats/1.txt").write_text("other")
    assert second.ok("datalake", "add", "work", "sets/images/@next").out == "sets/images/v2\n"
    differs = second("datalake", "diff", "sets/images/v1", "sets/images/@latest")
    assert (differs.code, differs.lines) == (1, ["* cats/1.txt"])


def test_a_checkout_leaves_right_files_alone(two):
    _, second = two
    work = second.folder / "work"
    fill(work, {"cats/1.txt": b"cat 1", "mine.txt": b"mine"})
    before = (work / "cats/1.txt").stat().st_ino
    result = second.ok("datalake", "download", "sets/images/v1", "--to", "work")
    assert "wrote 4 files of sets/images/v1 to work; 1 were there already" in result.err
    assert "left 1 other file in place" in result.err
    assert (work / "cats/1.txt").stat().st_ino == before
    (work / "dogs/1.txt").write_text("changed")
    refused = second("datalake", "download", "sets/images/v1", "--to", "work")
    assert (refused.code, "dogs/1.txt" in refused.err) == (4, True)
    assert (work / "dogs/1.txt").read_text() == "changed"
    done = second.ok(
        "datalake", "download", "sets/images/v1", "--to", "work", "--force", "--delete"
    )
    assert "removed 1 other file" in done.err
    assert {p: d for p, d in content(work).items() if p != ".radops-checkout"} == FILES


def test_a_part_is_written(two):
    _, second = two
    second.ok("datalake", "download", "sets/images/v1/cats/*.txt", "--to", "some")
    some = second.folder / "some"
    assert sorted(content(some)) == [".radops-checkout", "cats/1.txt", "cats/2.txt"]
    assert json.loads((some / ".radops-checkout").read_text())["patterns"] == ["cats/*.txt"]
    refused = second("datalake", "add", "some", "sets/images/@next")
    assert (refused.code, "--exact" in refused.err) == (2, True)
    assert second.ok("datalake", "add", "some", "sets/cats", "--exact").out == "sets/cats\n"
    assert second("datalake", "download", "sets/images/v1/*.zip", "--to", "none").code == 3
    assert not (second.folder / "none").exists()


def test_a_part_is_brought_here(two):
    _, second = two
    done = second.ok("datalake", "download", "sets/images/v1/dogs/")
    assert "what matches of sets/images/v1 is on this machine" in done.err
    assert second.ok("datalake", "cat", "sets/images/v1/dogs/1.txt", "--offline").out == "dog"
    assert second("datalake", "cat", "sets/images/v1/cats/1.txt", "--offline").code == 6
    about = second.ok("datalake", "info", "sets/images/v1", "--contents").lines
    assert "files on this machine: 1, 3 B" in about
    assert second.ok("datalake", "verify").code == 0
    assert second.ok("datalake", "purge-local-storage", "--yes").code == 0
    assert second("datalake", "cat", "sets/images/v1/dogs/1.txt", "--offline").code == 6
    whole = second.ok("datalake", "download", "sets/images/v1/")
    assert "sets/images/v1 is on this machine" in whole.err


def test_links_in_the_way_are_not_followed(two):
    _, second = two
    work = second.folder / "work"
    work.mkdir()
    (second.folder / "elsewhere").mkdir()
    (work / "cats").symlink_to(second.folder / "elsewhere")
    assert second("datalake", "download", "sets/images/v1", "--to", "work").code == 4
    second.ok("datalake", "download", "sets/images/v1", "--to", "work", "--force")
    assert os.listdir(second.folder / "elsewhere") == []
    assert (work / "cats/1.txt").read_bytes() == b"cat 1"


def test_differences_are_shown(two):
    first, _ = two
    images = first.folder / "images"
    (images / "cats/1.txt").write_text("changed")
    (images / "dogs/1.txt").rename(images / "dogs/2.txt")
    (images / "read me.txt").unlink()
    (images / "new.txt").write_text("new")
    first.ok("datalake", "add", "images", "sets/images/@next")
    result = first("datalake", "diff", "sets/images/v1", "sets/images/v2")
    assert (result.code, result.lines) == (
        1,
        [
            "* cats/1.txt",
            "> dogs/2.txt  (was dogs/1.txt)",
            "+ new.txt",
            "- read me.txt",
        ],
    )
    document = first("datalake", "diff", "sets/images/v1", "sets/images/v2", "--json").json
    assert document["moved"] == [{"before": "dogs/1.txt", "after": "dogs/2.txt", "size": 3}]
    stat = first("datalake", "diff", "sets/images/v1", "sets/images/v2", "--stat").lines
    assert stat[0] == "added: 1 file, 3 B"
    assert first.ok("datalake", "diff", "sets/images/v1", "sets/images/v1").out == ""
    for pair in (("sets/images/v1", "data/a.txt"), ("data/a.txt", "data/a.txt")):
        refused = first("datalake", "diff", *pair)
        assert refused.code == 2
        assert "data/a.txt is a file, and diff compares directories" in refused.err


def test_it_is_deleted(two):
    first, second = two
    second.ok("datalake", "download", "sets/images/v1", "--to", "work")
    assert first.ok("datalake", "delete", "sets/images/v1", "--yes").out == "sets/images/v1\n"
    assert first("datalake", "ls", "sets/images/v1/").code == 3
    assert first("datalake", "cat", "sets/images/v1/cats/1.txt").code == 3
    assert first("datalake", "delete", "sets/images/v1/cats/1.txt", "--yes").code != 0


def test_rules_leave_files_out_and_that_is_said(cli):
    fill(
        cli.folder / "d",
        {"a.txt": b"a", "b.tmp": b"b", ".DS_Store": b"", ".radopsignore": b"*.tmp\n", "c.log": b""},
    )
    result = cli.ok("datalake", "add", "d", "d/v1", "--exclude", "*.log")
    assert "left out 3 files by 3 rules" in result.err
    assert cli.ok("datalake", "ls", "d/v1/").lines == ["d/v1/.radopsignore", "d/v1/a.txt"]
    dry = cli.ok("datalake", "add", "d", "d/v2", "--no-ignore", "--dry-run")
    assert "would add d/v2: 5 files" in dry.err
    assert cli("datalake", "ls", "d/v2").code == 3
    cli.ok("datalake", "add", "d", "d/v2", "--no-ignore")
    assert len(cli.ok("datalake", "ls", "d/v2/").lines) == 5


def test_what_cannot_be_in_a_directory_is_told_at_once(cli):
    fill(cli.folder / "d", {"a.txt": b"a", ".git/config": b""})
    os.mkfifo(cli.folder / "d/pipe")
    (cli.folder / "d/out").symlink_to("/etc/passwd")
    (cli.folder / os.fsdecode(b"d/\xff")).write_text("x")
    result = cli("datalake", "add", "d", "d/v1")
    assert (result.code, result.out) == (2, "")
    for name in ("pipe", "out", ".git"):
        assert name in result.err
    assert cli.ok("datalake", "ls", "-r").out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-r", "d", "x"), "--each"),
        (("a.txt", "x", "--base", "y"), "--base is about folders"),
        (("a.txt", "x", "--no-ignore"), "--no-ignore is about folders"),
        (("d", "x", "--sha256", "0" * 64), "one file only"),
        (("d", "x", "--base", "y", "--no-base"), "exclude each other"),
        (("d", "e"), "--force"),
        (("d", "x/@latest"), "@next"),
    ],
)
def test_wrong_usage_is_refused(cli, arguments, message):
    fill(cli.folder, {"d/a.txt": b"a", "e/b.txt": b"b", "a.txt": b"a"})
    result = cli("datalake", "add", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert cli.ok("datalake", "ls", "-r").out == ""


def test_each_file_gets_its_own_name_only_when_asked(cli):
    fill(cli.folder, {"d/a.txt": b"a", "d/b/c.txt": b"c"})
    assert cli.ok("datalake", "add", "--each", "d", "e/").lines == ["e/a.txt", "e/b/c.txt"]
    assert cli.ok("datalake", "add", "d").lines == ["d"]
    assert "files: 2" in cli.ok("datalake", "info", "d").out


def test_a_directory_counts_with_its_files_and_is_called_one(two):
    first, second = two
    below = first("datalake", "add", "images/read me.txt", "sets/images/v1/new.txt")
    assert below.code == 4
    assert "sets/images/v1 is a directory" in below.err
    first.ok("datalake", "add", "images", "sets/images/v2")
    first.ok("datalake", "add", "images/read me.txt", "sets/a.txt")
    second.ok("datalake", "download", "sets/images/v2", "sets/a.txt")
    ended = second.ok("datalake", "delete-local", "sets/images/v2", "sets/a.txt")
    assert ended.err == "deleted 1 local file and 1 local directory\n"
    second.ok("datalake", "download", "sets/images/v2", "sets/a.txt")
    plan = second.ok("datalake", "purge-local-storage", "sets/images/v2", "--dry-run").err
    assert plan.startswith("would remove 1 local directory, ")
    plan = second.ok("datalake", "delete", "sets/images/v2", "sets/a.txt", "--dry-run").err
    assert plan.startswith("would delete 1 file and 1 directory, ")
    gone = second.ok("datalake", "delete", "sets/images/v2", "--yes", "--json").json
    assert (gone["deleted"], gone["bytes"]) == (["sets/images/v2"], 23)


def test_a_prefix_of_a_bucket_becomes_one_directory(cli, seaweedfs):
    bucket = seaweedfs.new_bucket()
    for key in ("in/a.txt", "in/deep/b.txt", "in/.DS_Store", "beside.txt"):
        seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=key.encode())
    cli.env.update(seaweedfs.environment, RADOPS_S3_ENDPOINT_URL=seaweedfs.endpoint_url)
    dry = cli.ok("datalake", "add", f"s3://{bucket}/in/", "sets/v1", "--dry-run")
    assert "would add sets/v1: 2 files" in dry.err
    added = cli.ok("datalake", "add", f"s3://{bucket}/in/", "sets/")
    assert added.out == "sets/in\n"
    assert "left out 1 file by 1 rule" in added.err
    assert cli.ok("datalake", "ls", "-r", "sets/in/").lines == [
        "sets/in/a.txt",
        "sets/in/deep/b.txt",
    ]
    assert cli.ok("datalake", "cat", "sets/in/deep/b.txt").out == "in/deep/b.txt"
    assert "--move is about folders" in cli("datalake", "add", f"s3://{bucket}/in/", "--move").err
    missing = cli("datalake", "add", f"s3://{bucket}/none/", "x")
    assert missing.code == 7
    assert "no files below" in missing.err


def test_a_directory_beside_a_folder(two):
    first, _ = two
    assert first.ok("datalake", "diff", "sets/images/v1", "images").out == ""
    (first.folder / "images/cats/9.txt").write_bytes(b"cat 9")
    (first.folder / "images/dogs/1.txt").unlink()
    told = first("datalake", "diff", "sets/images/v1", "./images")
    # An empty folder is an entry of a directory.
    assert (told.code, told.lines) == (1, ["+ cats/9.txt", "+ dogs", "- dogs/1.txt"])
    less = first("datalake", "diff", "sets/images/v1", "images/", "--exclude", "9.*")
    assert less.lines == ["+ dogs", "- dogs/1.txt"]
    missing = first("datalake", "diff", "sets/images/v1", "sets/images/v1", "--exclude", "x")
    assert missing.code == 2
    (first.folder / "sets/images/v1").mkdir(parents=True)
    both = first("datalake", "diff", "sets/images/v1", "sets/images/v1")
    assert both.code == 2
    assert "a folder here, and a directory of the lake" in both.err


def test_a_directory_is_updated_by_a_folder(two):
    first, second = two
    fill(second.folder / "new", {"cats/2.txt": b"other", "birds/1.txt": b"bird"})
    added = second.ok(
        "datalake", "add", "new", "sets/images/@next", "--update", "--base", "sets/images/v1",
        "--remove", "dogs",
    )  # fmt: skip
    assert "added sets/images/v2: 5 files" in added.err
    assert first("datalake", "diff", "sets/images/v1", "sets/images/v2").lines == [
        "+ birds/1.txt",
        "* cats/2.txt",
        "- dogs/1.txt",
    ]
    assert second("datalake", "add", "new", "x", "--remove", "dogs").code == 2
    unknown = second("datalake", "add", "new", "x", "--update", "--base", "sets/images/v1",
                     "--remove", "fish")  # fmt: skip
    assert unknown.code == 3


def test_what_a_directory_is_made_of(two):
    first, _ = two
    shown = first.ok("datalake", "info", "sets/images/v1", "--contents").lines
    assert "files .txt: 4, 18 B" in shown
    assert "files .csv: 1, 5 B" in shown
    assert "packs: 1, 100% of their bytes in use" in shown
    document = first.ok("datalake", "info", "sets/images/v1", "--contents", "--json").json
    assert document["contents"]["extensions"][0] == {"name": ".txt", "files": 4, "bytes": 18}
    assert document["contents"]["live_share"] == 1.0
    assert "contents" not in first.ok("datalake", "info", "sets/images/v1", "--json").json
    assert first("datalake", "info", "data/a.txt", "--contents").code == 2
