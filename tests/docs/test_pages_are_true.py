"""Every command and program that a page shows is run, each page from top to bottom."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pages import Runner, parse
from shell import Machine

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    path
    for pattern in ("README.md", "docs/*.md", "docs/decisions/*.md", "demos/**/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "format.md"
)
EXECUTABLE = {"shell", "python"}
SHOWN_ONLY = {"", "json", "toml", "text", "mermaid"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pages
def test_no_fence_escapes_by_an_odd_language_or_without_a_reason(page: Path) -> None:
    for block in parse(page.read_text(encoding="utf-8")):
        where = f"{page.name}, line {block.line}"
        assert block.language in EXECUTABLE | SHOWN_ONLY, where
        assert block.options.get("skip", "a reason"), f"{where}: skip needs a reason"


@pages
def test_a_page_is_true_with_nothing_configured(page: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()

    def machine(name: str) -> Machine:
        machine = Machine(tmp_path / name, {"SHARED": str(shared)})
        if page.parent.name != "docs":  # a demo brings its programs along
            for program in page.parent.glob("*.py"):
                shutil.copy(program, machine.cwd)
        return machine

    Runner(
        page,
        machine,
        features=frozenset({"embedded"}),
        replace={"/shared/radops": f"{shared}/radops"},
    ).run()
