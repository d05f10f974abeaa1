"""`radops datalake` on one machine, nothing configured."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from privileges import stopped_by_permissions


@pytest.fixture
def sample(cli):
    """A lake with a file and a folder of files."""
    (cli.folder / "myfile.txt").write_text("this is some data\n")
    tree = cli.folder / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "b.csv").write_text("b")
    (tree / "a.csv").write_text("a")
    (tree / "sub" / "c d.csv").write_text("c")
    cli.ok("datalake", "add", "myfile.txt", "name.txt")
    cli.ok("datalake", "add", "-r", "tree", "data/")
    return cli


# -- add


def test_add_prints_the_name(cli):
    (cli.folder / "myfile.txt").write_text("x")
    result = cli.ok("datalake", "add", "./myfile.txt", "a/name.txt", "--copy")
    assert (result.out, result.err) == ("a/name.txt\n", "")
    assert (cli.folder / "myfile.txt").exists()


def test_the_name_defaults_to_the_files_own(cli):
    (cli.folder / "myfile.txt").write_text("x")
    assert cli.ok("datalake", "add", "./myfile.txt").out == "myfile.txt\n"


def test_add_by_move_takes_the_file(cli):
    (cli.folder / "myfile.txt").write_text("x")
    cli.ok("datalake", "add", "myfile.txt", "--move")
    assert not (cli.folder / "myfile.txt").exists()
    assert cli.ok("datalake", "cat", "myfile.txt").out == "x"


def test_adding_again_is_done_already(sample):
    result = sample.ok("datalake", "add", "myfile.txt", "name.txt", "--json")
    assert result.json["files"][0]["already_there"] is True
    assert "was already there" in sample.ok("datalake", "add", "myfile.txt", "name.txt").err
    assert sample.ok("datalake", "add", "myfile.txt", "name.txt", "--quiet").err == ""


def test_adding_again_says_what_it_restored(sample):
    for path in (sample.home / "storage/objects").glob("*/*"):
        path.unlink()
    again = sample.ok("datalake", "add", "myfile.txt", "name.txt")
    assert "name.txt was restored" in again.err
    assert "was already there" in sample.ok("datalake", "add", "myfile.txt", "name.txt").err


def test_a_folder_is_added_in_one_batch(cli):
    (cli.folder / "images" / "deep").mkdir(parents=True)
    for name in ("2.png", "1.png", "deep/3.png", ".hidden"):
        (cli.folder / "images" / name).write_text(name)
    (cli.folder / "images" / "link.png").symlink_to("1.png")
    (cli.folder / "images" / "circle").symlink_to(cli.folder / "images")
    result = cli.ok("datalake", "add", "-r", "images")
    assert result.lines == [
        "images/.hidden",
        "images/1.png",
        "images/2.png",
        "images/link.png",
        "images/deep/3.png",
    ]
    assert "circle is a link to a folder: left out" in result.err
    assert "added 5 files" in result.err
    again = cli.ok("datalake", "add", "-r", "images", "images", "-q")
    assert (again.lines, again.err) == (result.lines, "")


@pytest.mark.parametrize(
    ("source", "uid", "code", "message"),
    [
        ("gone.txt", "x", 8, "gone.txt"),
        (".", "x", 2, "is a folder"),
        ("fifo", "x", 2, "fifo"),
        ("other.txt", "name.txt", 4, "name.txt exists already with other bytes"),
        ("other.txt", "data", 4, "data"),
        ("other.txt", "name.txt/below", 4, "name.txt"),
        ("other.txt", "a//b", 2, "a//b"),
        ("other.txt", "../b", 2, ".."),
        ("other.txt", "a[red]b", 2, "a[red]b"),
        ("other.txt", "x.radops", 2, "x.radops"),
        ("other.txt", ".generated_uids/x", 2, ".generated_uids"),
        ("other.txt", "x" * 600, 2, "UID"),
    ],
)
def test_what_cannot_be_added_changes_nothing(sample, source, uid, code, message):
    (sample.folder / "other.txt").write_text("other")
    os.mkfifo(sample.folder / "fifo")
    before = sample.ok("datalake", "ls", "-r", "-a").out
    result = sample("datalake", "add", source, uid)
    assert (result.code, result.out) == (code, ""), result.err
    assert result.err.startswith("error: ")
    assert message in result.err
    assert len(result.err.splitlines()) <= 3
    assert sample.ok("datalake", "ls", "-r", "-a").out == before


@pytest.mark.parametrize(
    ("folder", "code", "message"),
    [("gone", 8, "gone does not exist"), ("myfile.txt", 8, "is not a folder"), ("void", 2, "void")],
)
def test_what_is_no_folder_of_files_is_said(sample, folder, code, message):
    (sample.folder / "void").mkdir()
    result = sample("datalake", "add", "-r", folder, "x")
    assert result.code == code
    assert message in result.err


@stopped_by_permissions
def test_a_file_that_may_not_be_read_is_a_local_failure(cli):
    (cli.folder / "secret").write_text("x")
    (cli.folder / "secret").chmod(0)
    assert cli("datalake", "add", "secret").code == 8


def test_a_password_in_a_url_is_never_shown(cli):
    result = cli("datalake", "add", "http://ada:s3cret@localhost/x.csv", "x.csv")
    assert result.code == 2
    assert "s3cret" not in result.err + result.out


def test_a_url_that_cannot_be_reached_is_said(cli):
    result = cli("datalake", "add", "http://127.0.0.1:1/x.csv", "x.csv")
    assert result.code == 6, result.err
    result = cli("datalake", "add", "gopher://host/x.csv", "x.csv")
    assert result.code in (2, 8), result.err


# -- ls


def test_ls_in_a_pipe_is_a_name_a_line(sample):
    assert sample.ok("datalake", "ls").out == "data/\nname.txt\n"
    assert sample.ok("datalake", "ls", "data/").lines == ["data/sub/", "data/a.csv", "data/b.csv"]
    assert sample.ok("datalake", "ls", "-r").lines == [
        "data/a.csv",
        "data/b.csv",
        "data/sub/c d.csv",
        "name.txt",
    ]


@pytest.mark.parametrize("prefix", ["nme.txt", "nope/", "data/nope", "name.txt/"])
@pytest.mark.parametrize("options", [[], ["-l"], ["-r", "--json"], ["--local"]])
def test_ls_of_a_name_that_is_not_there_exits_3(sample, prefix, options):
    result = sample("datalake", "ls", prefix, *options)
    assert (result.code, result.out) == (3, "")
    assert prefix in result.err
    assert len(result.err.splitlines()) <= 2


def test_an_empty_folder_is_there(sample):
    sample.ok("datalake", "delete", "data", "-r", "--yes")
    for prefix in ("data/sub/", "data/sub"):
        result = sample.ok("datalake", "ls", prefix)
        assert (result.out, result.err) == ("", "")
    assert sample("datalake", "ls", "data/sub/nope").code == 3


def test_ls_suggests_near_names(sample):
    assert "did you mean name.txt?" in sample("datalake", "ls", "nme.txt").err


def test_ls_of_an_empty_lake_is_no_line(cli):
    for options in ([], ["-r"], ["-l"], ["-a"]):
        result = cli.ok("datalake", "ls", *options)
        assert (result.out, result.err) == ("", "")


def test_ls_in_a_terminal_is_in_columns(sample):
    assert sample.terminal("datalake", "ls").text == "data/  name.txt\n"
    assert sample.terminal("datalake", "ls", columns=10).text == "data/\nname.txt\n"


def test_ls_tells_more_when_asked(sample):
    line = sample.ok("datalake", "ls", "-l").lines[-1]
    assert line.endswith("name.txt")
    assert "18 B" in line
    entries = sample.ok("datalake", "ls", "--json").json["entries"]
    assert [entry["uid"] for entry in entries] == ["data/", "name.txt"]
    assert [entry["folder"] for entry in entries] == [True, False]
    assert set(entries[0]) == {
        "uid", "folder", "local", "remote", "pending", "size", "created_at", "originator", "digest",
    }  # fmt: skip


def test_head_ends_ls_in_silence(sample):
    process = sample.popen("datalake", "ls", "-r")
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize("arguments", [["ls"], ["info", "name.txt"], ["local-path", "name.txt"]])
def test_a_local_lake_needs_no_network_library(sample, arguments):
    program = textwrap.dedent(
        f"""
        import contextlib, io, sys
        from radops.cli.main import main
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(["datalake", *{arguments!r}]) == 0
        network = ("boto3", "botocore", "urllib3", "pydantic")
        print([name for name in network if name in sys.modules])
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=sample.environment(), capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


