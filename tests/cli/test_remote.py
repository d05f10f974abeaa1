"""Two machines that share a folder; and remotes that cannot be used."""

from __future__ import annotations

import shutil
import time

import pytest


@pytest.fixture
def machines(cli, tmp_path):
    """Two machines with one remote: `first` has a file and published it, `second` has nothing."""
    made = []
    for name in ("first", "second"):
        machine = type(cli)(tmp_path / name, {"RADOPS_EMAIL": f"{name}@example.com"})
        machine.folder.mkdir()
        machine.ok("config", "setup", "--remote", f"file://{tmp_path}/shared", "--quiet")
        made.append(machine)
    first = made[0]
    (first.folder / "a.txt").write_text("a")
    first.ok("datalake", "add", "a.txt", "data/a.txt")
    return made


def test_setup_checks_for_real_and_says_what_it_found(cli, tmp_path):
    result = cli.ok("config", "setup", "--remote", f"file://{tmp_path}/shared")
    assert all(line.startswith("ok") for line in result.lines)
    assert "config.toml" in result.err
    assert cli.ok("config", "view", "--json").json["context"]["remote"].startswith("file:///")
    check = cli.ok("config", "check", "--json").json
    assert check["ok"] is True
    assert all(set(step) == {"name", "ok", "message", "hint"} for step in check["steps"])


def test_setup_writes_nothing_if_the_check_fails(cli, tmp_path):
    (tmp_path / "file").write_text("no folder")
    result = cli("config", "setup", "--remote", f"file://{tmp_path}/file/lake")
    assert result.code in (1, 7)
    assert "Not a directory" in result.out + result.err
    assert not (cli.home / "config.toml").exists()


def test_ls_of_a_name_of_which_nothing_is_shown_is_done(machines):
    here, there = machines
    found = here.ok("datalake", "ls", "-r").lines
    assert there.ok("datalake", "ls", "-r").lines == found
    for name in found:
        assert there.ok("datalake", "ls", name, "--local").out == ""


def test_italic_is_only_there_and_bold_is_also_here(machines):
    first, second = machines
    assert first.terminal("datalake", "ls", "-r").out == "\x1b[1mdata/a.txt\x1b[0m\r\n"
    assert second.terminal("datalake", "ls", "-r").out == "\x1b[3mdata/a.txt\x1b[0m\r\n"
    assert second.ok("datalake", "ls", "-r", "--local").out == ""
    second.ok("datalake", "download", "data/")
    assert second.terminal("datalake", "ls", "-r").out == "\x1b[1mdata/a.txt\x1b[0m\r\n"
    entry = second.ok("datalake", "ls", "data/", "--json").json["entries"][0]
    assert (entry["local"], entry["remote"]) == (True, True)


def test_local_path_never_downloads(machines):
    _, second = machines
    result = second("datalake", "local-path", "data/a.txt")
    assert (result.code, result.out) == (1, "")
    assert "radops datalake download data/a.txt" in result.err
    assert second("datalake", "local-path", "data/a.txt", "--json").json["path"] is None
    assert second("datalake", "local-path", "data/b.txt").code == 3
    assert second.ok("datalake", "ls", "-r", "--local").out == ""
    assert second.ok("datalake", "cat", "data/a.txt").out == "a"
    assert second.ok("datalake", "local-path", "data/a.txt").code == 0


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


def test_names_that_others_took_meanwhile_stay_local_and_are_listed(machines):
    first, second = machines
    for machine in machines:
        (machine.folder / "x.txt").write_text(machine.folder.name)
        machine.ok("datalake", "ls")  # a machine that never met the lake would begin its own
    first.ok("datalake", "add", "x.txt")
    second.ok("datalake", "add", "x.txt", "--offline")
    result = second("datalake", "sync")
    assert result.code == 4
    assert "x.txt" in result.err
    assert "Traceback" not in result.err
    conflicts = second("datalake", "sync", "--json").json["conflicts"]
    assert [conflict["uid"] for conflict in conflicts] == ["x.txt"]
    assert set(conflicts[0]) == {"uid", "message", "hint"}


def test_local_bytes_can_go_while_the_remote_has_them(machines):
    first, _ = machines
    assert first.ok("datalake", "delete-local", "data/").out == "data/a.txt\n"
    assert first.ok("datalake", "ls", "-r", "--local").out == ""
    assert first.ok("datalake", "cat", "data/a.txt").out == "a"


def test_a_remote_that_is_gone_is_unreachable_but_local_works(machines, tmp_path):
    first, _ = machines
    shutil.move(tmp_path / "shared", tmp_path / "elsewhere")
    result = first("datalake", "ls")
    assert result.code in (6, 7), result.err
    assert first.ok("datalake", "ls", "--local", "-r").out == "data/a.txt\n"
    assert first.ok("datalake", "ls", "--offline", "-r").out == "data/a.txt\n"


def test_an_endpoint_that_nobody_answers_at_is_told_soon(cli, tmp_path):
    env = {
        "RADOPS_REMOTE": "s3://bucket/lake",
        "RADOPS_S3_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    began = time.monotonic()
    result = cli("datalake", "ls", "--json", env=env)
    assert time.monotonic() - began < 30
    assert result.code == 6, result.err
    assert result.error["code"] == "remote-unavailable"
    assert "--local" in result.error["hint"]
    check = cli("config", "check", env=env)
    assert check.code == 6
    assert "SECRET" not in result.err + check.out + check.err


def test_another_lakes_remote_is_refused(machines, tmp_path):
    first, _ = machines
    other = type(first)(tmp_path / "third", {})
    other.folder.mkdir()
    other.ok("config", "setup", "--remote", f"file://{tmp_path}/other", "--quiet")
    (other.folder / "o.txt").write_text("o")
    other.ok("datalake", "add", "o.txt")
    first.ok("config", "set", "remote", f"file://{tmp_path}/other")
    result = first("datalake", "ls")
    assert result.code == 7, result.err
    assert "Traceback" not in result.err


def test_setup_says_which_of_the_keys_are_wrong(cli, seaweedfs):
    url = f"s3://{seaweedfs.new_bucket()}/lake?endpoint_url={seaweedfs.endpoint_url}"
    keys = {**seaweedfs.environment, "AWS_SECRET_ACCESS_KEY": "mistyped"}
    result = cli("config", "setup", "--remote", url, env=keys)
    assert result.code == 7
    assert "the secret key is wrong" in result.out
    assert "AWS_SECRET_ACCESS_KEY" in result.out.splitlines()[-1]
    unknown = {**keys, "AWS_ACCESS_KEY_ID": "unknown"}
    result = cli("config", "setup", "--remote", url, env=unknown)
    assert "the access key is not known there" in result.out
    assert "AWS_ACCESS_KEY_ID" in result.out.splitlines()[-1]
