"""Asking people, where there is someone to ask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from radops.cli.output import is_terminal, note
from radops.errors import RadopsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def someone_is_there() -> bool:
    """Tell whether a question could be read and answered."""
    return bool(sys.stdin) and sys.stdin.isatty() and is_terminal(sys.stderr)


def confirm(action: str, names: Sequence[str] = (), *, yes: bool) -> None:
    """Go on only if the person agrees.

    Args:
        action: What is about to be done: `delete 2 files for everyone`.
        names: What it is done to, shown before the question.
        yes: Whether `--yes` answered already.

    Raises:
        UsageError: There is nobody to ask.
        typer.Exit: The answer is no; the exit code is 1.

    """
    if yes:
        return
    if not someone_is_there():
        raise UsageError(
            f"to {action} needs a yes, and there is no terminal to ask on",
            hint="answer with --yes",
        )
    for name in names:
        note(f"  {name}")
    if not typer.confirm(f"{action[0].upper()}{action[1:]}?", err=True):
        note("nothing was done")
        raise typer.Exit(1)


def ask(question: str, default: str, check: Callable[[str], object]) -> str:
    """Return what the person answers; asks again as long as that cannot be used.

    Args:
        question: Without a mark at its end.
        default: What an empty answer means.
        check: Raises an error of radops for an answer that cannot be used.

    """
    while True:
        answer = str(typer.prompt(question, default=default, err=True)).strip()
        try:
            check(answer)
        except RadopsError as error:
            note(error.message)
            if error.hint:
                note(f"hint: {error.hint}")
        else:
            return answer
