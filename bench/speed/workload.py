"""What a workload is: the command lines of radops and of its peers, and the ratios to reach."""

from __future__ import annotations

from dataclasses import dataclass

RADOPS = "export RADOPS_HOME=$W/home; "
"""What each line of radops begins with."""


@dataclass(frozen=True)
class Entry:
    """One contestant of a workload."""

    name: str
    """Its name in the table."""
    line: str
    """The command line that is measured."""
    before: str = ""
    """The command line that prepares it."""
    peer: str | None = None
    """The program that must be installed; None for radops itself."""
    keep: bool = False
    """Whether the line changes nothing, so that one preparation serves all rounds."""
    reset: str = ""
    """What undoes the line before it is measured again; with `keep`."""
    limit: bool = False
    """Whether it is not a tool of the same kind, but shows the most that the machine can do."""
    sample: str | None = None
    """The shape of the smaller set of files that it gets, as it is too slow for all of them."""
    patience: float = 1.0
    """By how much more time than other lines it and its preparation may take."""
    latency: float | None = None
    """Seconds that each answer of the server is late, by a proxy that also counts requests and
    bytes; None: without the proxy."""


@dataclass(frozen=True)
class Workload:
    """One task, done by radops and by others."""

    name: str
    group: str
    title: str
    data: str | None
    """The shape of its files."""
    entries: tuple[Entry, ...]
    budget: float
    """Seconds that all of it may take, preparations included, on two quiet cores."""
    rounds: int = 5
    cold: bool = False
    """Whether it is also measured with an empty page cache."""
    server: bool = False
    """Whether it needs the S3 server."""
    inside: bool = False
    """Whether the lines measure themselves, within the process, and print a map as JSON: `seconds`
    and, where they know, `cpu`, both a list, and `facts`, numbers by name."""
    needs: tuple[str, ...] = ()
    """Peers that only prepare something."""
    compared: bool = True
    """Whether the contestants do the same, so that ratios of their times say something."""
    note: str = ""
    alone: bool = False
    """Whether it takes so long that it is run only where its name or its group is asked for."""


@dataclass(frozen=True)
class Target:
    """A figure to reach: a ratio of radops to a peer, or of radops alone."""

    text: str
    workload: str
    """Where it is measured; several with commas between for `memory`."""
    ours: str
    theirs: str
    """The peers, with `|` between: the fastest counts. Empty for a figure of radops alone."""
    reach: float
    beyond_start: bool = False
    """Whether both are taken without the start of the process."""
    requests: int = 1
    """Requests that radops makes for each file, where a peer makes one: the ratio is of one."""
    least: bool = False
    """Whether `reach` is the least that is good, not the most."""
    fact: str = ""
    """The name of what the line says about itself; with the kind `fact`."""
    kind: str = "time"
    """`time`, `cpu`, `bytes` (fetched): a ratio. `seconds`, `fact`: of radops alone. `request`:
    processor time of one request, in microseconds, without the start of the process. `requests`: how
    many, beyond those of `theirs` if there is one. `memory`: the peak in MiB."""
