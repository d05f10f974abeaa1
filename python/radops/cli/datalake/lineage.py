"""`radops datalake lineage`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import count, note, printable, warn, write_json, write_lines
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.data_lake.lineage import Lineage


_FORMATS = ("tree", "mermaid", "dot", "json")


def command(
    uid: options.Uid,
    *,
    up: Annotated[bool, options.flag("--up", help="What it was made from (the default).")] = False,
    down: Annotated[bool, options.flag("--down", help="What was made from it.")] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=0, help="Only so many steps.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="|".join(_FORMATS), help="How to show it.")
    ] = "tree",
    verify: Annotated[
        bool, options.flag("--verify", help="Check every record on the way up by its digest.")
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
    with open_lake(context, offline=offline, quiet=quiet) as lake:
        graph = lake.lineage(uid, up or verify or not down, down, depth, verify=verify)
    if as_json or form == "json":
        write_json(graph.to_json())
    elif form == "mermaid":
        write_lines(map(printable, graph.to_mermaid().splitlines()))
    elif form == "dot":
        write_lines(map(printable, graph.to_dot().splitlines()))
    else:
        from radops.data_lake.fitting import fitted  # noqa: PLC0415 - so that --help is quick

        write_lines(fitted(map(printable, str(graph).splitlines()), sys.stdout))
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
    note(f"{count(len(above), 'record')} on the way up: all as they were", quiet=quiet)
