"""`radops config create-context`, `delete-context` and others."""

from __future__ import annotations

import pytest


def test_a_context_that_exists_is_not_overwritten(cli):
    cli.ok("config", "create-context", "team")
    result = cli("config", "create-context", "team", "--remote", "s3://other")
    assert result.code == 4
    assert "exists already" in result.err


def names(cli):
    return cli.ok("config", "get-contexts").lines


def test_a_context_is_deleted_and_the_rest_of_the_file_stays(cli):
    cli.ok("config", "create-context", "team", "--remote", "s3://bucket/lake", "--use")
    cli.ok("config", "create-context", "scratch")
    path = cli.home / "config.toml"
    path.write_text("# mine\n" + path.read_text())
    result = cli.ok("config", "delete-context", "scratch")
    assert "scratch" in result.err
    assert names(cli) == ["default", "team"]
    assert path.read_text() == (
        '# mine\ncurrent_context = "team"\n\n[contexts.team]\nremote = "s3://bucket/lake"\n\n'
    )


@pytest.mark.parametrize(
    ("name", "code", "message", "hint"),
    [
        ("team", 4, "'team' is the current context", "use-context"),
        ("tema", 2, "no context 'tema'", "'team'"),
        ("default", 2, "no context 'default'", "without configuration"),
    ],
)
def test_what_cannot_be_deleted_is_said_and_nothing_written(cli, name, code, message, hint):
    cli.ok("config", "create-context", "team", "--use")
    before = (cli.home / "config.toml").read_bytes()
    result = cli("config", "delete-context", name)
    assert result.code == code
    assert message in result.err
    assert hint in result.err
    assert (cli.home / "config.toml").read_bytes() == before


def test_the_files_stay_and_come_back_with_the_context(cli):
    remote = cli.folder / "shared"
    remote.mkdir()
    cli.ok("config", "create-context", "team", "--remote", remote.as_uri())
    (cli.folder / "a.txt").write_text("a")
    cli.ok("datalake", "add", "a.txt", "--context", "team")
    cli.ok("config", "delete-context", "team")
    assert cli("datalake", "ls", "--context", "team").code == 2
    cli.ok("config", "create-context", "team", "--remote", remote.as_uri())
    assert cli.ok("datalake", "ls", "--context", "team", "--local").lines == ["a.txt"]
