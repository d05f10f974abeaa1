"""`radops config`: which lake, and how to reach it."""

import typer

from radops.cli.lazy import group, help_if_alone

_NAMES = (
    "setup",
    "check",
    "set",
    "view",
    "get-contexts",
    "create-context",
    "use-context",
    "current-context",
)

command = group("config", {name: f"{__name__}.{name.replace('-', '_')}" for name in _NAMES})


@command.callback(invoke_without_command=True)
def config(context: typer.Context) -> None:
    """Set up remotes and switch between them."""
    help_if_alone(context)
