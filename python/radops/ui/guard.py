"""Who may use the server: only its own pages, in the browser of the user who started it.

Any page in any browser of this machine can send requests to a port of 127.0.0.1, a page can give
its own name this address (DNS rebinding), and other people of the machine can connect to it. So a
request is answered only if it names this host and port, does not come from another site, and
carries the cookie that the link with the token set.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
"""Headers of every answer."""

POST_HEADER: Final = "x-radops-token"
_COOKIE: Final = "radops_ui"
_OWN_SITES: Final = ("same-origin", "none")


@dataclass(frozen=True)
class Secrets:
    """Secrets that only the browser that was opened has."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """In the link that is opened first."""
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    post: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """Sent with every request that starts or stops something."""
    base: str = field(default_factory=lambda: f"/{secrets.token_hex(8)}")
    """The beginning of every path. Browsers send cookies to all ports of a host: a server on
    another port is sent ours only if it uses this path."""


class Guard:
    """Answers requests that are not from our own pages, and sets the headers of all answers.

    Args:
        app: What the others are passed to, with `base` taken off their paths.
        port: The port that the server listens on.
        known: The secrets.
    """

    def __init__(self, app: ASGIApp, port: int, known: Secrets) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        request = Request(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        answer = self._entry(request) or self._refusal(request)
        if answer is not None:
            await answer(scope, receive, send_guarded)
            return
        inner = {**scope, "root_path": self._known.base}
        await self._app(inner, receive, send_guarded)

    def _entry(self, request: Request) -> HTMLResponse | None:
        """Answer the link with the token: set the cookie, and continue from a page of our own.

        A redirect would not do: after a link from elsewhere, a browser sends no strict cookie.
        """
        headers = request.headers
        if request.url.path != "/" or request.method != "GET" or not self._is_host(headers):
            return None
        if not _equal(request.query_params.get("token", ""), self._known.token):
            return None
        base = self._known.base
        page = HTMLResponse(
            "<!doctype html><html lang=en><title>radops</title>"
            f'<link rel="icon" type="image/svg+xml" href="{base}/static/icon.svg">'
            f'<meta http-equiv="refresh" content="0;url={base}/"><p><a href="{base}/">radops</a>'
        )
        page.set_cookie(_COOKIE, self._known.cookie, path=base, httponly=True, samesite="strict")
        return page

    def _refusal(self, request: Request) -> PlainTextResponse | None:
        """Answer a request that must not be passed on; None for one that may."""
        headers, method = request.headers, request.method
        no = None
        if not self._is_host(headers):
            no = 421, f"this is radops ui at {self._hosts[0]}, and no other name leads here"
        elif _is_of_another_site(headers):
            no = 403, "requests of other sites are refused"
        elif not _equal(request.cookies.get(_COOKIE, ""), self._known.cookie):
            no = 403, "open the link that radops ui printed: it has a token in it"
        elif not request.url.path.startswith(f"{self._known.base}/"):
            no = 404, "there is no such page"
        elif method not in ("GET", "HEAD", "POST"):
            no = 405, "radops ui only shows"
        elif method == "POST" and not self._is_from_our_page(headers):
            no = 403, "the token of the page is missing"
        return None if no is None else PlainTextResponse(f"{no[1]}\n", no[0])

    def _is_from_our_page(self, headers: Headers) -> bool:
        return "origin" in headers and _equal(headers.get(POST_HEADER, ""), self._known.post)

    def _is_host(self, headers: Headers) -> bool:
        return headers.getlist("host") in ([host] for host in self._hosts)


def _equal(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _is_of_another_site(headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{headers['host']}":
        return True
    return headers.get("sec-fetch-site", "none") not in _OWN_SITES
