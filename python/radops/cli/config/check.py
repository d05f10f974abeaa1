"""`radops config check`."""

from typing import TYPE_CHECKING, Any

import typer

from radops.cli import options
from radops.cli.output import is_terminal, style, write_json, write_lines
from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.data_lake import CheckStep


def command(
    *,
    as_json: options.Json = False,
    context: options.Context = None,
    quiet: options.Quiet = False,
) -> None:
    """Test the remote: credentials, bucket, rights, and which lake it holds.

    The exit code says what is wrong: 6 unreachable, 7 refused, 8 the local disk or a permission.

    Example:
      radops config check

    """
    from radops.config import resolve  # noqa: PLC0415 - so that --help is quick
    from radops.data_lake import check_remote  # noqa: PLC0415

    steps = check_remote(resolve(context))
    if as_json:
        write_json(plain(steps))
    else:
        show(steps, quiet=quiet)
    if not all(step.ok for step in steps):
        raise typer.Exit(next(step.exit_code for step in steps if not step.ok))


def show(steps: "Sequence[CheckStep]", *, quiet: bool = False) -> None:
    """Write a line for each step, and what to do about those that failed."""
    width = max((len(step.name) for step in steps), default=0)
    for step in steps:
        if step.ok and quiet:
            continue
        mark = "ok    " if step.ok else style("failed", "red")
        lines = [f"{mark}  {step.name.ljust(width)}  {printable(step.message)}".rstrip()]
        if step.hint and not step.ok:
            indent = " " * (8 + width + 2) if is_terminal() else "hint: "
            lines.append(indent + printable(step.hint))
        write_lines(lines)


def plain(steps: "Sequence[CheckStep]") -> dict[str, Any]:
    """Return the document of `--json`."""
    return {
        "ok": all(step.ok for step in steps),
        "steps": [
            {"name": step.name, "ok": step.ok, "message": step.message, "hint": step.hint}
            for step in steps
        ],
    }
