"""`radops datalake sync`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, warn, write_json, write_names
from radops.cli.progress import progress
from radops.errors import ConflictError

if TYPE_CHECKING:
    from radops.lake.reports import SyncReport


def command(
    uids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="UID",
            help="Only these files, and what they were made from.",
            autocompletion=complete_uids,
        ),
    ] = None,
    *,
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Publish files that are only on this machine; drop files that were deleted in the remote.

    A file whose name others took meanwhile with other bytes stays local and is listed; then the
    exit code is 4.

    Example:
      radops datalake sync --dry-run

    """
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
    ):
        report = lake.sync(*(uids or ()), dry_run=dry_run, progress=view)
    if as_json:
        write_json(_plain(report))
    else:
        begin = "would be " if report.dry_run else ""
        lines = [f"{begin}{verb} {uid}" for verb, names in _done(report) for uid in names]
        write_names(lines, all_of_them=report.dry_run)
        for problem in report.conflicts:
            warn(f"{problem.uid}: {problem.message}", hint=problem.hint)
        would = "would have " if report.dry_run else ""
        done = ", ".join(f"{verb} {len(names):,}" for verb, names in _done(report))
        notes = f", {count(report.notes, 'note')}" if report.notes else ""
        note(f"{would}{done}; sent {human_size(report.bytes_sent)}{notes}", quiet=quiet)
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
        "notes": report.notes,
    }
