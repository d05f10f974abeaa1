"""`radops config`: which lake, and how to reach it."""

import typer

from radops.cli.lazy import group, help_if_alone

command = group(
    "config",
    {
        "setup": f"{__name__}.setup",
        "check": f"{__name__}.check",
        "set": f"{__name__}.set",
        "view": f"{__name__}.view",
        "get-contexts": f"{__name__}.contexts:show_all",
        "create-context": f"{__name__}.contexts:create",
        "delete-context": f"{__name__}.contexts:delete",
        "use-context": f"{__name__}.contexts:use",
        "current-context": f"{__name__}.contexts:show_current",
    },
)


@command.callback(invoke_without_command=True)
def config(context: typer.Context) -> None:
    """Set up remotes and switch between them."""
    help_if_alone(context)
