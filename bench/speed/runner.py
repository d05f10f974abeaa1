"""Running the workloads: contestants in turns, each in a fresh folder."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from speed import data, measure, peers, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from speed.workload import Entry, Workload

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"

MANY = 2000
"""Folders of so many files are removed at the very end. Before it makes a new file, ext4 looks
through the numbers of all files that were removed within the last half minute: making many files
would take ten times as long after many were removed."""

_LIMIT = 120.0
"""Seconds for one line, times the patience of the entry; one that needs more is ended, and the table
says so."""
_LIMIT_BEFORE = 240.0
"""The same for what prepares it."""


@dataclass
class Result:
    """What a contestant took in one workload."""

    name: str
    line: str
    before: str
    limit: bool
    files: int
    """How many files it was given: fewer than the others, if it is very slow."""
    sample: str | None
    """What these are, where they are fewer."""
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rss: int = 0
    cold: list[float] = field(default_factory=list)
    latency: float | None = None
    requests: list[int] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)
    """Bytes of answers."""
    facts: dict[str, float] = field(default_factory=dict)
    """What the line says about itself."""
    error: str | None = None


class Runner:
    """Runs workloads below one folder.

    Args:
        folder: Where; several times the size of the data must fit.
        shapes: The files of each name.
        quick: Fewer rounds.
        missing: Peers that could not be installed, each with the reason.
        tell: Called with messages on the progress.
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
        self._proxy: Any = None
        self.kept: dict[str, tuple[Path, dict[str, str]]] = {}
        """What was prepared for lines that change nothing: folder and variables."""
        self._buckets = 0

    def close(self) -> None:
        """End the server."""
        self._stack.close()

    def run(self, workload: Workload, budget: float | None = None) -> dict[str, Any]:
        """Run one workload; return what is kept of it.

        Each contestant has one round. One that takes more than an equal share of the time has no
        other; the rest go on until all rounds are done or the time is over.

        Args:
            workload: Which.
            budget: Seconds that it may take in all, about; its own by default.
        """
        began = time.monotonic()
        budget = workload.budget if budget is None else budget
        shape = self._shapes[workload.data] if workload.data else None
        runs = [
            _Run(self, workload, entry, self._files(workload, entry)) for entry in workload.entries
        ]
        made = time.monotonic() - began  # the data serve several workloads
        share = budget / len(runs)
        try:
            for one in runs:
                if one.entry.peer in self._missing:
                    one.result.error = self._missing[one.entry.peer]
            for number in range(min(2, workload.rounds) if self._quick else workload.rounds):
                for one in self._affordable(runs, share, began + made + budget if number else None):
                    one.go(cold=False)
            for _ in range(2 if workload.cold and measure.can_drop_caches() else 0):
                for one in self._affordable(runs, share, began + made + budget):
                    one.go(cold=True)
        finally:
            if shape is None or shape.files < MANY:
                for folder, _ in self.kept.values():
                    measure.remove(folder)
            self.kept.clear()
        took = time.monotonic() - began
        self._tell(f"{workload.name}: {took:.0f} s")
        return {
            "name": workload.name,
            "group": workload.group,
            "title": workload.title,
            "note": workload.note,
            "compared": workload.compared,
            "data": shape.label if shape else None,
            "bytes": shape.bytes if shape else 0,
            "files": shape.files if shape else 0,
            "took": took,
            "results": [asdict(one.result) for one in runs],
        }

    def _files(self, workload: Workload, entry: Entry) -> _Files:
        name = entry.sample or workload.data
        if name is None:
            return _Files(self._folder, 0, None)
        shape = self._shapes[name]
        label = None if name == workload.data else shape.label
        return _Files(data.make(shape, self._folder / "data"), shape.files, label)

    @staticmethod
    def _affordable(runs: list[_Run], share: float, end: float | None) -> Iterator[_Run]:
        """Yield the contestants that have another round, each when it is its turn."""
        for one in runs:
            if one.result.error is not None:
                continue
            if end is None or (one.cost <= share and time.monotonic() + one.cost <= end):
                yield one

    def server(self) -> Any:  # noqa: ANN401 - of the tests' helpers, imported when needed
        """Return the S3 server, started when first asked for."""
        if self._server is None:
            from servers.weed import running_weed  # noqa: PLC0415

            place = self._folder / "server"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            self._server = self._stack.enter_context(running_weed(place))
        return self._server

    def proxy(self, latency: float) -> Any:  # noqa: ANN401 - as above
        """Return a proxy before the server that delays each answer, and has counted nothing yet."""
        from servers.http_faults import Delay  # noqa: PLC0415
        from servers.proxy import FaultProxy  # noqa: PLC0415

        if self._proxy is None:
            self._proxy = self._stack.enter_context(FaultProxy(self.server()))
        self._proxy.reset()
        self._proxy.inject(Delay(latency), times=None)
        return self._proxy

    def bucket(self) -> str:
        """Return the name of a new, empty bucket."""
        self._buckets += 1
        name = f"bench-{self._buckets}"
        self.server().client().create_bucket(Bucket=name)
        return name

    def fresh(self) -> Path:
        """Return a new, empty folder."""
        folder = self._folder / f"w-{os.getpid()}-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        return folder


