"""Questions to a person at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from radops.cli.output import is_terminal, note
from radops.cli.progress import paused
from radops.errors import RadopsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def someone_is_there() -> bool:
    """Return whether there is a terminal on which a question can be read and answered."""
    return bool(sys.stdin) and sys.stdin.isatty() and is_terminal(sys.stderr)


def confirm(action: str, names: Sequence[str] = (), *, yes: bool) -> None:
    """Return if the person agrees; otherwise end the command.

    Args:
        action: What will be done: `delete 2 files for everyone`.
        names: Lines shown before the question, such as the names of the files.
        yes: Whether `--yes` answered already.

    Raises:
        UsageError: There is no terminal to ask on.
        typer.Exit: The answer is no; the exit code is 1.

    """
    if yes:
        return
    if not someone_is_there():
        raise UsageError(
            f"cannot {action} without confirmation, and there is no terminal to ask on",
            hint="confirm with --yes",
        )
    with paused():
        for name in names:
            note(f"  {name}")
        if not typer.confirm(f"{action[0].upper()}{action[1:]}?", err=True):
            note("nothing was done")
            raise typer.Exit(1)


def ask(question: str, default: str, check: Callable[[str], object]) -> str:
    """Return the person's answer; repeat the question until the answer can be used.

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
