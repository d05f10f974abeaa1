"""`radops config setup`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.ask import ask, confirm, someone_is_there
from radops.cli.config import remote_options as remotes
from radops.cli.config.steps import plain, show
from radops.cli.lake import open_lake
from radops.cli.output import note, write_json
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.config import Context

Answer = str | bool | None


def command(
    *,
    name: Annotated[
        str | None, typer.Option("--context", metavar="NAME", help="What to call it.")
    ] = None,
    remote: remotes.Remote = None,
    local_only: Annotated[
        bool, options.flag("--local-only", help="No remote: files stay on this machine.")
    ] = False,
    endpoint_url: remotes.Endpoint = None,
    region: remotes.Region = None,
    profile: remotes.Profile = None,
    ca_bundle: remotes.CaBundle = None,
    addressing_style: remotes.Addressing = None,
    sse: remotes.Sse = None,
    sse_kms_key_id: remotes.SseKey = None,
    upload_patch: remotes.UploadPatch = False,
    email: Annotated[
        str | None,
        typer.Option("--email", metavar="ADDRESS", help="Who you are, for lineage: default git's."),
    ] = None,
    no_check: Annotated[
        bool, options.flag("--no-check", help="Write without asking the remote.")
    ] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Connect a lake to a bucket or a shared folder: ask, check for real, then write.

    Without a terminal the flags answer; --remote or --local-only has to be among them. Nothing is
    written if the check fails.

    Examples:
      radops config setup
      radops config setup --remote s3://bucket/lake --email ada@example.com

    """
    given: dict[str, Answer] = {
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
    if local_only and remote:
        raise UsageError("--remote and --local-only exclude each other")
    if not (remote or local_only or someone_is_there()):
        raise UsageError(
            "where are the files to be kept? There is no terminal to ask on",
            hint="answer with --remote URL or --local-only",
        )
    asking = someone_is_there() and not yes
    name, values, email = _answers(name, given, email, local_only=local_only, asking=asking)
    _check(name, values, checking=not no_check, as_json=as_json, quiet=quiet)
    _write(name, values, email, checked=not no_check, yes=yes, quiet=quiet)


def _answers(
    name: str | None,
    given: dict[str, Answer],
    email: str | None,
    *,
    local_only: bool,
    asking: bool,
) -> tuple[str, dict[str, Answer], str | None]:
    """Return the flags' answers, completed by the person's where there is one to ask."""
    from radops.config import guess_originator, load  # noqa: PLC0415 - so that --help is quick

    before = load()
    current = os.environ.get("RADOPS_CONTEXT") or before.current_context
    name = name or (ask("Name of this lake", current) if asking else current)
    values = dict.fromkeys(given) if local_only else dict(given)
    if asking and not local_only:
        _ask_remote(values, before.contexts.get(name))
    if email is None and asking:
        email = ask("Your e-mail, for lineage", before.email or guess_originator())
    return name, values, email


def _ask_remote(values: dict[str, Answer], known: "Context | None") -> None:
    """Ask what the flags left open, with what is configured already as the default."""
    if values["remote"] is None:
        note("Where is it kept? s3://bucket/prefix, file:///shared/folder, or - for this machine.")
        values["remote"] = _ask_option("Remote", known.remote if known else None)
    if not str(values["remote"]).startswith("s3:"):
        return
    questions = {
        "endpoint_url": "URL of the S3 server, - for Amazon's",
        "region": "Region, - for the profile's",
        "profile": "Profile of ~/.aws/config, - for the usual",
    }
    for key, question in questions.items():
        if values[key] is None:
            values[key] = _ask_option(question, getattr(known, key, None))


def _ask_option(question: str, default: str | None) -> str | None:
    """Return the answer; None for `-`, since an empty answer means the default."""
    answer = ask(question, default or "-")
    return None if answer == "-" else answer


def _check(
    name: str,
    values: dict[str, Answer],
    *,
    checking: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check the remote as it would be configured; exit if it is not usable."""
    from radops.config import preview  # noqa: PLC0415 - so that --help is quick

    settings = preview(name, values)
    if not checking or settings.remote is None:
        return
    from radops.data_lake import check_remote  # noqa: PLC0415

    steps = check_remote(settings)
    if as_json:
        write_json(plain(steps))
    else:
        show(steps, quiet=quiet)
    if not all(step.ok for step in steps):
        note("nothing was written; --no-check writes all the same", quiet=as_json)
        raise typer.Exit(next(step.exit_code for step in steps if not step.ok))


def _write(
    name: str,
    values: dict[str, Answer],
    email: str | None,
    *,
    checked: bool,
    yes: bool,
    quiet: bool,
) -> None:
    from radops.config import config_path, create_context, load  # noqa: PLC0415 - for --help

    known = load().contexts.get(name)
    if known is not None and known.remote and someone_is_there():
        confirm(f"replace the context {name!r}, {known.remote}", yes=yes)
    create_context(name, values, use=True, replace=True, email=email)
    note(f"written to {config_path()}", quiet=quiet)
    if checked and values["remote"]:
        # From now on this machine knows which lake it belongs to, also offline.
        with open_lake(name, quiet=quiet) as lake:
            lake.join()
    if values["remote"]:
        note("to publish what is on this machine already: radops datalake sync", quiet=quiet)
