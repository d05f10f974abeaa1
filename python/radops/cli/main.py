"""The `radops` command: where the process starts, and where every failure ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

# Set by the shell's completion function; typer answers it and exits.
_COMPLETE = "_RADOPS_COMPLETE"
# New objects between two looks for cycles.
_MANY = 50_000
_BROKEN_PIPE, _TERMINATED = 128 + signal.SIGPIPE, 128 + signal.SIGTERM


def run() -> NoReturn:
    """Run the command line of this process and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    code = main(sys.argv[1:])
    try:
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        code = _BROKEN_PIPE
    except OSError as error:
        code = code or _report(error, sys.argv[1:])
    if code:
        _forget_output()
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. What fails is told on stderr."""
    if list(arguments) == ["--version"]:
        # Scripts ask for this often; it needs nothing of what follows.
        print(version_text())  # noqa: T201
        return 0
    # Lists of very many files make no cycles, and the collector would look through all of them
    # again and again; that was a third of the time of some commands.
    gc.set_threshold(_MANY, 50, 100)
    try:
        return _dispatch(arguments)
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # rich's way to tell of it
            return _BROKEN_PIPE
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        return _BROKEN_PIPE
    except BaseException as error:  # noqa: BLE001 - every failure ends here, as a line or three
        return _report(error, arguments)


def version_text() -> str:
    """Return what `radops --version` prints."""
    from radops.version import radops_version  # noqa: PLC0415 - needed for this alone

    return f"radops {radops_version()}"


def _dispatch(arguments: Sequence[str]) -> int:
    import typer  # noqa: PLC0415 - `--version` does without
    from typer.main import get_command  # noqa: PLC0415

    from radops.cli.lazy import quick  # noqa: PLC0415
    from radops.cli.root import app  # noqa: PLC0415

    command = quick(get_command(app))
    if _COMPLETE in os.environ:
        command.main(args=list(arguments), prog_name="radops", complete_var=_COMPLETE)
    # What `command.main` does, without its own ideas of how errors look and what they exit with.
    try:
        with command.make_context("radops", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    return 0


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    from radops.cli.failures import report  # noqa: PLC0415 - only when something failed

    return report(error, as_json="--json" in arguments)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    # An exception, so that temporary files are removed on the way out.
    sys.exit(_TERMINATED)


def _never_fail_to_encode(stream: TextIO | None) -> None:
    """Let names that are not UTF-8 pass through as the bytes they are."""
    if stream is not None and hasattr(stream, "reconfigure"):
        utf8 = stream.encoding.lower().replace("-", "") == "utf8"
        stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def _forget_output() -> None:
    """Keep the interpreter from complaining of output that it cannot flush at exit."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
