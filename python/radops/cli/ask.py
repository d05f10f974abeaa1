"""Asking people, where there is someone to ask."""

from __future__ import annotations

import sys

import typer

from radops.cli.output import is_terminal
from radops.errors import UsageError


def someone_is_there() -> bool:
    """Tell whether a question could be read and answered."""
    return bool(sys.stdin) and sys.stdin.isatty() and is_terminal(sys.stderr)


def confirm(question: str, *, yes: bool, flag: str = "--yes") -> None:
    """Go on only if the answer is yes.

    Raises:
        UsageError: There is nobody to ask and no flag answered.
        typer.Abort: The answer is no.

    """
    if yes:
        return
    if not someone_is_there():
        raise UsageError(f"{question} There is no terminal to ask on", hint=f"answer with {flag}")
    typer.confirm(question, abort=True, err=True)


def ask(question: str, default: str, *, hidden: bool = False) -> str:
    """Return what the person answers; an empty answer is the default."""
    answer: str = typer.prompt(
        question, default=default, show_default=bool(default), hide_input=hidden, err=True
    )
    return answer.strip()
