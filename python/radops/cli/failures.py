"""How failures look: one to three lines on stderr, or one JSON document, and an exit code."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

import typer

from radops.cli.output import printable, style
from radops.errors import LocalStorageError, RadopsError, UsageError

_BUG = "radops has a bug here; RADOPS_DEBUG=1 shows the traceback"


@dataclass(frozen=True)
class Failure:
    """What people and programs are told."""

    code: str
    exit: int
    message: str
    uid: str | None = None
    hint: str | None = None


def report(error: BaseException, *, as_json: bool) -> int:
    """Tell of the error on stderr and return the exit code it stands for."""
    failure = describe(error)
    if os.environ.get("RADOPS_DEBUG") == "1":
        sys.excepthook(type(error), error, error.__traceback__)
    if as_json:
        document = {
            "code": failure.code,
            "exit": failure.exit,
            "message": failure.message,
            "uid": failure.uid,
            "hint": failure.hint,
        }
        _write(json.dumps({"error": document}))
    else:
        _write(f"{style('error:', 'red', sys.stderr)} {printable(failure.message)}")
        if failure.hint:
            _write(f"{style('hint:', 'cyan', sys.stderr)} {printable(failure.hint)}")
    return failure.exit


def describe(error: BaseException) -> Failure:
    """Return what is to be told of an error, whoever raised it."""
    if isinstance(error, RadopsError):
        hint = error.hint
        if isinstance(error.__cause__, MemoryError):
            hint = hint or "free some memory"
        return Failure(error.code, error.exit_code, error.message, error.uid, hint)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure("interrupted", 130, "interrupted")
    if hasattr(error, "format_message"):  # typer's own: an unknown option, a missing argument
        return _usage(error)
    if isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if error.filename else ""
        what = error.strerror or str(error) or type(error).__name__
        return Failure(LocalStorageError.code, LocalStorageError.exit_code, f"{what}{where}")
    return Failure("internal", 1, f"internal error: {type(error).__name__}: {error}", hint=_BUG)


def _usage(error: BaseException) -> Failure:
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context else None
    return Failure(
        UsageError.code, UsageError.exit_code, message[:1].lower() + message[1:], hint=hint
    )


def _write(line: str) -> None:
    if sys.stderr:
        # A terminal that went away must not turn one failure into another.
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except OSError:
            pass
