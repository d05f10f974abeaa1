"""`radops datalake search`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import count, is_terminal, note, style, write_json, write_lines
from radops.cli.progress import progress
from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.lake.reports import SearchHit


def command(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="Words, or how they begin.")
    ] = None,
    *,
    tag: Annotated[
        str | None, typer.Option("--tag", "-t", metavar="TAG", help="Only what has this tag.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="Show at most N matches.")
    ] = 50,
    refresh: Annotated[
        bool, options.flag("--refresh", help="Ask the remote for names and descriptions first.")
    ] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Find files and directories by words in their names, descriptions, tags and origins.

    All words must match: each is the beginning of a word in the name, the description, a tag, the
    originator, or the function and the parameters that made it. The best matches come first.

    Only what this machine has seen is searched, without a request, unless with --refresh. Without
    a match the exit code is 1.

    Examples:
      radops datalake search images val
      radops datalake search --tag gold

    """
    with (
        progress(quiet=quiet) as view,
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        text = " ".join(words or ())
        found = lake.search(text, tag=tag, limit=limit, refresh=refresh, progress=view)
        known = 0 if found else lake.known_names()
        has_remote = lake.remote_url is not None
    if as_json:
        write_json({"query": text, "tag": tag, "entries": [_plain(hit) for hit in found]})
    elif is_terminal():
        write_lines(_lines(found))
    else:
        write_lines(hit.uid for hit in found)
    if not found:
        more = "; --refresh asks the remote for others" if has_remote and not refresh else ""
        note(f"no match in the {count(known, 'name')} known on this machine{more}", quiet=quiet)
        raise typer.Exit(1)


def _lines(found: "list[SearchHit]") -> "Iterator[str]":
    """Yield a line for each name and its tags, and below it the description or the function."""
    for hit in found:
        tags = "".join(f" [{printable(tag)}]" for tag in hit.tags)
        yield style(printable(hit.uid), "bold") + tags
        said = hit.description.partition("\n")[0] or hit.function
        if said:
            yield "  " + printable(said)


def _plain(hit: "SearchHit") -> dict[str, object]:
    return {
        "uid": hit.uid,
        "originator": hit.originator or None,
        "function": hit.function or None,
        "description": hit.description,
        "tags": hit.tags,
    }
