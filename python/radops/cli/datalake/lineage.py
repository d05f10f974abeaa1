"""`radops datalake lineage`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.completion import one_of
from radops.cli.lake import open_lake, resolved
from radops.cli.output import count, note, warn, write_json, write_lines
from radops.cli.progress import progress
from radops.cli.quantities import whole
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.lake.lineage import Lineage


_FORMATS = ("tree", "mermaid", "dot", "json")


def command(
    uid: options.Uid,
    *,
    up: Annotated[bool, options.flag("--up", help="Show what it was made from (default).")] = False,
    down: Annotated[bool, options.flag("--down", help="Show what was made from it.")] = False,
    depth: Annotated[
        int | None,
        typer.Option("--depth", metavar="N", parser=whole(0), help="Show at most N steps."),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(_FORMATS),
            help="Output format.",
            autocompletion=one_of(_FORMATS),
        ),
    ] = "tree",
    verify: Annotated[
        bool, options.flag("--verify", help="Check every upstream record by its digest.")
    ] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what a file was made from, and what that was made from; or what was made from it.

    Inputs that were deleted since are shown from what is left of them. With --verify the exit
    code is 1 if a record is not the one that something was made from.

    Examples:
      radops datalake lineage models/best.pkl
      radops datalake lineage --down datasets/train.csv --format mermaid

    """
    if form not in _FORMATS:
        raise UsageError(f"--format is {form!r}", hint=f"use one of {', '.join(_FORMATS)}")
    with (
        progress(quiet=quiet),
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        uid = resolved(lake, uid, quiet=quiet)
        graph = lake.lineage(uid, up or verify or not down, down, depth, verify=verify)
    if as_json or form == "json":
        write_json(graph.to_json())
    elif form == "mermaid":
        write_lines(graph.to_mermaid().split("\n"))
    elif form == "dot":
        write_lines(graph.to_dot().split("\n"))
    else:
        from radops.lake.shortening import fitted  # noqa: PLC0415 - so that --help is quick

        write_lines(fitted(str(graph).split("\n"), sys.stdout))
    if verify:
        _tell(graph, quiet=quiet)


def _tell(graph: "Lineage", *, quiet: bool) -> None:
    for problem in graph.problems:
        warn(
            f"{problem.uid}, from which {problem.output} was made: {problem.message}",
            hint=f"its record must have the digest {problem.expected}",
        )
    if graph.problems:
        raise typer.Exit(1)
    above = [node for node in graph.nodes if node.level < 0]
    note(f"{count(len(above), 'record')} upstream checked: all are unchanged", quiet=quiet)
