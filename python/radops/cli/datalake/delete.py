"""`radops datalake delete`."""

import contextlib
from typing import TYPE_CHECKING, Annotated

from radops.cli import options
from radops.cli.ask import confirm
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, write_json, write_lines
from radops.errors import HasDependentsError, UIDNotFoundError

if TYPE_CHECKING:
    from radops.data_lake import DataLake

# A question must stay on the screen, with what it is about.
_MOST_LISTED = 20


def command(
    uid: options.Uid,
    *,
    recursive: Annotated[
        bool, options.flag("--recursive", "-r", help="UID is a folder: delete all files below.")
    ] = False,
    cascade: Annotated[
        bool, options.flag("--cascade", help="Also delete all files that were made from it.")
    ] = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete a file from the lake, for everyone. The name can be used again.

    Refused while other files were made from it: --cascade deletes them too.

    Example:
      radops datalake delete datasets/old.csv --cascade --dry-run

    """
    with open_lake(context, offline=offline, quiet=quiet) as lake:
        uids = lake.expand(uid.rstrip("/") + "/") if recursive else [uid]
        plan = _plan(lake, uids, cascade=cascade)
        sizes = _sizes(lake, plan)
        if not dry_run:
            what = plan[0] if len(plan) == 1 else count(len(plan), "file")
            total = human_size(sum(sizes.values()))
            confirm(f"delete {what} ({total}) for everyone", _listed(plan), yes=yes)
            plan = _delete(lake, plan)
    total_bytes = sum(sizes.get(name, 0) for name in plan)
    if as_json:
        write_json({"dry_run": dry_run, "deleted": plan, "bytes": total_bytes})
    else:
        write_lines(plan)
    would = "would delete" if dry_run else "deleted"
    note(f"{would} {count(len(plan), 'file')}, {human_size(total_bytes)}", quiet=quiet)


def _plan(lake: "DataLake", uids: list[str], *, cascade: bool) -> list[str]:
    """Return what is to be deleted, each file after those that were made from it.

    Raises:
        HasDependentsError: Files that are not to be deleted were made from one of these.

    """
    # Files below a folder may be made from each other: only others count.
    deep = cascade or len(uids) > 1
    # A dictionary keeps the order, and the API lists what was made from a file before the file.
    plan = dict.fromkeys(
        name for uid in uids for name in lake.delete(uid, cascade=deep, dry_run=True)
    )
    others = [] if cascade or not deep else [name for name in plan if name not in set(uids)]
    if others:
        error = HasDependentsError(
            f"{count(len(others), 'other file')} were made from files below this folder: "
            + ", ".join(others[:5]),
            hint="--cascade deletes them too",
        )
        raise error
    return list(plan)


def _sizes(lake: "DataLake", plan: list[str]) -> dict[str, int]:
    """Return how large each file is; what waits to be published stands only among what waits."""
    sizes = {row.uid: row.size or 0 for row in lake.out_of_sync() if row.pending}
    for name in plan:
        with contextlib.suppress(UIDNotFoundError):
            sizes[name] = lake.info(name).size
    return {name: sizes.get(name, 0) for name in plan}


def _listed(plan: list[str]) -> list[str]:
    """Return what is shown before the question: not what it names anyway, and not too much."""
    if len(plan) > _MOST_LISTED:
        return [*plan[:_MOST_LISTED], f"... and {len(plan) - _MOST_LISTED:,} more, see --dry-run"]
    return plan if len(plan) > 1 else []


def _delete(lake: "DataLake", plan: list[str]) -> list[str]:
    # One by one and without cascade: what was made from them since the plan is not swept along.
    deleted = []
    for name in plan:
        with contextlib.suppress(UIDNotFoundError):  # someone else was quicker
            deleted += lake.delete(name)
    return deleted
