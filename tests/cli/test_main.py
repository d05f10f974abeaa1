"""Where commands begin and end: version, help, failures, signals, pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest

from radops.cli.failures import describe
from radops.errors import (
    HasDependentsError,
    InvalidUIDError,
    LocalStorageError,
    RadopsError,
    RemoteUnavailableError,
    UIDNotFoundError,
)

DATALAKE = [
    "ls", "add", "info", "cat", "local-path", "download", "delete-local", "delete",
    "presigned-url", "sync", "gc", "purge-local-storage", "empty-quarantine", "verify", "lineage",
    "why",
]  # fmt: skip
CONFIG = [
    "setup", "check", "set", "view", "get-contexts", "create-context", "delete-context",
    "use-context", "current-context",
]  # fmt: skip


def test_the_version_is_short_and_quick(cli):
    assert re.fullmatch(r"radops \d+\.\d+\.\d+\S*\n", cli.ok("--version").out)


@pytest.mark.parametrize("arguments", [["--version"], ["datalake", "--help"]])
def test_what_is_slow_to_import_is_not_needed(cli, arguments):
    program = textwrap.dedent(
        f"""
        import contextlib, io, sys
        from radops.cli.main import main
        with contextlib.redirect_stdout(io.StringIO()):
            main({arguments!r})
        slow = ["boto3", "botocore", "cbor2", "msgspec", "pydantic", "radops.native"]
        slow += ["typer", "rich"] if {arguments == ["--version"]} else []
        print([name for name in slow if name in sys.modules])
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=cli.environment(), capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


@pytest.mark.parametrize("command", ["ls", "cat x", "info x", "download x", "local-path x"])
def test_a_command_that_reads_imports_nothing_of_what_adds(cli, command):
    program = textwrap.dedent(
        f"""
        import contextlib, importlib.util, io, sys
        from radops.cli.main import main
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main(["datalake", *{command.split()!r}])
        assert "radops.lake.lake" in sys.modules
        adding = ["add", "add_batches", "add_existing", "directory.add", "directory.move"]
        adding += ["directory.bucket", "directory.taking", "expected", "fetch_url"]
        adding = [f"radops.lake.{{name}}" for name in adding]
        adding += ["radops.repository.trees.intake", "http.client"]
        for name in adding:
            assert importlib.util.find_spec(name), name
        print([name for name in adding if name in sys.modules])
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=cli.environment(), capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


@pytest.mark.parametrize("arguments", [[], ["datalake"], ["config"]])
def test_a_group_alone_shows_its_help_and_is_wrong_usage(cli, arguments):
    result = cli(*arguments)
    assert result.code == 2
    assert "Usage: radops" in result.out
    assert result.err == ""


@pytest.mark.parametrize(
    "command",
    [*(["datalake", name] for name in DATALAKE), *(["config", name] for name in CONFIG)],
    ids=" ".join,
)
def test_every_command_has_help_with_an_example(cli, command):
    text = cli.ok(*command, "--help").out
    example = text.partition("Example")[2]
    assert " ".join(["radops", *command]) in example or command[-1] == "local-path"
    if command[0] == "datalake":
        for option in ("--context", "--quiet", "--help"):
            assert option in text
        # Local files are removed only where the remote confirms that it has them.
        assert ("--offline" in text) == (command[-1] != "purge-local-storage")
    if command[-1] not in ("cat", "set", "create-context", "delete-context", "use-context"):
        assert "--json" in text


@pytest.mark.parametrize("command", [[], ["datalake"], ["datalake", "ls"], ["datalake", "add"]])
def test_help_has_no_signs_of_how_it_is_made(cli, command):
    out = cli(*command, "--help").out
    assert "<bool>" not in out
    assert "[[" not in out


def test_paragraphs_of_help_fill_the_lines(cli):
    shown = cli.terminal("datalake", "ls", "--help", columns=80).text
    lines = [line.strip() for line in shown.splitlines()]
    assert "is only in the remote. Piped, it is one name a line." in lines
    assert "radops datalake ls datasets/ -l" in lines


@pytest.mark.parametrize(("command", "group"), [("ls", "datalake"), ("setup", "config")])
def test_a_command_without_its_group_is_found(cli, command, group):
    result = cli(command)
    assert result.code == 2
    assert result.err == f"error: no such command '{command}'\nhint: radops {group} {command}\n"


def test_groups_list_all_their_commands(cli):
    assert all(name in cli.ok("datalake", "--help").out for name in DATALAKE)
    assert all(name in cli.ok("config", "--help").out for name in CONFIG)


# -- Wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["datlake"], "no such command 'datlake'. Did you mean 'datalake'?"),
        (["datalake", "lss"], "no such command 'lss'. Did you mean 'ls'?"),
        (["datalake", "ls", "--nope"], "no such option: --nope"),
        (["datalake", "info"], "missing argument"),
        (["datalake", "presigned-url", "a", "0"], "'SECONDS'"),
        (["datalake", "presigned-url", "a", "700000"], "'SECONDS'"),
        (["datalake", "download", "a", "--jobs", "none"], "'--jobs'"),
        (["datalake", "ls", "--local", "--remote"], "--local and --remote exclude each other"),
        (["datalake", "add", "x", "--copy", "--move"], "--copy and --move exclude each other"),
        (["--nope"], "no such option: --nope"),
    ],
)
def test_wrong_usage_exits_2_in_a_line_or_two(cli, arguments, message):
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert message in result.err
    assert len(result.err.splitlines()) <= 3


def test_wrong_usage_is_json_where_json_is_wanted(cli):
    result = cli("datalake", "info", "--json")
    assert result.code == 2
    assert result.error["code"] == "usage"
    assert result.error["exit"] == 2
    assert set(result.error) == {"code", "exit", "message", "uid", "hint"}


# -- Failures


def test_failures_keep_their_exit_code_message_and_hint():
    error = UIDNotFoundError("no such file: a", uid="a", hint="did you mean 'b'?")
    failure = describe(error)
    assert (failure.code, failure.exit) == ("not-found", 3)
    assert (failure.message, failure.uid, failure.hint) == (error.message, "a", error.hint)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RadopsError("x"), 1),
        (InvalidUIDError("x"), 2),
        (HasDependentsError("x"), 4),
        (RemoteUnavailableError("x"), 6),
        (LocalStorageError("x"), 8),
        (PermissionError(13, "Permission denied", "/x"), 8),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_every_failure_has_an_exit_code(error, code):
    assert describe(error).exit == code


def _failing(cli, raising: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Run a command that raises at once, through the real entry point."""
    program = textwrap.dedent(
        f"""
        import sys
        from radops.cli import lazy, main
        from radops.errors import *
        def broken(arguments):
            {raising}
        main._dispatch = broken
        sys.argv = ["radops", "broken"]
        main.run()
        """
    )
    return subprocess.run(
        [sys.executable, "-c", program], env=cli.environment(env), capture_output=True, check=False
    )


def test_a_bug_is_one_line_and_a_hint(cli):
    done = _failing(cli, "1 / 0")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "error: internal error: ZeroDivisionError: division by zero",
        "hint: radops has a bug here; RADOPS_DEBUG=1 shows the traceback",
    ]


