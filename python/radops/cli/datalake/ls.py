"""`radops datalake ls`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from radops.cli import options
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake, resolved
from radops.cli.output import count, is_terminal, warn, write_json, write_lines
from radops.cli.progress import progress
from radops.errors import RemoteUnavailableError, UsageError

if TYPE_CHECKING:
    from radops.data_lake import DataLake
    from radops.lake.reports import Listing


def command(
    prefix: Annotated[
        str,
        typer.Argument(
            metavar="PREFIX",
            help="Only names that begin with PREFIX.",
            autocompletion=complete_uids,
        ),
    ] = "",
    *,
    recursive: Annotated[
        bool, options.flag("--recursive", "-r", help="List all files, also those in folders.")
    ] = False,
    details: Annotated[
        bool, options.flag("--long", "-l", help="Add size, date, originator and digest.")
    ] = False,
    generated: Annotated[
        bool, options.flag("--all", "-a", help="Also list files whose names radops made.")
    ] = False,
    tag: Annotated[
        str | None,
        typer.Option(
            "--tag", "-t", metavar="TAG", help="Only files with this tag, in all folders."
        ),
    ] = None,
    local: Annotated[
        bool, options.flag("--local", help="Only files on this machine; the remote is not asked.")
    ] = False,
    remote: Annotated[bool, options.flag("--remote", help="Only files in the remote.")] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """List folders, then files. A name that ends in '/' lists what is in it.

    On a terminal a name is bold if the file is also on this machine, italic if it is only in the
    remote. Piped, it is one name a line.

    Examples:
      radops datalake ls datasets/ -l
      radops datalake ls datasets/images/v2/cats/
      radops datalake ls --tag gold

    """
    if local and remote:
        raise UsageError("--local and --remote exclude each other")
    where: Literal["all", "local", "remote"] = "local" if local else "remote" if remote else "all"
    with open_lake(context, offline=offline or local, quiet=quiet) as lake:
        try:
            with progress(quiet=quiet):
                prefix = resolved(lake, prefix, quiet=quiet)
                listings = lake.ls(
                    prefix,
                    recursive=recursive,
                    details=details,
                    generated=generated,
                    where=where,
                    tag=tag,
                )
        except RemoteUnavailableError as error:
            error.hint = "--local lists what is on this machine"
            raise
        # With --local, a name that only the remote has looks like one that does not exist.
        if prefix and not listings and tag is None and not (local and lake.remote_url):
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
    """Refuse a name that does not exist; an empty or hidden folder is not an error.

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
        "files": entry.files,
    }


def _warn_of_unpublished(lake: "DataLake") -> None:
    """Warn of files that are not in the remote, anywhere in the lake."""
    if lake.remote_url is None:
        return
    from radops.lake.shortening import shortened  # noqa: PLC0415 - so that --help is quick

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
