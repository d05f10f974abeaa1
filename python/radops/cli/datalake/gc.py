"""`radops datalake gc`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.ask import confirm
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, write_json, write_lines
from radops.cli.progress import progress
from radops.cli.quantities import duration, human_duration
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.lake.reports import GCReport
    from radops.repository.gc.target import Collected


def command(
    *,
    dry_run: options.DryRun = False,
    grace: Annotated[
        str, typer.Option("--grace", metavar="TIME", help="Leave alone what is younger than this.")
    ] = "24h",
    local: Annotated[bool, options.flag("--local", help="Only on this machine.")] = False,
    remote: Annotated[bool, options.flag("--remote", help="Only in the remote.")] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove bytes that no file of the lake needs any more, in the remote and on this machine.

    They go to the trash first. The next gc, after the grace, deletes those that are still not
    needed and moves back the others. So run it regularly, once a day or week.

    A grace of less than 12h has to be confirmed: a slow writer could lose bytes it relies on.

    Example:
      radops datalake gc --dry-run

    """
    from radops.repository.gc.collect import SAFE_GRACE_SECONDS  # noqa: PLC0415 - not for --help

    if local and remote:
        raise UsageError("--local and --remote exclude each other")
    seconds = duration(grace, "--grace")
    if seconds < SAFE_GRACE_SECONDS and not dry_run:
        confirm(f"collect bytes that are only {human_duration(seconds)} old", _RISK, yes=yes)
    where = "local" if local else "remote" if remote else "all"
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        report = lake.gc(dry_run, grace=seconds, where=where, progress=view)
    if as_json:
        write_json(_plain(report))
    else:
        _tell(report, quiet=quiet)


_RISK = (
    "A file that is being added now, and takes longer than that, may lose its bytes.",
    "Continue only if no one is writing to the lake.",
)


def _tell(report: "GCReport", *, quiet: bool) -> None:
    for name, place in (("remote", report.remote), ("local", report.local)):
        if place is not None:
            write_lines(f"{name}: {line}" for line in _lines(place, would=report.dry_run))
    if report.moved and not report.dry_run:
        note(
            f"what went to the trash is deleted by a gc after {human_duration(report.grace)}",
            quiet=quiet,
        )


def _lines(place: "Collected", *, would: bool) -> list[str]:
    """Return a line for each kind of thing that was done in one place."""
    lines = []
    if place.moved:
        verb = "would move" if would else "moved"
        what = count(place.moved, "object")
        lines.append(f"{verb} {what} to the trash, {human_size(place.moved_bytes)}")
    if place.restored:
        verb = "would bring back" if would else "brought back"
        lines.append(f"{verb} {count(place.restored, 'object')} from the trash")
    verb = "would delete" if would else "deleted"
    if place.deleted:
        lines.append(f"{verb} {count(place.deleted, 'object')}, {human_size(place.bytes)}")
    for number, thing in (
        (place.outlines, "lost outline"),
        (place.uploads, "unfinished upload"),
        (place.leases, "old lease"),
        (place.notes, "outdated note"),
        (place.leftovers, "leftover file"),
    ):
        if number:
            lines.append(f"{verb} {count(number, thing)}")
    return lines or [f"nothing to collect; {count(place.slots, 'name')} looked at"]


def _plain(report: "GCReport") -> dict[str, object]:
    from msgspec.structs import asdict  # noqa: PLC0415 - not for --help

    return {
        "dry_run": report.dry_run,
        "grace": report.grace,
        "candidates": report.candidates,
        "moved": report.moved,
        "restored": report.restored,
        "deleted": report.deleted,
        "bytes": report.bytes,
        "uploads": report.uploads,
        "leases": report.leases,
        "notes": report.notes,
        "runs": report.runs,
        "remote": asdict(report.remote) if report.remote else None,
        "local": asdict(report.local) if report.local else None,
    }