class _Files(NamedTuple):
    """What a contestant is given."""

    place: Path
    count: int
    label: str | None
    """What they are, if they are not the files of the workload."""


class _Run:
    """One contestant of one workload."""

    def __init__(self, runner: Runner, workload: Workload, entry: Entry, files: _Files) -> None:
        self.entry = entry
        self._runner = runner
        self._workload = workload
        self._files = files
        self._settings = work.full_before(workload, entry)
        self._folder = files.place
        self._environment: dict[str, str] = {}
        self.cost = 0.0
        """Seconds that its last round took, with all that it needs."""
        self.result = Result(
            entry.name, entry.line, entry.before, entry.limit, files.count, files.label
        )
        self.result.latency = entry.latency

    def go(self, *, cold: bool) -> None:
        """Measure once more."""
        began = time.monotonic()
        result = self.result
        problem = self._prepare()
        if problem is None:
            measure.settle(self._folder, cold=cold)
            sample = self._measured()
            problem = sample.error
            if problem is None:
                self._keep(sample, cold=cold)
        result.error = problem
        if not self.entry.keep and self._files.count < MANY:
            measure.remove(self._folder)
        self.cost = time.monotonic() - began

    def _keep(self, sample: measure.Sample, *, cold: bool) -> None:
        result = self.result
        if cold:
            result.cold.append(sample.seconds)
        elif self._workload.inside:
            found = json.loads(sample.output)
            result.seconds += found["seconds"]
            result.cpu += found.get("cpu", [])
            result.facts |= found.get("facts", {})
        else:
            result.seconds.append(sample.seconds)
            result.cpu.append(sample.cpu)
        result.rss = max(result.rss, sample.rss)

    def _measured(self) -> measure.Sample:
        """Run the line that counts; by the proxy if its answers are to be late."""
        limit = _LIMIT * self.entry.patience
        if self.entry.latency is None:
            return self._line(self.entry.line, limit)
        proxy = self._runner.proxy(self.entry.latency)
        sample = self._line(self.entry.line, limit, more={"S3": proxy.endpoint_url})
        if sample.error is None:
            seen = proxy.matching()
            self.result.requests.append(len(seen))
            self.result.fetched.append(sum(one.sent for one in seen))
        return sample

    def _prepare(self) -> str | None:
        entry = self.entry
        error = None
        # Lines that change nothing and need the same share it.
        key = f"{self._settings}{entry.before} {self._files.place}"
        if entry.keep and key in self._runner.kept:
            self._folder, self._environment = self._runner.kept[key]
        else:
            self._folder = self._runner.fresh()
            self._environment = self._variables()
            if entry.keep:
                self._runner.kept[key] = self._folder, self._environment
            if entry.before:
                error = self._line(entry.before, _LIMIT_BEFORE * entry.patience).error
            if error is not None:
                self._runner.kept.pop(key, None)  # half prepared: the next entry prepares it again
        if error is None and entry.reset:
            error = self._line(entry.reset).error
        return f"preparing it: {error}" if error else None

    def _variables(self) -> dict[str, str]:
        found = peers.environment(self._folder) | {
            "DATA": str(self._files.place),
            "FILES": str(self._files.count),
            "W": str(self._folder),
            "PROGRAMS": str(PROGRAMS),
        }
        if self._workload.server:
            server = self._runner.server()
            # There is no such file in the new home; and DVC takes /dev/null for none of them.
            files = {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}
            found |= {key: value for key, value in server.environment.items() if key not in files}
            found |= {"S3": server.endpoint_url, "BUCKET": self._runner.bucket()}
        return found

    def _line(
        self, line: str, limit: float = _LIMIT, more: dict[str, str] | None = None
    ) -> measure.Sample:
        environment = {**self._environment, **(more or {})}
        return measure.run(self._settings + line, environment, self._folder, limit)
