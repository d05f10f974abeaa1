"""The pages of two lakes, each served by a process of its own, and a real browser to see them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import pytest

from console import Cli
from lakes import clean_environment, lake, make_lake, shared, write

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from playwright.sync_api import Browser, Page

__all__ = ["clean_environment", "lake", "make_lake", "shared", "write"]

T = TypeVar("T")

REQUIRE_CHROMIUM = "RADOPS_REQUIRE_CHROMIUM"
_REQUIRED = os.environ.get(REQUIRE_CHROMIUM) == "1"
WIDE, NARROW = 1280, 360
PATIENCE = 120
"""Seconds after which something does not come any more, on a slow machine that is busy too."""


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in another thread: in this one the driver of the browser has a loop."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


@dataclass
class Served:
    """A lake that is shown."""

    link: str
    process: subprocess.Popen[str]
    home: Path

    @property
    def port(self) -> int:
        port = urlsplit(self.link).port
        assert port is not None
        return port


def start(home: Path, *options: str, **environment: str) -> Served:
    """Show the lake of a home; `radops ui` has printed its link when this returns."""
    cli = Cli(home.parent, {"RADOPS_HOME": str(home), **environment})
    process = subprocess.Popen(
        [*cli.command, "ui", "--no-browser", *options],
        env=cli.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    link = process.stdout.readline().strip()
    assert link, process.stderr.read() if process.stderr else ""
    return Served(link, process, home)


def stop(served: Served) -> int:
    """Interrupt it, as Ctrl-C does; return its exit code."""
    served.process.send_signal(signal.SIGINT)
    with served.process as process:
        return process.wait(timeout=PATIENCE)


def made(kind: str, folder: Path) -> Path:
    home = folder / kind
    cli = Cli(folder)
    program = Path(__file__).with_name("demo.py")
    subprocess.run(
        [sys.executable, str(program), kind, str(home)],
        env={**cli.environment(), "PYTHONWARNINGS": "default"},
        check=True,
        capture_output=True,
        timeout=2 * PATIENCE,
    )
    return home


def wait(page: Page, script: str, argument: object = None) -> None:
    """Wait until a script is true; the policy of the pages forbids what Playwright has for that."""
    until = time.monotonic() + PATIENCE
    while not page.evaluate(script, argument):
        assert time.monotonic() < until, script
        page.wait_for_timeout(30)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A lake with pipelines, versions, images and tables, and a remote."""
    home = made("demo", tmp_path_factory.mktemp("demo"))
    served = start(home, RADOPS_REMOTE=Path(f"{home}-remote").as_uri())
    yield served
    assert stop(served) == 0


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A lake in which all that people can name or write is markup."""
    served = start(made("hostile", tmp_path_factory.mktemp("hostile")))
    yield served
    assert stop(served) == 0


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium of this system, for which `evil.test` is this machine."""
    path = which("chromium") or which("chromium-browser") or which("google-chrome")
    if path is None:
        if _REQUIRED:
            pytest.fail(f"there is no Chromium, but {REQUIRE_CHROMIUM}=1")
        pytest.skip("there is no Chromium")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    rules = "--host-resolver-rules=MAP evil.test 127.0.0.1"
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", rules], timeout=1000 * PATIENCE
        )
        yield browser
        browser.close()


@dataclass
class View:
    """A page of a lake in a browser that fails the test if a script does."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)

    def go(self, path: str = "", **query: str) -> Page:
        """Open one of the pages and wait until it is complete."""
        words = "&".join(f"{name}={quote(text)}" for name, text in query.items())
        self.page.goto(f"{self.base}/{path}{'?' if words else ''}{words}")
        return self.page


@pytest.fixture
def open_view(chromium: Browser) -> Iterator[object]:
    """Open the link of a lake in a fresh browser of some width."""
    opened: list[View] = []
    contexts = []

    def open_view(served: Served, width: int = WIDE, scheme: str = "light") -> View:
        context = chromium.new_context(
            viewport={"width": width, "height": 760}, color_scheme=scheme
        )
        context.set_default_timeout(1000 * PATIENCE)
        contexts.append(context)
        page = context.new_page()
        view = View(page, "")
        page.on("pageerror", lambda error: view.problems.append(str(error)))
        page.on("dialog", lambda dialog: view.problems.append(f"a dialog: {dialog.message}"))
        page.on(
            "console",
            lambda told: (
                view.problems.append(told.text) if told.type in ("error", "warning") else None
            ),
        )
        own = (f"http://127.0.0.1:{served.port}/", "blob:", "data:")
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith(own)
                else view.problems.append(f"a request elsewhere: {asked.url}")
            ),
        )
        page.goto(served.link)
        page.wait_for_url(f"http://127.0.0.1:{served.port}/*/")
        view.base = page.url.rstrip("/")
        opened.append(view)
        return view

    yield open_view
    for context in contexts:
        context.close()
    assert [problem for view in opened for problem in view.problems] == []
