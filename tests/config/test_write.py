"""Changing the configuration file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from config.samples import TEAM, write
from privileges import stopped_by_permissions
from radops import config
from radops.errors import ConflictError, InvalidConfigError, LocalStorageError


def test_writing_keeps_comments_order_and_mode(home):
    path = write(home, TEAM)
    path.chmod(0o640)
    config.set_values({"region": "eu-central-1", "email": "bob@example.com"})
    text = path.read_text()
    assert text == TEAM.replace("eu-west-1", "eu-central-1").replace("ada@", "bob@")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(home) == ["config.toml"]


def test_a_new_file_is_the_persons_own(home):
    config.set_values({"email": "a@example.com"})
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600


def test_a_new_file_of_a_group_is_the_groups(home):
    config.set_values({"shared": "group"})
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o660


def test_a_top_key_set_late_still_comes_before_the_tables(home):
    write(home, "[contexts.team]\nremote = 's3://bucket'\n")
    config.set_values({"email": "a@example.com"})
    config.use_context("team")
    assert config.resolve().context == "team"
    assert config.resolve().email == "a@example.com"


def test_values_are_removed(home):
    path = write(home, TEAM)
    config.set_values({"region": None, "profile": None})
    assert "region" not in path.read_text()
    assert config.resolve().options.region is None


def test_the_query_of_a_remote_becomes_keys(home):
    write(home, TEAM)
    config.set_values({"remote": "s3://new/lake?region=r"})
    settings = config.resolve()
    assert (settings.remote, settings.options.region) == ("s3://new/lake", "r")
    assert "?" not in (home / "config.toml").read_text()


@pytest.mark.parametrize(
    "values",
    [
        {"emial": "x"},
        {"email": "x"},
        {"remote": "s3://k:s@bucket"},
        {"endpoint_url": "x"},
        {"addressing_style": "x"},
        {"shared": "all"},
        {"current_context": 3},
    ],
)
def test_a_change_that_would_break_the_file_is_not_written(home, values):
    path = write(home, TEAM)
    with pytest.raises(InvalidConfigError):
        config.set_values(values)
    assert path.read_text() == TEAM
    assert os.listdir(home) == ["config.toml"]


def test_a_broken_file_is_not_written_to(home):
    path = write(home, "emial = 'x'")
    with pytest.raises(InvalidConfigError):
        config.set_values({"email": "a@example.com"})
    assert path.read_text() == "emial = 'x'"


def test_contexts_are_created_once(home):
    config.create_context("team", {"remote": "s3://bucket", "region": None}, use=True)
    with pytest.raises(ConflictError, match="team"):
        config.create_context("team", {})
    assert config.resolve().remote == "s3://bucket"
    config.create_context("team", {"remote": "file:///x"}, replace=True)
    assert config.resolve().remote == "file:///x"
    config.create_context("local", {})
    assert config.resolve("local").remote is None
    with pytest.raises(InvalidConfigError):
        config.create_context("a/b", {})


def test_a_context_that_is_not_there_is_not_used(home):
    write(home, TEAM)
    with pytest.raises(InvalidConfigError, match="'tean'") as caught:
        config.use_context("tean")
    assert "'team'" in (caught.value.hint or "")
    config.use_context("default")
    assert config.resolve().remote is None


def test_a_link_stays_a_link(home, tmp_path):
    real = tmp_path / "dotfiles" / "radops.toml"
    real.parent.mkdir()
    real.write_text(TEAM)
    home.mkdir()
    (home / "config.toml").symlink_to(real)
    config.use_context("scratch")
    assert (home / "config.toml").is_symlink()
    assert "scratch" in real.read_text().splitlines()[1]


@stopped_by_permissions
def test_a_folder_that_cannot_be_written_is_a_local_failure(home):
    write(home, TEAM)
    home.chmod(0o500)
    try:
        with pytest.raises(LocalStorageError, match="cannot write"):
            config.use_context("scratch")
    finally:
        home.chmod(0o700)


def test_a_home_that_is_a_file_is_a_local_failure(home):
    home.write_text("")
    with pytest.raises(LocalStorageError):
        config.use_context("default")


_ADD = """
import sys
from pathlib import Path
from radops import config
for i in range(10):
    name = f"c{sys.argv[2]}-{i}"
    config.create_context(name, {"remote": "s3://bucket"}, home=Path(sys.argv[1]))
"""


def test_many_shells_at_once_lose_nothing(home):
    workers = [
        subprocess.Popen([sys.executable, "-c", _ADD, str(home), str(number)])
        for number in range(4)
    ]
    for worker in workers:
        assert worker.wait() == 0
    assert len(config.load().contexts) == 40
    assert os.listdir(home) == ["config.toml"]


_FORK = """
import os, sys, threading, time
from pathlib import Path
from radops import config
home = Path(sys.argv[1])
changing, forked = threading.Event(), threading.Event()

def change(document):
    changing.set()
    forked.wait()

thread = threading.Thread(target=config.update, args=(change, home))
thread.start()
changing.wait()
child = os.fork()
if child == 0:
    time.sleep(300)
    os._exit(0)
forked.set()
thread.join()
config.set_values({"email": "bob@example.com"}, home=home)
os.kill(child, 9)
os.waitpid(child, 0)
"""


def test_a_child_that_is_forked_during_a_change_does_not_keep_others_waiting(home):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORK, str(home)]
    subprocess.run(command, check=True, timeout=120)
    assert config.load().email == "bob@example.com"


def test_a_crash_while_writing_leaves_the_old_file(home, monkeypatch):
    path = write(home, TEAM)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(LocalStorageError, match="No space left"):
        config.use_context("scratch")
    assert path.read_text() == TEAM
    assert os.listdir(home) == ["config.toml"]
