"""`radops ui`."""

import sys
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from radops.cli import options
from radops.cli.lake import open_lake
from radops.cli.output import note, write_lines
from radops.errors import UsageError

_NEEDED: Final = ("starlette", "uvicorn", "jinja2", "pygments")


def command(
    *,
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", min=0, max=65535, help="The port; 0: one that is free."
        ),
    ] = 0,
    no_browser: Annotated[
        bool, options.flag("--no-browser", help="Print the link; do not open it.")
    ] = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show the lake in a browser: files, lineage, what differs, and how all of it is.

    Only this machine can connect, with the link that is printed. Nothing is changed. Ctrl-C ends
    it.

    Example:
      radops ui --no-browser

    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"radops ui needs {' and '.join(missing)}", hint="pip install 'radops[ui]'"
        )
    from radops.ui.serve import serve  # noqa: PLC0415 - only if it is installed

    def ready(link: str) -> None:
        write_lines([link])
        sys.stdout.flush()
        note("radops ui shows the lake there, until Ctrl-C", quiet=quiet)

    with open_lake(context, offline=offline, quiet=quiet) as lake:
        serve(lake, port=port, browser=not no_browser, ready=ready)
