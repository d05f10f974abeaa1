"""`radops datalake describe`."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.lake import open_lake, resolved
from radops.cli.output import note, write_json
from radops.cli.progress import progress


def command(
    uid: options.Uid,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The new description.")] = None,
    *,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", "-t", metavar="TAG", help="Add a tag; can be repeated."),
    ] = None,
    untag: Annotated[
        list[str] | None,
        typer.Option("--untag", metavar="TAG", help="Remove a tag; can be repeated."),
    ] = None,
    clear: Annotated[
        bool, options.flag("--clear", help="Remove the description and all tags first.")
    ] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a description and tags for a file or directory; `info` shows them.

    They can be changed at any time and are not part of the file: its digest and its lineage stay
    the same. Offline they are kept on this machine until the next sync.

    Examples:
      radops datalake describe datasets/train.csv "Cleaned by hand in May." --tag gold
      radops datalake describe datasets/train.csv --untag gold

    """
    with (
        progress(quiet=quiet),
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        uid = resolved(lake, uid, quiet=quiet)
        found = lake.describe(uid, text, tags=tags or (), untag=untag or (), clear=clear)
    if as_json:
        write_json({"uid": uid, "description": found.text, "tags": list(found.tags)})
    else:
        description = "a description" if found.text else "no description"
        noun = "tag" if len(found.tags) == 1 else "tags"
        tags_now = f"the {noun} {', '.join(found.tags)}" if found.tags else "no tags"
        note(f"{uid} has {description} and {tags_now}", quiet=quiet)
