"""Contexts from their making to their use, over all commands of `radops config`."""

from __future__ import annotations

import pytest


def test_with_nothing_configured(cli):
    assert cli.ok("config", "current-context").out == "default\n"
    assert cli.ok("config", "get-contexts").out == "default\n"
    view = cli.ok("config", "view")
    assert "all defaults" in view.lines[0]
    assert view.lines[-1] == "# no remote: files are on this machine only"
    assert not cli.home.exists()


def test_contexts_from_their_making_to_their_use(cli):
    cli.ok("config", "create-context", "team", "--remote", "s3://bucket/lake?region=eu-west-1")
    cli.ok("config", "create-context", "scratch", "--remote", "/shared/scratch", "--use")
    assert cli.ok("config", "get-contexts").lines == ["default", "team", "scratch"]
    assert cli.ok("config", "current-context").out == "scratch\n"
    assert cli.ok("config", "current-context", "--json").json == {"current_context": "scratch"}
    cli.ok("config", "use-context", "team")
    found = cli.ok("config", "get-contexts", "--json").json["contexts"]
    assert found == [
        {"name": "default", "current": False, "remote": None},
        {"name": "team", "current": True, "remote": "s3://bucket/lake"},
        {"name": "scratch", "current": False, "remote": "file:///shared/scratch"},
    ]
    view = cli.ok("config", "view", "--json").json
    assert view["context"]["remote"] == "s3://bucket/lake"
    assert view["context"]["region"] == "eu-west-1"
    assert view["config_file"] == str(cli.home / "config.toml")
    shown = cli.terminal("config", "get-contexts").text
    assert shown == (
        "  default  on this machine only\n"
        "* team     s3://bucket/lake\n"
        "  scratch  file:///shared/scratch\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["set", "emial", "a@b"], "unknown key 'emial'", "did you mean 'email'?"),
        (["set", "email", "nobody"], "'nobody'", "name@example.com"),
        (["set", "email"], "either a value or --unset", "--help"),
        (["set", "email", "a@b.c", "--unset"], "either a value or --unset", "--help"),
        (["set", "upload_patch", "perhaps"], "true or false", ""),
        (["set", "remote", "s3://me:SECRET@bucket"], "user name or password", "no secrets"),
        (["set", "region", "x", "--context", "tema"], "no context 'tema'", "'team'"),
        (["use-context", "tema"], "no context 'tema'", "'team'"),
        (["create-context", "a b"], "cannot name a context", "letters"),
        (["create-context", "x", "--remote", "gopher://x"], "neither s3:// nor file://", "s3://"),
        (["view", "--context", "nope"], "no context 'nope'", "team"),
        (["setup"], "no terminal", "--remote URL or --local-only"),
        (["setup", "--remote", "s3://bucket", "--local-only"], "exclude each other", ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(cli, arguments, message, hint):
    cli.ok("config", "create-context", "team")
    before = (cli.home / "config.toml").read_text()
    result = cli("config", *arguments)
    assert result.code == 2
    assert message in result.err
    assert hint in result.err
    assert "SECRET" not in result.err
    assert len(result.err.splitlines()) <= 3
    assert (cli.home / "config.toml").read_text() == before
