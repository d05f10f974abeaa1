"""`radops config view`."""

from __future__ import annotations


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
