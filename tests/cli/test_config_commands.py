"""`radops config`, as people and scripts use it."""

from __future__ import annotations

import os

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
    assert cli.ok("config", "get-contexts").lines == ["team", "scratch"]
    assert cli.ok("config", "current-context").out == "scratch\n"
    assert cli.ok("config", "current-context", "--json").json == {"current_context": "scratch"}
    cli.ok("config", "use-context", "team")
    found = cli.ok("config", "get-contexts", "--json").json["contexts"]
    assert found == [
        {"name": "team", "current": True, "remote": "s3://bucket/lake"},
        {"name": "scratch", "current": False, "remote": "file:///shared/scratch"},
    ]
    view = cli.ok("config", "view", "--json").json
    assert view["context"]["remote"] == "s3://bucket/lake"
    assert view["context"]["region"] == "eu-west-1"
    assert view["config_file"] == str(cli.home / "config.toml")
    shown = cli.terminal("config", "get-contexts").text
    assert shown == "* team     s3://bucket/lake\n  scratch  file:///shared/scratch\n"


def test_a_context_that_exists_is_not_overwritten(cli):
    cli.ok("config", "create-context", "team")
    result = cli("config", "create-context", "team", "--remote", "s3://other")
    assert result.code == 4
    assert "exists already" in result.err


def test_values_are_set_and_removed(cli):
    cli.ok("config", "create-context", "team", "--use")
    cli.ok("config", "set", "email", "ada@example.com")
    cli.ok("config", "set", "region", "eu-west-1")
    cli.ok("config", "set", "upload_patch", "true")
    assert (cli.home / "config.toml").read_text() == (
        'current_context = "team"\nemail = "ada@example.com"\n\n'
        '[contexts.team]\nregion = "eu-west-1"\nupload_patch = true\n'
    )
    cli.ok("config", "set", "region", "--unset")
    assert "region" not in (cli.home / "config.toml").read_text()


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


def test_a_typo_in_the_file_is_named(cli):
    cli.home.mkdir()
    (cli.home / "config.toml").write_text("[contexts.team]\nendpiont_url = 'x'\n")
    result = cli("config", "view", "--json")
    assert result.code == 2
    assert result.error["code"] == "invalid-config"
    assert "'endpiont_url'" in result.error["message"]
    assert result.error["hint"] == "did you mean 'endpoint_url'?"


def test_variables_that_override_are_named(cli):
    out = cli.ok("config", "view", env={"RADOPS_EMAIL": "bob@example.com"}).out
    assert 'email = "bob@example.com"  # from RADOPS_EMAIL' in out


def test_setup_without_a_remote(cli):
    cli.ok("config", "setup", "--local-only", "--email", "ada@example.com")
    assert cli.ok("config", "view", "--json").json["email"] == "ada@example.com"


def test_setup_unchecked(cli):
    cli.ok("config", "setup", "--remote", "s3://bucket/x", "--no-check", "--context", "team")
    assert cli.ok("config", "current-context").out == "team\n"


def test_setup_asks_where_there_is_someone(cli):
    shown = cli.terminal("config", "setup", "--no-check", keys="team\n-\nada@example.com\n")
    assert shown.code == 0, shown.out
    assert "Context to write these answers to [default]" in shown.text
    assert (cli.home / "config.toml").read_text() == (
        'current_context = "team"\nemail = "ada@example.com"\n\n[contexts.team]\n'
    )


def test_setup_asks_only_what_was_wrong_again(cli):
    answers = [
        "a/b", "team", "bucket/lake", "s3://bucket/lake?region=eu-west-1",
        "localhost:1", "http://127.0.0.1:1", "-", "ada", "ada@example.com",
    ]  # fmt: skip
    keys = "".join(f"{answer}\n" for answer in answers)
    shown = cli.terminal("config", "setup", "--no-check", keys=keys)
    assert shown.code == 0, shown.out
    assert shown.text.count("Context to write") == 2
    assert shown.text.count("Remote [-]:") == 2
    assert shown.text.count("URL of the S3 server") == 2
    assert "Region" not in shown.text
    assert shown.text.count("Your e-mail") == 2
    assert "hint: use name@example.com" in shown.text
    view = cli.ok("config", "view", "--json").json
    assert view["email"] == "ada@example.com"
    assert view["context"]["endpoint_url"] == "http://127.0.0.1:1"
    assert view["context"]["region"] == "eu-west-1"


