"""`radops datalake download`."""

from pathlib import Path
from typing import Annotated

import typer

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import write_json, write_lines
from radops.cli.progress import progress


def command(
    targets: options.Targets,
    *,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DIR", help="Also copy each to DIR/UID."),
    ] = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Bring files to this machine, verified, and print their paths.

    The files in local storage are for reading only; --to gives copies to work with.

    Examples:
      radops datalake download datasets/ 'models/*.pt'
      radops datalake download datasets/ --to ./here

    """
    with (
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
        progress(quiet=quiet) as view,
    ):
        paths = lake.download(*targets, progress=view)
        if to is not None:
            from radops.cli.export import export  # noqa: PLC0415 - brings in the Rust module

            paths = export(paths, Path(to))
    if as_json:
        write_json({"files": [{"uid": uid, "path": str(path)} for uid, path in paths.items()]})
    else:
        write_lines(str(path) for path in paths.values())
