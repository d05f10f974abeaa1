"""`radops datalake delete-local`."""

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import count, note, write_json, write_lines


def command(
    targets: options.Targets,
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete files from this machine that the remote has; they stay in the lake.

    Example:
      radops datalake delete-local datasets/images/

    """
    with open_lake(context, offline=offline, quiet=quiet) as lake:
        deleted = lake.delete_local(*targets)
    if as_json:
        write_json({"deleted": deleted})
    else:
        write_lines(deleted)
    note(f"deleted {count(len(deleted), 'local file')}", quiet=quiet)
