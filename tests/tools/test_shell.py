"""The machines that the demo and the tests of the documentation run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shell import Machine, plain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def test_nothing_of_this_environment_leaks(machine: Machine, monkeypatch) -> None:
    monkeypatch.setenv("RADOPS_REMOTE", "s3://somewhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    names = {line.partition("=")[0] for line in machine.run("env").out.splitlines()}
    assert not [name for name in names if name.startswith("RADOPS_")]
    assert "AWS_SECRET_ACCESS_KEY" not in names
    assert machine.run("echo $HOME; ls -A ~").out == f"{machine.home}\n"


def test_pipes_keep_the_streams_apart(machine: Machine) -> None:
    result = machine.run("cat; echo err >&2; exit 4", stdin="in\n")
    assert (result.out, result.err, result.status) == ("in\n", "err\n", 4)
    with pytest.raises(AssertionError, match="ended with 4, not 0"):
        result.check()


def test_a_terminal_has_a_width_and_shows_styles(machine: Machine) -> None:
    result = machine.run(
        r"tput cols 2>/dev/null || stty size; test -t 0 -a -t 1 && "
        r"printf '\e[1mbold\e[0m \e[3mitalic\e[23m \e[1;3mboth\e[m plain\n'; echo e >&2",
        terminal=True,
        columns=97,
    )
    assert "97" in result.out.splitlines()[0]
    assert result.out.splitlines()[1:] == ["bold italic both plain", "e"]
    assert result.bold == ["bold", "both"]
    assert result.italic == ["italic", "both"]


def test_a_terminal_can_leave_standard_error_in_a_pipe(machine: Machine) -> None:
    result = machine.run(
        "test -t 1 && echo out; test -t 2 || echo err >&2", terminal=True, split=True
    )
    assert (result.out, result.err) == ("out\n", "err\n")


def test_a_command_that_never_ends_is_ended(machine: Machine) -> None:
    with pytest.raises(TimeoutError, match="begun"):
        machine.run("echo begun; sleep 600", terminal=True, timeout=5)


def test_what_a_progress_line_overwrote_is_not_seen() -> None:
    assert plain("\x1b[2K 10%\r 20%\r\x1b[32mdone\x1b[0m\nnext") == "done\nnext"


def test_a_bar_that_was_taken_away_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    program = (
        "import time\n"
        "from radops.cli.progress import progress\n"
        "print('first')\n"
        "with progress(quiet=False) as view:\n"
        "    view.start('copying', 10, 1)\n"
        "    while view._bar is None:\n"
        "        time.sleep(0.01)\n"
        "print('last')\n"
    )
    (tmp_path / "program.py").write_text(program)
    result = machine.run(f"python {tmp_path}/program.py", terminal=True)
    assert "copying" in result.raw
    assert result.check().out == "first\nlast\n"
