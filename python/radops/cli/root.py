"""`radops`: the groups of commands."""

from typing import Annotated

import typer

from radops.cli.lazy import group, help_if_alone

app = group(
    "radops",
    {"datalake": "radops.cli.datalake", "config": "radops.cli.config"},
    completion=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from radops.cli.main import version_text  # noqa: PLC0415 - a circle otherwise

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
) -> None:
    """A data lake that remembers how every file was made."""
    help_if_alone(context)
