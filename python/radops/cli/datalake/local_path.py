"""`radops datalake local-path`."""

import typer

from radops.cli import options
from radops.cli.lake import open_lake, resolved
from radops.cli.output import note, write_json, write_lines
from radops.cli.progress import progress


def command(
    uid: options.Uid,
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Print the local path of a file. The exit code is 1 if it is only in the remote.

    Nothing is downloaded. The path is for reading only: the file there must not be changed.

    Example:
      wc -l "$(radops datalake local-path datasets/train.csv)"

    """
    with (
        progress(quiet=quiet),
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        uid = resolved(lake, uid, quiet=quiet)
        path = lake.local_path(uid)
    if as_json:
        write_json({"uid": uid, "path": None if path is None else str(path)})
    elif path is not None:
        write_lines([str(path)])
    if path is None:
        note(f"{uid} is not on this machine; radops datalake download {uid}", quiet=quiet)
        raise typer.Exit(1)
