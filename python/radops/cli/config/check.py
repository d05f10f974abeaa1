"""`radops config check`."""

import typer

from radops.cli import options
from radops.cli.config.steps import plain, show
from radops.cli.output import write_json


def command(
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    quiet: options.Quiet = False,
) -> None:
    """Check the remote for real: credentials, bucket, rights, and which lake it holds.

    If anything is wrong the exit code says what: 6 unreachable, 7 refused, 8 local trouble.

    Example:
      radops config check

    """
    from radops.config import resolve  # noqa: PLC0415 - so that --help is quick
    from radops.data_lake import check_remote  # noqa: PLC0415

    steps = check_remote(resolve(context))
    if as_json:
        write_json(plain(steps))
    else:
        show(steps, quiet=quiet)
    if not all(step.ok for step in steps):
        raise typer.Exit(next(step.exit_code for step in steps if not step.ok))
