"""`radops datalake sync`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import human_size, note, warn, write_json, write_lines
from radops.cli.progress import progress
from radops.errors import ConflictError

if TYPE_CHECKING:
    from radops.data_lake.reports import SyncReport


def command(
    uids: Annotated[
        list[str] | None,
        typer.Argument(metavar="UID", help="Only these.", autocompletion=complete_uids),
    ] = None,
    *,
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Publish what is only on this machine; drop what was deleted in the remote.

    A file whose name others took meanwhile with other bytes stays local and is listed; then the
    exit code is 4.

    Example:
      radops datalake sync --dry-run

    """
    with (
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
        progress(quiet=quiet) as view,
    ):
        report = lake.sync(*(uids or ()), dry_run=dry_run, progress=view)
    if as_json:
        write_json(_plain(report))
    else:
        for verb, names in _done(report):
            write_lines(f"{'would be ' if report.dry_run else ''}{verb} {uid}" for uid in names)
        for problem in report.conflicts:
            warn(f"{problem.uid}: {problem.message}", hint=problem.hint)
        would = "would have " if report.dry_run else ""
        counts = ", ".join(f"{verb} {len(names):,}" for verb, names in _done(report))
        note(f"{would}{counts}; sent {human_size(report.bytes_sent)}", quiet=quiet)
    if report.conflicts:
        raise typer.Exit(ConflictError.exit_code)


def _done(report: "SyncReport") -> list[tuple[str, list[str]]]:
    return [
        ("published", report.published),
        ("adopted", report.adopted),
        ("dropped", report.dropped),
    ]


def _plain(report: "SyncReport") -> dict[str, object]:
    return {
        "dry_run": report.dry_run,
        "published": report.published,
        "adopted": report.adopted,
        "dropped": report.dropped,
        "conflicts": [
            {"uid": problem.uid, "message": problem.message, "hint": problem.hint}
            for problem in report.conflicts
        ],
        "bytes_sent": report.bytes_sent,
    }