def test_setup_asks_for_the_answer_that_the_check_found_wrong(cli):
    (cli.folder / "shared").mkdir()
    answers = ["", "s3://bucket/lake", "http://127.0.0.1:1", "-", "-", "ada@example.com"]
    # The server does not answer: another URL is no better, a folder is.
    answers += ["", "http://127.0.0.1:2", "nothing", "remote", f"{cli.folder}/shared"]
    keys = "".join(f"{answer}\n" for answer in answers)
    cli.env.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_MAX_ATTEMPTS="1")
    shown = cli.terminal("config", "setup", keys=keys)
    assert shown.code == 0, shown.out
    assert shown.text.count("Change [endpoint_url]:") == 3
    assert shown.text.count("'nothing' is none of them") == 1
    assert shown.text.count("URL of the S3 server") == 2
    assert shown.text.count("Your e-mail") == shown.text.count("Region") == 1
    assert cli.ok("config", "view", "--json").json["context"]["remote"].endswith("/shared")


def test_setup_asks_more_of_a_bucket(cli):
    keys = "\ns3://bucket/lake\nhttp://127.0.0.1:1\n-\n-\nada@example.com\n"
    shown = cli.terminal("config", "setup", "--no-check", keys=keys)
    assert shown.code == 0, shown.out
    view = cli.ok("config", "view", "--json").json
    assert view["context"]["endpoint_url"] == "http://127.0.0.1:1"
    assert view["context"]["region"] is None


def test_setup_can_be_broken_off(cli):
    shown = cli.terminal("config", "setup", "--no-check", keys="team\n\x04")
    assert shown.code == 130
    assert "Traceback" not in shown.out
    assert not os.path.exists(cli.home / "config.toml")


def test_setup_of_a_folder_that_is_not_there_asks(cli):
    missing = f"file://{cli.folder}/shared"
    no = cli.terminal("config", "setup", keys=f"\n{missing}\nada@example.com\nn\n-\n")
    assert no.code == 0, no.out
    assert f"There is no folder {cli.folder}/shared. Make it?" in no.text
    assert not (cli.folder / "shared").exists()
    assert cli.ok("config", "view", "--json").json["context"]["remote"] is None
    yes = cli.terminal("config", "setup", keys=f"\n{missing}\n\ny\n")
    assert yes.code == 0, yes.out
    assert "shared was not there: the folder was made" in yes.text


def test_setup_says_that_it_made_a_folder(cli):
    remote = f"file://{cli.folder}/shared"
    assert "the folder was made" in cli.ok("config", "setup", "--remote", remote).out
    assert "was made" not in cli.ok("config", "setup", "--remote", remote).out


def test_a_misspelt_mount_is_no_new_lake(cli):
    result = cli("config", "setup", "--remote", f"file://{cli.folder}/mmt/lake")
    assert result.code == 6
    assert "nor is the folder around it" in result.out
    assert f"mount or make {cli.folder}/mmt first" in result.out
    assert not (cli.folder / "mmt").exists()
    assert not (cli.home / "config.toml").exists()


def test_setup_says_what_it_replaced(cli):
    first = ("--remote", "s3://first/lake", "--endpoint-url", "http://127.0.0.1:1", "--no-check")
    assert "replaced" not in cli.ok("config", "setup", *first).err
    assert "replaced" not in cli.ok("config", "setup", *first).err
    second = cli.ok("config", "setup", "--remote", "s3://second/lake", "--no-check").err
    assert "replaced remote: s3://first/lake by s3://second/lake\n" in second
    assert "replaced endpoint_url: http://127.0.0.1:1 by none\n" in second
    none = cli.ok("config", "setup", "--local-only").err
    assert "replaced remote: s3://second/lake by none\n" in none


def test_setup_asks_before_it_replaces(cli):
    cli.ok("config", "setup", "--remote", "s3://first/lake", "--no-check")
    shown = cli.terminal(
        "config", "setup", "--remote", "s3://second/lake", "--no-check", keys="\n-\n-\n-\n\nn\n"
    )
    assert shown.code == 1
    assert "nothing was done" in shown.text
    assert "remote: s3://first/lake by s3://second/lake" in shown.text
    assert "Replace what the context 'default' says?" in shown.text
    assert cli.ok("config", "view", "--json").json["context"]["remote"] == "s3://first/lake"
