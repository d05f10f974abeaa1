"""`radops datalake delete-local`."""

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import count_names, note, write_json, write_names
from radops.cli.progress import progress


def command(
    targets: options.Targets,
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete the local copies of files that the remote has. They stay in the lake.

    Example:
      radops datalake delete-local datasets/images/

    """
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        _, directories = lake.split(*targets)
        deleted = lake.delete_local(*targets, progress=view)
    if as_json:
        write_json({"deleted": deleted})
    else:
        write_names(deleted)
    counted = count_names(len(deleted), len(directories.keys() & deleted), "local")
    note(f"deleted {counted}", quiet=quiet)
