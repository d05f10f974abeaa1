"""The benchmark suite on tiny data: what it makes, counts and writes."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from speed import data, measure, plot, render, runner, stats, work

TINY = {name: data.Shape(name, 2 if name == "few" else 4, 3000, 2) for name in data.FULL}


def test_data_is_the_same_every_time_and_no_two_files_are_equal(tmp_path: Path) -> None:
    places = [data.make(TINY["small"], tmp_path / name) for name in ("a", "b")]
    contents = [
        {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*.bin"))}
        for place in places
    ]
    assert contents[0] == contents[1]
    assert sorted(contents[0]) == [f"d{n // 2:04}/f{n:06}.bin" for n in range(4)]
    assert {len(body) for body in contents[0].values()} == {3000}
    assert len(set(contents[0].values())) == 4


def test_data_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    place = data.make(TINY["small"], tmp_path)
    (place / "mark").touch()
    assert data.make(TINY["small"], tmp_path) == place
    assert (place / "mark").exists()


def test_full_and_quick_data_have_the_same_shapes() -> None:
    assert data.FULL.keys() == data.QUICK.keys()
    assert data.FULL["small"].label == "100,000 files of 4 KiB in 200 folders"
    assert data.FULL["big"].label == "one file of 2 GiB"


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
    workload = work.Workload(
        "add-big",
        "add",
        "Adding",
        "small",
        (
            work.Entry("radops", f"echo radops >>{log}; cat $DATA/*/* >$W/out"),
            work.Entry("cp", f"echo cp >>{log}", peer="cp", limit=True),
            work.Entry("kept", 'test ! -e "$W/x" && touch $W/x', "true", "cp", True, "rm -f $W/x"),
            work.Entry("broken", "exit 9", peer="cp"),
            work.Entry("absent", "true", peer="dvc"),
            work.Entry("slow", "ls -R $DATA | grep -c bin", peer="cp", sample="few"),
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


def test_who_takes_more_than_a_share_of_the_time_has_one_round(tmp_path: Path) -> None:
    workload = work.Workload(
        "add-big",
        "add",
        "Adding",
        "small",
        (work.Entry("radops", "true"), work.Entry("slow", "sleep 1.6", peer="cp")),
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
        work.Entry(name, "test -e $W/file", prepare, "cp", keep=name != "c") for name in "abc"
    )
    workload = work.Workload("add-big", "add", "Adding", "small", entries, 60, rounds=2)
    suite = runner.Runner(tmp_path / "w", TINY, quick=False, missing={}, tell=str)
    assert [one["error"] for one in suite.run(workload)["results"]] == [None] * 3
    # Once for the two that keep it, and in each round for the one that does not.
    assert log.read_text().split() == ["prepared"] * 3


def test_a_ratio_to_a_sample_is_per_file() -> None:
    workload = {"files": 100}
    assert stats.scale({"files": 10, "sample": "10 files"}, workload) == 10
    assert stats.scale({"files": 100, "sample": None}, workload) == 1


def test_a_plot_is_well_formed_whatever_its_names_are() -> None:
    bars = [plot.Bar("<a> & b", 0.5, 0.4, 0.6, "ours"), plot.Bar("c", 50.0, 50.0, 50.0, "peer")]
    root = ET.fromstring(plot.dots("<t>", bars))
    assert "<a> & b" in [element.text for element in root.iter()]


def test_every_target_is_of_a_workload_and_its_contestants() -> None:
    for target in work.TARGETS:
        names = {entry.name for entry in work.WORKLOADS[target.workload].entries}
        assert {target.ours, *target.theirs.split("|")} <= names, target
        if target.beyond_start:
            starts = {entry.name for entry in work.WORKLOADS["start"].entries}
            assert {"radops", target.theirs} <= starts
