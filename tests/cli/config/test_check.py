"""`radops config check`."""

from __future__ import annotations

import os

import pytest


def tree(folder):
    return sorted(
        os.path.join(root, name)
        for root, dirs, files in os.walk(folder)
        for name in [*dirs, *files]
    )


@pytest.mark.parametrize("missing", ["shared", "mount/shared"])
def test_a_check_makes_no_folder(cli, missing):
    remote = cli.folder / missing
    cli.ok("config", "create-context", "team", "--remote", remote.as_uri(), "--use")
    before = tree(cli.folder)
    result = cli("config", "check")
    assert result.code == 6
    assert f"{remote.as_uri()} does not exist" in result.out
    assert "mount" in result.out
    assert tree(cli.folder) == before


def test_a_check_leaves_an_empty_folder_as_it_was(cli):
    remote = cli.folder / "shared"
    remote.mkdir()
    cli.ok("config", "create-context", "team", "--remote", remote.as_uri(), "--use")
    before = tree(cli.folder)
    assert [line.split()[0] for line in cli.ok("config", "check").lines] == ["ok"] * 5
    # The folder of unfinished files stays: another process may have begun to use it.
    assert tree(cli.folder) == sorted([*before, str(remote / "tmp")])


def test_a_local_lake_has_nothing_to_check(cli):
    result = cli.ok("config", "check")
    assert "everything stays on this machine" in result.out
    assert not cli.home.exists()