# -- Reading


def test_a_file_can_be_read(sample):
    assert sample.ok("datalake", "cat", "name.txt").out == "this is some data\n"
    path = sample.ok("datalake", "local-path", "name.txt").out.strip()
    assert path.endswith("/name.txt")
    assert Path(path).read_text() == "this is some data\n"
    assert sample.ok("datalake", "local-path", "name.txt", "--json").json["path"] == path


def test_cat_passes_bytes_through(cli):
    data = bytes(range(256)) * 10_000
    (cli.folder / "blob").write_bytes(data)
    cli.ok("datalake", "add", "blob")
    process = cli.popen("datalake", "cat", "blob")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out == data


def test_info_in_a_pipe_is_whole_and_plain(sample):
    out = sample.ok("datalake", "info", "name.txt").out
    assert "│  added from  myfile.txt  │" in out
    assert "\x1b" not in out
    assert "\nsize: 18 B\n" in out
    found = sample.ok("datalake", "info", "name.txt", "--json").json
    assert (found["uid"], found["size"], found["call"]) == ("name.txt", 18, None)


def test_info_has_no_code_where_there_is_none(sample):
    result = sample("datalake", "info", "name.txt", "--code")
    assert result.code == 1
    assert "was added, not made by code" in result.err


@pytest.mark.parametrize("command", ["info", "cat", "local-path", "download", "delete"])
def test_a_name_that_is_not_there_exits_3_and_near_names_are_suggested(sample, command):
    result = sample("datalake", command, "nme.txt")
    assert (result.code, result.out) == (3, "")
    assert "name.txt" in result.err.splitlines()[-1]
    failed = sample("datalake", command, "nme.txt", "--json") if command != "cat" else None
    assert failed is None or failed.error["uid"] == "nme.txt"


