"""How failures of any command look."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
import time

import pytest

from radops.cli.failures import describe
from radops.errors import LocalStorageError


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


def test_a_remote_that_is_gone_is_unreachable_but_local_works(machines, tmp_path):
    first, _ = machines
    shutil.move(tmp_path / "shared", tmp_path / "elsewhere")
    result = first("datalake", "ls")
    assert result.code in (6, 7), result.err
    assert first.ok("datalake", "ls", "--local", "-r").out == "data/a.txt\n"
    assert first.ok("datalake", "ls", "--offline", "-r").out == "data/a.txt\n"


def test_an_endpoint_that_does_not_answer_is_reported_soon(cli, tmp_path):
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


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_an_error_of_the_system_says_what_to_do(number):
    bare = OSError(number, os.strerror(number), "/a/path")
    wrapped = LocalStorageError("cannot write /a/path")
    wrapped.__cause__ = bare
    hints = {describe(error).hint for error in (bare, wrapped)}
    assert len(hints) == 1
    assert None not in hints
    assert describe(LocalStorageError("x", hint="mine")).hint == "mine"
