"""An HTTP proxy in front of a real S3 server that counts requests and injects faults.

    with FaultProxy(server) as proxy:
        backend = proxy.backend(bucket)                  # like server.backend
        proxy.inject(Answer(503), method="PUT", times=2)
        ...
        assert proxy.count("GET", key="objects/") == 1

S3 signatures cover the Host header, so clients are given the proxy's own address, and Host is
passed on as it came.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from typing_extensions import Self

from servers.http_faults import (
    Answer,
    Cut,
    CutUpload,
    Delay,
    DropReply,
    Fault,
    Flip,
    FlipUpload,
    IgnoreIfNoneMatch,
    Refuse,
    Stall,
    StallUpload,
    Truncate,
)
from servers.signing import without_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.s3 import S3Backend
    from servers.server import S3Server
    from servers.signing import Headers

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Request:
    """A request that came in."""

    method: str
    bucket: str
    key: str
    """Decoded, with the bucket's prefix; "" for requests about the bucket, such as listings."""
    query: str
    headers: dict[str, str]
    """By names in lower case."""
    fault: Fault | None = None
    status: int = 0
    """What was answered; 0 if nothing was."""
    received: int = 0
    """Bytes of the request's body."""
    sent: int = 0
    """Bytes of the answer's body."""


@dataclass
class _Rule:
    fault: Fault
    method: str | None
    key: str | None
    times: int | None
    skip: int

    def applies(self, request: Request) -> bool:
        if self.method is not None and self.method != request.method:
            return False
        if self.key is not None and not re.search(self.key, f"{request.key}?{request.query}"):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times == 0:
                return False
            self.times -= 1
        return True


_MOMENT = 0.3
"""Seconds that a look at the requests waits for those under way; one that stalls takes longer."""


