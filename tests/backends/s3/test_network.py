"""Networks as they are: TLS, proxies, limits of the rate, redirects, wrong clocks."""

from __future__ import annotations

import base64
import calendar
import socket
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from typing_extensions import Self

from radops import native
from radops.backends.location import RemoteOptions
from radops.backends.s3.backend import S3Backend
from radops.backends.s3.client import Timeouts
from radops.errors import InvalidConfigError, RemoteRefusedError, RemoteUnavailableError
from servers.http_faults import Answer, Drip, Reply
from servers.relay import Authority, http_proxy, tls_in_front

if TYPE_CHECKING:
    from pathlib import Path

    from servers.faulty_connection import Request
    from servers.proxy import FaultProxy
    from servers.server import S3Server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def works(backend: S3Backend) -> None:
    body = bytes(100_000)
    backend.put([("a b/é", body), ("empty", b"")])
    assert backend.read(["a b/é", "empty", "absent"], 200_000) == [body, b"", None]
    assert [entry.key for entry in backend.list("a")] == ["a b/é"]
    backend.delete(["a b/é", "empty"])


# TLS


def test_a_private_authority(seaweedfs: S3Server, authority: Authority) -> None:
    with tls_in_front(seaweedfs.endpoint_url, authority) as url:
        options = RemoteOptions(endpoint_url=url, ca_bundle=str(authority.bundle))
        works(seaweedfs.backend(options=options))
        backend = seaweedfs.backend(options=RemoteOptions(endpoint_url=url))
        with pytest.raises(RemoteRefusedError, match="certificate is not trusted"):
            backend.stat("a")


