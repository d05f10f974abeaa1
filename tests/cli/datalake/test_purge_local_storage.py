"""`radops datalake purge-local-storage`."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("most", ["500", "GB", "-1GB", "1 GB", "500gb", "1EB", "1e3B", "", "infGB"])
def test_sizes_are_taken_strictly(cli, most):
    result = cli("datalake", "purge-local-storage", f"--max-size={most}", "--yes", "--json")
    assert result.code == 2
    assert "500GB" in result.error["message"]


def test_purging_asks(lake):
    assert lake("datalake", "purge-local-storage").code == 2
    shown = lake.terminal("datalake", "purge-local-storage", keys="n\n")
    assert shown.code == 1
    assert "Remove 1 local file, 1000 B?" in shown.text
    assert lake.ok("datalake", "local-path", "b").out
    shown = lake.terminal("datalake", "purge-local-storage", keys="y\n")
    assert shown.code == 0
    assert lake("datalake", "local-path", "b").code == 1
    assert lake.ok("datalake", "cat", "b").out == "b" * 1000


def test_purging_in_scripts(lake):
    plan = lake.ok("datalake", "purge-local-storage", "--dry-run")
    assert plan.lines == ["b"]
    assert plan.err.startswith("would remove 1 local file, 1000 B; ")
    assert lake.ok("datalake", "purge-local-storage", "--older-than", "1d", "--yes").lines == []
    too_much = lake("datalake", "purge-local-storage", "--max-size", "1B", "--yes", "--json")
    assert too_much.code == 1  # what is left is records, and what gc has not collected
    assert too_much.json.keys() == {
        "dry_run", "purged", "kept", "bytes", "cache", "streams", "size_before", "size",
    }  # fmt: skip
    assert too_much.json["purged"] == ["b"]
    assert "still takes" in too_much.err
    assert lake.ok("datalake", "purge-local-storage", "--max-size", "1GB", "--yes").lines == []
    assert lake("datalake", "purge-local-storage", "nowhere", "--yes").code == 3


def test_purging_says_what_stays(lake):
    (lake.folder / "c").write_text("c")
    lake.ok("datalake", "add", "c", "--offline")
    result = lake.ok("datalake", "purge-local-storage", "--yes")
    assert result.lines == ["b"]
    assert "1 file stays: the remote is not known to have them" in result.err
    assert "radops datalake sync" in result.err


def test_purging_without_a_remote(cli):
    (cli.folder / "a").write_text("a")
    cli.ok("datalake", "add", "a")
    result = cli("datalake", "purge-local-storage", "--yes")
    assert result.code == 2
    assert "no remote holds them" in result.err
    assert cli("datalake", "delete-local", "a").code == 2


def test_purging_offline(lake):
    for command in (("purge-local-storage", "--yes"), ("delete-local", "b")):
        result = lake("datalake", *command, env={"RADOPS_OFFLINE": "1"})
        assert result.code == 6
        assert "leave out --offline" in result.err
