"""The page with the results: tables, plots, and every command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from speed import plot, stats
from speed.work import TARGETS

if TYPE_CHECKING:
    from pathlib import Path

    from speed.work import Target

_GROUPS = {
    "start": "Start",
    "verify": "Verify",
    "add": "Add",
    "list": "List and look up",
    "call": "Cached calls",
    "transfer": "Upload and download",
}


def page(report: dict[str, Any], folder: Path) -> str:
    """Write the plots and return the page.

    Args:
        report: What `run.py` keeps of a run.
        folder: Where plots go; the page is to stand beside that folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [*_head(report), *_targets(report)]
    for group, title in _GROUPS.items():
        found = [one for one in report["workloads"] if one["group"] == group]
        if found:
            lines += [f"## {title}", ""]
        for workload in found:
            lines += _workload(workload, folder)
    return "\n".join(lines).rstrip() + "\n"


def _head(report: dict[str, Any]) -> list[str]:
    machine = report["machine"]
    lines = [
        "# Benchmarks",
        "",
        "radops beside the plain tools that show what a machine can do at most, and beside other data tools, "
        "transfer tools and caches. What the figures rest on, and where the time goes, is in "
        "[Performance](performance.md).",
        "",
        f"This page was written by `{report['command']}`, which does all of it again, installs the others on demand "
        f"and took {report['took'] / 60:.0f} minutes.",
        "",
        f"- **Machine:** {machine['cores']} cores, {machine['memory']} GiB of memory, {machine['system']}, "
        f"{machine['file_system']}.",
        f"- **Versions:** {', '.join(f'{k} ({v})' for k, v in report['versions'].items())}.",
        "- **How:** in turns, one round after the other (A B C, A B C), each in a fresh folder, after waiting for what "
        "was written before to be on disk. A ratio is the median over the rounds of two times measured right after "
        "each other. Page cache warm unless a column says cold. Who takes more than an equal share of a workload's "
        "time has one round only. Who would take minutes is given fewer files, which the table says; the ratio is "
        "then per file.",
        "- **Memory:** the peak of a command's largest process. The kernel counts what it was forked from, so nothing "
        f"below {report['floor'] >> 20} MiB can be told.",
        "- **Durability:** the figures of radops are with all its flushes: bytes are on disk before the name that "
        "commits them. Nothing was switched off.",
    ]
    if report["quick"]:
        lines.append(
            "- **Quick:** a short run on small data, to try the suite: these are no results to quote."
        )
    if report["busy"]:
        lines += [
            "",
            '!!! warning "The machine was busy with other work during this run"',
            "",
            f"    Its load was {report['load']:.1f} on {machine['cores']} cores. Only ratios mean anything, as both sides were hit alike; "
            "the times, above all those of writing to disk, are several times what they are on a quiet machine. "
            "A run on a quiet machine has to replace this page.",
        ]
    return [*lines, ""]


def _results(report: dict[str, Any], workload: str) -> dict[str, dict[str, Any]]:
    for one in report["workloads"]:
        if one["name"] == workload:
            return {result["name"]: result for result in one["results"] if result["seconds"]}
    return {}


def judge(report: dict[str, Any], target: Target) -> tuple[str, float] | None:
    """Return the peer that counts and the ratio to it; None if that was not measured."""
    found = _results(report, target.workload)
    ours = found.get(target.ours)
    theirs = [found[name] for name in target.theirs.split("|") if name in found]
    if ours is None or not theirs:
        return None
    best = min(theirs, key=lambda one: stats.median(one["seconds"]))
    less = (0.0, 0.0)
    if target.beyond_start:
        starts = _results(report, "start")
        if "radops" not in starts or best["name"] not in starts:
            return None
        less = tuple(stats.median(starts[name]["seconds"]) for name in ("radops", best["name"]))
    return best["name"], stats.ratio(ours["seconds"], best["seconds"], less)


def _targets(report: dict[str, Any]) -> list[str]:
    lines = [
        "## Targets",
        "",
        "| work | beside | time of radops to theirs | to reach | |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for target in TARGETS:
        judged = judge(report, target)
        if judged is None:
            lines.append(
                f"| {target.text} | {target.theirs.replace('|', ' or ')} | not measured | {target.reach:.2f} | |"
            )
            continue
        name, ratio = judged
        verdict = "reached" if ratio <= target.reach else "**not reached**"
        if report["quick"]:  # the target is for the full size: at this one the start counts most
            verdict = "no verdict: small data"
        lines.append(f"| {target.text} | {name} | {ratio:.2f} | {target.reach:.2f} | {verdict} |")
    return [*lines, ""]


def _workload(workload: dict[str, Any], folder: Path) -> list[str]:
    title = f"{workload['title']} ({workload['data']})" if workload["data"] else workload["title"]
    lines = [f"### {workload['title']}", ""]
    if workload["data"]:
        lines += [f"On {workload['data']}. {workload['note']}".rstrip(), ""]
    elif workload["note"]:
        lines += [workload["note"], ""]
    good = [one for one in workload["results"] if one["seconds"] and not one["sample"]]
    if good:
        picture = folder / f"{workload['name']}.svg"
        picture.write_text(plot.dots(title, [_bar(one) for one in good]), encoding="utf-8")
        lines += [f"![{title}]({folder.name}/{picture.name})", ""]
    cold = any(one["cold"] for one in workload["results"])
    lines += [
        f"| | median | quartiles | to radops | processor |{' cold |' if cold else ''} memory | rounds |",
        f"| --- | ---: | ---: | ---: | ---: |{' ---: |' if cold else ''} ---: | ---: |",
        *(_row(one, workload, cold=cold) for one in workload["results"]),
        "",
        "```text",
    ]
    for one in workload["results"]:
        if one["before"]:
            lines.append(f"# {one['name']}, before: {one['before']}")
        lines.append(f"{one['line']}")
    return [*lines, "```", ""]


def _bar(result: dict[str, Any]) -> plot.Bar:
    low, high = stats.spread(result["seconds"])
    kind = "limit" if result["limit"] else "peer"
    if result["name"].startswith("radops") and not result["name"].startswith("radops 0.12"):
        kind = "ours"
    return plot.Bar(result["name"], stats.median(result["seconds"]), low, high, kind)


def _row(result: dict[str, Any], workload: dict[str, Any], *, cold: bool) -> str:
    name = f"*{result['name']}*" if result["limit"] else result["name"]
    if result["sample"]:
        name += f", on {result['sample']}"
    if not result["seconds"]:
        reason = (result["error"] or "not measured").replace("|", "/")
        return f"| {name} | {reason} | | | |{' |' if cold else ''} | |"
    low, high = stats.spread(result["seconds"])
    ours = workload["results"][0]
    ratio = ""
    if ours["seconds"]:
        ratio = (
            f"{stats.ratio(result['seconds'], ours['seconds']) * stats.scale(result, workload):.2f}"
        )
    cells = [
        name,
        stats.seconds(stats.median(result["seconds"])),
        f"{stats.seconds(low)} to {stats.seconds(high)}",
        ratio,
        stats.seconds(stats.median(result["cpu"])) if result["cpu"] else "",
    ]
    if cold:
        cells.append(stats.seconds(stats.median(result["cold"])) if result["cold"] else "")
    cells += [f"{result['rss'] >> 20} MiB", str(len(result["seconds"]))]
    return f"| {' | '.join(cells)} |"
