"""Reading the configuration file."""

from __future__ import annotations

import pytest

from config.samples import TEAM, write
from radops import config
from radops.backends.location import RemoteOptions
from radops.errors import InvalidConfigError, LocalStorageError


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


def test_contexts_have_a_key_for_every_option():
    assert set(config.OPTION_KEYS) < set(config.CONTEXT_KEYS)
