"""`radops config use-context`."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_contexts
from radops.cli.output import note


def command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A context.", autocompletion=complete_contexts)
    ],
    *,
    quiet: options.Quiet = False,
) -> None:
    """Make a context the current one.

    Example:
      radops config use-context team

    """
    from radops.config import use_context  # noqa: PLC0415 - so that --help is quick

    use_context(name)
    note(f"the current context is {name}", quiet=quiet)
