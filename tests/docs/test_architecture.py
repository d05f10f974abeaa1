"""The architecture page names files that exist, and every layer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "python" / "radops"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LAYERS = [
    "cli/", "ui/", "integrations/", "data_lake/", "pipeline/", "lake/", "provenance/", "config/",
    "repository/", "backends/", "format/", "native.py",
]  # fmt: skip


def named() -> list[str]:
    """Return the paths that the page names."""
    return sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE)))


def test_every_path_on_the_page_exists() -> None:
    assert len(named()) > 30
    assert [path for path in named() if not (SOURCES / path).is_file()] == []


def test_the_picture_has_every_layer() -> None:
    picture = PAGE.partition("```text\n")[2].partition("```")[0]
    assert [line.split()[0] for line in picture.splitlines()] == LAYERS
    assert [layer for layer in LAYERS if not (SOURCES / layer).exists()] == []
    for path in re.findall(r"rust/[\w-]+", picture):
        assert (ROOT / path).is_dir()


@pytest.mark.parametrize(
    "way", ["An `add`", "An open of a remote file", "A call of a creator", "A `verify`"]
)
def test_each_way_has_five_steps_that_name_files(way: str) -> None:
    steps = re.findall(
        r"^\d\. (.*)$", PAGE.partition(f"## {way}\n")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert len(steps) == 5
    assert sum("`" in step for step in steps) >= 4


def test_the_page_of_failures_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    tests = set(re.findall(r"`([\w/]+/test_\w+\.py)`", page))
    assert len(tests) > 10
    assert [path for path in sorted(tests) if not (ROOT / "tests" / path).is_file()] == []
