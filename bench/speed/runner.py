"""Running the workloads: contestants in turns, each in a fresh folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speed import data, measure, peers, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from speed.work import Entry, Workload

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"

_LIMIT = 60.0
"""Seconds for one line; who needs more is ended, and shown so."""
_SLOW = 10.0
"""Who took longer than this is not asked again, nor measured with a cold cache."""


@dataclass
class Result:
    """What a contestant took in one workload."""

    name: str
    line: str
    before: str
    limit: bool
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rss: int = 0
    cold: list[float] = field(default_factory=list)
    error: str | None = None

    @property
    def done(self) -> bool:
        """Whether there is nothing to be gained by asking again."""
        return self.error is not None or (bool(self.seconds) and self.seconds[0] > _SLOW)


class Runner:
    """Runs workloads below one folder.

    Args:
        folder: Where; several times the size of the data must fit.
        shapes: The files of each name.
        quick: Fewer rounds.
        missing: The peers that cannot be had, each with the reason.
        tell: Told what is going on.
    """

    def __init__(
        self,
        folder: Path,
        shapes: dict[str, data.Shape],
        *,
        quick: bool,
        missing: dict[str, str],
        tell: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._shapes = shapes
        self._quick = quick
        self._missing = missing
        self._tell = tell
        self._stack = ExitStack()
        self._server: Any = None
        self._buckets = 0

    def close(self) -> None:
        """End the server."""
        self._stack.close()

    def run(self, workload: Workload) -> dict[str, Any]:
        """Run one workload; return what is kept of it."""
        began = time.monotonic()
        shape = self._shapes[workload.data] if workload.data else None
        files = data.make(shape, self._folder / "data") if shape else self._folder
        runs = [_Run(self, workload, entry, files) for entry in workload.entries]
        rounds = min(2, workload.rounds) if self._quick else workload.rounds
        cold = workload.cold and measure.can_drop_caches()
        try:
            for one in runs:
                if one.entry.peer in self._missing:
                    one.result.error = self._missing[one.entry.peer]
            for _ in range(rounds):
                for one in runs:
                    one.go(cold=False)
            for _ in range(2 if cold else 0):
                for one in runs:
                    one.go(cold=True)
        finally:
            for one in runs:
                one.remove()
        took = time.monotonic() - began
        self._tell(f"{workload.name}: {took:.0f} s")
        return {
            "name": workload.name,
            "group": workload.group,
            "title": workload.title,
            "note": workload.note,
            "data": shape.label if shape else None,
            "bytes": shape.bytes if shape else 0,
            "files": shape.files if shape else 0,
            "took": took,
            "results": [asdict(one.result) for one in runs],
        }

    def server(self) -> Any:  # noqa: ANN401 - of the tests' helpers, imported when needed
        """Return the S3 server, started when first asked for."""
        if self._server is None:
            from servers.weed import running_weed  # noqa: PLC0415

            place = self._folder / "server"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            self._server = self._stack.enter_context(running_weed(place))
        return self._server

    def bucket(self) -> str:
        """Return the name of a new, empty bucket."""
        self._buckets += 1
        name = f"bench-{self._buckets}"
        self.server().client().create_bucket(Bucket=name)
        return name

    def fresh(self) -> Path:
        """Return a new, empty folder."""
        folder = self._folder / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


class _Run:
    """One contestant of one workload."""

    def __init__(self, runner: Runner, workload: Workload, entry: Entry, files: Path) -> None:
        self.entry = entry
        self._runner = runner
        self._workload = workload
        self._files = files
        self._settings = work.full_before(workload, entry)
        self._folder: Path | None = None
        self._environment: dict[str, str] = {}
        self.result = Result(entry.name, entry.line, entry.before, entry.limit)

    def go(self, *, cold: bool) -> None:
        """Measure once more, unless that makes no sense."""
        result = self.result
        if result.done:
            return
        problem = self._prepare()
        if problem is None:
            measure.settle(self._folder or Path("/"), cold=cold)
            sample = self._line(self.entry.line)
            problem = sample.error
            if problem is None:
                if cold:
                    result.cold.append(sample.seconds)
                elif self._workload.inside:
                    result.seconds += json.loads(sample.output)["seconds"]
                else:
                    result.seconds.append(sample.seconds)
                    result.cpu.append(sample.cpu)
                result.rss = max(result.rss, sample.rss)
        result.error = problem
        if not self.entry.keep:
            self.remove()

    def _prepare(self) -> str | None:
        entry = self.entry
        if self._folder is not None:
            return self._line(entry.reset, 600).error if entry.reset else None
        self._folder = self._runner.fresh().rename(
            self._files.parent.parent / f"w-{os.getpid()}-{time.monotonic_ns()}"
            if self._workload.data
            else self._files / f"w-{os.getpid()}-{time.monotonic_ns()}"
        )
        self._environment = peers.environment(self._folder) | {
            "DATA": str(self._files),
            "W": str(self._folder),
            "PROGRAMS": str(PROGRAMS),
        }
        if self._workload.server:
            server = self._runner.server()
            self._environment |= server.environment
            self._environment |= {"S3": server.endpoint_url, "BUCKET": self._runner.bucket()}
        if not entry.before:
            return None
        error = self._line(entry.before, 300).error
        if error is None and entry.reset:
            error = self._line(entry.reset, 600).error
        return f"preparing it: {error}" if error else None

    def _line(self, line: str, limit: float = _LIMIT) -> measure.Sample:
        assert self._folder is not None
        return measure.run(self._settings + line, self._environment, self._folder, limit)

    def remove(self) -> None:
        """Remove what it left behind."""
        folder, self._folder = self._folder, None
        if folder is not None:
            # git-annex takes write permission from folders, too.
            subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, capture_output=True)
            shutil.rmtree(folder, ignore_errors=True)