def test_the_authority_in_the_environment(
    seaweedfs: S3Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    with tls_in_front(seaweedfs.endpoint_url, authority) as url:
        works(seaweedfs.backend(options=RemoteOptions(endpoint_url=url)))


def test_a_certificate_of_another_host(seaweedfs: S3Server, authority: Authority) -> None:
    with tls_in_front(seaweedfs.endpoint_url, authority) as url:
        options = RemoteOptions(
            endpoint_url=url.replace("127.0.0.1", "localhost"), ca_bundle=str(authority.bundle)
        )
        with pytest.raises(RemoteRefusedError, match="certificate is not trusted"):
            seaweedfs.backend(options=options).stat("a")


def test_a_bundle_without_certificates(s3_environment: None, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("nothing")
    options = RemoteOptions(endpoint_url="https://127.0.0.1:1", ca_bundle=str(bundle))
    with pytest.raises(InvalidConfigError, match="ca_bundle"):
        S3Backend("bucket", options=options).stat("a")


def test_bodies_over_tls_are_not_part_of_the_signature(
    faulty_seaweedfs: FaultProxy, authority: Authority
) -> None:
    proxy = faulty_seaweedfs
    with tls_in_front(proxy.endpoint_url, authority) as url:
        options = RemoteOptions(endpoint_url=url, ca_bundle=str(authority.bundle))
        proxy.backend(options=options).put([("a", b"1")])
    proxy.backend().put([("b", b"1")])
    over_tls, plain = proxy.matching("PUT")
    assert over_tls.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert over_tls.headers["x-amz-checksum-crc32"]
    assert len(plain.headers["x-amz-content-sha256"]) == 64


# Proxies


def test_a_proxy(
    seaweedfs: S3Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_proxy() as (address, lines), tls_in_front(seaweedfs.endpoint_url, authority) as url:
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        monkeypatch.setenv("http_proxy", f"http://{address}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        bucket = seaweedfs.new_bucket()
        lines.clear()
        works(seaweedfs.backend(bucket))
        assert lines
        assert lines[0].startswith(("PUT http://", "GET http://"))
        lines.clear()
        options = RemoteOptions(endpoint_url=url, ca_bundle=str(authority.bundle))
        works(seaweedfs.backend(bucket, options=options))
        assert lines
        assert {line.split()[0] for line in lines} == {"CONNECT"}
        lines.clear()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        works(seaweedfs.backend(bucket))
        # A connection that was begun before, for a request that another one took, may come late.
        assert not [line for line in lines if not line.startswith("CONNECT ")]


def test_a_proxy_with_a_password(
    seaweedfs: S3Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = seaweedfs.new_bucket()
    password = base64.b64encode(b"user:hunter2").decode()
    with (
        http_proxy(password.lower()) as (address, _),
        tls_in_front(seaweedfs.endpoint_url, authority) as url,
    ):
        options = RemoteOptions(endpoint_url=url, ca_bundle=str(authority.bundle))
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@{address}")
        works(seaweedfs.backend(bucket, options=options))
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:wrong@{address}")
        with pytest.raises(RemoteUnavailableError, match="through the proxy") as caught:
            seaweedfs.backend(bucket, options=options).stat("a")
        assert "wrong" not in str(caught.value)


def test_a_proxy_that_is_not_there(seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = seaweedfs.new_bucket()
    monkeypatch.setenv("http_proxy", "http://user:hunter2@127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(RemoteUnavailableError, match="through the proxy") as caught:
        seaweedfs.backend(bucket).stat("a")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert time.monotonic() - began < 60


# Limits of the rate


def limit(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, rate: float) -> list[float]:
    """Refuse what comes faster than so many requests a second; return when others passed."""
    passed: list[float] = []
    lock = threading.Lock()
    fault_for = proxy.fault_for

    def limited(request: Request) -> object:
        fault = fault_for(request)
        with lock:
            now = time.monotonic()
            if sum(now - one < 1 for one in passed) >= rate:
                return Answer(503, "SlowDown")
            passed.append(now)
            return fault

    monkeypatch.setattr(proxy, "fault_for", limited)
    return passed


def test_a_limit_of_requests_per_second(
    faulty_seaweedfs: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = faulty_seaweedfs.backend()
    passed = limit(faulty_seaweedfs, monkeypatch, 5)
    items = [(f"k{number}", b"1") for number in range(60)]
    began = time.monotonic()
    backend.put(items)
    took = time.monotonic() - began
    assert len(passed) == 60
    # At best 11 s. A client that does not slow down is refused nearly always.
    assert took < 150
    refused = sum(one.status == 503 for one in faulty_seaweedfs.matching("PUT"))
    assert refused < 3 * len(items)


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("answer", [Answer(503, "SlowDown"), Answer(429, "TooManyRequests")])
def test_a_server_that_refuses_everything_for_a_while(
    faulty_seaweedfs: FaultProxy, answer: Answer, seconds: float
) -> None:
    backend = faulty_seaweedfs.backend()
    faulty_seaweedfs.inject(answer, times=None)
    timer = threading.Timer(seconds, faulty_seaweedfs.reset)
    timer.start()
    try:
        backend.put([(f"k{number}", b"1") for number in range(20)])
    finally:
        timer.join()
    assert len(list(backend.list(""))) == 20


def test_a_retry_after_is_obeyed(faulty_seaweedfs: FaultProxy) -> None:
    backend = faulty_seaweedfs.backend()
    faulty_seaweedfs.inject(Answer(429, retry_after="2"), method="PUT")
    began = time.monotonic()
    backend.put([("a", b"1")])
    assert time.monotonic() - began >= 2


def test_a_slow_drip_is_waited_for(faulty_seaweedfs: FaultProxy) -> None:
    data = bytes(range(250)) * 80
    # All pieces together take longer than an answer may, and each of them much shorter.
    timeouts = Timeouts(connect=5, read=4, transfer=4)
    backend = faulty_seaweedfs.backend(timeouts=timeouts)
    backend.put([("a", data)])
    faulty_seaweedfs.inject(Drip(1000, 0.25), method="GET", times=None)
    with backend.open("a") as reader:
        assert reader.read() == data
    assert backend.read(["a"], 1 << 20) == [data]
    assert faulty_seaweedfs.count("GET") == 2


# Redirects and regions


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_refused(faulty_seaweedfs: FaultProxy, status: int) -> None:
    backend = faulty_seaweedfs.backend()
    with Counting() as other:
        fault = Reply(status, "", (("Location", f"http://127.0.0.1:{other.port}/b/a"),))
        faulty_seaweedfs.inject(fault, times=None)
        for call in (
            lambda: backend.put([("a", b"1")]),
            lambda: backend.read(["a"], 10),
            lambda: list(backend.list("")),
        ):
            with pytest.raises(RemoteRefusedError, match="another host") as caught:
                call()
            assert "127.0.0.1" in str(caught.value)
        assert other.connections == 0


class Counting:
    """A server that only counts connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.port = self._listener.getsockname()[1]

    @property
    def connections(self) -> int:
        try:
            self._listener.accept()[0].close()
        except TimeoutError:
            return 0
        return 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(301, "", (("x-amz-bucket-region", "eu-west-9"),)),
        Reply(
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region"
            " 'us-east-1' is wrong; expecting 'eu-west-9'</Message></Error>",
        ),
    ],
    ids=["header", "message"],
)
def test_the_region_that_a_server_names_is_signed_for(
    faulty_seaweedfs: FaultProxy, reply: Reply
) -> None:
    backend = faulty_seaweedfs.backend()
    faulty_seaweedfs.inject(reply, method="PUT")
    backend.put([("a", b"1")])
    backend.put([("b", b"1")])
    first, second, third = faulty_seaweedfs.matching("PUT")
    assert "/us-east-1/s3/" in first.headers["authorization"]
    assert "/eu-west-9/s3/" in second.headers["authorization"]
    assert "/eu-west-9/s3/" in third.headers["authorization"]


def seconds_between(first: str, second: str) -> int:
    """Of two times as in headers of requests. On a busy machine some pass before each is made."""
    start, end = (calendar.timegm(time.strptime(one, "%Y%m%dT%H%M%SZ")) for one in (first, second))
    return end - start


def test_a_clock_that_is_wrong_is_corrected_by_the_servers(faulty_seaweedfs: FaultProxy) -> None:
    backend = faulty_seaweedfs.backend()
    ahead = formatdate(time.time() + 300, usegmt=True)
    body = "<Error><Code>RequestTimeTooSkewed</Code><Message>said</Message></Error>"
    faulty_seaweedfs.inject(Reply(403, body, (("Date", ahead),)), method="PUT")
    backend.put([("a", b"1")])
    first, second = (one.headers["x-amz-date"] for one in faulty_seaweedfs.matching("PUT"))
    assert 200 <= seconds_between(first, second) <= 400
    faulty_seaweedfs.inject(Reply(403, body, (("Date", ahead),)), method="PUT", times=None)
    with pytest.raises(RemoteRefusedError, match="clock"):
        backend.put([("a", b"1")])


def test_a_wrong_clock_is_noticed_by_answers_that_do_not_name_it(
    faulty_seaweedfs: FaultProxy,
) -> None:
    """The answer to a HEAD has no body."""
    backend = faulty_seaweedfs.backend()
    backend.put([("a", b"1")])
    ahead = formatdate(time.time() + 800, usegmt=True)
    faulty_seaweedfs.inject(Reply(403, "", (("Date", ahead),)), method="HEAD", times=None)
    with pytest.raises(RemoteRefusedError):
        backend.stat("a")
    first, second = (one.headers["x-amz-date"] for one in faulty_seaweedfs.matching("HEAD"))
    assert 700 <= seconds_between(first, second) <= 900
    faulty_seaweedfs.reset()
    now = formatdate(time.time(), usegmt=True)
    faulty_seaweedfs.inject(Reply(403, "", (("Date", now),)), method="HEAD")
    backend = faulty_seaweedfs.backend()
    with pytest.raises(RemoteRefusedError, match="access denied"):
        backend.stat("a")
    assert faulty_seaweedfs.count("HEAD") == 1


# What is asked for


@pytest.fixture
def plain_client(faulty_seaweedfs: FaultProxy) -> native.S3Client:
    server = faulty_seaweedfs.server
    return native.S3Client(
        endpoint=faulty_seaweedfs.endpoint_url,
        bucket=server.new_bucket(),
        region="us-east-1",
        addressing="path",
        credentials=lambda: (server.access_key, server.secret_key, None, None),
        timeouts=(1, 2, 2, 2),
        max_connections=4,
        sse_customer_key=bytes(range(32)),
        requester_pays=True,
    )


def test_a_customers_key_and_payment(
    faulty_seaweedfs: FaultProxy, plain_client: native.S3Client
) -> None:
    def attempt(call: object, *arguments: object) -> None:
        with suppress(native.S3Error):  # the server wants TLS for such keys
            call(*arguments)  # type: ignore[operator]

    attempt(plain_client.put, [("a", b"1")])
    attempt(plain_client.create, [("b", b"1")])
    attempt(plain_client.read, ["a"], 10)
    attempt(plain_client.stat, ["a"])
    attempt(plain_client.open, "a", 0, 5)
    attempt(plain_client.begin, "c")
    attempt(plain_client.copy, "a", "d", 1)
    seen = [one for one in faulty_seaweedfs.matching() if one.key]
    assert {one.method for one in seen} == {"PUT", "GET", "HEAD", "POST"}
    name = "x-amz-server-side-encryption-customer-"
    for request in seen:
        assert request.headers[f"{name}algorithm"] == "AES256"
        assert base64.b64decode(request.headers[f"{name}key"]) == bytes(range(32))
        assert len(base64.b64decode(request.headers[f"{name}key-md5"])) == 16
        assert request.headers["x-amz-request-payer"] == "requester"
    (copied,) = (one for one in seen if one.key == "d")
    source = "x-amz-copy-source-server-side-encryption-customer-key"
    assert base64.b64decode(copied.headers[source]) == bytes(range(32))


def test_a_customers_key_needs_tls(s3_environment: None, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    options = RemoteOptions(endpoint_url="http://127.0.0.1:1", sse_customer_key_file=str(key))
    with pytest.raises(InvalidConfigError, match="https"):
        S3Backend("bucket", options=options).stat("a")
    key.write_bytes(bytes(31))
    options = RemoteOptions(endpoint_url="https://127.0.0.1:1", sse_customer_key_file=str(key))
    with pytest.raises(InvalidConfigError, match="31 bytes"):
        S3Backend("bucket", options=options).stat("a")
