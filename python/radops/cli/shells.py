"""`--show-completion` and `--install-completion`: the completion scripts of the shells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
VARIABLE = "_RADOPS_COMPLETE"
"""Set by the shell's completion function when it asks for completions."""

_SHOW, _INSTALL = "--show-completion", "--install-completion"


def with_shell(arguments: Sequence[str]) -> list[str]:
    """Return the arguments; a completion option without a SHELL gets the shell in use."""
    words = list(arguments)
    if words[:1] in ([_SHOW], [_INSTALL]) and (len(words) == 1 or words[1].startswith("-")):
        words.insert(1, _shell_in_use(words[0]))
    return words


def _shell_in_use(option: str) -> str:
    import shellingham  # type: ignore[import-untyped, unused-ignore] # noqa: PLC0415 - rare

    try:
        return str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure as error:
        raise UsageError("cannot detect the shell in use", hint=f"radops {option} SHELL") from error


def answer(command: Any, words: Sequence[str]) -> None:  # noqa: ANN401 - typer names no type
    """Print the completions that a shell asks for and exit."""
    from typer._completion_classes import completion_init  # noqa: PLC0415

    completion_init()
    command.main(args=list(words), prog_name="radops", complete_var=VARIABLE)


def show(shell: str | None) -> None:
    """Print the completion script of a shell and exit."""
    if shell is not None:
        from typer._completion_shared import get_completion_script  # noqa: PLC0415

        _check(shell)
        script = get_completion_script(prog_name="radops", complete_var=VARIABLE, shell=shell)
        typer.echo(script)
        raise typer.Exit


def install(shell: str | None) -> None:
    """Install the completion script of a shell for this user and exit."""
    if shell is not None:
        from typer._completion_shared import install as write  # noqa: PLC0415

        _check(shell)
        _, path = write(shell=shell, prog_name="radops", complete_var=VARIABLE)
        typer.echo(f"completion for {shell} installed in {path}; it works in new terminals")
        raise typer.Exit


def _check(shell: str) -> None:
    if shell not in SHELLS:
        raise UsageError(
            f"there is no completion for the shell {shell!r}",
            hint=f"use one of {', '.join(SHELLS)}",
        )
