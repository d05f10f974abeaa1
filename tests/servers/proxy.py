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
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from typing_extensions import Self

from servers.faulty_connection import Connection, GoneError, Request, shut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.s3.backend import S3Backend
    from servers.http_faults import Fault
    from servers.server import S3Server


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


_MOMENT = 5
"""Seconds that a look at the requests waits at most for those under way, and that do not stall."""


@dataclass
class FaultProxy:
    """A proxy on a port of its own, in threads of this process. Thread-safe."""

    server: S3Server
    requests: list[Request] = field(default_factory=list)
    """Those that ended, in the order in which they ended."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._resets = 0
        self.stalled = 0
        """How many requests stall just now."""
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
        shut(self._listener)
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            shut(each)

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
        """Forget all faults and requests, also those that have not ended yet."""
        with self._settled():
            self._rules.clear()
            self.requests.clear()
            self._resets += 1
            self._under_way = 0

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
        connection = Connection(self, client, HTTPConnection(*self._upstream))
        # A client or server that goes away is what this is for.
        with suppress(OSError, HTTPException, GoneError):
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

    # For its connections

    @property
    def is_closing(self) -> bool:
        """Whether all connections are to end."""
        return self._closing.is_set()

    def begin(self) -> int:
        """Count a request that begins; return what `note` is to be told of it."""
        with self._lock:
            self._under_way += 1
            return self._resets

    def fault_for(self, request: Request) -> Fault | None:
        """Return what is to go wrong with a request."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.applies(request)), None)

    def note(self, request: Request, began: int) -> None:
        """Note a request that has ended, unless it began before a reset."""
        with self._news:
            if began == self._resets:
                self.requests.append(request)
                self._under_way -= 1
                self._news.notify_all()

    def pause(self, seconds: float) -> None:
        """Let a request stall, unless the proxy is closed meanwhile."""
        with self._news:
            began = self._resets
            self._under_way -= 1
            self.stalled += 1
            self._news.notify_all()
        self._closing.wait(seconds)
        with self._lock:
            self.stalled -= 1
            if began == self._resets:
                self._under_way += 1


def wait_until(condition: Any, seconds: float = 60) -> None:
    """Wait for something that happens in a thread of the proxy."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
