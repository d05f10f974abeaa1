"""`radops config setup`."""

from __future__ import annotations

import os


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
    assert shown.text.count("'nothing' is not one of them") == 1
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
    assert "shared did not exist: the folder was made" in yes.text


def test_setup_says_that_it_made_a_folder(cli):
    remote = f"file://{cli.folder}/shared"
    assert "the folder was made" in cli.ok("config", "setup", "--remote", remote).out
    assert "was made" not in cli.ok("config", "setup", "--remote", remote).out


def test_a_misspelt_mount_is_no_new_lake(cli):
    result = cli("config", "setup", "--remote", f"file://{cli.folder}/mmt/lake")
    assert result.code == 6
    assert "nor does the folder around it" in result.out
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
    assert "Replace values of the context 'default'?" in shown.text
    assert cli.ok("config", "view", "--json").json["context"]["remote"] == "s3://first/lake"


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
