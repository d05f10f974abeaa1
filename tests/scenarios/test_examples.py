"""The examples run, compute once, and are what the documentation draws."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from radops.data_lake import DataLake

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the example has run."""
    for library in ("sklearn", "polars", "joblib"):
        pytest.importorskip(library)
    home = tmp_path_factory.mktemp("examples") / "home"
    assert "skipping" not in run(home).stderr
    return home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "rentals.py"), *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "RADOPS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_it_learns_something(home: Path) -> None:
    lake = DataLake(home=home)
    scores = json.loads(lake.file("rentals/scores-60.json").read_text())
    assert scores["r2"] > 0.6
    assert lake.lineage("rentals/scores-60.json", verify=True).problems == []


def test_nothing_is_computed_twice(home: Path) -> None:
    assert run(home).stderr.count("skipping") == 5
    more = run(home, "--trees", "20")
    assert more.stderr.count("skipping") == 3
    assert "scores-20.json" in more.stdout


def test_the_page_draws_its_lineage(home: Path) -> None:
    page = (ROOT / "docs" / "lineage.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"```mermaid\n(.*?)\n```", page, re.DOTALL)
    assert drawn == DataLake(home=home).lineage("rentals/scores-60.json").to_mermaid()
