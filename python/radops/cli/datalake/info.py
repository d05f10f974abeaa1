"""`radops datalake info`."""

from typing import Annotated

from radops.cli import options
from radops.cli.lake import open_lake, resolved
from radops.cli.output import write_json, write_source
from radops.cli.progress import progress
from radops.errors import RadopsError, UsageError


def command(
    uid: options.Uid,
    *,
    code: Annotated[
        bool, options.flag("--code", help="Print the source code that made it, nothing else.")
    ] = False,
    contents: Annotated[
        bool,
        options.flag("--contents", help="Of a directory: files by extension, share of packs used."),
    ] = False,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show how a file was made: from what, by which code, by whom.

    Examples:
      radops datalake info processed_file.txt
      radops datalake info datasets/images/v1 --contents

    """
    with (
        progress(quiet=quiet) as view,
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        uid = resolved(lake, uid, quiet=quiet)
        info = lake.info(uid)
        if contents and info.files is None:
            raise UsageError(f"{uid} is a file; --contents is for directories")
        summary = lake.directory(uid).summary(view) if contents else None
    if code:
        if info.call is None:
            raise RadopsError(f"{uid} was added, not made by code", uid=uid)
        if info.call.code.source is None:
            raise RadopsError(f"the source code that made {uid} was not recorded", uid=uid)
        write_source(info.call.code.source)
    elif as_json:
        from radops.cli.datalake.info_json import document  # noqa: PLC0415 - for programs

        write_json(document(info, summary))
    else:
        from radops.cli.datalake.info_text import show  # noqa: PLC0415 - imports rich

        show(info, summary=summary)
