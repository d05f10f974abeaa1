"""Failures as people and programs see them: lines or a JSON document, and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import dataclass

import typer

from radops.backends.folder.errors import HINTS
from radops.cli.output import style
from radops.errors import LocalStorageError, RadopsError, UsageError
from radops.printable import json_text, message
from radops.redact import redact

_BUG = "radops has a bug here; RADOPS_DEBUG=1 shows the traceback"


@dataclass(frozen=True)
class Failure:
    """A failure: code, exit code, message, and what to do."""

    code: str
    exit: int
    message: str
    uid: str | None = None
    hint: str | None = None


def report(error: BaseException, *, as_json: bool) -> int:
    """Write an error to stderr and return its exit code."""
    failure = _redacted(describe(error))
    if os.environ.get("RADOPS_DEBUG") == "1":
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        _write(message(redact("".join(lines)).rstrip("\n")))
    if as_json:
        document = {
            "code": failure.code,
            "exit": failure.exit,
            "message": failure.message,
            "uid": failure.uid,
            "hint": failure.hint,
        }
        _write(json_text(json.dumps({"error": document})))
    else:
        _write(f"{style('error:', 'red', sys.stderr)} {message(failure.message)}")
        if failure.hint:
            _write(f"{style('hint:', 'cyan', sys.stderr)} {message(failure.hint)}")
    return failure.exit


def _redacted(failure: Failure) -> Failure:
    """Return a failure without the secrets of URLs, wherever its text comes from."""
    return Failure(
        failure.code,
        failure.exit,
        redact(failure.message),
        None if failure.uid is None else redact(failure.uid),
        None if failure.hint is None else redact(failure.hint),
    )


def describe(error: BaseException) -> Failure:
    """Return the failure that an error is reported as, whatever its type."""
    if isinstance(error, RadopsError):
        hint = error.hint
        if isinstance(error.__cause__, MemoryError):
            hint = hint or "free some memory"
        if isinstance(error, LocalStorageError):
            hint = hint or _os_hint(error) or _os_hint(error.__cause__)
        return Failure(error.code, error.exit_code, error.message, error.uid, hint)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure("interrupted", 130, "interrupted", hint=getattr(error, "hint", None))
    if hasattr(error, "format_message"):  # typer's own: an unknown option, a missing argument
        return _usage(error)
    if isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if error.filename else ""
        what = error.strerror or str(error) or type(error).__name__
        code = LocalStorageError.code
        return Failure(
            code,
            LocalStorageError.exit_code,
            f"{what}{where}",
            hint=_os_hint(error) if where else None,
        )
    return Failure("internal", 1, f"internal error: {type(error).__name__}: {error}", hint=_BUG)


def _os_hint(error: BaseException | None) -> str | None:
    """Return what to do about an error of the operating system, None where it is not known."""
    return HINTS.get(getattr(error, "errno", None) or 0)


def _usage(error: BaseException) -> Failure:
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context else None
    return Failure(
        UsageError.code, UsageError.exit_code, message[:1].lower() + message[1:], hint=hint
    )


def _write(line: str) -> None:
    if sys.stderr:
        # A terminal that was closed must not turn one failure into another.
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except OSError:
            pass
