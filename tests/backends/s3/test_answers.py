"""Answers that no S3 server should give: pages of other servers, endless ones, wrong numbers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart
from backends.s3_answers import error, within
from radops.backends.base import KeyNotFoundError
from radops.backends.parts import MIB
from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError
from servers.http_faults import Answer, Raw, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.backends.s3.backend import S3Backend
    from servers.proxy import FaultProxy


# Pages that are not S3's

HTML = (("Content-Type", "text/html"),)
PAGE = Reply(404, "<html><body>There is no such page.</body></html>", HTML)

CALLS: dict[str, Callable[[S3Backend], object]] = {
    "read": lambda backend: backend.read(["a"], 10),
    "open": lambda backend: backend.open("a"),
    "stat": lambda backend: backend.stat("a"),
    "list": lambda backend: list(backend.list("")),
    "put": lambda backend: backend.put([("a", b"1")]),
    "create": lambda backend: backend.create([("a", b"1")]),
    "delete": lambda backend: backend.delete(["a"]),
    "delete many": lambda backend: backend.delete(["a", "b"]),
    "upload": lambda backend: backend.upload("a", 6 * MIB),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "page", [PAGE, Reply(403, "<html>Log in first</html>", HTML)], ids=["404", "403"]
)
def test_a_page_of_another_server_is_no_answer(
    proxy: FaultProxy, backend: S3Backend, name: str, page: Reply
) -> None:
    proxy.inject(page, times=None)
    with pytest.raises(RemoteRefusedError, match="not an S3 server's answer") as caught:
        CALLS[name](backend)
    assert "endpoint_url" in (caught.value.hint or "")
    assert proxy.count() == 1


def test_a_page_of_another_server_is_no_absent_source(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    backend.put([("a", b"1")])
    proxy.inject(PAGE, method="PUT")
    with pytest.raises(RemoteRefusedError, match="not an S3 server's answer"):
        backend.move("a", "b")


@pytest.mark.parametrize("body", ["<html>welcome</html>", ""])
def test_a_write_that_another_server_says_succeeded(
    proxy: FaultProxy, backend: S3Backend, body: str
) -> None:
    proxy.inject(Reply(200, body, HTML), times=None)
    for name in ("put", "create"):
        with pytest.raises(RadopsError, match="not an S3 server's answer"):
            CALLS[name](backend)
    with pytest.raises(RadopsError, match="not an S3 server's answer"):
        backend.upload("a", 1).write(0, BytesPart(b"1"))
    if body:  # a server that has nothing to say of a deletion may answer without a body
        with pytest.raises(RadopsError):
            CALLS["delete many"](backend)


def test_only_an_answer_of_s3_says_that_a_key_is_absent(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    proxy.inject(Reply(404, ""), method="GET")
    with pytest.raises(RemoteRefusedError, match="not an S3 server's answer"):
        backend.read(["a"], 10)
    proxy.inject(Reply(404, error("Odd")), method="GET")
    with pytest.raises(RemoteRefusedError, match="Odd"):
        backend.read(["a"], 10)
    proxy.inject(Reply(404, error("NoSuchKey")), method="GET", times=2)
    assert backend.read(["a"], 10) == [None]
    with pytest.raises(KeyNotFoundError):
        backend.open("a")
    # The answer to a HEAD has no body, and one to a DELETE need not have one.
    proxy.inject(Reply(404, ""), method="HEAD")
    assert backend.stat("a") is None
    proxy.inject(Reply(404, ""), method="DELETE")
    backend.delete(["a"])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_page_of_a_load_balancer_is_waited_out(
    proxy: FaultProxy, backend: S3Backend, status: int
) -> None:
    backend.put([("a", b"1")])
    proxy.inject(Reply(status, "<html>Try again later</html>", HTML), times=2)
    assert backend.read(["a"], 10) == [b"1"]


# Numbers


def test_an_object_without_a_size_is_no_empty_one(proxy: FaultProxy, backend: S3Backend) -> None:
    head = b"HTTP/1.1 200 OK\r\nLast-Modified: Sun, 22 Nov 2026 15:21:23 GMT\r\n\r\n"
    proxy.inject(Raw(head), method="HEAD", times=None)
    with pytest.raises(RemoteUnavailableError, match="no size"):
        backend.stat("a")


@pytest.mark.parametrize("length", ["", "-1", "1e3", "18446744073709551616", "5, 5"])
def test_a_length_that_is_no_number(proxy: FaultProxy, backend: S3Backend, length: str) -> None:
    line = f"Content-Length: {length}\r\n" if length else ""
    head = f"HTTP/1.1 200 OK\r\n{line}Last-Modified: Sun, 22 Nov 2026 15:21:23 GMT\r\n\r\n12345"
    proxy.inject(Raw(head.encode()), times=None)
    for call in (lambda: backend.read(["a"], 10), lambda: backend.open("a"), backend.now):
        with within(60), pytest.raises(RemoteUnavailableError):
            call()


@pytest.mark.parametrize(
    "text",
    [
        "bytes 5-18446744073709551615/*",
        "bytes 5-18446744073709551615/18446744073709551615",
        "bytes 5-18446744073709551616/*",
        "bytes 9-5/10",
        "bytes 5-9/3",
        "bytes 5-9/",
        "bytes -5-9/10",
        "bytes 5-8/10",
    ],
)
def test_a_range_that_is_none(proxy: FaultProxy, backend: S3Backend, text: str) -> None:
    proxy.inject(Reply(206, "12345", (("Content-Range", text),)), times=None)
    with pytest.raises((RemoteUnavailableError, RemoteRefusedError)):
        backend.open("a", 5, 5)


def test_a_range_at_the_end_of_all_numbers(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", b"1")])
    with backend.open("a", (1 << 64) - 2, 5) as reader:
        assert reader.read() == b""


# Time and size


SLOW = {
    "a body": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", 0.3),
    "a page of an error": Raw(b"HTTP/1.1 400 Bad\r\nContent-Length: 100000\r\n\r\n", b"x", 0.3),
    "a head": Raw(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.3),
    "a word": Raw(b"", b"H", 0.3),
    "continue": Raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "continue, fast": Raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "endless headers": Raw(b"HTTP/1.1 200 OK\r\n", b"X-A: bbbbbbbbbbbbbbbbbb\r\n" * 10),
    "an endless header": Raw(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 1000),
}


@pytest.mark.parametrize("name", SLOW)
def test_an_answer_that_never_ends_is_given_up(
    proxy: FaultProxy, backend: S3Backend, name: str
) -> None:
    proxy.inject(SLOW[name], times=None)
    for call in (CALLS["read"], CALLS["list"], CALLS["put"]):
        with within(60), pytest.raises((RemoteUnavailableError, RemoteRefusedError)):
            call(backend)


def test_a_stream_that_drips_is_given_up(proxy: FaultProxy, backend: S3Backend) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nETag: x\r\n\r\n"
    proxy.inject(Raw(head, b"x", 0.3), times=None)
    with within(60), pytest.raises((RemoteUnavailableError, RemoteRefusedError)):
        backend.open("a").read()


# A limit of its own for each request


def test_a_request_that_is_always_refused_ends_while_others_succeed(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    proxy.inject(Answer(503, "SlowDown"), key="bad", times=None)
    over = threading.Event()

    def others() -> None:
        while not over.wait(0.05):
            backend.put([("good", b"1")])

    thread = threading.Thread(target=others)
    thread.start()
    try:
        with within(90), pytest.raises(RemoteUnavailableError, match="SlowDown"):
            backend.put([("bad", b"1")])
    finally:
        over.set()
        thread.join()
    assert proxy.count("PUT", "good") > 3
