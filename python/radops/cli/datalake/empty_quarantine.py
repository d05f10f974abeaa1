"""`radops datalake empty-quarantine`."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.ask import confirm
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, write_json, write_names
from radops.cli.progress import progress
from radops.cli.quantities import duration

_RISK = ("A quarantined file may be the only copy of its bytes, though a damaged one.",)


def command(
    *,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than", metavar="TIME", help="Only what was set aside longer ago than this."
        ),
    ] = "0s",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete what verify set aside on this machine: damaged bytes, and files it does not know.

    Nothing in quarantine belongs to a file of the lake any more, but it may be the last copy.

    Example:
      radops datalake empty-quarantine --dry-run

    """
    seconds = duration(older_than, "--older-than")
    with (
        progress(quiet=quiet, resumable=True),
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        found = lake.empty_quarantine(older_than=seconds, dry_run=True)
        total = sum(one.size for one in found)
        if found and not dry_run:
            what = f"{count(len(found), 'quarantined file')}, {human_size(total)}"
            confirm(f"delete {what}", _RISK, yes=yes)
            found = lake.empty_quarantine(older_than=seconds, dry_run=False)
    if as_json:
        deleted = [{"path": str(one.path), "size": one.size} for one in found]
        write_json({"dry_run": dry_run, "deleted": deleted, "bytes": total})
    else:
        write_names([str(one.path) for one in found], all_of_them=dry_run)
    if found:
        would = "would delete" if dry_run else "deleted"
        what = count(len(found), "quarantined file")
        note(f"{would} {what}, {human_size(total)}", quiet=quiet)
    else:
        why = "nothing in quarantine is that old" if seconds else "the quarantine is empty"
        note(why, quiet=quiet)
