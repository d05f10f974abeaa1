"""The entry point of `radops`: runs one command and reports every failure."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

# New objects between two runs of the garbage collector.
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
    """Run one command and return its exit code. A failure is reported on stderr."""
    if list(arguments) == ["--version"]:
        # Often used by scripts, and needs none of the imports below.
        from radops.version import version_text  # noqa: PLC0415 - needed for this alone

        print(version_text())  # noqa: T201
        return 0
    # Lists of very many files make no cycles, and the collector would look through all of them
    # again and again; that was a third of the time of some commands.
    gc.set_threshold(_MANY, 50, 100)
    try:
        return _dispatch(arguments)
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # how rich reports it
            return _BROKEN_PIPE
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        return _BROKEN_PIPE
    except BaseException as error:  # noqa: BLE001 - every failure ends here, as a line or three
        return _report(error, arguments)


def build() -> Any:  # noqa: ANN401 - typer has no public name for a command
    """Return the whole command line as one command of typer."""
    from typer.main import get_command  # noqa: PLC0415 - `--version` does without

    from radops.cli.lazy import quick  # noqa: PLC0415
    from radops.cli.root import app  # noqa: PLC0415

    return quick(get_command(app))


def _dispatch(arguments: Sequence[str]) -> int:
    import typer  # noqa: PLC0415 - `--version` does without

    from radops.cli import shells  # noqa: PLC0415

    command = build()
    if shells.VARIABLE in os.environ:
        shells.answer(command, arguments)
    words = shells.with_shell(arguments)
    # As `command.main` does, but errors and exit codes are radops' own.
    try:
        with command.make_context("radops", words) as context:
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
    """Write names that are not UTF-8 as their bytes instead of failing."""
    if stream is not None and hasattr(stream, "reconfigure"):
        utf8 = stream.encoding.lower().replace("-", "") == "utf8"
        stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def _forget_output() -> None:
    """Discard output that cannot be written, or the interpreter warns at exit."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
