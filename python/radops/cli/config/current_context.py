"""`radops config current-context`."""

from radops.cli import options
from radops.cli.output import write_json, write_lines


def command(*, as_json: options.Json = False, context: options.Context = None) -> None:
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
