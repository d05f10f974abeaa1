"""`radops config get-contexts`."""

from radops.cli import options
from radops.cli.output import is_terminal, style, write_json, write_lines


def command(*, as_json: options.Json = False, context: options.Context = None) -> None:
    """List the contexts; on a terminal with their remotes, the current one marked.

    Example:
      radops config get-contexts

    """
    from radops.config import DEFAULT_CONTEXT, Context, load, resolve  # noqa: PLC0415 - for --help

    contexts = dict(load().contexts) or {DEFAULT_CONTEXT: Context()}
    current = resolve(context).context
    contexts.setdefault(current, Context())
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
