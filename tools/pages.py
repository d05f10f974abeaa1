"""Runs the commands and programs that a page of the documentation shows, and compares outputs.

Everything in a fence marked `shell` is run, command by command, in a terminal; everything in a
fence marked `python` is run by `python`. An HTML comment right before a fence changes that:

- `<!-- run: file=pipeline.py -->`: the program is saved under that name instead of being run;
- `<!-- run: output -->`: the fence is the output of the command before it. `...` on a line
  means any text, alone on a line for any lines; commits, dates, versions and durations
  may differ;
- `<!-- run: output italic="a b" bold="" -->`: and exactly these words are shown in that style;
- `<!-- run: exit=3 -->`: the (last) command ends with that status;
- `<!-- run: on=second -->`: on another machine, which has a home of its own;
- `<!-- run: when=bucket -->`: only if the runner has a `bucket`;
- `<!-- run: skip="why" -->`: not run.

`<!-- hidden:` and `<!-- hidden on=second:` up to `-->` hold commands that readers are not shown.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from shell import Machine, Result

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*$")
_MARKER = re.compile(r"^<!-- run:(?P<options>.*)-->$")
_HIDDEN = re.compile(r"^<!-- hidden(?P<options>[^:]*):$")
STYLES = ("bold", "italic")
_OPTIONS = {"file", "output", *STYLES, "exit", "on", "when", "skip"}
_VARIABLE = [
    (re.compile(r"\b[0-9a-f]{40}\b"), "<commit>"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z|[+-]\d\d:\d\d)?"),
        "<time>",
    ),
    (re.compile(r"(?<=radops version: )\S+"), "<version>"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "<duration>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<date>"),
]


@dataclass(frozen=True)
class Block:
    """One fence of a page, or the commands of a hidden comment."""

    language: str
    text: str
    line: int
    options: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False


def parse(text: str) -> list[Block]:
    """Return the fences and hidden commands of a page, in order.

    Raises:
        ValueError: A marker with an unknown option, or one that no fence follows.
    """
    blocks: list[Block] = []
    lines = enumerate(text.splitlines(), 1)
    pending: tuple[int, dict[str, str]] | None = None
    for number, line in lines:
        if marker := _MARKER.match(line):
            pending = number, _options(marker["options"], number)
        elif hidden := _HIDDEN.match(line):
            body = "\n".join(_until(lines, "-->"))
            options = _options(hidden["options"], number)
            blocks.append(Block("shell", body, number, options, hidden=True))
        elif fence := _FENCE.match(line):
            indent = len(fence["indent"])
            body = "".join(f"{inner[indent:]}\n" for inner in _until(lines, "```"))
            options = pending[1] if pending else {}
            blocks.append(Block(fence["language"], body, number, options))
            pending = None
        elif line.strip() and pending:
            message = f"line {pending[0]}: a marker without a fence after it"
            raise ValueError(message)
    return blocks


def _until(lines: Iterator[tuple[int, str]], end: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == end:
            return
        yield line


def _options(text: str, line: int) -> dict[str, str]:
    pairs = (word.partition("=") for word in shlex.split(text))
    options = {name: value for name, _, value in pairs}
    if unknown := options.keys() - _OPTIONS:
        message = f"line {line}: unknown option {', '.join(sorted(unknown))}"
        raise ValueError(message)
    return options


def commands(text: str) -> list[str]:
    r"""Split a fence into commands: here-documents, loops and lines ending in `\` stay whole."""
    found: list[str] = []
    gathered = ""
    here: str | None = None
    depth = 0
    for line in text.splitlines():
        gathered += line + "\n"
        if here is not None:
            here = None if line == here else here
        elif match := re.search(r"<<-?\s*['\"]?(\w+)", line):
            here = match[1]
        depth += len(re.findall(r"^\s*(?:for|while|if|case)\b", line)) if here is None else 0
        depth -= len(re.findall(r"(?:^|;)\s*(?:done|fi|esac)\b", line)) if here is None else 0
        if here is not None or depth > 0 or line.endswith("\\"):
            continue
        if gathered.strip() and not all(
            part.startswith("#") or not part for part in map(str.strip, gathered.splitlines())
        ):
            found.append(gathered.strip("\n"))
        gathered = ""
    if gathered.strip():
        found.append(gathered.strip("\n"))
    return found


def normal(text: str) -> str:
    """Replace what differs from run to run; drop blanks at the ends of lines and of the text."""
    for pattern, name in _VARIABLE:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def matches(expected: str, actual: str) -> bool:
    """Whether an output is what a page says, up to `...` and what differs from run to run."""
    pattern = ""
    for line in normal(expected).splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*?".join(map(re.escape, line.split("..."))) + "\n"
    return re.fullmatch(pattern, normal(actual) + "\n") is not None


class PageError(AssertionError):
    """A command of a page did not do what the page says."""


class Runner:
    """Runs pages.

    Args:
        page: The page's file.
        machine: Makes the machine of a name: `first`, or what `on=` says.
        features: What blocks with `when=` may need.
        replace: Words of the page (a bucket's name, a path) and what they are here.
        show: Called with each shown command and its result; with each saved program; and with
            each output that was compared and found right.
    """

    def __init__(
        self,
        page: Path,
        machine: Callable[[str], Machine],
        *,
        features: frozenset[str] = frozenset(),
        replace: Mapping[str, str] | None = None,
        show: Callable[[Block, str, Result | None], None] = lambda *_: None,
    ) -> None:
        self.page = page
        self.results: list[Result] = []
        self._make = machine
        self._machines: dict[str, Machine] = {}
        self._features = features
        self._replace = replace or {}
        self._show = show

    def machine(self, name: str = "first") -> Machine:
        """Return the machine of that name, made at its first use."""
        if name not in self._machines:
            self._machines[name] = self._make(name)
        return self._machines[name]

    def run(self) -> list[Result]:
        """Run the page from top to bottom.

        Raises:
            PageError: At the first thing that is not as the page says.
        """
        for block in parse(self.page.read_text(encoding="utf-8")):
            options = block.options
            if "skip" in options or not self._wanted(options.get("when", "")):
                continue
            text = block.text
            for word, real in self._replace.items():
                text = text.replace(word, real)
            machine = self.machine(options.get("on", "first"))
            if "output" in options:
                self._compare(block, text)
                self._show(block, text, None)
            elif "file" in options:
                machine.write(options["file"], text)
                self._show(block, text, None)
            elif block.language == "shell":
                self._run(block, commands(text), machine)
            elif block.language == "python":
                machine.write(".program.py", text)
                self._run(block, ["python .program.py"], machine)
        return self.results

    def _wanted(self, when: str) -> bool:
        return all(
            (word.removeprefix("not-") in self._features) != word.startswith("not-")
            for word in when.split(",")
            if word
        )

    def _run(self, block: Block, lines: list[str], machine: Machine) -> None:
        for index, command in enumerate(lines):
            result = machine.run(command, terminal=True)
            expected = int(block.options.get("exit", 0)) if index == len(lines) - 1 else 0
            if not block.hidden:
                self.results.append(result)
                self._show(block, command, result)
            if result.status != expected:
                self._fail(block, f"`{command}` ended with {result.status}:\n{result.out}")

    def _compare(self, block: Block, expected: str) -> None:
        last = self.results[-1]
        if not matches(expected, last.out):
            self._fail(
                block,
                f"`{last.command}` printed\n{normal(last.out)}\n\n"
                f"but the page says\n{normal(expected)}",
            )
        for style in STYLES:
            wanted = block.options.get(style)
            shown = " ".join(getattr(last, style))
            if wanted is not None and shown != wanted:
                self._fail(block, f"`{last.command}` shows {shown!r} in {style}, not {wanted!r}")

    def _fail(self, block: Block, what: str) -> None:
        message = f"{self.page.name}, line {block.line}: {what}"
        raise PageError(message)
