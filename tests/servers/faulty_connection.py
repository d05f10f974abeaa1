"""One connection of a client through the fault proxy, on which faults are injected."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from servers.http_faults import (
    Answer,
    Cut,
    CutUpload,
    Delay,
    Drip,
    DropReply,
    Fault,
    Flip,
    FlipUpload,
    IgnoreIfNoneMatch,
    Raw,
    Refuse,
    Reply,
    Stall,
    StallUpload,
    Truncate,
)
from servers.signing import without_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection, HTTPResponse

    from servers.proxy import FaultProxy
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


class GoneError(Exception):
    """The connection is over."""


class Connection:
    """One client's connection, with one of its own to the server."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, upstream: HTTPConnection) -> None:
        self._proxy = proxy
        self._client = client
        self._input = client.makefile("rb", buffering=_CHUNK)
        self._upstream = upstream
        self._is_reset = False

    def close(self) -> None:
        """Close both sides."""
        self._upstream.close()
        with suppress(OSError):
            self._input.close()
        if self._is_reset:
            self._client.close()
        else:
            shut(self._client)

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
        self._seen = request
        began = self._proxy.begin()
        try:
            fault = self._proxy.fault_for(request)
            self._seen = replace(request, fault=fault)
            self._answer(method, target, headers, fault)
        finally:
            self._proxy.note(self._seen, began)
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
        if isinstance(fault, (Answer, Reply, Raw, Stall)):
            for _ in self._body(length):
                pass
            if isinstance(fault, Stall):
                self._proxy.pause(fault.seconds)
                raise GoneError
            if isinstance(fault, Raw):
                self._answer_raw(fault)
            self._answer_error(fault) if isinstance(fault, Answer) else self._answer_with(fault)
            return
        if isinstance(fault, Delay):
            self._proxy.pause(fault.seconds)
        if isinstance(fault, IgnoreIfNoneMatch):
            secret = self._proxy.server.secret_key
            headers = without_header("if-none-match", method, target, headers, secret)
        self._forward(method, target, headers, length, fault)
        response = self._upstream.getresponse()
        if isinstance(fault, DropReply):
            response.read()
            self._seen = replace(self._seen, status=response.status)
            raise GoneError
        self._reply(method, response, fault)

    def _body(self, length: int) -> Iterator[bytes]:
        received = 0
        while received < length:
            data = self._input.read1(min(_CHUNK, length - received))
            if not data:
                raise GoneError  # the client gave up; so does the connection to the server
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
                self._proxy.pause(fault.seconds)
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
                raise GoneError
            if length is not None:
                data = data[: length - done]
            if not data:
                return
            if isinstance(fault, Drip):
                for start in range(0, len(data), fault.size):
                    self._proxy.pause(fault.seconds)
                    yield data[start : start + fault.size]
            else:
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

    def _answer_with(self, fault: Reply) -> None:
        body = b"" if self._seen.method == "HEAD" else fault.body.encode()
        lines = [f"HTTP/1.1 {fault.status} Injected", f"Content-Length: {len(fault.body.encode())}"]
        lines += [f"{name}: {value}" for name, value in fault.headers]
        self._client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        self._seen = replace(self._seen, status=fault.status, sent=len(body))

    def _answer_raw(self, fault: Raw) -> None:
        self._client.sendall(fault.head)
        while fault.more and not self._proxy.is_closing:
            self._proxy.pause(fault.pause)
            self._client.sendall(fault.more)
        raise GoneError

    def _reset(self) -> None:
        # Closed while lingering zero seconds, and not shut down before: the client sees a reset.
        self._is_reset = True
        self._client.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        raise GoneError


def _flipped(data: bytes, at: int) -> bytes:
    if not 0 <= at < len(data):
        return data
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def shut(each: socket.socket) -> None:
    """Shut a socket down, which ends calls of other threads on it, and close it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        each.close()