def test_the_traceback_is_there_for_who_asks(cli):
    done = _failing(cli, "1 / 0", {"RADOPS_DEBUG": "1"})
    assert done.returncode == 1
    assert b"Traceback" in done.stderr


def test_no_name_can_steer_the_terminal(cli):
    done = _failing(cli, r"raise LocalStorageError('cannot read \x1b]0;owned\x07 [red]a[/red]')")
    assert done.returncode == 8
    assert done.stderr == b"error: cannot read \\x1b]0;owned\\x07 [red]a[/red]\n"


def test_names_that_are_not_text_are_shown_as_they_are(cli):
    done = _failing(cli, r"raise LocalStorageError('cannot read \udcff')")
    assert done.stderr == b"error: cannot read \xff\n"


def test_output_that_cannot_encode_a_name_spells_it_out(cli):
    done = _failing(cli, r"raise LocalStorageError('caf\xe9')", {"PYTHONIOENCODING": "ascii"})
    assert done.stderr == b"error: caf\\xe9\n"


# -- Signals and pipes


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_as_shells_expect(cli, tmp_path, number, code):
    os.mkfifo(tmp_path / "ready")
    program = textwrap.dedent(
        f"""
        import signal, sys, time
        from radops.cli import main
        # A shell without job control has its background jobs, maybe these tests, ignore SIGINT.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        def wait(arguments):
            try:
                open({str(tmp_path / "ready")!r}, "w").close()
                time.sleep(60)
            finally:
                open({str(tmp_path / "cleaned")!r}, "w").close()
        main._dispatch = wait
        main.run()
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=cli.environment(), stderr=subprocess.PIPE
    )
    with (tmp_path / "ready").open() as ready:
        ready.read()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in err
    assert (tmp_path / "cleaned").exists()


def test_a_closed_pipe_is_no_error(cli):
    result = cli.unread("datalake", "--help")
    assert (result.code, result.err) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_an_error(cli):
    with open("/dev/full", "w") as full:
        process = cli.popen("config", "view", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 8
    assert err == b"error: No space left on device\n"


def test_no_output_at_all_is_no_error(cli):
    line = f"exec {' '.join(cli.command)} config view >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], env=cli.environment(), check=False, timeout=60)
    assert done.returncode == 0


# -- Colours


def test_errors_are_coloured_for_people_only(cli):
    assert "\x1b[" in cli.terminal("datalake", "lss").out
    assert "\x1b[" not in cli("datalake", "lss").err


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(cli, env):
    assert "\x1b[" not in cli.terminal("datalake", "lss", env=env).out
