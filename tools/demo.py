"""Walks through radops on the embedded default, with an empty home, and shows it.

Runs `docs/walkthrough.md`, and then the demo of directories, from top to bottom in temporary
folders: every command is printed after a `$ `, then what it really printed. Ends with 1 if anything
differs from the page.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pages import STYLES, PageError, Runner
from shell import Machine

if TYPE_CHECKING:
    from pages import Block
    from shell import Result

ROOT = Path(__file__).parent.parent
SCENES = (
    ("A walk through radops: nothing configured, no server, an empty home", "docs/walkthrough.md"),
    ("A data set that grows: many files as one directory", "demos/images/README.md"),
)


class Screen:
    """Prints commands and outputs, in colour on a terminal."""

    def __init__(self) -> None:
        self._styled = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._where = "first"

    def heading(self, text: str) -> None:
        """Print a highlighted line."""
        print(f"\n{self._style('1;36', text)}\n", flush=True)

    def show(self, block: Block, text: str, result: Result | None) -> None:
        """Print one command with its output, or a program that was saved."""
        where = block.options.get("on", "first")
        if where != self._where:
            self._where = where
            self.heading(f"On the {where} machine")
        if result is None and "output" in block.options:
            self._tell_styles(block)
        elif result is None:
            print(self._style("2", f"# {block.options['file']}"))
            print("".join(f"  {line}\n" for line in text.splitlines()), flush=True)
        else:
            self._show_command(block, text, result)

    def _show_command(self, block: Block, text: str, result: Result) -> None:
        if block.language == "python":
            text = f"python - <<'END'\n{block.text}END"
        prompt = self._style("1;32", "$")
        print(prompt, "\n".join(text.splitlines()))
        printed = result.raw if self._styled else result.out
        print(printed, end="" if printed.endswith("\n") or not printed else "\n", flush=True)

    def _tell_styles(self, block: Block) -> None:
        """Say in words what bold and italic say on a terminal."""
        told = [f"{style}: {block.options[style]}" for style in STYLES if block.options.get(style)]
        if told and not self._styled:
            print(f"# {'; '.join(told)}", flush=True)

    def _style(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._styled else text


def main() -> int:
    """Run the page; return the exit status."""
    return max(_play(title, ROOT / page) for title, page in SCENES)


def _play(title: str, page: Path) -> int:
    screen = Screen()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="radops-demo-") as folder:
        root = Path(folder).resolve()
        shared = root / "shared"
        shared.mkdir()

        def machine(name: str) -> Machine:
            machine = Machine(root / name, {"SHARED": str(shared)})
            for program in page.parent.glob("*.py"):
                shutil.copy(program, machine.cwd)
            return machine

        screen.heading(title)
        runner = Runner(
            page,
            machine,
            features=frozenset({"embedded"}),
            replace={"/shared/radops": f"{shared}/radops"},
            show=screen.show,
        )
        try:
            runner.run()
        except PageError as error:
            print(f"\nThe demo FAILED: {error}", file=sys.stderr)
            return 1
    screen.heading(
        f"The demo went as {page.relative_to(ROOT)} says: {len(runner.results)} commands "
        f"in {time.monotonic() - started:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
