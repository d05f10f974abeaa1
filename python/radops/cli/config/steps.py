"""How the steps of a check look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radops.cli.output import is_terminal, printable, style, write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.data_lake import CheckStep


def show(steps: Sequence[CheckStep], *, quiet: bool = False) -> None:
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


def plain(steps: Sequence[CheckStep]) -> dict[str, Any]:
    """Return the document of `--json`."""
    return {
        "ok": all(step.ok for step in steps),
        "steps": [
            {"name": step.name, "ok": step.ok, "message": step.message, "hint": step.hint}
            for step in steps
        ],
    }
