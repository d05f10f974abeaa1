"""`radops config create-context`."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.config import remote_options as remotes
from radops.cli.output import note


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new context.")],
    *,
    remote: remotes.Remote = None,
    endpoint_url: remotes.Endpoint = None,
    region: remotes.Region = None,
    profile: remotes.Profile = None,
    ca_bundle: remotes.CaBundle = None,
    addressing_style: remotes.Addressing = None,
    sse: remotes.Sse = None,
    sse_kms_key_id: remotes.SseKey = None,
    upload_patch: remotes.UploadPatch = False,
    use: Annotated[bool, options.flag("--use", help="Make it the current one.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a context without asking or checking anything; without --remote it is local only.

    Example:
      radops config create-context team --remote s3://bucket/lake --region eu-west-1 --use

    """
    from radops.config import create_context  # noqa: PLC0415 - so that --help is quick

    values = {
        "remote": remote,
        "endpoint_url": endpoint_url,
        "region": region,
        "profile": profile,
        "ca_bundle": ca_bundle,
        "addressing_style": addressing_style,
        "sse": sse,
        "sse_kms_key_id": sse_kms_key_id,
        "upload_patch": upload_patch or None,
    }
    create_context(name, values, use=use)
    if use:
        note(f"the current context is {name}", quiet=quiet)
    else:
        note(f"created; to work with it: radops config use-context {name}", quiet=quiet)