def test_a_folder_is_no_file_and_how_to_look_at_it_is_said(sample):
    result = sample("datalake", "info", "data/")
    assert result.code == 2
    assert "`radops datalake ls` shows what is in it" in result.err


def test_download_to_a_folder_gives_copies_to_work_with(sample):
    result = sample.ok("datalake", "download", "data/", "--to", "out")
    assert result.lines == ["out/data/a.csv", "out/data/b.csv", "out/data/sub/c d.csv"]
    copy = sample.folder / "out" / "data" / "a.csv"
    assert copy.read_text() == "a"
    assert os.access(copy, os.W_OK)
    assert sample.ok("datalake", "download", "data/", "--to", "out").lines == result.lines
    copy.write_text("z")
    again = sample("datalake", "download", "**/*.csv", "--to", "out")
    assert again.code == 4
    assert "a.csv exists" in again.err
    assert copy.read_text() == "z"


def test_download_prints_paths(sample):
    result = sample.ok("datalake", "download", "data/*.csv", "name.txt", "--json")
    files = {file["uid"]: file["path"] for file in result.json["files"]}
    assert list(files) == ["data/a.csv", "data/b.csv", "name.txt"]
    assert all(os.path.exists(path) for path in files.values())


@pytest.mark.parametrize("target", ["nope/", "*.nope", "[", "a//"])
def test_targets_that_mean_nothing_are_said(sample, target):
    assert sample("datalake", "download", target).code in (2, 3)


# -- Deleting


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
    sample.ok("datalake", "add", "-r", "many", "many/")
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


def test_local_bytes_that_are_nowhere_else_are_not_deleted(sample):
    result = sample("datalake", "delete-local", "name.txt")
    assert result.code == 2
    assert sample.ok("datalake", "cat", "name.txt").out == "this is some data\n"


def test_without_a_remote_there_is_nothing_to_sync_or_sign(sample):
    assert sample("datalake", "sync").code == 2
    assert sample("datalake", "presigned-url", "name.txt").code == 2


# -- The place


def test_a_home_that_cannot_be_written_is_a_local_failure(cli):
    cli.home.write_text("a file where a folder should be")
    (cli.folder / "x").write_text("x")
    result = cli("datalake", "add", "x")
    assert result.code == 8
    assert "Traceback" not in result.err


def test_an_unknown_context_is_named(sample):
    result = sample("datalake", "ls", "--context", "nope")
    assert result.code == 2
    assert "no context 'nope'" in result.err
