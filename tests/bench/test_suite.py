"""The benchmark suite on tiny data: what it makes, counts and writes."""

from __future__ import annotations

import json
import re
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from speed import data, measure, plot, render, runner, stats, targets, work
from speed.workload import Entry, Target, Workload

TINY = {name: data.Shape(name, 2 if name == "few" else 4, 3000, 2) for name in data.FULL}


def test_ratios_are_of_rounds_not_of_medians() -> None:
    # The second round met a busy machine, which hit both.
    assert stats.ratio([1.0, 10.0, 1.2], [2.0, 20.0, 2.4]) == pytest.approx(0.5)
    assert stats.ratio([1.1], [1.05], (0.1, 0.05)) == pytest.approx(1.0)
    assert stats.spread([1, 2, 3, 4, 5]) == (2, 4)
    assert stats.spread([3, 1]) == (1, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.5, "2.50 s"), (123.4, "123 s"), (0.0123, "12.3 ms"), (0.00012, "120 us"), (0, "0.00 us")],
)
def test_times_have_three_figures(value: float, text: str) -> None:
    assert stats.seconds(value) == text


def test_a_line_is_measured(tmp_path: Path) -> None:
    sample = measure.run('echo "$X"; sleep 0.05', {"X": "y", "PATH": "/usr/bin:/bin"}, tmp_path, 30)
    assert sample.error is None
    assert sample.output == "y\n"
    assert 0.05 <= sample.seconds < 10
    assert sample.rss > 0


