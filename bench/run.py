"""Run the benchmarks, print what they show, and write `docs/benchmarks.md`.

    make bench                     everything, under 25 minutes on two cores
    make bench ONLY=verify         the workloads whose name or group begins so
    make bench QUICK=1             small data, to try the suite; writes no page

The results are kept in bench/results/ as JSON; `--render FILE` writes the page from one of them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TIME = 20 * 60.0
"""Seconds for it all, with installing the others: what is late takes them from the rounds of what
comes after. Everybody has one round, so it can be a little more."""

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the S3 server, which the tests run too

from speed import data, peers, render, runner, stats  # noqa: E402
from speed.measure import remove  # noqa: E402
from speed.work import WORKLOADS  # noqa: E402

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", help="names or groups, with commas between")
    parser.add_argument("--quick", action="store_true", help="small data, few rounds, no page")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "bench" / ".work", help="where to work"
    )
    parser.add_argument(
        "--render", type=Path, nargs="+", help="only write the page, from kept results"
    )
    arguments = parser.parse_args()
    if arguments.render:
        reports = [json.loads(one.read_text(encoding="utf-8")) for one in arguments.render]
        _write_page(_joined(reports))
        return 0
    RESULTS.mkdir(exist_ok=True)
    name = "-".join(["quick" if arguments.quick else "full", *arguments.only.split(",")]).strip("-")
    place = RESULTS / f"{name}.json"
    report = measure(arguments.only, arguments.folder, place, quick=arguments.quick)
    if not report["workloads"]:
        parser.error(f"no workload is called {arguments.only}: {', '.join(WORKLOADS)}")
    show(report)
    print(f"\nkept in {place.relative_to(ROOT)}")
    if not arguments.quick and not arguments.only:
        _write_page(report)
    return 0


def measure(only: str, folder: Path, place: Path, *, quick: bool) -> dict[str, Any]:
    """Run workloads; return all that is kept of the run.

    Args:
        only: Which, with commas between; empty for all.
        folder: Where to work; removed at the end.
        place: Where what was measured is kept, after each workload: a run may be cut short.
        quick: On small data.
    """
    began = time.monotonic()
    wanted = [word for word in only.split(",") if word]
    chosen = [
        one
        for one in WORKLOADS.values()
        if not wanted or any(one.name.startswith(word) or one.group == word for word in wanted)
    ]
    names = sorted({entry.peer for one in chosen for entry in one.entries if entry.peer})
    missing = peers.prepare(names, _tell)
    folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    # The others' shares of the machine before anything of this run was started.
    report = {
        "command": " ".join(
            ["make bench", *([f"ONLY={only}"] if only else []), *(["QUICK=1"] if quick else [])]
        ),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "quick": quick,
        "load": load,
        "busy": load > cores / 2,
        "floor": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "machine": _machine(folder),
        "versions": peers.versions(
            ["radops", *(one for one in names if one not in missing)], folder
        ),
        "workloads": [],
    }
    work = runner.Runner(
        folder, data.QUICK if quick else data.FULL, quick=quick, missing=missing, tell=_tell
    )
    try:
        for number, one in enumerate(chosen):
            left = TIME - (time.monotonic() - began)
            share = min(1.0, max(0.0, left) / sum(other.budget for other in chosen[number:]))
            report["workloads"].append(work.run(one, share * one.budget))
            report["took"] = time.monotonic() - began
            place.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    finally:
        work.close()
        remove(folder)
    return report


def show(report: dict[str, Any]) -> None:
    """Print the medians."""
    for workload in report["workloads"]:
        print(f"\n{workload['title']}{': ' + workload['data'] if workload['data'] else ''}")
        first = workload["results"][0]["seconds"]
        for one in workload["results"]:
            if not one["seconds"]:
                print(f"  {one['name']:22} {one['error']}")
                continue
            low, high = stats.spread(one["seconds"])
            ratio = (
                f"{stats.ratio(one['seconds'], first) * stats.scale(one, workload):7.2f}"
                if first
                else ""
            )
            cold = f"  cold {stats.seconds(stats.median(one['cold']))}" if one["cold"] else ""
            print(
                f"  {one['name']:22} {stats.seconds(stats.median(one['seconds'])):>9}  "
                f"({stats.seconds(low)} to {stats.seconds(high)}) {ratio}  "
                f"{one['rss'] >> 20:5} MiB{cold}"
                f"{', on ' + one['sample'] if one['sample'] else ''}"
            )
            print(f"      {one['line']}")
    print()
    for workload in report["workloads"]:
        print(f"{workload['name']:16} {workload['took']:5.0f} s")
    print(f"{'in all':16} {report['took']:5.0f} s")


def _joined(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of several runs as one; of a workload that two have, the last counts."""
    found: dict[str, Any] = {}
    for report in reports:
        found |= {one["name"]: one for one in report["workloads"]}
    last = dict(max(reports, key=lambda one: one["load"]))
    last["versions"] = {name: v for one in reports for name, v in one["versions"].items()}
    last["workloads"] = [found[name] for name in WORKLOADS if name in found]
    last["took"] = sum(one["took"] for one in reports)
    last["command"] = "; ".join(dict.fromkeys(one["command"] for one in reports))
    return last


def _write_page(report: dict[str, Any]) -> None:
    PAGE.write_text(render.page(report, PAGE.with_suffix("")), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def _machine(folder: Path) -> dict[str, Any]:
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=False
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory": round(memory / (1 << 30)),
        "file_system": "ext4" if kind.startswith("ext2") else kind,
        "system": f"{platform.system()}, Python {platform.python_version()}",
    }


def _tell(text: str) -> None:
    print(f"# {shlex.quote(text) if not text.isprintable() else text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
