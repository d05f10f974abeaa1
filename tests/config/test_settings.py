"""What arguments, variables and the file say together."""

from __future__ import annotations

import os
import subprocess

import pytest

from config.samples import TEAM, write
from radops import config
from radops.backends.location import RemoteOptions
from radops.errors import InvalidConfigError


def test_without_anything_there_is_a_local_lake(home):
    settings = config.resolve()
    assert (settings.home, settings.context, settings.remote) == (home, "default", None)
    assert settings.options == RemoteOptions()
    assert (settings.offline, settings.on_code_change, settings.shared) == (False, "warn", None)
    assert not home.exists(), "asking must not write"


def test_variables_override_the_file_and_arguments_override_both(home, monkeypatch):
    write(home, TEAM)
    monkeypatch.setenv("RADOPS_CONTEXT", "scratch")
    assert config.resolve().context == "scratch"
    assert config.resolve("team").context == "team"
    monkeypatch.setenv("RADOPS_REMOTE", "s3://other?region=us-east-1")
    monkeypatch.setenv("RADOPS_S3_ENDPOINT_URL", "http://127.0.0.1:8333")
    settings = config.resolve("team")
    assert settings.remote == "s3://other"
    assert settings.options.region == "us-east-1"
    assert settings.options.endpoint_url == "http://127.0.0.1:8333"
    settings = config.resolve("team", remote="s3://third/x/?endpoint_url=http://h:1")
    assert settings.remote == "s3://third/x"
    assert settings.options.endpoint_url == "http://h:1"
    assert settings.options.region == "eu-west-1"
    monkeypatch.setenv("RADOPS_EMAIL", "bob@example.com")
    assert config.resolve().originator == "bob@example.com"
    monkeypatch.setenv("RADOPS_ON_CODE_CHANGE", "error")
    assert config.resolve().on_code_change == "error"


def test_empty_variables_count_as_unset(monkeypatch):
    for name in ("CONTEXT", "REMOTE", "S3_ENDPOINT_URL", "EMAIL", "OFFLINE", "ON_CODE_CHANGE"):
        monkeypatch.setenv(f"RADOPS_{name}", "")
    assert config.resolve().remote is None


@pytest.mark.parametrize(
    ("text", "offline"),
    [("1", True), ("true", True), ("YES", True), ("on", True), ("0", False), ("off", False)],
)
def test_offline_is_a_flag(monkeypatch, text, offline):
    monkeypatch.setenv("RADOPS_OFFLINE", text)
    assert config.resolve().offline is offline
    assert config.resolve(offline=not offline).offline is not offline


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RADOPS_OFFLINE", "maybe"),
        ("RADOPS_ON_CODE_CHANGE", "explode"),
        ("RADOPS_EMAIL", "nobody"),
        ("RADOPS_EMAIL", "caf\udce9@example.com"),
        ("RADOPS_REMOTE", "ftp://x"),
        ("RADOPS_S3_ENDPOINT_URL", "localhost:9000"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidConfigError, match=name):
        config.resolve()


def test_the_originator_is_gits_then_the_machines(monkeypatch, tmp_path):
    settings = config.resolve()
    assert settings.originator.endswith(f"@{os.uname().nodename}")
    subprocess.run(["git", "config", "--global", "user.email", "git@example.com"], check=True)
    assert config.resolve().originator == "git@example.com"
    subprocess.run(["git", "config", "--global", "user.email", "not an address"], check=True)
    assert config.resolve().originator.endswith(f"@{os.uname().nodename}")
    monkeypatch.setenv("PATH", str(tmp_path))  # no git at all
    assert config.resolve().originator.endswith(f"@{os.uname().nodename}")


def test_an_originator_is_text_whatever_the_machine_calls_its_users(monkeypatch):
    monkeypatch.setenv("LOGNAME", "caf\udce9")
    assert config.resolve().originator == f"caf?@{os.uname().nodename}"


def test_a_preview_is_what_would_be_written(home, monkeypatch):
    monkeypatch.setenv("RADOPS_REMOTE", "s3://override")
    values = {"remote": "s3://bucket/x?region=r", "profile": "p"}
    seen = config.preview("new", values)
    config.create_context("new", values, use=True)
    monkeypatch.delenv("RADOPS_REMOTE")
    written = config.resolve()
    assert (seen.remote, seen.options) == (written.remote, written.options)


def test_the_size_of_the_cache(home, monkeypatch):
    assert config.resolve().cache_size is None
    write(home, 'cache_size = "2GB"')
    assert config.resolve().cache_size == 2_000_000_000
    monkeypatch.setenv("RADOPS_CACHE_SIZE", "1MiB")
    assert config.resolve().cache_size == 1 << 20
    monkeypatch.setenv("RADOPS_CACHE_SIZE", "some")
    with pytest.raises(InvalidConfigError, match="RADOPS_CACHE_SIZE is 'some', not a size"):
        config.resolve()
    write(home, "cache_size = -5")
    with pytest.raises(InvalidConfigError, match="cache_size is -5, not a size"):
        config.resolve()
