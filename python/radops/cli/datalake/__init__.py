"""`radops datalake`: files of the lake."""

import typer

from radops.cli.lazy import group, help_if_alone

_NAMES = (
    "ls",
    "add",
    "info",
    "describe",
    "search",
    "cat",
    "local-path",
    "download",
    "diff",
    "delete-local",
    "delete",
    "presigned-url",
    "sync",
    "gc",
    "purge-local-storage",
    "empty-quarantine",
    "verify",
    "lineage",
    "why",
)

command = group("datalake", {name: f"{__name__}.{name.replace('-', '_')}" for name in _NAMES})


@command.callback(invoke_without_command=True)
def datalake(context: typer.Context) -> None:
    """List, add, read, share and delete the files of a lake."""
    help_if_alone(context)
