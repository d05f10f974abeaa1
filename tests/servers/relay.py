"""Small servers in front of others: one that speaks TLS, and an HTTP proxy as companies have."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from typing_extensions import Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _join(client: socket.socket, upstream: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
    back.start()
    _pump(client, upstream)
    back.join(5)


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection in a thread; give the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def guarded(client: socket.socket) -> None:
        with suppress(OSError, ValueError), client:
            serve(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=guarded, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


class Authority:
    """A private certificate authority, and a certificate of 127.0.0.1 that it signed."""

    def __init__(self, folder: Path) -> None:
        self.bundle = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        request, extensions, ca_key = folder / "r.csr", folder / "e.cnf", folder / "ca.key"
        extensions.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        new = ("openssl", "req", "-newkey", "rsa:2048", "-nodes")
        for command in (
            (*new, "-x509", "-subj", "/CN=Test CA", "-keyout", ca_key, "-out", self.bundle),
            (*new, "-subj", "/CN=127.0.0.1", "-keyout", self.key, "-out", request),
            (
                *("openssl", "x509", "-req", "-in", request, "-CA", self.bundle, "-CAkey", ca_key),
                *("-CAcreateserial", "-extfile", extensions, "-out", self.certificate),
            ),
        ):
            subprocess.run(command, check=True, capture_output=True)


@contextmanager
def tls_in_front(url: str, authority: Authority) -> Iterator[str]:
    """Speak TLS in front of a server that does not; give the URL."""
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)

    def serve(client: socket.socket) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(client, server_side=True) as secure:
            place = parts.hostname or "", parts.port or 0
            with socket.create_connection(place) as upstream:
                _join(secure, upstream)

    with _listening(serve) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def http_proxy(
    password: str | None = None, hosts: dict[str, str] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Run a proxy; give its address, and the first lines of what it is asked for.

    Args:
        password: What it wants to see, in base 64.
        hosts: Hosts (by the end of their names) that are really at another address.

    """
    lines: list[str] = []

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(1 << 16)):
                return
            head += data
        first, _, rest = head.partition(b"\r\n")
        lines.append(first.decode())
        method, target, _ = first.decode().split()
        if password is not None and f"basic {password}".encode() not in rest.lower():
            client.sendall(b"HTTP/1.1 407 Required\r\nContent-Length: 0\r\n\r\n")
            return
        if method == "CONNECT":
            host, _, port = target.partition(":")
            place, opening = (host, int(port)), b""
            reply = b"HTTP/1.1 200 Connected\r\n\r\n"
        else:
            parts = urlsplit(target)
            place = parts.hostname or "", parts.port or 80
            for end, address in (hosts or {}).items():
                if place[0].endswith(end):
                    place = address.partition(":")[0], int(address.partition(":")[2])
            path = target.partition(parts.netloc)[2]
            opening, reply = f"{method} {path} HTTP/1.1\r\n".encode() + rest, b""
        with socket.create_connection(place) as upstream:
            upstream.sendall(opening)
            client.sendall(reply)
            _join(client, upstream)

    with _listening(serve) as port:
        yield f"127.0.0.1:{port}", lines


class SilentPath:
    """A relay to a server, whose path begins to drop all packets: connections stay, mute.

        with SilentPath(server.endpoint_url) as path:
            path.drop(after=100_000)  # bytes that the next connection passes on, either way

    Connections that are made later work, unless told otherwise.
    """

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._lock = threading.Lock()
        self._after = 0
        self._times: int | None = 0
        self._over = threading.Event()
        self.connections = 0
        self.dropped = 0
        """How many connections went mute."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        port = self._stack.enter_context(_listening(self._serve))
        self.endpoint_url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._stack.close()

    def drop(self, *, after: int, times: int | None = 1) -> None:
        """Drop what follows so many bytes of a connection.

        Args:
            after: Bytes that are passed on in one direction before both fall silent.
            times: How many connections to come are hit; None for all.
        """
        with self._lock:
            self._after, self._times = after, times

    def _serve(self, client: socket.socket) -> None:
        place = (self._upstream.hostname or "", self._upstream.port or 0)
        with socket.create_connection(place) as upstream, client:
            with self._lock:
                self.connections += 1
            silent = threading.Event()
            back = threading.Thread(target=self._pass, args=(upstream, client, silent), daemon=True)
            back.start()
            self._pass(client, upstream, silent)
            back.join(5)

    def _pass(self, source: socket.socket, target: socket.socket, silent: threading.Event) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 14):
                passed += len(data)
                if self._falls_silent(passed):
                    silent.set()
                if silent.is_set():
                    break
                target.sendall(data)
        if silent.is_set():
            self._over.wait()  # nothing is read any more, and no end is told
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _falls_silent(self, passed: int) -> bool:
        with self._lock:
            if self._times == 0 or passed <= self._after:
                return False
            if self._times is not None:
                self._times -= 1
            self.dropped += 1
            return True
