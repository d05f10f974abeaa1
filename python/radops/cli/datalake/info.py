"""`radops datalake info`."""

from typing import Annotated

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import write_json, write_lines
from radops.errors import RadopsError


def command(
    uid: options.Uid,
    *,
    code: Annotated[
        bool, options.flag("--code", help="Print the source code that made it, nothing else.")
    ] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show how a file was made: from what, by which code, by whom.

    Example:
      radops datalake info processed_file.txt

    """
    with open_lake(context, offline=offline, quiet=quiet) as lake:
        info = lake.info(uid)
    if code:
        if info.call is None:
            raise RadopsError(f"{uid} was added, not made by code", uid=uid)
        if info.call.code.source is None:
            raise RadopsError(f"the source code that made {uid} was not recorded", uid=uid)
        write_lines([info.call.code.source.rstrip("\n")])
    elif as_json:
        from radops.cli.datalake.info_json import document  # noqa: PLC0415 - for programs

        write_json(document(info))
    else:
        from radops.cli.datalake.info_text import show  # noqa: PLC0415 - imports rich

        show(info)
