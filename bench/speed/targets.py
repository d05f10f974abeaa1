"""The table of targets: what was reached, in one run, beside which peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from speed import stats
from speed.work import TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speed.workload import Target

_HEAD = (
    "## Targets",
    "",
    "| work | beside | radops to theirs | the same, processor | to reach | |",
    "| --- | --- | ---: | ---: | ---: | --- |",
)


class Judged(NamedTuple):
    """What was measured for a target."""

    peer: str
    """The peer that counts; empty for a figure of radops alone."""
    figure: float
    """What is to be at most `Target.reach`."""
    cpu: float | None = None
    """The ratio of the times of all processors, where `figure` is one of the clock."""


def table(report: dict[str, Any], earlier: Mapping[str, str] | None = None) -> list[str]:
    """Return the lines of the table.

    Args:
        report: What was measured.
        earlier: Rows by the name of their work, for what this report does not have.
    """
    lines = list(_HEAD)
    for target in TARGETS:
        found = judge(report, target)
        if found is None and earlier and target.text in earlier:
            lines.append(earlier[target.text])
        else:
            lines.append(_row(target, found, quick=report["quick"]))
    return [*lines, ""]


def judge(report: dict[str, Any], target: Target) -> Judged | None:
    """Return what was measured for a target; None if nothing was."""
    if target.kind == "memory":
        return _memory(report, target)
    found = _results(report, target.workload)
    ours = found.get(target.ours)
    if ours is None:
        return None
    if target.kind == "request":
        return _request(report, target, ours)
    if target.kind in ("seconds", "fact", "requests"):
        figure = _own(target, ours, found.get(target.theirs))
        return None if figure is None else Judged("", figure)
    theirs = [found[name] for name in target.theirs.split("|") if name in found]
    return _ratio(report, target, ours, theirs) if theirs else None


def _own(target: Target, ours: dict[str, Any], less: dict[str, Any] | None) -> float | None:
    """Return a figure of radops alone; of requests those that another line of radops also made are off."""
    if target.kind == "seconds":
        return stats.median(ours["seconds"])
    if target.kind == "fact":
        fact: float | None = ours.get("facts", {}).get(target.fact)
        return fact
    counts = [stats.median(one["requests"]) for one in (ours, less) if one and one["requests"]]
    return counts[0] - sum(counts[1:]) if counts else None


def _ratio(
    report: dict[str, Any], target: Target, ours: dict[str, Any], theirs: list[dict[str, Any]]
) -> Judged | None:
    best = min(theirs, key=lambda one: stats.median(one["seconds"]) / max(1, one["files"]))
    # A program that is too slow for all files was given fewer: times of one file are compared.
    scale = best["files"] / ours["files"] if best["files"] and ours["files"] else 1.0
    both = bool(ours["cpu"] and best["cpu"])
    cpu = scale * stats.ratio(ours["cpu"], best["cpu"]) / target.requests if both else None
    if target.kind == "bytes":
        fetched = [stats.median(one["fetched"]) for one in (ours, best) if one.get("fetched")]
        return Judged(best["name"], fetched[0] / fetched[1]) if len(fetched) == 2 else None
    if target.kind == "cpu":
        return None if cpu is None else Judged(best["name"], cpu, cpu)
    less = (0.0, 0.0)
    if target.beyond_start:
        starts = _results(report, "start")
        if "radops" not in starts or best["name"] not in starts:
            return None
        less = tuple(stats.median(starts[name]["seconds"]) for name in ("radops", best["name"]))
    figure = scale * stats.ratio(ours["seconds"], best["seconds"], less) / target.requests
    return Judged(best["name"], figure, cpu)


def _request(report: dict[str, Any], target: Target, ours: dict[str, Any]) -> Judged | None:
    start = _results(report, "look").get("radops ls, offline")
    if start is None:
        return None
    seconds = stats.median(ours["cpu"]) - stats.median(start["cpu"])
    return Judged("", seconds / (ours["files"] * target.requests) * 1e6)


def _memory(report: dict[str, Any], target: Target) -> Judged | None:
    wanted = target.workload.split(",")
    peaks = [
        result["rss"]
        for one in report["workloads"]
        if one["name"] in wanted
        for result in one["results"]
        if result["seconds"] and not result["limit"] and is_ours(result["name"])
    ]
    return Judged("", max(peaks) / (1 << 20)) if peaks else None


def is_ours(name: str) -> bool:
    """Return whether a contestant is radops as it is now."""
    return name.startswith("radops") and not name.startswith("radops 0.12")


def _results(report: dict[str, Any], workload: str) -> dict[str, dict[str, Any]]:
    for one in report["workloads"]:
        if one["name"] == workload:
            return {result["name"]: result for result in one["results"] if result["seconds"]}
    return {}


def _row(target: Target, found: Judged | None, *, quick: bool) -> str:
    if found is None:
        beside = target.theirs.replace("|", " or ")
        return f"| {target.text} | {beside} | not measured | | {_shown(target, target.reach)} | |"
    good = found.figure >= target.reach if target.least else found.figure <= target.reach
    verdict = "reached" if good else "**not reached**"
    if quick:  # the target is for the full size: at this one the start counts most
        verdict = "no verdict: small data"
    cells = [
        target.text,
        found.peer,
        "" if target.kind == "cpu" else _shown(target, found.figure),
        "" if found.cpu is None else f"{found.cpu:.2f}",
        _shown(target, target.reach),
        verdict,
    ]
    return f"| {' | '.join(cells)} |"


def _shown(target: Target, figure: float) -> str:
    if target.kind == "request":
        return f"{figure:.0f} us"
    if target.kind == "memory":
        return f"{figure:.0f} MiB"
    if target.kind == "requests":
        return f"{figure:.0f}"
    if target.kind == "seconds":
        return stats.seconds(figure)
    return f"{figure:.2f}"
