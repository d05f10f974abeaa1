"""`radops`: the groups of commands."""

from typing import Annotated

import typer

from radops.cli import shells
from radops.cli.completion import one_of
from radops.cli.lazy import group, help_if_alone

app = group(
    "radops",
    {"datalake": "radops.cli.datalake", "config": "radops.cli.config", "ui": "radops.cli.ui"},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from radops.version import version_text  # noqa: PLC0415 - rarely needed

        typer.echo(version_text())
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version.",
            metavar="",
        ),
    ] = False,
    install_completion: Annotated[  # noqa: ARG001 - as above
        str | None,
        typer.Option(
            callback=shells.install,
            is_eager=True,
            metavar="[SHELL]",
            help="Install completion for the shell in use, or for SHELL.",
            autocompletion=one_of(shells.SHELLS),
        ),
    ] = None,
    show_completion: Annotated[  # noqa: ARG001 - as above
        str | None,
        typer.Option(
            callback=shells.show,
            is_eager=True,
            metavar="[SHELL]",
            help="Print the completion script of the shell in use, or of SHELL.",
            autocompletion=one_of(shells.SHELLS),
        ),
    ] = None,
) -> None:
    """A data lake that remembers how every file was made."""
    help_if_alone(context)
