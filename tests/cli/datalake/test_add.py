"""`radops datalake add`."""

from __future__ import annotations

import os

import pytest

from privileges import stopped_by_permissions


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
    result = cli.ok("datalake", "add", "--each", "images")
    assert result.lines == [
        "images/.hidden",
        "images/1.png",
        "images/2.png",
        "images/link.png",
        "images/deep/3.png",
    ]
    assert "circle is a link to a folder: left out" in result.err
    assert "added 5 files" in result.err
    again = cli.ok("datalake", "add", "--each", "images", "images", "-q")
    assert (again.lines, again.err) == (result.lines, "")


@pytest.mark.parametrize(
    ("source", "uid", "code", "message"),
    [
        ("gone.txt", "x", 8, "gone.txt"),
        (".", "x", 2, "the home"),
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
    result = sample("datalake", "add", "--each", folder, "x")
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


@pytest.mark.parametrize(
    ("exclude", "added"),
    [
        (["*.tmp"], ["a.csv", "cache/c.csv", "sub/b.csv", "sub/cache/d.csv"]),
        (["cache/"], ["a.csv", "cache.tmp", "sub/b.csv", "sub/x.tmp"]),
        (["cache*"], ["a.csv", "sub/b.csv", "sub/x.tmp"]),
        (["sub/*.tmp", "/cache/"], ["a.csv", "cache.tmp", "sub/b.csv", "sub/cache/d.csv"]),
        (["**/*.csv"], ["cache.tmp", "sub/x.tmp"]),
        (["[abc].csv", "*.tmp"], ["sub/cache/d.csv"]),
    ],
)
def test_files_and_folders_are_excluded(cli, exclude, added):
    for path in (
        "a.csv", "cache.tmp", "cache/c.csv", "sub/b.csv", "sub/x.tmp", "sub/cache/d.csv",
    ):  # fmt: skip
        (cli.folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (cli.folder / "tree" / path).write_text(path)
    flags = [f"--exclude={pattern}" for pattern in exclude]
    assert sorted(cli.ok("datalake", "add", "--each", "tree", "t/", *flags).lines) == [
        f"t/{path}" for path in added
    ]


def test_exclude_needs_a_folder_and_a_pattern_that_can_be_used(sample):
    assert sample("datalake", "add", "myfile.txt", "--exclude", "*.tmp").code == 2
    before = sample.ok("datalake", "ls", "-r").out
    result = sample("datalake", "add", "--each", "tree", "new/", "--exclude", "[")
    assert result.code == 2
    assert "'['" in result.err
    assert sample.ok("datalake", "ls", "-r").out == before


def test_a_terminal_shows_the_first_of_many_names_and_a_pipe_all(cli):
    (cli.folder / "tree").mkdir()
    for number in range(30):
        (cli.folder / "tree" / f"{number:02}").write_text(str(number))
    shown = cli.terminal("datalake", "add", "--each", "tree", "t/").text
    assert "t/19\n... and 10 more; --json lists all\n" in shown
    assert "t/20" not in shown
    assert len(cli.ok("datalake", "add", "--each", "tree", "t/").lines) == 30
