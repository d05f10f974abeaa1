"""The page with the results: tables, plots, and every command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from speed import plot, stats, targets
from speed.work import WORKLOADS

if TYPE_CHECKING:
    from pathlib import Path

_GROUPS = {
    "start": "Start",
    "verify": "Verify",
    "add": "Add",
    "directories": "Directories",
    "scale": "Very large directories",
    "list": "List and look up",
    "call": "Cached calls",
    "s3": "Lakes in a bucket",
    "ui": "In the browser",
    "integrations": "Libraries on a lake",
    "streaming": "Training from a bucket",
}


def page(report: dict[str, Any], folder: Path, earlier: str = "") -> str:
    """Write the plots and return the page.

    Args:
        report: What `run.py` keeps of a run.
        folder: Where plots go: beside the page.
        earlier: The page as it was: groups that the report does not have are taken from it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _, sections = _sections(earlier)
    lines = [*_head(report), *targets.table(report, _rows(sections))]
    for group, title in _GROUPS.items():
        found = _group(report, group, folder)
        lines += found or sections.get(title, "").splitlines()
    return "\n".join(lines).rstrip() + "\n"


def updated(text: str, report: dict[str, Any], folder: Path) -> str:
    """Return a page in which the groups that a report has whole are replaced.

    Each says when and where it was measured, as the head of the page is about another run.

    Args:
        text: The page as it is.
        report: What `run.py` keeps of a run of some groups.
        folder: Where plots go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    head, sections = _sections(text)
    whole = [
        group
        for group in _GROUPS
        if {one.name for one in WORKLOADS.values() if one.group == group}
        <= {one["name"] for one in report["workloads"]}
    ]
    part = {**report, "workloads": [o for o in report["workloads"] if o["group"] in whole]}
    sections["Targets"] = "\n".join(targets.table(part, _rows(sections))) + "\n"
    for group in whole:
        title, *body = _group(report, group, folder)
        sections[_GROUPS[group]] = "\n".join([title, "", *_stamp(report), *body]) + "\n"
    order = ["Targets", *_GROUPS.values()]
    return head + "".join(sections[title] for title in order if title in sections).rstrip() + "\n"


def _sections(text: str) -> tuple[str, dict[str, str]]:
    """Return what is before the first heading of a page, and its sections by heading."""
    head, *rest = re.split(r"(?m)^(?=## )", text)
    return head, {part.partition("\n")[0].removeprefix("## "): part for part in rest}


def _rows(sections: dict[str, str]) -> dict[str, str]:
    """Return the rows of the table of targets, by their first cells."""
    return {
        found[1]: found[0]
        for found in re.finditer(r"(?m)^\| ([^|\n]+?) \|.*$", sections.get("Targets", ""))
    }


def _group(report: dict[str, Any], group: str, folder: Path) -> list[str]:
    found = [one for one in report["workloads"] if one["group"] == group]
    lines = [f"## {_GROUPS[group]}", ""] if found else []
    for workload in found:
        lines += _workload(workload, folder)
    return lines


def _stamp(report: dict[str, Any]) -> list[str]:
    return [
        f"Measured on {report['date']} by `{report['command']}`, which took {report['took'] / 60:.0f} minutes.",
        "",
        *_where(report),
        *_warning(report),
    ]


def _where(report: dict[str, Any]) -> list[str]:
    machine = report["machine"]
    return [
        f"- **Machine:** {machine['cores']} cores, {machine['memory']} GiB of memory, {machine['system']}, "
        f"{machine['file_system']}.",
        f"- **Versions:** {', '.join(f'{k} ({v})' for k, v in report['versions'].items())}.",
    ]


def _warning(report: dict[str, Any]) -> list[str]:
    if not report["busy"]:
        return []
    return [
        "",
        '!!! warning "The machine was busy with other work during this run"',
        "",
        f"    Its load was {report['load']:.1f} on {report['machine']['cores']} cores. Ratios of the processor's time "
        "mean most, then ratios of the time by the clock, as both sides were hit alike; the times themselves, above "
        "all those of writing to disk, are several times what they are on a quiet machine. A run on a quiet machine "
        "has to replace these figures.",
    ]


def _head(report: dict[str, Any]) -> list[str]:
    lines = [
        "# Benchmarks",
        "",
        "radops beside the plain tools that show what a machine can do at most, and beside other data tools, "
        "transfer tools and caches. What the figures rest on, and where the time goes, is in "
        "[Performance](performance.md).",
        "",
        f"This page was written on {report['date']} by `{report['command']}`, which does all of it again, installs the "
        f"other tools on demand and took {report['took'] / 60:.0f} minutes.",
        "",
        *_where(report),
        "- **How:** the contestants take turns, one round after the other (A B C, A B C), each in a fresh folder, "
        "after waiting for what was written before to be on disk. A ratio is the median over the rounds of two times "
        "measured right after each other. Page cache warm unless a column says cold. A contestant that takes more "
        "than an equal share of a workload's time has one round only. One that would take minutes is given fewer "
        "files, which the table says; the ratio is then per file.",
        "- **Memory:** the peak of a command's largest process. The kernel counts what it was forked from, so nothing "
        f"below {report['floor'] >> 20} MiB can be told.",
        "- **Durability:** the figures of radops are with all its flushes: bytes are on disk before the name that "
        "commits them. Nothing was switched off.",
    ]
    if report["quick"]:
        lines.append(
            "- **Quick:** a short run on small data, to try the suite: these are no results to quote."
        )
    return [*lines, *_warning(report), ""]


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
    counted = any(one.get("requests") for one in workload["results"])
    names = ["median", "quartiles", "to radops", "processor", *(["cold"] if cold else []), "memory"]
    names += [*(["requests", "fetched"] if counted else []), *_facts(workload), "rounds"]
    lines += [
        f"| | {' | '.join(names)} |",
        f"| --- |{' ---: |' * len(names)}",
        *(_row(one, workload, cold=cold, counted=counted) for one in workload["results"]),
        "",
        "```text",
    ]
    for one in workload["results"]:
        if one["before"]:
            lines.append(f"# {one['name']}, before: {one['before']}")
        lines.append(f"{one['line']}")
    return [*lines, "```", ""]


def _facts(workload: dict[str, Any]) -> list[str]:
    """Return the names of what lines of a workload say about themselves."""
    return list(dict.fromkeys(name for one in workload["results"] for name in one.get("facts", {})))


def first_like(result: dict[str, Any], workload: dict[str, Any]) -> dict[str, Any]:
    """Return the first contestant with the same server: what the others are compared with."""
    same = (one for one in workload["results"] if one.get("latency") == result.get("latency"))
    return next(same)


def _bar(result: dict[str, Any]) -> plot.Bar:
    low, high = stats.spread(result["seconds"])
    kind = "limit" if result["limit"] else "peer"
    if targets.is_ours(result["name"]) and not result["limit"]:
        kind = "ours"
    return plot.Bar(result["name"], stats.median(result["seconds"]), low, high, kind)


def _row(result: dict[str, Any], workload: dict[str, Any], *, cold: bool, counted: bool) -> str:
    name = f"*{result['name']}*" if result["limit"] else result["name"]
    if result["sample"]:
        name += f", on {result['sample']}"
    if not result["seconds"]:
        reason = (result["error"] or "not measured").replace("|", "/")
        empty = 5 + cold + 2 * counted + len(_facts(workload))
        return f"| {name} | {reason} |{' |' * empty}"
    low, high = stats.spread(result["seconds"])
    ours = first_like(result, workload)
    ratio = ""
    if ours["seconds"] and workload.get("compared", True):
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
    cells.append(f"{result['rss'] >> 20} MiB")
    if counted:
        requests, fetched = result.get("requests"), result.get("fetched")
        cells.append(f"{stats.median(requests):,.0f}" if requests else "")
        cells.append(f"{stats.median(fetched) / 1e6:,.1f} MB" if fetched else "")
    facts = result.get("facts", {})
    cells += [f"{facts[name]:.2f}" if name in facts else "" for name in _facts(workload)]
    cells.append(str(len(result["seconds"])))
    return f"| {' | '.join(cells)} |"
