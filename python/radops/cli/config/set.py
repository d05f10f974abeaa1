"""`radops config set`."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_key_values, complete_keys
from radops.cli.output import note
from radops.errors import UsageError


def command(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="What to set.", autocompletion=complete_keys)
    ],
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE", help="Its value.", autocompletion=complete_key_values),
    ] = None,
    *,
    unset: Annotated[bool, options.flag("--unset", help="Remove it instead.")] = False,
    context: options.Context = None,
    quiet: options.Quiet = False,
) -> None:
    """Set one key: email, on_code_change, shared, cache_size, current_context, or one of a context.

    Keys of a context are remote, endpoint_url, region, profile, ca_bundle, addressing_style, sse,
    sse_kms_key_id and upload_patch; they go into the current context, or the one of --context.

    Examples:
      radops config set email ada@example.com
      radops config set endpoint_url https://s3.example.com --context team

    """
    from radops.config import config_path, set_values  # noqa: PLC0415 - so that --help is quick

    if (value is None) != unset:
        raise UsageError("give either a value or --unset", hint="radops config set --help")
    wanted: str | bool | None = value
    if key == "upload_patch" and value is not None:
        if value.lower() not in ("true", "false"):
            raise UsageError(f"upload_patch is true or false, not {value!r}")
        wanted = value.lower() == "true"
    set_values({key: wanted}, context)
    note(f"written to {config_path()}", quiet=quiet)
