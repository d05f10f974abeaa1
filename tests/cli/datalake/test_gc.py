"""`radops datalake gc`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from servers.http_faults import Answer

if TYPE_CHECKING:
    from pathlib import Path


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
        "notes",
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
    assert "A file that is being added now" in shown.text
    assert everything(*roots) == before
    assert len(lake.ok("datalake", "gc", "--grace", "0s", "--yes", "--json").json["runs"]) == 2


@pytest.mark.parametrize("grace", ["24", "h", "-1h", "1 h", "1y", "1e3s", "1d2h", "", "nan", "٣h"])
def test_durations_are_taken_strictly(cli, grace):
    result = cli("datalake", "gc", f"--grace={grace}", "--json")
    assert result.code == 2
    assert result.error["code"] == "usage"
    assert "30d" in result.error["message"]
    assert cli("datalake", "purge-local-storage", f"--older-than={grace}", "--yes").code == 2


def test_local_and_remote_exclude_each_other(cli):
    assert cli("datalake", "gc", "--local", "--remote").code == 2
    assert cli("datalake", "gc", "--remote").code == 2  # there is none


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
