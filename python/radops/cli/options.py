"""Options that many commands share, so that they mean the same everywhere."""

from typing import Annotated, Any

import typer

from radops.cli.completion import complete_contexts, complete_uids


def flag(*names: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer names and types them
    """Return an option that takes no value."""
    return typer.Option(*names, help=help, metavar="")


Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Use this lake of the configuration.",
        autocompletion=complete_contexts,
    ),
]
Offline = Annotated[bool, flag("--offline", help="Work without the remote; sync publishes later.")]
Quiet = Annotated[bool, flag("--quiet", "-q", help="No progress, notes or warnings.")]
Json = Annotated[bool, flag("--json", help="One JSON document on stdout.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=1, max=1024, help="How many at once."),
]
Yes = Annotated[bool, flag("--yes", "-y", help="Answer yes to every question.")]
DryRun = Annotated[bool, flag("--dry-run", help="Say what would be done; do nothing.")]

Uid = Annotated[str, typer.Argument(metavar="UID", help="A file.", autocompletion=complete_uids)]
Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET",
        help="UIDs, prefixes ending in '/', or globs (in quotes).",
        autocompletion=complete_uids,
    ),
]
