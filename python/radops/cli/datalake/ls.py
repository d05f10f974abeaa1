"""`radops datalake ls`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from radops.cli import options
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, is_terminal, warn, write_json, write_lines
from radops.errors import RemoteUnavailableError, UsageError

if TYPE_CHECKING:
    from radops.data_lake import DataLake
    from radops.data_lake.reports import Listing


def command(
    prefix: Annotated[
        str,
        typer.Argument(
            metavar="PREFIX", help="Only what is below it.", autocompletion=complete_uids
        ),
    ] = "",
    *,
    recursive: Annotated[
        bool, options.flag("--recursive", "-r", help="All files, not folder by folder.")
    ] = False,
    details: Annotated[
        bool, options.flag("--long", "-l", help="Add size, date, originator and digest.")
    ] = False,
    generated: Annotated[
        bool, options.flag("--all", "-a", help="Also files under generated names.")
    ] = False,
    local: Annotated[
        bool, options.flag("--local", help="Only what is here; the remote is not asked.")
    ] = False,
    remote: Annotated[bool, options.flag("--remote", help="Only what is in the remote.")] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """List the lake: folders first, then files.

    On a terminal a name is bold if the file is also on this machine, italic if it is only in the
    remote. Piped, it is one name a line.

    Example:
      radops datalake ls datasets/ -l

    """
    if local and remote:
        raise UsageError("--local and --remote exclude each other")
    where: Literal["all", "local", "remote"] = "local" if local else "remote" if remote else "all"
    with open_lake(context, offline=offline or local, quiet=quiet) as lake:
        try:
            listings = lake.ls(
                prefix, recursive=recursive, details=details, generated=generated, where=where
            )
        except RemoteUnavailableError as error:
            error.hint = "--local lists what is on this machine"
            raise
        # What was never met here, --local cannot tell from what is not there.
        if prefix and not listings and not (local and lake.remote_url):
            _must_exist(lake, prefix)
        if as_json:
            write_json({"prefix": prefix, "entries": [_plain(entry) for entry in listings]})
        elif details or is_terminal():
            from radops.cli.datalake.listing import columns, long  # noqa: PLC0415 - for people

            write_lines(long(listings) if details else columns(listings))
        else:
            write_lines(entry.uid for entry in listings)
        if not quiet and not remote:
            _warn_of_unpublished(lake)


def _must_exist(lake: "DataLake", prefix: str) -> None:
    """Tell a name that is not there from an empty folder, or one of which nothing is shown.

    Raises:
        UIDNotFoundError: No file or folder of the lake begins so.
    """
    above = prefix.rstrip("/").rpartition("/")[0]
    beside = lake.ls(f"{above}/" if above else "", generated=True)
    if not any(entry.uid.startswith(prefix) for entry in beside):
        lake.expand(prefix)


def _plain(entry: "Listing") -> dict[str, Any]:
    return {
        "uid": entry.uid,
        "folder": entry.is_folder,
        "local": entry.local,
        "remote": entry.remote,
        "pending": entry.pending,
        "size": entry.size,
        "created_at": entry.created_at,
        "originator": entry.originator,
        "digest": str(entry.digest) if entry.digest else None,
    }


def _warn_of_unpublished(lake: "DataLake") -> None:
    """Say which files nobody else can see, wherever they are in the lake."""
    if lake.remote_url is None:
        return
    from radops.data_lake.fitting import shortened  # noqa: PLC0415 - so that --help is quick

    uids = [entry.uid for entry in lake.out_of_sync()]
    if not uids:
        return
    named = ", ".join(uids[:3]) + (f" and {len(uids) - 3:,} more" if len(uids) > 3 else "")
    are = "is" if len(uids) == 1 else "are"
    text = f"{count(len(uids), 'file')} {are} not in the remote: {named}"
    warn(
        shortened(text) if is_terminal(sys.stderr) else text,
        hint="radops datalake sync publishes what is only on this machine",
    )
