"""Pages of `radops ui` of the lake in `home`: how long a person waits. Prints seconds as JSON.

Usage: ui_pages.py http|chromium WORK. In Chromium a page is complete when what was waited for is
drawn. All are measured in a warm server, except those whose name begins with `first`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from shutil import which
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

WORDS = ("d0007", "f0001 bin", "data d00", "bin 77")
"""What is typed, a letter at a time."""
PATIENCE = 100_000
"""Milliseconds."""


def typed() -> list[str]:
    """Return what is in the search field after each letter."""
    return [word[:length] for word in WORDS for length in range(1, len(word) + 1)]


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Start a server; give its link."""
    with subprocess.Popen(
        ["radops", "ui", "--no-browser", "-q"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Http:
    """Requests of one connection, as a browser sends them."""

    def __init__(self, link: str) -> None:
        found = re.match(r"http://([^/]+)(/.*)", link)
        assert found is not None
        self._connection = http.client.HTTPConnection(found[1], timeout=PATIENCE / 1000)
        self._headers: dict[str, str] = {}
        headers, _ = self._get(found[2])
        cookie = headers["set-cookie"]
        self._headers = {"Cookie": cookie.partition(";")[0]}
        base = re.search(r"[Pp]ath=([^;]+)", cookie)
        assert base is not None
        self._base = base[1]

    def _get(self, path: str) -> tuple[Any, bytes]:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (path, answer.status, data[:200])
        return answer.headers, data

    def __call__(self, path: str) -> bytes:
        """Return an answer."""
        return self._get(f"{self._base}/{path}")[1]

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        self._connection.close()

    def rows(self, at: str, start: int = 0, most: int = 100) -> dict[str, Any]:
        """Return rows of a folder."""
        return json.loads(self(f"api/rows?at={quote(at)}&generated=0&start={start}&most={most}"))

    def count(self, at: str) -> int:
        """Return how many rows there are, once all were counted."""
        while not (found := self.rows(at, most=0))["complete"]:
            pass
        return int(found["total"])


def http_first_front(link: str) -> Iterator[None]:
    """Yield before and after the first front page of a server."""
    get = Http(link)
    yield
    get("")
    assert get.rows("")["total"]
    yield


def http_front(link: str) -> Iterator[None]:
    """The same, when the folder was not listed within the last seconds."""
    get = Http(link)
    get.rows("")
    for _ in range(3):
        time.sleep(5.5)
        get.close()  # as the server does with a connection that is idle for so long
        yield
        get("")
        get.rows("")
        yield


def http_file(link: str) -> Iterator[None]:
    """The page of a file, with its preview."""
    get = Http(link)
    uids = [row["uid"] for row in get.rows(get.rows("data/")["rows"][0]["uid"])["rows"]]
    get(f"file?uid={uids[0]}")
    for uid in uids[1:21]:
        yield
        get(f"file?uid={uid}")
        yield


def http_health(link: str) -> Iterator[None]:
    """The page that says how the lake is."""
    get = Http(link)
    for _ in range(3):
        yield
        get("health")
        yield


def http_first_search(link: str) -> Iterator[None]:
    """The first search of a server."""
    get = Http(link)
    yield
    get(f"api/search?q={typed()[0]}")
    yield


def http_search(link: str) -> Iterator[None]:
    """A search after each letter."""
    get = Http(link)
    get("api/search?q=x")
    for words in typed():
        yield
        found = get(f"api/search?q={quote(words)}")
        yield
        assert len(found) > 20, words


def http_first_rows(link: str) -> Iterator[None]:
    """The first rows of a directory."""
    get = Http(link)
    yield
    get.rows("set/v1/")
    yield


def http_count(link: str) -> Iterator[None]:
    """All rows of a directory counted."""
    get = Http(link)
    yield
    get.count("set/v1/")
    yield


def http_rows(link: str) -> Iterator[None]:
    """Rows all over a directory, to the last."""
    get = Http(link)
    total = get.count("set/v1/")
    for step in range(50):
        start = max(0, total * (step + 1) // 50 - 100)
        yield
        assert get.rows("set/v1/", start)["rows"]
        yield


def http_lineage(link: str) -> Iterator[None]:
    """The whole graph."""
    get = Http(link)
    for _ in range(3):
        yield
        get("api/lineage?uid=end&depth=all")
        yield


def page_front(page: Page, base: str) -> Iterator[None]:
    """The front page, from the click on its link to the rows."""
    for _ in range(5):
        yield
        page.goto(f"{base}/")
        page.locator(".row:not(.wait)").first.wait_for()
        yield


SEARCH = """(words) => new Promise((done) => {
    const input = document.getElementById('find');
    const found = document.getElementById('found');
    const began = performance.now();
    new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => done((performance.now() - began) / 1000)));
    }).observe(found, { childList: true });
    input.value = words;
    input.dispatchEvent(new Event('input'));
})"""


def page_search(page: Page, base: str) -> Iterator[float | None]:
    """What was found after each letter, drawn."""
    page.goto(f"{base}/")
    page.evaluate(SEARCH, "x")
    for words in typed():
        yield page.evaluate(SEARCH, words)


def page_rows(page: Page, base: str) -> Iterator[None]:
    """The first rows of a directory."""
    for _ in range(5):
        yield
        page.goto(f"{base}/browse?at=set/v1/")
        page.locator(".row:not(.wait)").first.wait_for()
        yield


JUMP = """(share) => new Promise((done) => {
    const box = document.getElementById('list');
    const began = performance.now();
    const look = () => {
        const edge = box.getBoundingClientRect();
        const seen = [...box.querySelectorAll('.row')].filter((row) => {
            const at = row.getBoundingClientRect();
            return at.bottom > edge.top + 2 && at.top < edge.bottom - 2;
        });
        if (seen.length > 3 && !seen.some((row) => row.classList.contains('wait')))
            done((performance.now() - began) / 1000);
        else requestAnimationFrame(look);
    };
    box.scrollTop = share * box.scrollHeight;
    requestAnimationFrame(look);
})"""


def page_scroll(page: Page, base: str) -> Iterator[float | None]:
    """Jumps of the scroll bar all over a directory, to the rows that are then seen."""
    page.goto(f"{base}/browse?at=set/v1/")
    page.locator(".row:not(.wait)").first.wait_for()
    page.get_by_text(re.compile("[0-9] entries$")).wait_for()
    for step in range(50):
        yield page.evaluate(JUMP, (step + 1) * 37 % 50 / 49)


def page_end(page: Page, base: str) -> Iterator[None]:
    """From the click on the link to the last row, with the key End."""
    yield
    page.goto(f"{base}/browse?at=set/v1/")
    page.get_by_text(re.compile("[0-9] entries$")).wait_for()
    page.keyboard.press("End")
    page.locator(".row[aria-selected=true]:not(.wait)").wait_for()
    yield


def page_lineage(page: Page, base: str) -> Iterator[None]:
    """The first picture of a graph, from the click on the link."""
    for _ in range(3):
        yield
        page.goto(f"{base}/lineage?uid=end")
        page.locator(".node").first.wait_for()
        yield


KEY = """(key) => new Promise((done) => {
    const began = performance.now();
    document.querySelector('.node.chosen').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done((performance.now() - began) / 1000)));
})"""


def page_expand(page: Page, base: str) -> Iterator[float | None]:
    """Twenty more neighbours of a node, and closing it."""
    page.goto(f"{base}/lineage?uid=end")
    page.locator(".node").first.wait_for()
    for key in "++++-" * 4:
        yield page.evaluate(KEY, key)


def in_chromium(
    work: Callable[[Page, str], Iterator[float | None]], link: str
) -> Iterator[float | None]:
    """Do something with a page."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not for the rest

    path = which("chromium") or which("chromium-browser") or which("google-chrome")
    if path is None:
        raise SystemExit("error: there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.set_default_timeout(PATIENCE)
        page.goto(link)
        page.wait_for_url("http://127.0.0.1:*/*/")
        page.locator("#count").wait_for()
        yield from work(page, page.url.rstrip("/"))
        browser.close()


def main(how: str, name: str) -> None:
    """Measure one kind of work."""
    work = globals()[f"{'http' if how == 'http' else 'page'}_{name}"]
    found: list[float] = []
    with served() as link:
        began = None
        for took in work(link) if how == "http" else in_chromium(work, link):
            now = time.perf_counter()
            if took is not None:
                found.append(took)
            elif began is None:
                began = time.perf_counter()
            else:
                found.append(now - began)
                began = None
    print(json.dumps({"seconds": found}))


main(*sys.argv[1:])
