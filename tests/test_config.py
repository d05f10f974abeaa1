"""The configuration: file, variables, arguments; strict, and safe to write."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from privileges import stopped_by_permissions
from radops import config
from radops.backends.options import RemoteOptions
from radops.errors import ConflictError, InvalidConfigError, LocalStorageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A clean environment with a home of its own; the file does not exist yet."""
    for name in list(os.environ):
        if name.startswith(("RADOPS_", "AWS_", "GIT_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("RADOPS_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    return folder


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    path = home / "config.toml"
    path.write_text(text)
    return path


TEAM = """
current_context = "team"
email = "ada@example.com"

[contexts.team]   # ours
remote = "s3://bucket/lake"
endpoint_url = "https://s3.example.com"
region = "eu-west-1"
upload_patch = true

[contexts.scratch]
remote = "file:///shared/scratch"
"""


# -- Reading


def test_without_anything_there_is_a_local_lake(home):
    settings = config.resolve()
    assert (settings.home, settings.context, settings.remote) == (home, "default", None)
    assert settings.options == RemoteOptions()
    assert (settings.offline, settings.on_code_change, settings.shared) == (False, "warn", None)
    assert not home.exists(), "asking must not write"


def test_the_default_home_is_in_the_persons_home(monkeypatch, tmp_path):
    monkeypatch.delenv("RADOPS_HOME")
    assert config.find_home() == tmp_path / ".radops"
    monkeypatch.setenv("RADOPS_HOME", "relative")
    assert config.find_home() == tmp_path / "relative"
    assert config.find_home(tmp_path / "given") == tmp_path / "given"


def test_the_file_is_read(home):
    write(home, TEAM)
    settings = config.resolve()
    assert (settings.context, settings.remote) == ("team", "s3://bucket/lake")
    assert settings.options == RemoteOptions(
        endpoint_url="https://s3.example.com", region="eu-west-1"
    )
    assert settings.upload_patch
    assert settings.originator == "ada@example.com"
    assert config.resolve("scratch").remote == "file:///shared/scratch"


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


# -- A file that cannot be used


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("emial = 'a@b'", "unknown key 'emial'", "did you mean 'email'?"),
        ("[contexts.a]\nendpont_url = ''", r"'endpont_url' in \[contexts.a\]", "'endpoint_url'"),
        ("remote = 's3://b'", "unknown key 'remote'", "belongs below"),
        ("zzz = 1", "unknown key 'zzz'", "known keys: current_context"),
        ("email = 3", "email: expected `str`, got `int`", None),
        ("email = 'me'", "email is not an e-mail", None),
        ("on_code_change = 'x'", "on_code_change: invalid enum value 'x'", None),
        ("shared = true", "shared: expected", None),
        ("contexts = 1", "contexts: expected `object`, got `int`", None),
        ("[contexts]\na = 1", r"contexts\[...\]: expected `object`", None),
        ("[contexts.a]\nupload_patch = 'x'", "contexts.a.upload_patch: expected `bool`", None),
        ("[contexts.a]\nremote = 'nowhere'", "contexts.a.remote is neither", "s3://"),
        ("[contexts.a]\nsse = 'rot13'", "contexts.a.sse cannot be 'rot13'", "AES256"),
        ("[contexts.a]\nendpoint_url = 'x'", "contexts.a.endpoint_url cannot be 'x'", "https://"),
        ("[contexts.'a b']", "'a b' cannot name a context", None),
        ("email = 'a@b'\nemail ?", "not valid TOML: .*line 2", None),
        ("current_context = 'gone'", "no context 'gone'", "create-context"),
        ("a = " + "[" * 5000, "not valid TOML", None),
    ],
)
def test_what_is_wrong_is_named(home, text, message, hint):
    path = write(home, text)
    with pytest.raises(InvalidConfigError, match=message) as caught:
        config.resolve()
    assert caught.value.exit_code == 2
    assert str(path) in caught.value.message or "cannot name" in message
    if hint:
        assert hint in (caught.value.hint or "")


def test_bytes_that_are_not_text_are_named_with_their_line(home):
    write(home, "").write_bytes(b"# fine\nemail = '\xff'\n")
    with pytest.raises(InvalidConfigError, match="line 2"):
        config.resolve()


def test_a_file_that_is_far_too_large_is_not_read(home):
    write(home, "#" * (1 << 20) + "#")
    with pytest.raises(InvalidConfigError, match="larger"):
        config.resolve()


def test_a_file_that_cannot_be_read_is_a_local_failure(home):
    (home / "config.toml").mkdir(parents=True)
    with pytest.raises(LocalStorageError, match=r"cannot read .*config.toml"):
        config.resolve()


# -- Remotes


@pytest.mark.parametrize(
    ("url", "bare", "options"),
    [
        ("s3://bucket", "s3://bucket", {}),
        ("s3://bucket/", "s3://bucket", {}),
        ("s3://bucket/a/b/", "s3://bucket/a/b", {}),
        ("s3://bucket/a?region=r&profile=p", "s3://bucket/a", {"region": "r", "profile": "p"}),
        ("file:///a/b/", "file:///a/b", {}),
        ("file://localhost/a", "file:///a", {}),
        ("file:///a%20b", "file:///a%20b", {}),
        ("/a b", "file:///a%20b", {}),
    ],
)
def test_remotes_are_brought_into_one_form(url, bare, options):
    assert config.split_remote(url) == (bare, options)


@pytest.mark.parametrize(
    "url",
    [
        "bucket/prefix",
        "http://host/bucket",
        "s3://",
        "s3:///prefix",
        "s3://a",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/" + "x" * 301,
        "s3://bucket/a#b",
        "s3://bucket/a\nb",
        "s3://bucket?access_key=SECRET",
        "file://",
        "file:///",
        "file://otherhost/a",
        "file:///a/../b",
        "file:///a?region=x",
        "s3://[",
    ],
)
def test_remotes_that_cannot_be_used_are_refused(url):
    with pytest.raises(InvalidConfigError) as caught:
        config.split_remote(url)
    assert "SECRET" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    ["s3://key:SECRET@bucket/p", "s3://SECRET@bucket", "s3://bkt?endpoint_url=http://k:SECRET@h"],
)
def test_a_remote_with_a_secret_is_refused_and_not_repeated(url, monkeypatch):
    monkeypatch.setenv("RADOPS_REMOTE", url)
    with pytest.raises(InvalidConfigError, match="user") as caught:
        config.resolve()
    assert "SECRET" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


# -- Writing


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


def test_a_crash_while_writing_leaves_the_old_file(home, monkeypatch):
    path = write(home, TEAM)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(LocalStorageError, match="No space left"):
        config.use_context("scratch")
    assert path.read_text() == TEAM
    assert os.listdir(home) == ["config.toml"]


def test_a_preview_is_what_would_be_written(home, monkeypatch):
    monkeypatch.setenv("RADOPS_REMOTE", "s3://override")
    values = {"remote": "s3://bucket/x?region=r", "profile": "p"}
    seen = config.preview("new", values)
    config.create_context("new", values, use=True)
    monkeypatch.delenv("RADOPS_REMOTE")
    written = config.resolve()
    assert (seen.remote, seen.options) == (written.remote, written.options)


def test_contexts_have_a_key_for_every_option():
    assert set(config.OPTION_KEYS) < set(config.CONTEXT_KEYS)
