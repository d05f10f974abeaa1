"""The data that the speed benchmarks make."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from speed import data, runner
from speed.workload import Entry, Workload

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
    assert data.FULL["empty"].label == "1,000,000 empty files"
    made_up = {name for name, shape in data.FULL.items() if shape.made_up}
    assert {name for name, shape in data.QUICK.items() if shape.made_up} == made_up


def test_files_that_are_made_up_are_not_on_disk(tmp_path: Path) -> None:
    place = data.make(data.Shape("entries", 10_000_000, 16, made_up=True), tmp_path)
    assert list(place.iterdir()) == []
    workload = Workload("x", "add", "X", "few", (Entry("a", "test $FILES = 2"),), 60, rounds=1)
    suite = runner.Runner(tmp_path / "w", TINY, quick=False, missing={}, tell=str)
    assert suite.run(workload)["results"][0]["error"] is None


def test_files_may_share_contents(tmp_path: Path) -> None:
    place = data.make(data.Shape("few", 7, 100, distinct=3), tmp_path)
    bodies = [path.read_bytes() for path in sorted(place.iterdir())]
    assert len(set(bodies)) == 3
    assert bodies[:3] == bodies[3:6]
    linked = data.make(data.Shape("million", 7, 100, distinct=3, linked=True), tmp_path)
    assert len({path.read_bytes() for path in linked.iterdir()}) == 3
    assert len({path.stat().st_ino for path in linked.iterdir()}) == 3
    assert len(list(linked.iterdir())) == 7
