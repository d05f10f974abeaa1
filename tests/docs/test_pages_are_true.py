"""Every command and program that a page shows is run, each page from top to bottom."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pages import Runner, parse
from shell import Machine

if TYPE_CHECKING:
    from servers.server import S3Server

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    path
    for pattern in ("README.md", "docs/*.md", "docs/decisions/*.md", "demos/**/README.md")
    for path in ROOT.glob(pattern)
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


def has_bucket_blocks(page: Path) -> bool:
    blocks = parse(page.read_text(encoding="utf-8"))
    return any("bucket" in block.options.get("when", "").split(",") for block in blocks)


@pages
def test_a_page_is_true_with_nothing_configured(page: Path, tmp_path: Path) -> None:
    run(page, tmp_path, frozenset({"embedded"}), {}, {})


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if has_bucket_blocks(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_page_is_true_with_a_bucket(page: Path, tmp_path: Path, seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    environment = {**seaweedfs.environment, "AWS_ENDPOINT_URL_S3": seaweedfs.endpoint_url}
    run(page, tmp_path, frozenset({"bucket"}), environment, {"my-bucket": bucket})


def run(
    page: Path,
    folder: Path,
    features: frozenset[str],
    environment: dict[str, str],
    replace: dict[str, str],
) -> None:
    shared = folder / "shared"
    shared.mkdir()

    def machine(name: str) -> Machine:
        machine = Machine(folder / name, {"SHARED": str(shared), **environment})
        if page.parent.name != "docs":  # a demo brings its programs along
            for program in page.parent.glob("*.py"):
                shutil.copy(program, machine.cwd)
        return machine

    replace = {"/shared/radops": f"{shared}/radops", **replace}
    Runner(page, machine, features=features, replace=replace).run()
