"""Options that many commands share, so that they mean the same everywhere."""

from typing import Annotated, Any

import typer

from radops.cli.completion import complete_contexts, complete_uids
from radops.cli.quantities import whole


def flag(*names: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer names and types them
    """Return an option that takes no value."""
    return typer.Option(*names, help=help, metavar="")


Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Use the context NAME of the configuration.",
        autocompletion=complete_contexts,
    ),
]
Offline = Annotated[bool, flag("--offline", help="Work without the remote; sync publishes later.")]
Quiet = Annotated[bool, flag("--quiet", "-q", help="No progress, notes or warnings.")]
Json = Annotated[bool, flag("--json", help="Print one JSON document on stdout.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", metavar="N", parser=whole(1, 1024), help="How many at once, up to 1024."
    ),
]
Yes = Annotated[bool, flag("--yes", "-y", help="Answer yes to every question.")]
DryRun = Annotated[bool, flag("--dry-run", help="Show what would be done; change nothing.")]

Uid = Annotated[
    str, typer.Argument(metavar="UID", help="A file or directory.", autocompletion=complete_uids)
]
Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET",
        help="UIDs, prefixes ending in '/', or globs (in quotes); also within a directory.",
        autocompletion=complete_uids,
    ),
]
