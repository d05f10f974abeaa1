"""`radops datalake delete`."""

from typing import TYPE_CHECKING, Annotated

from radops.cli import options
from radops.cli.ask import confirm
from radops.cli.lake import open_lake
from radops.cli.output import MOST_SHOWN, count_names, human_size, note, write_json, write_names
from radops.cli.progress import progress

if TYPE_CHECKING:
    from radops.lake.reports import DeleteReport


def command(
    targets: options.Targets,
    *,
    recursive: Annotated[
        bool, options.flag("--recursive", "-r", help="TARGETs are folders: delete all in them.")
    ] = False,
    cascade: Annotated[
        bool, options.flag("--cascade", help="Also delete all files that were made from these.")
    ] = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete files from the lake, for everyone. Their names can be used again.

    Refused while other files were made from them: --cascade deletes those too.

    Examples:
      radops datalake delete datasets/old.csv --cascade --dry-run
      radops datalake delete datasets/old/ 'datasets/*.tmp'

    """
    wanted = [target.rstrip("/") + "/" if recursive else target for target in targets]
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        report = lake.delete_many(
            *wanted,
            cascade=cascade,
            dry_run=dry_run,
            progress=view,
            confirm=None if dry_run else lambda plan: _confirm(plan, yes=yes),
        )
    if as_json:
        write_json({"dry_run": dry_run, "deleted": report.deleted, "bytes": report.bytes})
    else:
        write_names(report.deleted, all_of_them=dry_run)
    would = "would delete" if dry_run else "deleted"
    files = count_names(len(report.deleted), report.directories)
    note(f"{would} {files}, {human_size(report.bytes)}", quiet=quiet)


def _confirm(plan: "DeleteReport", *, yes: bool) -> None:
    names = plan.deleted
    what = names[0] if len(names) == 1 else count_names(len(names), plan.directories)
    confirm(f"delete {what} ({human_size(plan.bytes)}) for everyone", _listed(names), yes=yes)


def _listed(plan: list[str]) -> list[str]:
    """Return what is shown before the question, so that both stay on the screen."""
    if len(plan) > MOST_SHOWN:
        return [*plan[:MOST_SHOWN], f"... and {len(plan) - MOST_SHOWN:,} more, see --dry-run"]
    return plan if len(plan) > 1 else []