def test_a_line_that_fails_or_hangs_is_told(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin"}
    failed = measure.run("echo why >&2; exit 3", environment, tmp_path, 30)
    assert failed.error == "exit 3: why"
    hung = measure.run("sleep 60; true", environment, tmp_path, 0.2)
    assert hung.error == "more than 0 s"
    assert hung.seconds < 30


def test_contestants_take_turns_and_the_page_shows_all(tmp_path: Path) -> None:
    log = tmp_path / "log"
    workload = Workload(
        "add-big",
        "add",
        "Adding",
        "small",
        (
            Entry("radops", f"echo radops >>{log}; cat $DATA/*/* >$W/out"),
            Entry("cp", f"echo cp >>{log}", peer="cp", limit=True),
            Entry("kept", 'test ! -e "$W/x" && touch $W/x', "true", "cp", True, "rm -f $W/x"),
            Entry("broken", "exit 9", peer="cp"),
            Entry("absent", "true", peer="dvc"),
            Entry("slow", "ls -R $DATA | grep -c bin", peer="cp", sample="few"),
        ),
        budget=60,
        rounds=3,
    )
    suite = runner.Runner(
        tmp_path / "w", TINY, quick=False, missing={"dvc": "cannot be had"}, tell=str
    )
    found = suite.run(workload)
    assert log.read_text().split() == ["radops", "cp"] * 3
    assert list((tmp_path / "w").iterdir()) == [tmp_path / "w" / "data"]
    found_errors = [one["error"] for one in found["results"]]
    assert found_errors == [None, None, None, "exit 9", "cannot be had", None]
    assert [len(one["seconds"]) for one in found["results"]] == [3, 3, 3, 0, 0, 3]
    report = {
        "command": "make bench",
        "date": "2026-01-02",
        "quick": True,
        "busy": True,
        "load": 9.0,
        "floor": 1 << 20,
        "took": 60.0,
        "machine": {"cores": 2, "memory": 4, "system": "Linux", "file_system": "ext4"},
        "versions": {"radops": "1"},
        "workloads": [found],
    }
    text = render.page(json.loads(json.dumps(report)), tmp_path / "benchmarks")
    for part in (
        "| exit 9 |",
        "| cannot be had |",
        "cat $DATA/*/* >$W/out",
        "add by copy",
        "busy",
        "| slow, on 2 files of 3,000 bytes in 2 folders |",
    ):
        assert part in text
    ET.parse(tmp_path / "benchmarks" / "add-big.svg")


def test_who_takes_more_than_a_share_of_the_time_has_one_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lines say how long they take: on a busy machine even `true` would take more than its share.
    log = tmp_path / "log"
    log.touch()
    clock = SimpleNamespace(
        monotonic=lambda: sum(map(float, log.read_text().split())),
        monotonic_ns=time.monotonic_ns,
    )
    monkeypatch.setattr(runner, "time", clock)
    workload = Workload(
        "add-big",
        "add",
        "Adding",
        "small",
        (Entry("radops", f"echo 0.1 >>{log}"), Entry("slow", f"echo 1.6 >>{log}", peer="cp")),
        budget=3,
        rounds=3,
    )
    suite = runner.Runner(tmp_path / "w", TINY, quick=False, missing={}, tell=str)
    counts = [len(one["seconds"]) for one in suite.run(workload)["results"]]
    assert counts == [3, 1]
    # However little time is left, everybody is measured once.
    counts = [len(one["seconds"]) for one in suite.run(workload, 0)["results"]]
    assert counts == [1, 1]


def test_what_changes_nothing_shares_its_preparation(tmp_path: Path) -> None:
    log = tmp_path / "log"
    prepare = f"echo prepared >>{log}; touch $W/file"
    entries = tuple(
        Entry(name, "test -e $W/file", prepare, "cp", keep=name != "c") for name in "abc"
    )
    workload = Workload("add-big", "add", "Adding", "small", entries, 60, rounds=2)
    suite = runner.Runner(tmp_path / "w", TINY, quick=False, missing={}, tell=str)
    assert [one["error"] for one in suite.run(workload)["results"]] == [None] * 3
    # Once for the two that keep it, and in each round for the one that does not.
    assert log.read_text().split() == ["prepared"] * 3


def test_what_could_not_be_prepared_serves_nobody_else(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    prepare = f"test -e {mark} || {{ touch {mark}; exit 3; }}; touch $W/file"
    entries = tuple(Entry(name, "test -e $W/file", prepare, "cp", keep=True) for name in "ab")
    workload = Workload("add-big", "add", "Adding", "small", entries, 60, rounds=1)
    suite = runner.Runner(tmp_path / "w", TINY, quick=False, missing={}, tell=str)
    errors = [one["error"] for one in suite.run(workload)["results"]]
    assert errors == ["preparing it: exit 3", None]


def test_lines_say_more_about_themselves_and_are_counted_by_a_proxy(tmp_path: Path) -> None:
    program = tmp_path / "get.py"
    program.write_text(
        "import http.client, json, os, sys\n"
        "server = http.client.HTTPConnection(os.environ['S3'].removeprefix('http://'))\n"
        "server.request('GET', '/')\n"
        "server.getresponse().read()\n"
        "found = {'seconds': [float(sys.argv[1])], 'cpu': [0.25], 'facts': {'mixing': 0.9}}\n"
        "print(json.dumps(found))\n"
    )
    get = f"{sys.executable} {program} 0.5"
    entries = (
        Entry("radops", get, peer="cp", keep=True),
        Entry("peer", get, peer="cp", keep=True),
        Entry("radops, late", get, peer="cp", keep=True, latency=0.01),
        Entry("peer, late", get.replace("0.5", "2.0"), peer="cp", keep=True, latency=0.01),
    )
    workload = Workload(
        "stream-epoch", "streaming", "Epoch", "few", entries, 60, rounds=2, server=True, inside=True
    )
    suite = runner.Runner(tmp_path / "w", TINY, quick=False, missing={}, tell=str)
    try:
        found = suite.run(workload)
    finally:
        suite.close()
    assert [one["error"] for one in found["results"]] == [None] * 4
    assert [one["requests"] for one in found["results"]] == [[], [], [1, 1], [1, 1]]
    assert found["results"][2]["fetched"][0] > 0
    text = "\n".join(render._workload(found, tmp_path))
    assert "| requests | fetched | mixing | rounds |" in text
    late = next(line for line in text.splitlines() if line.startswith("| peer, late"))
    assert "| 4.00 |" in late  # to radops with the same delay
    assert "| 0.90 | 2 |" in late


def test_figures_of_radops_alone_are_judged() -> None:
    result = {**_result("radops", 2.5, 1), "facts": {"mixing": 0.97}, "fetched": [3000]}
    peer = {**_result("s3fs", 2, 1), "fetched": [2000]}
    workload = {"name": "x", "files": 1, "results": [result, peer]}
    report = {"workloads": [workload], "quick": False}

    def row(**options: Any) -> str:
        target = Target("work", "x", "radops", options.pop("theirs", ""), **options)
        return targets._row(target, targets.judge(report, target), quick=False)

    assert "2.50 s |  | 2.00 s | **not reached**" in row(reach=2.0, kind="seconds")
    assert "| 0.97 |  | 0.95 | reached" in row(reach=0.95, kind="fact", fact="mixing", least=True)
    assert "| 0.97 |  | 0.98 | **not reached**" in row(
        reach=0.98, kind="fact", fact="mixing", least=True
    )
    assert "not measured" in row(reach=1, kind="fact", fact="other")
    assert "| s3fs | 1.50 |  | 1.50 | reached" in row(reach=1.5, kind="bytes", theirs="s3fs")


def test_a_ratio_to_a_sample_is_per_file() -> None:
    workload = {"files": 100}
    assert stats.scale({"files": 10, "sample": "10 files"}, workload) == 10
    assert stats.scale({"files": 100, "sample": None}, workload) == 1


def test_a_plot_is_well_formed_whatever_its_names_are() -> None:
    bars = [plot.Bar("<a> & b", 0.5, 0.4, 0.6, "ours"), plot.Bar("c", 50.0, 50.0, 50.0, "peer")]
    root = ET.fromstring(plot.dots("<t>", bars))
    assert "<a> & b" in [element.text for element in root.iter()]


def _result(name: str, seconds: float, cpu: float, *, mib: int = 50) -> dict[str, Any]:
    return {
        "name": name,
        "line": name,
        "before": "",
        "limit": False,
        "files": 10_000,
        "sample": None,
        "seconds": [seconds],
        "cpu": [cpu],
        "rss": mib << 20,
        "cold": [],
        "error": None,
    }


def _report(group: str, figures: dict[str, dict[str, tuple[float, float]]]) -> dict[str, Any]:
    workloads = []
    for one in work.WORKLOADS.values():
        if one.group == group:
            found = figures.get(one.name, {})
            results = [_result(entry.name, *found.get(entry.name, (1, 1))) for entry in one.entries]
            about = {"name": one.name, "group": group, "title": one.title, "note": one.note}
            workloads.append({**about, "data": one.data, "files": 10_000, "results": results})
    return {
        "command": f"make bench ONLY={group}",
        "date": "2026-01-02",
        "quick": False,
        "busy": False,
        "load": 0.1,
        "floor": 1 << 20,
        "took": 600.0,
        "machine": {"cores": 2, "memory": 4, "system": "Linux", "file_system": "ext4"},
        "versions": {"radops": "1"},
        "workloads": workloads,
    }


def test_targets_are_of_requests_of_processors_and_of_memory() -> None:
    report = _report(
        "s3",
        {
            "upload-some": {"radops": (8, 2.4), "s5cmd": (4, 3), "DVC push": (20, 12)},
            "look": {"radops ls": (9, 0.5), "radops ls, offline": (0.4, 0.4)},
        },
    )
    found = {one.text: targets.judge(report, one) for one in work.TARGETS}
    assert found["upload, 10,000 x 4 KiB"] == pytest.approx(("DVC push", 0.4, 0.2))
    assert found["upload, per request"] == pytest.approx(("s5cmd", 1.0, 0.4))
    assert found["ls of a remote lake"] == pytest.approx(("radops ls, offline", 1.25, 1.25))
    request = found["processor of a request, upload"]
    assert request is not None
    assert request.figure == pytest.approx(100)
    assert found["memory, peak of all these"] == pytest.approx(("", 50, None))
    assert found["start"] is None


def test_a_run_of_one_group_replaces_it_on_the_page(tmp_path: Path) -> None:
    before = _report("s3", {})
    page = render.page(
        {**before, "workloads": [*before["workloads"], *_report("call", {})["workloads"]]}, tmp_path
    )
    after = _report("s3", {"upload-some": {"radops": (7, 7)}})
    text = render.updated(page, {**after, "date": "2026-02-03"}, tmp_path)
    assert "Measured on 2026-02-03 by `make bench ONLY=s3`" in text
    assert text.count("## Lakes in a bucket") == text.count("## Cached calls") == 1
    assert "| upload, 10,000 x 4 KiB | DVC push | 7.00 | 7.00 | 0.50 | **not reached** |" in text
    assert "| cached call, local hit | joblib.Memory | 1.00 | 1.00 | 1.00 | reached |" in text
    assert render.updated(text, {**after, "date": "2026-02-03"}, tmp_path) == text


def test_a_run_of_everything_keeps_what_is_run_alone(tmp_path: Path) -> None:
    alone = {one.group for one in work.WORKLOADS.values() if one.alone}
    assert alone == {"scale"}
    assert all(one.alone for one in work.WORKLOADS.values() if one.group == "scale")
    rest = _report("s3", {})
    page = render.updated(render.page(rest, tmp_path), _requested(8), tmp_path)
    row = "| requests for it |  | 8 |  | 6 | **not reached** |"
    assert row in page
    again = render.page({**rest, "date": "2026-05-06"}, tmp_path, page)
    assert "2026-05-06" in again
    assert row in again
    assert again.count("## Very large directories") == 1
    assert "## Very large directories" not in render.page(rest, tmp_path)
    ours = _report("s3", {"upload-some": {"radops": (7, 7)}})
    assert "| DVC push | 7.00 |" in render.page(ours, tmp_path, page)


def test_requests_of_a_second_read_are_those_beyond_the_first() -> None:
    (found,) = [
        targets.judge(_requested(7, 8), one)
        for one in work.TARGETS
        if one.text == "requests for the next one"
    ]
    assert found == pytest.approx(("", 1.0, None))


def _requested(first: int, both: int = 9) -> dict[str, Any]:
    report = _report("scale", {})
    for one in report["workloads"]:
        for result in one["results"]:
            count = first if result["name"] == "radops, first file" else both
            result["requests"] = [count] if one["name"] == "scale-first" else []
            result["fetched"] = [1000] * len(result["requests"])
    return report


def test_a_figure_of_its_own_has_a_target_and_no_ratio(tmp_path: Path) -> None:
    report = _report("ui", {"ui-lake": {"radops ui, search, answer": (0.02, 0.02)}})
    for one in report["workloads"]:
        one["compared"] = False
    page = render.page(report, tmp_path)
    assert "| search as one types, 100,000 names |  | 20.0 ms |  | 100 ms | reached |" in page
    (row,) = re.findall(r"(?m)^\| radops ui, search, answer \|.*", page)
    assert row.split(" | ")[1:4] == ["20.0 ms", "20.0 ms to 20.0 ms", ""]
    assert render.updated(page, report, tmp_path).count("## In the browser") == 1


def test_a_run_of_a_part_of_a_group_changes_nothing_on_the_page(tmp_path: Path) -> None:
    report = _report("s3", {})
    page = render.page(report, tmp_path)
    report = _report("s3", {"upload-some": {"radops": (7, 7)}})
    del report["workloads"][0]
    assert render.updated(page, report, tmp_path) == page


def test_every_target_is_of_a_workload_and_its_contestants() -> None:
    assert len({target.text for target in work.TARGETS}) == len(work.TARGETS)
    for target in work.TARGETS:
        workloads = [work.WORKLOADS[name] for name in target.workload.split(",")]
        names = {entry.name for one in workloads for entry in one.entries}
        peers = set(target.theirs.split("|")) if target.theirs else set()
        assert {target.ours, *peers} <= names, target
        if target.beyond_start:
            starts = {entry.name for entry in work.WORKLOADS["start"].entries}
            assert {"radops", target.theirs} <= starts
