"""What the shell completes."""

from __future__ import annotations

import socket
import subprocess

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


def test_add_completes_files_first_and_then_uids(lake):
    assert complete(lake, "radops datalake add ") == []
    assert complete(lake, "radops datalake add a.txt d") == ["data/"]


def test_contexts_and_keys_are_completed(cli):
    assert complete(cli, "radops config use-context ") == ["default"]
    cli.ok("config", "create-context", "team")
    cli.ok("config", "create-context", "test")
    assert complete(cli, "radops config use-context ") == ["default", "team", "test"]
    assert complete(cli, "radops config use-context te") == ["team", "test"]
    assert complete(cli, "radops config delete-context te") == ["team", "test"]
    assert complete(cli, "radops datalake ls --context tea") == ["team"]
    assert complete(cli, "radops config set end") == ["endpoint_url"]


def test_the_context_on_the_line_is_the_one_completed_from(lake):
    lake.ok("config", "create-context", "empty", "--remote", f"file://{lake.folder}/shared")
    assert complete(lake, "radops datalake info --context empty o") == []


@pytest.mark.parametrize(
    "env",
    [{"RADOPS_REMOTE": "s3://bucket"},
     {"RADOPS_REMOTE": "nonsense"}, {"RADOPS_CONTEXT": "nope"}, {"RADOPS_HOME": "/dev/null/x"}],
)  # fmt: skip
def test_completion_is_never_slow_or_loud(lake, env):
    """It asks no remote, so it waits for none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        complete(lake, "radops datalake info ", {"RADOPS_S3_ENDPOINT_URL": url, **env})
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("datalake lineage x --format ", ["tree", "mermaid", "dot", "json"]),
        ("datalake lineage x --format=m", ["mermaid"]),
        ("datalake lineage x --format js", ["json"]),
        ("config setup --addressing-style ", ["auto", "path", "virtual"]),
        ("config create-context x --sse aws", ["aws:kms", "aws:kms:dsse"]),
        ("config set on_code_change ", ["warn", "error", "ignore"]),
        ("config set shared ", ["group"]),
        ("config set upload_patch t", ["true"]),
        ("config set sse ", ["AES256", "aws:kms", "aws:kms:dsse"]),
        ("config set current_context ", ["default"]),
        ("config set email ", []),
    ],
)
def test_values_of_a_fixed_set_are_completed(cli, words, values):
    assert complete(cli, f"radops {words}") == values


def parameters():
    """Yield each option and argument of the command line that takes a value."""
    from radops.cli.main import build  # noqa: PLC0415

    waiting = [("radops", build())]
    while waiting:
        name, command = waiting.pop()
        waiting += [
            (f"{name} {child}", command.commands[child])
            for child in getattr(command, "commands", {})
        ]
        for parameter in command.params:
            if not getattr(parameter, "is_flag", False):
                yield name, max(parameter.opts, key=len), parameter


def test_every_value_is_completed_or_is_free_text_or_a_path():
    """Without values of its own the shell offers files."""
    free = {
        "--depth", "--jobs", "--grace", "--older-than", "--max-size", "--email", "--endpoint-url",
        "--region", "--profile", "--sse-kms-key-id", "--remote", "seconds", "--exclude",
        "--sha256", "--blake3", "--port", "--limit", "--tag", "--untag", "--remove", "text",
        "words",
    }  # fmt: skip
    paths = {"source", "sources", "--to", "--ca-bundle", "--sse-customer-key-file"}
    new_names = {("radops config create-context", "name"), ("radops config setup", "--context")}
    lacking = {
        (command, name)
        for command, name, parameter in parameters()
        if parameter._custom_shell_complete is None and name not in free | paths
    }
    assert lacking - new_names == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_function_can_be_had(cli, shell):
    result = cli.ok(env={"_RADOPS_COMPLETE": f"source_{shell}"})
    assert "_RADOPS_COMPLETE" in result.out
    assert f"complete_{shell}" in result.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_named_shell_gets_its_script(cli, shell):
    expected = cli.ok(env={"_RADOPS_COMPLETE": f"source_{shell}"}).out
    for arguments in ([f"--show-completion={shell}"], ["--show-completion", shell]):
        assert cli.ok(*arguments).out.strip() == expected.strip()


def test_without_a_name_the_shell_is_the_one_that_runs_the_command(cli):
    script = f"'{cli.command[0]}' -m radops --show-completion; true"
    done = subprocess.run(
        ["bash", "-c", script], env=cli.environment(), capture_output=True, check=True
    )
    assert b"complete_bash" in done.stdout


def test_an_unknown_shell_is_refused(cli):
    result = cli("--show-completion", "tcsh")
    assert result.code == 2
    assert "tcsh" in result.err
    assert "bash, zsh, fish" in result.err


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish/completions/radops.fish")],
)
def test_completion_is_installed_for_the_named_shell(cli, shell, file):
    assert "installed" in cli.ok("--install-completion", shell).out
    assert (cli.folder / file).exists()
    assert f"complete_{shell}" in "".join(
        path.read_text() for path in cli.folder.rglob("*radops*") if path.is_file()
    )
