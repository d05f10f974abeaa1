"""Where the walkthrough is made: machines, the project in git, and the remotes they share."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pages import commands, parse
from shell import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE = Path(__file__).parent.parent.parent / "docs" / "walkthrough.md"
GITHUB = "https://github.com/striveworks/radops"


@dataclass(frozen=True)
class Place:
    """A remote, or none."""

    name: str
    remote: str | None = None
    flags: tuple[str, ...] = ()
    """Further flags for `radops config setup`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What the machines' environments hold: credentials."""
    gets: Callable[[], list[str]] | None = None
    """All paths that were fetched from the server so far; None where they are not counted."""

    def configure(self, machine: Machine) -> None:
        """Name the remote on a machine, as a person does."""
        machine.env |= self.env
        if self.remote:
            flags = shlex.join(["--remote", self.remote, *self.flags])
            machine.run(f"radops config setup {flags} --yes").check()

    @contextmanager
    def counting(self, machine: Machine) -> Iterator[Callable[[str], int]]:
        """Count, within the block, how often the machine fetched the object of a digest.

        From a server, its GET requests are counted; a folder leaves only the object as a trace.
        """
        before = len(self.gets()) if self.gets else 0

        def fetched(digest: str) -> int:
            key = f"objects/{digest[:2]}/{digest[2:]}"
            there = (Path(machine.env["RADOPS_HOME"]) / "storage" / key).exists()
            if self.gets is None:
                return int(there)
            times = sum(key in path for path in self.gets()[before:])
            assert (times > 0) is there
            return times

        yield fetched


@dataclass
class World:
    """All machines of one test."""

    root: Path
    alone: Place = field(default_factory=lambda: Place("alone"))

    def machine(self, name: str, place: Place) -> Machine:
        """Return a new machine, configured for the place."""
        machine = Machine(self.root / name, {"RADOPS_HOME": str(self.root / name / "radops-home")})
        machine.run(
            "git config --global user.name 'A user' && "
            "git config --global user.email user@striveworks.com && "
            "git config --global init.defaultBranch main && "
            f"git config --global url.file://{self.root}/project.git.insteadOf {GITHUB}"
        ).check()
        place.configure(machine)
        return machine

    def project(self, machine: Machine) -> str:
        """Put `pipeline.py` into a git repository, pushed, or clone it; return the commit."""
        if (self.root / "project.git").exists():
            machine.run(f"git clone --quiet {GITHUB} project && cd project").check()
        else:
            machine.run(f"git init --quiet --bare {self.root}/project.git").check()
            machine.write("project/pipeline.py", self.program("pipeline"))
            machine.run(
                "cd project && git init --quiet && "
                f"git remote add origin {GITHUB} && git add pipeline.py && "
                "git commit --quiet --message 'A first pipeline' && git push --quiet origin main"
            ).check()
        return machine.run("git rev-parse HEAD").check().out.strip()

    @staticmethod
    def shown(command: str) -> str:
        """Return the command, which must be one that the documentation shows."""
        blocks = [block for block in parse(PAGE.read_text()) if block.language == "shell"]
        assert any(command in commands(block.text) for block in blocks if not block.hidden), command
        return command

    @staticmethod
    def program(name: str) -> str:
        """Return a program of the documentation: `reading`, `pipeline` or `implicit`."""
        programs = {}
        for block in parse(PAGE.read_text()):
            if block.language == "python":
                saved = Path(block.options.get("file", "reading.py")).stem
                programs.setdefault(saved, block.text)
        return programs[name]
