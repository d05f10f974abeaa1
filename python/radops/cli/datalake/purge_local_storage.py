"""`radops datalake purge-local-storage`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.ask import confirm, someone_is_there
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, warn, write_json, write_lines
from radops.cli.progress import progress
from radops.cli.quantities import duration, size

if TYPE_CHECKING:
    from radops.data_lake.reports import PurgeReport


def command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            help="UIDs, prefixes ending in '/', or globs (in quotes). Default: everything.",
            autocompletion=complete_uids,
        ),
    ] = None,
    *,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="TIME", help="Only what was not used for so long."),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", metavar="SIZE", help="Only until local storage is so small."),
    ] = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    context: options.Context = None,
    quiet: options.Quiet = False,
) -> None:
    """Make room on this machine: remove local files that the remote has, longest unused first.

    They stay in the lake, and are fetched again when they are read. Files that the remote does
    not have are left alone. If more than --max-size is left in the end, the exit code is 1.

    Examples:
      radops datalake purge-local-storage --older-than 30d --dry-run
      radops datalake purge-local-storage 'datasets/*.parquet' --max-size 500GB --yes

    """
    seconds = None if older_than is None else duration(older_than)
    most = None if max_size is None else size(max_size)
    if not (yes or dry_run or someone_is_there()):
        # At once, and not on the first day on which there is something to remove.
        confirm("remove local files", yes=False)
    with (
        open_lake(context, quiet=quiet) as lake,
        progress(quiet=quiet) as view,
    ):

        def purge(*, dry_run: bool) -> "PurgeReport":
            return lake.purge_local_storage(
                *(targets or ()),
                older_than=seconds,
                max_size=most,
                dry_run=dry_run,
                progress=view,
            )

        report = purge(dry_run=True)
        if not dry_run and report.purged:
            what = f"{count(len(report.purged), 'local file')}, {human_size(report.bytes)}"
            confirm(f"remove {what}", yes=yes)
            report = purge(dry_run=False)
    if as_json:
        write_json(_plain(report, dry_run=dry_run))
    else:
        write_lines(report.purged)
    would = "would remove" if dry_run else "removed"
    note(
        f"{would} {count(len(report.purged), 'local file')}, {human_size(report.bytes)};"
        f" {human_size(report.size)} are left",
        quiet=quiet,
    )
    _warn(report, most, quiet=quiet)
    if most is not None and report.size > most:
        raise typer.Exit(1)


def _warn(report: "PurgeReport", most: int | None, *, quiet: bool) -> None:
    if quiet:
        return
    if report.kept:
        stay = "stays" if len(report.kept) == 1 else "stay"
        warn(
            f"{count(len(report.kept), 'file')} {stay}: the remote is not known to have them",
            hint="radops datalake sync",
        )
    if most is not None and report.size > most:
        warn(
            f"local storage still takes {human_size(report.size)}",
            hint="what was deleted from the lake goes with: radops datalake gc",
        )


def _plain(report: "PurgeReport", *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "purged": report.purged,
        "kept": report.kept,
        "bytes": report.bytes,
        "size_before": report.size_before,
        "size": report.size,
    }
