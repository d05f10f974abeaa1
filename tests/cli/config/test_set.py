"""`radops config set`."""

from __future__ import annotations


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
