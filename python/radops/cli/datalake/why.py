"""`radops datalake why`."""

import sys

from radops.cli import options
from radops.cli.lake import open_lake, resolved
from radops.cli.output import write_json, write_lines
from radops.cli.progress import progress


def command(
    uid: options.Uid,
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what a file was made from, and whether inputs and code are still the same.

    Whether a call would run again is asked in Python: process.why(...).

    Example:
      radops datalake why models/best.pkl

    """
    with (
        progress(quiet=quiet),
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        uid = resolved(lake, uid, quiet=quiet)
        made = lake.why(uid)
    if not as_json:
        from radops.lake.shortening import fitted  # noqa: PLC0415 - so that --help is quick

        write_lines(fitted(str(made).split("\n"), sys.stdout))
        return
    write_json(
        {
            "uid": made.uid,
            "function": made.function,
            "source": made.source,
            "version": made.version,
            "params": made.params,
            "inputs": [
                {"arg": one.arg, "uid": one.uid, "state": one.state, "digest": one.digest.hex}
                for one in made.inputs
            ],
            "code": made.code,
            "file": made.file,
            "current": made.is_current,
        }
    )