@dataclass
class FaultProxy:
    """A proxy on a port of its own, in threads of this process. Thread-safe."""

    server: S3Server
    requests: list[Request] = field(default_factory=list)
    """Those that ended, in the order in which they ended."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._news = threading.Condition(self._lock)
        self._rules: list[_Rule] = []
        self._closing = threading.Event()
        self._sockets: set[socket.socket] = set()
        upstream = urlsplit(self.server.endpoint_url)
        self._upstream = (upstream.hostname or "", upstream.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and break all connections."""
        self._closing.set()
        _shut(self._listener)
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            _shut(each)

    # For tests

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def as_server(self) -> S3Server:
        """The same server, seen through the proxy."""
        return replace(self.server, endpoint_url=self.endpoint_url)

    def backend(self, bucket: str | None = None, prefix: str = "", **more: Any) -> S3Backend:
        """Return a backend that goes through the proxy; a new bucket is made behind its back."""
        return self.as_server.backend(bucket or self.server.new_bucket(), prefix, **more)

    def inject(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        key: str | None = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Put a fault into requests to come; the first rule that applies to one is taken.

        Args:
            fault: What goes wrong.
            method: For requests of this method only.
            key: For those only in whose `key?query` this pattern is found.
            times: How often; None for always.
            skip: How many such requests to let through first.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, key, times, skip))

    def reset(self) -> None:
        """Forget all faults and requests."""
        with self._settled():
            self._rules.clear()
            self.requests.clear()

    def matching(self, method: str | None = None, key: str | None = None) -> list[Request]:
        """Return the requests of a method, in whose `key?query` a pattern is found."""
        with self._settled():
            return [
                each
                for each in self.requests
                if (method is None or each.method == method)
                and (key is None or re.search(key, f"{each.key}?{each.query}"))
            ]

    def count(self, method: str | None = None, key: str | None = None) -> int:
        """Return how many requests there were; arguments as of `matching`."""
        return len(self.matching(method, key))

    def counts(self) -> Counter[str]:
        """Return how many requests there were by method."""
        with self._settled():
            return Counter(each.method for each in self.requests)

    def bytes_sent(self, key: str | None = None) -> int:
        """Return how many bytes were answered to GETs."""
        return sum(each.sent for each in self.matching("GET", key))

    # Below: the proxy itself

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._sockets.add(client)
            threading.Thread(
                target=self._serve, args=(client,), name="fault-proxy", daemon=True
            ).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(self, client, HTTPConnection(*self._upstream))
        # A client or server that goes away is what this is for.
        with suppress(OSError, HTTPException, _GoneError):
            while connection.serve_one():
                pass
        connection.close()
        with self._lock:
            self._sockets.discard(client)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Hold the lock, once those are noted whose answers clients may have had already."""
        with self._news:
            self._news.wait_for(lambda: self._under_way == 0, _MOMENT)
            yield

    def _fault_for(self, request: Request) -> Fault | None:
        with self._lock:
            self._under_way += 1
            return next((rule.fault for rule in self._rules if rule.applies(request)), None)

    def _note(self, request: Request) -> None:
        with self._news:
            self.requests.append(request)
            self._under_way -= 1
            self._news.notify_all()

    def _pause(self, seconds: float) -> None:
        self._closing.wait(seconds)


class _GoneError(Exception):
    """The connection is over."""


class _Connection:
    """One client's connection, with one of its own to the server."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, upstream: HTTPConnection) -> None:
        self._proxy = proxy
        self._client = client
        self._input = client.makefile("rb", buffering=_CHUNK)
        self._upstream = upstream
        self._is_reset = False

    def close(self) -> None:
        self._upstream.close()
        with suppress(OSError):
            self._input.close()
        if self._is_reset:
            self._client.close()
        else:
            _shut(self._client)

    def serve_one(self) -> bool:
        """Pass on one request; False when the client has no more."""
        line = self._input.readline(65536).decode("latin-1").split()
        if len(line) != 3:
            return False
        method, target, _ = line
        headers = self._read_headers()
        named = {name.lower(): value for name, value in headers}
        path, _, query = target.partition("?")
        _, _, rest = path.partition("/")
        bucket, _, key = rest.partition("/")
        request = Request(method, unquote(bucket), unquote(key), query, named)
        fault = self._proxy._fault_for(request)
        self._seen = replace(request, fault=fault)
        try:
            self._answer(method, target, headers, fault)
        finally:
            self._proxy._note(self._seen)
        return named.get("connection", "").lower() != "close"

    def _read_headers(self) -> Headers:
        headers = []
        while True:
            text = self._input.readline(65536).decode("latin-1").rstrip("\r\n")
            if not text:
                return headers
            name, _, value = text.partition(":")
            headers.append((name, value.strip()))

    def _answer(self, method: str, target: str, headers: Headers, fault: Fault | None) -> None:
        if isinstance(fault, Refuse):
            self._reset()
        length = int(self._seen.headers.get("content-length", "0"))
        if length and self._seen.headers.get("expect", "").lower() == "100-continue":
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if isinstance(fault, (Answer, Stall)):
            for _ in self._body(length):
                pass
            if isinstance(fault, Stall):
                self._proxy._pause(fault.seconds)
                raise _GoneError
            self._answer_error(fault)
            return
        if isinstance(fault, Delay):
            self._proxy._pause(fault.seconds)
        if isinstance(fault, IgnoreIfNoneMatch):
            secret = self._proxy.server.secret_key
            headers = without_header("if-none-match", method, target, headers, secret)
        self._forward(method, target, headers, length, fault)
        response = self._upstream.getresponse()
        if isinstance(fault, DropReply):
            response.read()
            self._seen = replace(self._seen, status=response.status)
            raise _GoneError
        self._reply(method, response, fault)

    def _body(self, length: int) -> Iterator[bytes]:
        received = 0
        while received < length:
            data = self._input.read1(min(_CHUNK, length - received))
            if not data:
                raise _GoneError  # the client gave up; so does the connection to the server
            received += len(data)
            self._seen = replace(self._seen, received=received)
            yield data

    def _forward(
        self, method: str, target: str, headers: Headers, length: int, fault: Fault | None
    ) -> None:
        self._upstream.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in {"expect", "connection", "keep-alive"}:
                self._upstream.putheader(name, value)
        self._upstream.endheaders()
        done = 0
        for data in self._body(length):
            if isinstance(fault, CutUpload) and done + len(data) > fault.after:
                self._upstream.send(data[: fault.after - done])
                self._upstream.close()
                self._reset()
            if isinstance(fault, StallUpload) and done <= fault.after < done + len(data):
                self._proxy._pause(fault.seconds)
            flip = fault.at - done if isinstance(fault, FlipUpload) else -1
            self._upstream.send(_flipped(data, flip))
            done += len(data)

    def _reply(self, method: str, response: HTTPResponse, fault: Fault | None) -> None:
        self._seen = replace(self._seen, status=response.status)
        empty = method == "HEAD" or response.status in {204, 304}
        announced = response.headers["Content-Length"]
        length = None if announced is None else int(announced)
        if isinstance(fault, Truncate) and length is not None:
            length = min(length, fault.to)
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [
            f"{name}: {value}"
            for name, value in response.headers.items()
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}
        ]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        elif not empty:
            lines.append("Transfer-Encoding: chunked")
        self._client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if empty:
            response.read()
            return
        for data in self._changed(response, fault, length):
            piece = data if length is not None else b"%x\r\n%s\r\n" % (len(data), data)
            self._client.sendall(piece)
            self._seen = replace(self._seen, sent=self._seen.sent + len(data))
        if length is None:
            self._client.sendall(b"0\r\n\r\n")
        response.read()  # to its end, or the connection cannot be used again

    def _changed(
        self, response: HTTPResponse, fault: Fault | None, length: int | None
    ) -> Iterator[bytes]:
        done = 0
        while data := response.read1(_CHUNK):
            if isinstance(fault, Flip):
                data = _flipped(data, fault.at - done)
            if isinstance(fault, Cut) and done + len(data) > fault.after:
                yield data[: fault.after - done]
                raise _GoneError
            if length is not None:
                data = data[: length - done]
            if not data:
                return
            yield data
            done += len(data)

    def _answer_error(self, fault: Answer) -> None:
        code = fault.code or {429: "SlowDown", 503: "SlowDown", 500: "InternalError"}.get(
            fault.status, "Error"
        )
        body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
        lines = [f"HTTP/1.1 {fault.status} Injected", f"Content-Length: {len(body)}"]
        lines.append("Content-Type: application/xml")
        if fault.retry_after is not None:
            lines.append(f"Retry-After: {fault.retry_after}")
        if self._seen.method == "HEAD":
            body = b""
        self._client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        self._seen = replace(self._seen, status=fault.status, sent=len(body))

    def _reset(self) -> None:
        # Closed while lingering zero seconds, and not shut down before: the client sees a reset.
        self._is_reset = True
        self._client.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        raise _GoneError


def _flipped(data: bytes, at: int) -> bytes:
    if not 0 <= at < len(data):
        return data
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        each.close()


def wait_until(condition: Any, seconds: float = 5) -> None:
    """Wait for something that happens in a thread of the proxy."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
