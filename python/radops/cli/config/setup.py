"""`radops config setup`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.ask import confirm, someone_is_there
from radops.cli.config.check import plain, show
from radops.cli.config.remote_options import Values, with_remote_options
from radops.cli.lake import open_lake
from radops.cli.output import note, write_json
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.cli.config.questions import Remote
    from radops.config import Context, Settings


@with_remote_options
def command(
    *,
    name: Annotated[
        str | None, typer.Option("--context", metavar="NAME", help="Name of the context.")
    ] = None,
    given: Values,
    local_only: Annotated[
        bool, options.flag("--local-only", help="No remote: files stay on this machine.")
    ] = False,
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
    """Connect to a bucket or a shared folder: ask for the settings, test them, save them.

    Without a terminal the flags answer; --remote or --local-only has to be among them. Nothing is
    written if the check fails.

    Examples:
      radops config setup
      radops config setup --remote s3://bucket/lake --email ada@example.com

    """
    from radops.config import preview  # noqa: PLC0415 - so that --help is quick

    if local_only and given["remote"]:
        raise UsageError("--remote and --local-only exclude each other")
    if not (given["remote"] or local_only or someone_is_there()):
        raise UsageError(
            "no remote was given, and there is no terminal to ask on",
            hint="use --remote URL or --local-only",
        )
    # With --json the output is one document, so nothing is asked.
    asking = someone_is_there() and not yes and not as_json
    name, questions, email = _answers(name, given, email, local_only=local_only, asking=asking)
    settings = preview(name, given)
    if not no_check:
        settings = _checked(name, given, questions, as_json=as_json, quiet=quiet)
    _write(settings, given, email, checked=not no_check, yes=yes, quiet=quiet)


def _answers(
    name: str | None,
    given: Values,
    email: str | None,
    *,
    local_only: bool,
    asking: bool,
) -> tuple[str, "Remote | None", str | None]:
    """Complete the values of flags by answers; return what can ask again, if anything can."""
    from radops.cli.config.questions import (  # noqa: PLC0415 - so that --help is quick
        Remote,
        ask_context,
        ask_email,
    )
    from radops.config import guess_originator, load  # noqa: PLC0415

    before = load()
    current = os.environ.get("RADOPS_CONTEXT") or before.current_context
    name = name or (ask_context(current) if asking else current)
    questions = None
    if local_only:
        given.update(dict.fromkeys(given))
    elif asking:
        questions = Remote(given, before.contexts.get(name))
        questions.ask_open()
    if email is None and asking:
        email = ask_email(before.email or guess_originator())
    return name, questions, email


def _checked(
    name: str,
    given: Values,
    questions: "Remote | None",
    *,
    as_json: bool,
    quiet: bool,
) -> "Settings":
    """Return the settings once the check of their remote passed; ask again until it does."""
    from radops.cli.config.questions import agrees_to_folder  # noqa: PLC0415 - for --help
    from radops.config import preview  # noqa: PLC0415
    from radops.data_lake import check_remote  # noqa: PLC0415

    while True:
        settings = preview(name, given)
        if settings.remote is None:
            return settings
        if questions is not None and not agrees_to_folder(settings.remote):
            questions.ask_again()
            continue
        steps = check_remote(settings, create=True)
        if as_json:
            write_json(plain(steps))
        else:
            show(steps, quiet=quiet)
        failed = next((step for step in steps if not step.ok), None)
        if failed is None:
            return settings
        note("nothing was written; --no-check skips the check", quiet=as_json)
        if questions is None:
            raise typer.Exit(failed.exit_code)
        questions.ask_again(failed)


def _write(
    settings: "Settings",
    given: Values,
    email: str | None,
    *,
    checked: bool,
    yes: bool,
    quiet: bool,
) -> None:
    from radops.config import config_path, create_context, load  # noqa: PLC0415 - for --help

    name = settings.context
    replaced = _replaced(load().contexts.get(name), settings)
    if replaced and someone_is_there():
        confirm(f"replace values of the context {name!r}", replaced, yes=yes)
    create_context(name, given, use=True, replace=True, email=email)
    note(f"written to {config_path()}, context {name!r}", quiet=quiet)
    for line in replaced:
        note(f"replaced {line}", quiet=quiet)
    if checked and settings.remote:
        # Records which lake the context belongs to, so that the machine can work offline.
        with open_lake(name, quiet=quiet) as lake:
            lake.join()
    if settings.remote:
        note("to publish files that are only on this machine: radops datalake sync", quiet=quiet)


def _replaced(before: "Context | None", settings: "Settings") -> list[str]:
    """Return a line for each value of a context that changes: key, old value, new value."""
    from radops.config import OPTION_KEYS  # noqa: PLC0415 - so that --help is quick

    after = {"remote": settings.remote, "upload_patch": settings.upload_patch or None}
    after |= {key: getattr(settings.options, key) for key in OPTION_KEYS}
    pairs = [(key, getattr(before, key, None), value) for key, value in after.items()]
    return [f"{key}: {old} by {new or 'none'}" for key, old, new in pairs if old and old != new]
