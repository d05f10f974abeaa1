"""`radops datalake empty-quarantine`."""

from __future__ import annotations

import os
import time

import pytest


@pytest.fixture
def damaged(cli):
    """A lake with one file whose bytes `verify` found wrong and moved to quarantine."""
    for name in ("bad.txt", "good.txt"):
        (cli.folder / name).write_text(name)
        cli.ok("datalake", "add", name)
    path = next(path for path in (cli.home / "storage" / "objects").rglob("*") if is_bad(path))
    path.chmod(0o600)
    path.write_text("BAD.txt")
    assert cli("datalake", "verify", "--repair").code == 1
    return cli


def is_bad(path):
    return path.is_file() and path.read_bytes() == b"bad.txt"


def quarantine(cli):
    folder = cli.home / "storage" / "quarantine"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_what_was_set_aside_is_listed_and_deleted(damaged):
    (path,) = quarantine(damaged)
    dry = damaged.ok("datalake", "empty-quarantine", "--dry-run")
    assert dry.lines == [str(path)]
    assert dry.err == "would delete 1 quarantined file, 7 B\n"
    assert quarantine(damaged) == [path]
    result = damaged.ok("datalake", "empty-quarantine", "--yes", "--json")
    assert result.json == {
        "dry_run": False,
        "deleted": [{"path": str(path), "size": 7}],
        "bytes": 7,
    }
    assert quarantine(damaged) == []
    assert damaged.ok("datalake", "cat", "good.txt").out == "good.txt"
    assert damaged.ok("datalake", "empty-quarantine").err == "the quarantine is empty\n"


def test_it_asks_since_they_may_be_the_only_copies(damaged):
    result = damaged("datalake", "empty-quarantine")
    assert result.code == 2
    assert "--yes" in result.err
    shown = damaged.terminal("datalake", "empty-quarantine", keys="n\n")
    assert shown.code == 1
    assert "may be the only copy" in shown.text
    assert len(quarantine(damaged)) == 1


def test_only_what_is_old_enough(damaged):
    (path,) = quarantine(damaged)
    keep = ("datalake", "empty-quarantine", "--older-than", "30d", "--yes")
    assert damaged.ok(*keep).out == ""
    os.utime(path, (time.time() - 31 * 86_400,) * 2)
    # The age counts from when it was set aside, not from when its bytes were written.
    assert damaged.ok(*keep).out == ""
    assert quarantine(damaged) == [path]


def test_folders_that_were_set_aside_go_too(damaged):
    folder = damaged.home / "storage" / "quarantine" / "folder.0123abcd"
    folder.mkdir()
    (folder / "inside").write_text("12345")
    (folder / "link").symlink_to(damaged.folder / "good.txt")
    done = damaged.ok("datalake", "empty-quarantine", "--yes", "--json").json
    assert len(done["deleted"]) == 2
    assert quarantine(damaged) == []
    assert (damaged.folder / "good.txt").exists()


def test_an_empty_quarantine_makes_nothing(cli):
    assert cli.ok("datalake", "empty-quarantine").out == ""
    assert not cli.home.exists()
