"""`radops datalake purge-local-storage`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.ask import confirm, someone_is_there
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, count_names, human_size, note, warn, write_json, write_names
from radops.cli.progress import progress
from radops.cli.quantities import duration, size

if TYPE_CHECKING:
    from radops.lake.reports import PurgeReport


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
        typer.Option(
            "--older-than", metavar="TIME", help="Only files that were not used for this time."
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size", metavar="SIZE", help="Stop once local storage takes no more than this."
        ),
    ] = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    context: options.Context = None,
    quiet: options.Quiet = False,
) -> None:
    """Free disk space: remove local copies that the remote has, those unused for longest first.

    They stay in the lake, and are fetched again when they are read. Files that the remote does
    not have are left alone. Parts of remote files that were read or streamed before go first,
    whatever the targets: they are caches. If more than --max-size is left in the end, the exit
    code is 1.

    Examples:
      radops datalake purge-local-storage --older-than 30d --dry-run
      radops datalake purge-local-storage 'datasets/*.parquet' --max-size 500GB --yes

    """
    seconds = None if older_than is None else duration(older_than, "--older-than")
    most = None if max_size is None else size(max_size, "--max-size")
    if not (yes or dry_run or someone_is_there()):
        # At once, and not on the first day on which there is something to remove.
        confirm("remove local files", yes=False)
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, quiet=quiet) as lake,
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
        if not dry_run and (report.purged or report.cache or report.streams):
            what = f"{_counted(report)}, {human_size(report.bytes)}"
            confirm(f"remove {what}", yes=yes)
            report = purge(dry_run=False)
    if as_json:
        write_json(_plain(report, dry_run=dry_run))
    else:
        write_names(report.purged, all_of_them=dry_run)
    would = "would remove" if dry_run else "removed"
    note(
        f"{would} {_counted(report)}, {human_size(report.bytes)};"
        f" {human_size(report.size)} are left",
        quiet=quiet,
    )
    _warn(report, most, quiet=quiet)
    if most is not None and report.size > most:
        raise typer.Exit(1)


def _counted(report: "PurgeReport") -> str:
    return count_names(len(report.purged), report.directories, "local")


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
        "cache": report.cache,
        "streams": report.streams,
        "size_before": report.size_before,
        "size": report.size,
    }
