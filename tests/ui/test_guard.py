"""Who may use the server: requests as other programs and other sites would send them."""

from __future__ import annotations

import http.client
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from ui.conftest import PATIENCE

if TYPE_CHECKING:
    from ui.conftest import Served


class Client:
    """Sends requests with exactly these headers."""

    def __init__(self, served: Served) -> None:
        self.port = served.port
        self.host = f"127.0.0.1:{self.port}"
        self.link = served.link

    def __call__(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, Any, str]:
        connection = self.ask(path, headers, method)
        try:
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def ask(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> http.client.HTTPConnection:
        """Send a request; return the connection that its answer comes by."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": self.host, **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection

    def log_in(self) -> tuple[str, dict[str, str]]:
        """Return the beginning of paths, and the header with the cookie."""
        status, headers, _ = self("/" + self.link.partition(f"{self.port}/")[2])
        assert status == 200
        cookie = headers["set-cookie"]
        path = re.search(r"[Pp]ath=([^;]+)", cookie)
        assert path is not None
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        return path[1], {"Cookie": cookie.partition(";")[0]}


@pytest.fixture
def client(demo: Served) -> Client:
    return Client(demo)


def test_the_link_lets_in_and_nothing_else_does(client: Client) -> None:
    base, cookie = client.log_in()
    assert client(f"{base}/", cookie)[0] == 200
    assert client(f"{base}/")[0] == 403
    assert client("/")[0] == 403
    assert client("/?token=wrong")[0] == 403
    assert client("/?token=")[0] == 403
    assert client(f"{base}/", {"Cookie": cookie["Cookie"][:-1]})[0] == 403
    assert client("/health", cookie)[0] == 404
    assert client(f"{base}x/health", cookie)[0] == 404


def test_also_scripts_and_images_need_the_cookie(client: Client) -> None:
    base, cookie = client.log_in()
    for path in ("static/main.js", "static/ui.css", "api/rows?at=", "image?uid=x"):
        assert client(f"{base}/{path}")[0] == 403
    assert client(f"{base}/static/main.js", cookie)[0] == 200


def test_another_host_is_refused_even_with_token_and_cookie(client: Client) -> None:
    base, cookie = client.log_in()
    entry = "/" + client.link.partition(f"{client.port}/")[2]
    for host in ("evil.test", f"evil.test:{client.port}", "127.0.0.1", "127.0.0.1:1", ""):
        status, headers, _ = client(entry, {"Host": host})
        assert status in (400, 421), host
        assert "set-cookie" not in headers
        assert client(f"{base}/", {**cookie, "Host": host})[0] in (400, 421)
    assert client(f"{base}/", {**cookie, "Host": f"localhost:{client.port}"})[0] == 200


def test_requests_of_other_sites_are_refused(client: Client) -> None:
    base, cookie = client.log_in()
    for headers in (
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": f"https://{client.host}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert client(f"{base}/api/rows?at=", {**cookie, **headers})[0] == 403, headers
    own = {"Origin": f"http://{client.host}", "Sec-Fetch-Site": "same-origin"}
    assert client(f"{base}/api/rows?at=", {**cookie, **own})[0] == 200


def test_only_a_page_with_its_token_can_start_something(client: Client) -> None:
    base, cookie = client.log_in()
    token = re.search(r'data-post="([^"]+)"', client(f"{base}/", cookie)[2])
    assert token is not None
    start, length = f"{base}/api/verify/stop", {"Content-Length": "0"}
    origin, right = {"Origin": f"http://{client.host}"}, {"X-Radops-Token": token[1]}
    assert client(start, {**cookie, **length}, "POST")[0] == 403
    assert client(start, {**cookie, **length, **origin}, "POST")[0] == 403
    assert client(start, {**cookie, **length, **right}, "POST")[0] == 403
    assert client(start, {**length, **origin, **right}, "POST")[0] == 403
    assert client(start, {**cookie, **length, **origin, **right}, "POST")[0] == 200
    assert client(start, cookie)[0] == 405
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client(f"{base}/", {**cookie, **length, **origin, **right}, method)[0] == 405


def test_every_answer_forbids_what_pages_do_not_need(client: Client) -> None:
    base, cookie = client.log_in()
    for path in ("", "file?uid=no/such", "static/ui.css", "static/none", "api/rows?at=", "none"):
        for given in (cookie, {}):
            _, headers, _ = client(f"{base}/{path}", given)
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-origin" not in headers


def test_other_addresses_of_this_machine_do_not_lead_here(client: Client) -> None:
    for address in ("127.0.0.2", "::1"):
        with pytest.raises(OSError, match=r"refused|assign|unreachable|timed out"):
            socket.create_connection((address, client.port), timeout=2).close()


def test_static_files_do_not_lead_out_of_their_folder(client: Client) -> None:
    base, cookie = client.log_in()
    for path in ("../guard.py", "..%2fguard.py", "%2e%2e/guard.py", "/etc/passwd"):
        assert client(f"{base}/static/{path}", cookie)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "api/rows?at=&start=-1",
        "api/rows?start=x",
        "api/rows?start=9999999999999",
        f"api/rows?start={'0' * 5000}1",
        "file?uid=../x",
    ],
)
def test_wrong_questions_get_short_answers(client: Client, path: str) -> None:
    base, cookie = client.log_in()
    status, _, text = client(f"{base}/{path}", cookie)
    assert status == 400
    assert "Traceback" not in text
