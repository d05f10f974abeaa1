"""A web server that says exactly what a test gives it, right or wrong."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from radops.data_lake import DataLake
    from radops.errors import RadopsError

    Answer = bytes | Callable[[socket.socket], None]


def answer(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Server:
    """Says exactly the bytes that a test gives it, one answer a connection."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers: list[Answer] = []
        self.requests: list[str] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._listener.settimeout(0.05)
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(60)
                try:
                    if self._context is not None:
                        connection = self._context.wrap_socket(connection, server_side=True)
                    head = b""
                    while b"\r\n\r\n" not in head:
                        if not (data := connection.recv(4096)):
                            raise ConnectionError("the client asked for nothing")
                        head += data
                    self.requests.append(head.split(b"\r\n")[0].decode("latin-1"))
                    said = self.answers.pop(0)
                    if callable(said):
                        said(connection)
                    else:
                        connection.sendall(said)
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the client gave up, as it should in some tests
                finally:
                    connection.close()

    def close(self) -> None:
        self.over.set()
        self._thread.join()
        self._listener.close()


def refused(lake: DataLake, url: str, uid: str | None, kind: type[RadopsError], text: str) -> None:
    """Check that adding what a URL says fails, tells no secret and leaves nothing behind."""
    with pytest.raises(kind, match=text) as raised:
        lake.add(url, uid)
    assert "SECRET" not in f"{raised.value} {raised.value.hint}"
    assert lake.ls() == []
    tmp = lake.home / "storage" / "tmp"
    assert [path for path in tmp.glob("*") if path.is_file()] == []
