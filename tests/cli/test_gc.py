"""`gc` and `purge-local-storage` as people and scripts run them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from radops.cli.quantities import duration, human_duration, size
from servers.http_faults import Answer

if TYPE_CHECKING:
    from pathlib import Path


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


def age(*roots: Path) -> None:
    then = time.time() - 2 * 24 * 3600
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file() and not path.name.startswith("catalog"):
                os.utime(path, (then, then))


def everything(*roots: Path) -> list[str]:
    return sorted(str(path) for root in roots for path in root.rglob("*") if path.is_file())


def test_a_dry_run_then_the_trash_then_for_good(lake, tmp_path):
    roots = (tmp_path / "shared", lake.home / "storage")
    assert lake.ok("datalake", "gc").lines == [
        "remote: nothing to collect; 2 names looked at",
        "local: nothing to collect; 2 names looked at",
    ]
    age(*roots)
    before = everything(*roots)
    assert lake.ok("datalake", "gc", "--dry-run").lines == [
        "remote: would move 1 object to the trash, 1000 B",
        "local: would move 1 object to the trash, 1000 B",
    ]
    assert everything(*roots) == before
    moved = lake.ok("datalake", "gc")
    assert moved.lines == [
        "remote: moved 1 object to the trash, 1000 B",
        "local: moved 1 object to the trash, 1000 B",
    ]
    assert moved.err == "what went to the trash is deleted by a gc after 24h\n"
    again = lake.ok("datalake", "gc", "--json", "--local").json
    assert (again["deleted"], again["remote"]) == (0, None)
    age(*roots)
    assert lake.ok("datalake", "gc").lines == [
        "remote: deleted 1 object, 1000 B",
        "local: deleted 1 object, 1000 B",
    ]
    assert lake.ok("datalake", "cat", "b").out == "b" * 1000


def test_json_says_all_of_it(lake):
    document = lake.ok("datalake", "gc", "--dry-run", "--grace", "0s", "--json").json
    assert document.keys() == {
        "dry_run",
        "grace",
        "candidates",
        "moved",
        "restored",
        "deleted",
        "bytes",
        "uploads",
        "leases",
        "runs",
        "remote",
        "local",
    }
    assert (document["candidates"], document["remote"]["candidates"]) == (2, 1)
    assert document["remote"]["url"].endswith("/shared")


def test_a_short_grace_has_to_be_confirmed(lake, tmp_path):
    roots = (tmp_path / "shared", lake.home / "storage")
    before = everything(*roots)
    for grace in ("0s", "1h", "11.9h"):
        result = lake("datalake", "gc", "--grace", grace)
        assert result.code == 2
        assert "--yes" in result.err
    assert everything(*roots) == before
    assert lake("datalake", "gc", "--grace", "12h").code == 0
    shown = lake.terminal("datalake", "gc", "--grace", "1h", keys="n\n")
    assert shown.code == 1
    assert "Someone who is adding a file now" in shown.text
    assert everything(*roots) == before
    assert len(lake.ok("datalake", "gc", "--grace", "0s", "--yes", "--json").json["runs"]) == 2


@pytest.mark.parametrize("grace", ["24", "h", "-1h", "1 h", "1y", "1e3s", "1d2h", "", "nan", "٣h"])
def test_durations_are_taken_strictly(cli, grace):
    result = cli("datalake", "gc", f"--grace={grace}", "--json")
    assert result.code == 2
    assert result.error["code"] == "usage"
    assert "30d" in result.error["message"]
    assert cli("datalake", "purge-local-storage", f"--older-than={grace}", "--yes").code == 2


@pytest.mark.parametrize("most", ["500", "GB", "-1GB", "1 GB", "500gb", "1EB", "1e3B", "", "infGB"])
def test_sizes_are_taken_strictly(cli, most):
    result = cli("datalake", "purge-local-storage", f"--max-size={most}", "--yes", "--json")
    assert result.code == 2
    assert "500GB" in result.error["message"]


def test_quantities():
    assert [duration(text) for text in ("0s", "45s", "90m", "12h", "30d", "2w", "1.5h")] == [
        0,
        45,
        5400,
        43200,
        2592000,
        1209600,
        5400,
    ]
    assert [size(text) for text in ("0B", "1kB", "1KB", "500GB", "1.5TiB", "2MiB")] == [
        0,
        1000,
        1000,
        500 * 10**9,
        3 * 2**39,
        2 * 2**20,
    ]
    seconds = (0, 0.5, 90, 5400, 86400, 172800, 2592000)
    assert [human_duration(one) for one in seconds] == [
        "0s", "0.5s", "90s", "90m", "24h", "2d", "30d",
    ]  # fmt: skip


def test_local_and_remote_exclude_each_other(cli):
    assert cli("datalake", "gc", "--local", "--remote").code == 2
    assert cli("datalake", "gc", "--remote").code == 2  # there is none


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
        "dry_run", "purged", "kept", "bytes", "size_before", "size",
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


def test_a_server_that_forbids_deleting_is_exit_7_and_nothing_is_done(cli, faulty_seaweedfs):
    proxy = faulty_seaweedfs
    bucket = proxy.server.new_bucket()
    cli.env |= {
        **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
        "RADOPS_S3_ENDPOINT_URL": proxy.endpoint_url,
        "RADOPS_REMOTE": f"s3://{bucket}/lake",
        "RADOPS_EMAIL": "user@example.com",
    }
    (cli.folder / "a").write_text("a")
    cli.ok("datalake", "add", "a")
    cli.ok("datalake", "delete", "a", "--yes")
    time.sleep(1.1)
    proxy.inject(Answer(403, "AccessDenied"), method="DELETE", times=None)
    proxy.inject(Answer(403, "AccessDenied"), method="POST", times=None)
    result = cli("datalake", "gc", "--grace", "0s", "--yes", "--json")
    assert result.code == 7
    assert result.error["code"] == "remote-refused"
    assert proxy.count("PUT", key="trash/") == 0
    plan = cli.ok("datalake", "gc", "--grace", "0s", "--dry-run", "--json").json
    assert plan["remote"]["candidates"] == 1
    assert plan["local"]["candidates"] == 1  # nor was anything done here
