"""What tests of `radops datalake` share."""

from __future__ import annotations

import pytest


@pytest.fixture
def lake(cli, tmp_path):
    """A lake with a remote, `a` deleted and `b` not."""
    cli.env["RADOPS_EMAIL"] = "user@example.com"
    cli.ok("config", "setup", "--remote", f"file://{tmp_path}/shared", "--quiet")
    for name in ("a", "b"):
        (cli.folder / name).write_text(name * 1000)
        cli.ok("datalake", "add", name)
    cli.ok("datalake", "delete", "a", "--yes")
    return cli
