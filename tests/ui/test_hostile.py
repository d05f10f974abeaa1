"""A lake full of markup, and sites that try to use the server: nothing but text is shown."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ui.conftest import PATIENCE, wait
from ui.demo import ANSI, MARKUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from ui.conftest import Served, View

NAME = f"a/{MARKUP}.txt"
SPELT = MARKUP + ANSI.replace("\x1b", "\\x1b").replace("\x07", "\\x07")


def intruders(page: Any) -> list[str]:
    """Return the elements that no template has, and control characters in text."""
    return page.evaluate(
        """() => [
            ...[...document.querySelectorAll(
                'script:not([src]), iframe, object, b, [onerror], [onload]')]
                .map(one => one.outerHTML),
            ...[...document.querySelectorAll('img')].filter(one => !one.src.includes('/image?'))
                .map(one => one.outerHTML),
            ...[...document.querySelectorAll('a')].filter(one => !one.href.startsWith('http'))
                .map(one => one.outerHTML),
            ...(document.body.innerText.match(/[\\u0000-\\u0008\\u000e-\\u001f\\u202e]/g) || []),
        ]"""
    )


PAGES = [
    ("browse", {"at": "a/"}, f"{MARKUP}.txt"),
    ("file", {"uid": NAME}, "<script>alert(1)</script>\n\\x1b[31mred"),
    ("file", {"uid": "a/page.html"}, "<html><script>alert(1)</script></html>"),
    ("file", {"uid": "a/drawing.svg"}, "onload='alert(1)'"),
    ("file", {"uid": "a/no-image.png"}, "It is not what its name says"),
    ("file", {"uid": "a/table.csv"}, "</td><script>alert(1)</script>"),
    ("file", {"uid": "a/lines.jsonl"}, MARKUP),
    ("file", {"uid": "a/table.parquet"}, MARKUP),
    ("file", {"uid": "a/made.txt"}, SPELT),
    ("file", {"uid": "a/made.txt"}, "</pre><script>alert(1)</script>"),
    ("file", {"uid": "a/made.txt"}, f"{MARKUP}\nsecond line"),
    ("file", {"uid": "a/directory"}, "\\u202egpj.exe"),
    ("lineage", {"uid": "a/made.txt"}, SPELT),
    ("compare", {"a": "a/made.txt", "b": "a/other.txt"}, "'\"><b>x</b>"),
    ("search", {"q": "onerror"}, NAME),
    ("file", {"uid": f"{MARKUP}"}, ""),
]


def test_what_others_wrote_is_text(hostile: Served, open_view: Callable[..., View]) -> None:
    view = open_view(hostile)
    for path, query, shown in PAGES:
        page = view.go(path, **query)
        if path in ("browse", "lineage") or query.get("uid") == "a/directory":
            wait(page, "document.querySelector('.row:not(.wait), .node')")
        assert shown in page.inner_text("body").replace("\xa0", " "), (path, query)
        assert intruders(page) == [], (path, query)
    # The browser itself tells of answers that are no success.
    view.problems[:] = [one for one in view.problems if "400" not in one and "404" not in one]


def test_only_images_are_sent_as_images(hostile: Served, open_view: Callable[..., View]) -> None:
    view = open_view(hostile)
    for uid in ("a/drawing.svg", "a/page.html", "a/no-image.png", NAME):
        answer = view.page.request.get(f"{view.base}/image", params={"uid": uid, "size": "64"})
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/plain")


@pytest.fixture
def other_site(demo: Served) -> Iterator[str]:
    """Another server of this machine, whose page tries what it can; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        page = b""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(self.page)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="other-site")
        thread.start()
        Handler.page = b"<!doctype html><title>other</title><p>other site"
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


TRIES = """async (base) => {
    const tried = {};
    const image = (src) => new Promise((done) => {
        const made = new Image();
        made.onload = () => done(true);
        made.onerror = () => done(false);
        made.src = src;
    });
    const script = (src) => new Promise((done) => {
        const made = document.createElement('script');
        made.onload = () => done(true);
        made.onerror = () => done(false);
        made.src = src;
        document.head.append(made);
    });
    const read = (path, options) =>
        fetch(base + path, {credentials: 'include', ...options}).then((a) => a.text(), () => null);
    tried.read = await read('/api/rows?at=', {});
    tried.image = await image(base + '/image?uid=images/v2/cats/001.png&size=64');
    tried.script = await script(base + '/static/main.js');
    await read('/api/verify/start', {method: 'POST', mode: 'no-cors', body: '{}'});
    const form = document.createElement('form');
    const frame = document.createElement('iframe');
    frame.name = 'frame';
    Object.assign(form, {method: 'POST', action: base + '/api/verify/start', target: 'frame'});
    document.body.append(frame, form);
    const answered = new Promise((done) => { frame.onload = done; });
    form.submit();
    await answered;
    return tried;
}"""


def verify_state(view: View) -> Any:
    """Return what is known of the verify that ran last."""
    return view.page.evaluate(
        """(base) => new Promise((done) => {
            const events = new EventSource(base + '/api/verify/events');
            events.onmessage = (event) => { events.close(); done(event.data); };
        })""",
        view.base,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.test"])
def test_another_site_gets_nothing_even_if_it_knows_the_address(
    demo: Served, open_view: Callable[..., View], other_site: str, host: str
) -> None:
    view = open_view(demo)
    before = verify_state(view)
    other = view.page.context.new_page()
    other.goto(f"http://{host}:{other_site.partition(':')[2]}/")
    tried = other.evaluate(TRIES, view.base)
    assert tried == {"read": None, "image": False, "script": False}
    assert verify_state(view) == before


def test_a_name_that_was_given_this_address_leads_nowhere(demo: Served, chromium: Browser) -> None:
    context = chromium.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    link = demo.link.replace("127.0.0.1", "evil.test")
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 421
    assert context.cookies() == []
    context.close()
