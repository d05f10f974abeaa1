"""`radops config create-context`, `delete-context`, `use-context`, `get-contexts` and the rest."""

from typing import Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_contexts
from radops.cli.config.remote_options import Values, with_remote_options
from radops.cli.output import is_terminal, note, style, write_json, write_lines

_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A context.", autocompletion=complete_contexts)
]


@with_remote_options
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new context.")],
    *,
    given: Values,
    use: Annotated[bool, options.flag("--use", help="Make it the current one.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Create a context without asking or testing anything; without --remote it is local only.

    Example:
      radops config create-context team --remote s3://bucket/lake --region eu-west-1 --use

    """
    from radops.config import create_context  # noqa: PLC0415 - so that --help is quick

    create_context(name, given, use=use)
    if use:
        note(f"the current context is {name}", quiet=quiet)
    else:
        note(f"created; to work with it: radops config use-context {name}", quiet=quiet)


def delete(
    name: _Name,
    *,
    quiet: options.Quiet = False,
) -> None:
    """Remove a context from the configuration. Its files stay, here and in the remote.

    A context of the same name and remote, created again, finds them.

    Example:
      radops config delete-context scratch

    """
    from radops.config import delete_context  # noqa: PLC0415 - so that --help is quick

    delete_context(name)
    note(f"deleted the context {name}; its files stay where they are", quiet=quiet)


def use(
    name: _Name,
    *,
    quiet: options.Quiet = False,
) -> None:
    """Make a context the current one.

    Example:
      radops config use-context team

    """
    from radops.config import use_context  # noqa: PLC0415 - so that --help is quick

    use_context(name)
    note(f"the current context is {name}", quiet=quiet)


def show_all(*, as_json: options.Json = False, context: options.Context = None) -> None:
    """List the contexts; on a terminal with their remotes and a mark at the current one.

    The context `default` always exists: without configuration it is local only.

    Example:
      radops config get-contexts

    """
    from radops.config import load, resolve  # noqa: PLC0415 - so that --help is quick

    contexts = load().all_contexts()
    current = resolve(context).context
    if as_json:
        rows = [
            {"name": name, "current": name == current, "remote": entry.remote}
            for name, entry in contexts.items()
        ]
        write_json({"contexts": rows})
    elif is_terminal():
        width = max(map(len, contexts))
        for name, entry in contexts.items():
            mark = "*" if name == current else " "
            remote = entry.remote or "on this machine only"
            write_lines([f"{mark} {style(name.ljust(width), 'bold')}  {remote}"])
    else:
        write_lines(contexts)


def show_current(*, as_json: options.Json = False, context: options.Context = None) -> None:
    """Print the name of the context in use.

    Example:
      radops config current-context

    """
    from radops.config import resolve  # noqa: PLC0415 - so that --help is quick

    name = resolve(context).context
    if as_json:
        write_json({"current_context": name})
    else:
        write_lines([name])
