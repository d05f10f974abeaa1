"""`radops datalake presigned-url`."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import write_json, write_lines
from radops.cli.progress import progress
from radops.cli.quantities import whole

# S3 signs for a week at most.
_WEEK = 7 * 24 * 3600


def command(
    uid: options.Uid,
    seconds: Annotated[
        int,
        typer.Argument(
            metavar="SECONDS", parser=whole(1, _WEEK), help="How long the URL is valid."
        ),
    ] = 3600,
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Print a URL from which anyone can download the file for a limited time.

    The URL is a secret: anyone who has it can read the file until it expires.

    Example:
      curl -o train.csv "$(radops datalake presigned-url datasets/train.csv 600)"

    """
    with (
        progress(quiet=quiet),
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        url = lake.presigned_url(uid, seconds)
    if as_json:
        write_json({"uid": uid, "url": url, "seconds": seconds})
    else:
        write_lines([url])
