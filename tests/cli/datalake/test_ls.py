"""`radops datalake ls`."""

from __future__ import annotations

import pytest


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
        "files",
    }  # fmt: skip


def test_head_ends_ls_in_silence(sample):
    result = sample.unread("datalake", "ls", "-r")
    assert (result.code, result.err) == (141, "")


def test_ls_of_a_name_of_which_nothing_is_shown_is_done(machines):
    here, there = machines
    found = here.ok("datalake", "ls", "-r").lines
    assert there.ok("datalake", "ls", "-r").lines == found
    for name in found:
        assert there.ok("datalake", "ls", name, "--local").out == ""


def test_italic_is_only_there_and_bold_is_also_here(machines):
    first, second = machines
    assert first.terminal("datalake", "ls", "-r").left == "\x1b[1mdata/a.txt\x1b[0m\r\n"
    assert second.terminal("datalake", "ls", "-r").left == "\x1b[3mdata/a.txt\x1b[0m\r\n"
    assert second.ok("datalake", "ls", "-r", "--local").out == ""
    second.ok("datalake", "download", "data/")
    assert second.terminal("datalake", "ls", "-r").left == "\x1b[1mdata/a.txt\x1b[0m\r\n"
    entry = second.ok("datalake", "ls", "data/", "--json").json["entries"][0]
    assert (entry["local"], entry["remote"]) == (True, True)


def test_what_was_made_apart_is_warned_of_until_it_is_published(machines):
    first, second = machines
    (first.folder / "b.txt").write_text("b")
    first.ok("datalake", "add", "b.txt", "--offline")
    listed = first.ok("datalake", "ls")
    assert "b.txt" in listed.lines
    assert "1 file is not in the remote: b.txt" in listed.err
    assert "radops datalake sync" in listed.err
    assert first.ok("datalake", "ls", "--quiet").err == ""
    assert "b.txt" not in second.ok("datalake", "ls").lines
    assert first.ok("datalake", "sync", "--dry-run").lines == ["would be published b.txt"]
    assert "b.txt" not in second.ok("datalake", "ls").lines
    report = first.ok("datalake", "sync", "--json").json
    assert report["published"] == ["b.txt"]
    assert report["dry_run"] is False
    assert first.ok("datalake", "ls").err == ""
    assert "b.txt" in second.ok("datalake", "ls").lines
