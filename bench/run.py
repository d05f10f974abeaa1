"""Run the benchmarks, print what they show, and write `docs/benchmarks.md`.

    make bench                     everything but `scale`, about half an hour on two cores
    make bench ONLY=s3             the workloads of that group, or whose name begins so
    make bench ONLY=s3 RESUME=1    go on with such a run that was interrupted
    make bench QUICK=1             small data, to try the suite; writes no page

The results are kept in bench/results/ as JSON, after each workload. A run of everything writes the
page; a run of whole groups replaces them on the page; `--render FILE` does the same from results.
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

TIME = 25 * 60.0
"""Seconds for all workloads, with installing the peers, and `PART` for some of them. A workload that
takes longer leaves fewer rounds to those after it. Each contestant has one round, so it can be a
little more."""
PART = 13 * 60.0

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the S3 server, which the tests run too

from speed import data, peers, render, runner, stats, targets  # noqa: E402
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
        "--resume", action="store_true", help="keep the workloads that an interrupted run measured"
    )
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
    if arguments.resume and arguments.quick:
        parser.error("a quick run is not resumed: run it again")
    RESULTS.mkdir(exist_ok=True)
    name = "-".join(["quick" if arguments.quick else "full", *arguments.only.split(",")]).strip("-")
    place = RESULTS / f"{name}.json"
    done = _measured(place) if arguments.resume else []
    report = measure(arguments.only, arguments.folder, place, done, quick=arguments.quick)
    if not report["workloads"]:
        parser.error(f"no workload is called {arguments.only}: {', '.join(WORKLOADS)}")
    show(report)
    table = targets.table(report)
    print("", *(line for line in table if "| not measured |" not in line), sep="\n")
    print(f"\nkept in {place.relative_to(ROOT)}")
    if not arguments.quick:
        _write_page(report)
    return 0


def _measured(place: Path) -> list[dict[str, Any]]:
    """Return the workloads of an interrupted run of the same command."""
    try:
        return list(json.loads(place.read_text(encoding="utf-8"))["workloads"])
    except FileNotFoundError:
        return []


def measure(
    only: str, folder: Path, place: Path, done: list[dict[str, Any]], *, quick: bool
) -> dict[str, Any]:
    """Run workloads; return all that is kept of the run.

    Args:
        only: Which, with commas between; empty for all.
        folder: Where to work; removed at the end.
        place: Where the results are written, after each workload: a run may be interrupted.
        done: Workloads that are not measured again.
        quick: On small data.
    """
    began = time.monotonic()
    wanted = [word for word in only.split(",") if word]
    chosen = [
        one
        for one in WORKLOADS.values()
        if (not wanted and not one.alone)
        or any(one.name.startswith(word) or one.group == word for word in wanted)
    ]
    known = {one["name"]: one for one in done}
    peers_of = [{*one.needs, *(entry.peer for entry in one.entries)} for one in chosen]
    names = sorted(name for name in set().union(*peers_of) if name)
    missing = peers.prepare(names, _tell)
    folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    # The load is that of other programs, from before anything of this run was started.
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
        limit = PART if only else TIME
        report["took"] = sum(one["took"] for one in done)
        for number, one in enumerate(chosen):
            if one.name in known:
                report["workloads"].append(known[one.name])
                continue
            left = limit - (time.monotonic() - began)
            share = min(1.0, max(0.0, left) / sum(other.budget for other in chosen[number:]))
            report["workloads"].append(work.run(one, share * one.budget))
            report["took"] += report["workloads"][-1]["took"]
            place.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    finally:
        work.close()
        remove(folder)
    return report


def show(report: dict[str, Any]) -> None:
    """Print the medians."""
    for workload in report["workloads"]:
        print(f"\n{workload['title']}{': ' + workload['data'] if workload['data'] else ''}")
        for one in workload["results"]:
            first = render.first_like(one, workload)["seconds"]
            if not one["seconds"]:
                print(f"  {one['name']:22} {one['error']}")
                continue
            low, high = stats.spread(one["seconds"])
            ratio = (
                f"{stats.ratio(one['seconds'], first) * stats.scale(one, workload):7.2f}"
                if first and workload.get("compared", True)
                else ""
            )
            cold = f"  cold {stats.seconds(stats.median(one['cold']))}" if one["cold"] else ""
            print(
                f"  {one['name']:22} {stats.seconds(stats.median(one['seconds'])):>9}  "
                f"({stats.seconds(low)} to {stats.seconds(high)}) {ratio}  "
                f"{one['rss'] >> 20:5} MiB{cold}"
                f"{', on ' + one['sample'] if one['sample'] else ''}"
            )
            more = [f"{stats.median(one['cpu']):.2f} s of processor"] if one["cpu"] else []
            if one.get("requests"):
                more.append(f"{stats.median(one['requests']):,.0f} requests")
                more.append(f"{stats.median(one['fetched']) / 1e6:,.1f} MB")
            more += [f"{name} {value:.2f}" for name, value in one.get("facts", {}).items()]
            if more:
                print(f"      {', '.join(more)}")
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
    earlier = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    everything = {name for name, one in WORKLOADS.items() if not one.alone}
    plots = PAGE.with_suffix("")
    if everything <= {one["name"] for one in report["workloads"]}:
        text = render.page(report, plots, earlier)
    else:
        text = render.updated(earlier, report, plots)
    PAGE.write_text(text, encoding="utf-8")
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
