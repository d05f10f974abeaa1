"""What the shell completes."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def lake(cli):
    for name in ("a.txt", "b c.txt"):
        (cli.folder / name).write_text(name)
    cli.ok("datalake", "add", "a.txt", "data/a.txt")
    cli.ok("datalake", "add", "b c.txt", "data/b c.txt")
    cli.ok("datalake", "add", "a.txt", "other.txt")
    return cli


def complete(cli, words: str, env: dict[str, str] | None = None) -> list[str]:
    """Return what bash is offered after these words; the last one is being typed."""
    asked = {
        "_RADOPS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    result = cli(env={**asked, **(env or {})})
    assert result.err == ""
    return [line for line in result.lines if line]


def test_commands_and_options_are_completed(cli):
    assert complete(cli, "radops da") == ["datalake"]
    assert complete(cli, "radops datalake delete") == ["delete-local", "delete"]
    assert "--context" in complete(cli, "radops datalake ls --c")
    assert complete(cli, "radops config use") == ["use-context"]


def test_uids_are_completed_folder_by_folder(lake):
    assert complete(lake, "radops datalake info ") == ["data/", "other.txt"]
    assert complete(lake, "radops datalake info o") == ["other.txt"]
    assert complete(lake, "radops datalake download data/") == ["data/a.txt", "data/b c.txt"]
    assert complete(lake, "radops datalake info x") == []


def test_contexts_and_keys_are_completed(cli):
    assert complete(cli, "radops config use-context ") == ["default"]
    cli.ok("config", "create-context", "team")
    cli.ok("config", "create-context", "test")
    assert complete(cli, "radops config use-context te") == ["team", "test"]
    assert complete(cli, "radops datalake ls --context tea") == ["team"]
    assert complete(cli, "radops config set end") == ["endpoint_url"]


def test_the_context_on_the_line_is_the_one_completed_from(lake):
    lake.ok("config", "create-context", "empty", "--remote", f"file://{lake.folder}/shared")
    assert complete(lake, "radops datalake info --context empty o") == []


@pytest.mark.parametrize(
    "env",
    [{"RADOPS_REMOTE": "s3://bucket", "RADOPS_S3_ENDPOINT_URL": "http://127.0.0.1:1"},
     {"RADOPS_REMOTE": "nonsense"}, {"RADOPS_CONTEXT": "nope"}, {"RADOPS_HOME": "/dev/null/x"}],
)  # fmt: skip
def test_completion_is_never_slow_or_loud(lake, env):
    began = time.monotonic()
    complete(lake, "radops datalake info ", env)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_function_can_be_had(cli, shell):
    result = cli.ok(env={"_RADOPS_COMPLETE": f"source_{shell}"})
    assert "_RADOPS_COMPLETE" in result.out
