"""`radops datalake cat`."""

import sys

from radops.cli import options
from radops.cli.lake import open_lake, resolved
from radops.cli.progress import progress

# Large enough for few calls, small enough for a cache.
_AT_ONCE = 1 << 20


def command(
    uid: options.Uid,
    *,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the bytes of a file to stdout, downloaded and verified first if needed.

    Example:
      radops datalake cat datasets/train.csv | head

    """
    with open_lake(context, offline=offline, quiet=quiet) as lake:
        uid = resolved(lake, uid, quiet=quiet)
        file = lake.file(uid)
        if not file.is_local():  # a home that may only be read is good for what is there
            with progress(quiet=quiet) as view:
                lake.download(uid, progress=view)
        with file.open("rb") as stream:
            while sys.stdout and (data := stream.read(_AT_ONCE)):
                sys.stdout.buffer.write(data)
