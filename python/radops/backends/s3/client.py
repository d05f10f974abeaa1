"""The Rust client of one bucket: made when it is first needed, and again in every process."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.forking import renew_after_fork
from radops.backends.s3.chain import Chain
from radops.backends.s3.errors import translate
from radops.backends.s3.settings import resolve
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.location import RemoteOptions

_CUSTOMER_KEY_BYTES = 32


class Timeouts(NamedTuple):
    """How long to wait for a server, in seconds.

    With the defaults an endpoint that cannot be reached, or accepts and never answers, is given
    up within 20 s: no retry begins later than `read` + 1 s after the call. For a large part it is
    `transfer` + 1 s after the server last took bytes that it had not taken before.
    """

    connect: float = 5.0
    read: float = 8.0
    """For all requests that carry little. SeaweedFS takes 5 s to decide among 16 creators."""
    transfer: float = 60.0
    """For parts of large objects, and for copies, which a server may have to write out first: how
    long it may take no more bytes, or not answer."""
    throttled: float = 60.0
    """How long a server may refuse every request because there are too many (429, SlowDown)."""


class Clients:
    """Makes the Rust client of a bucket, and translates its errors. Thread-safe, also after a fork.

    Args:
        where: The store's URL, for messages.
        bucket: The bucket's name.
        options: How to reach it.
        timeouts: How long to wait.
        max_connections: Most requests at once.

    """

    def __init__(
        self,
        where: str,
        bucket: str,
        options: RemoteOptions,
        timeouts: Timeouts,
        max_connections: int,
    ) -> None:
        self._where = where
        self._bucket = bucket
        self._options = options
        self._timeouts = timeouts
        self._max_connections = max_connections
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget the parent's client: its connections, threads and locks are the parent's."""
        self._lock = threading.Lock()
        self._client: native.S3Client | None = None
        self._chain = Chain(self._where, self._options)

    @property
    def where(self) -> str:
        """The store's URL, for messages."""
        return self._where

    @contextlib.contextmanager
    def client(self, key: str | None = None) -> Iterator[native.S3Client]:
        """Give the client to a `with` block, and translate what is raised in the block.

        Args:
            key: Makes an answer "no such key" a `KeyNotFoundError` about it.
        """
        try:
            yield self._get()
        except native.S3Error as error:
            raise self.translate(error, key) from error

    def translate(self, error: native.S3Error, key: str | None = None) -> Exception:
        """Return what an error of the client means."""
        return translate(error, self._where, key=key, secrets=self._chain.secrets)

    def presign(self, key: str, seconds: int, disposition: str | None) -> str:
        """Return a URL by which anyone can read a key of the bucket."""
        return self._chain.presign(self._bucket, key, seconds, disposition)

    def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        with self._lock:
            self._client = None

    def _get(self) -> native.S3Client:
        client = self._client
        if client is None:
            with self._lock:
                client = self._client
                if client is None:
                    client = self._client = self._make()
        return client

    def _make(self) -> native.S3Client:
        options = self._options
        place = resolve(options, self._chain)
        if place.ca_bundle is not None and not Path(place.ca_bundle).is_file():
            raise InvalidConfigError(f"ca_bundle: there is no file {place.ca_bundle}")
        return native.S3Client(
            endpoint=place.endpoint,
            bucket=self._bucket,
            region=place.region,
            addressing=place.addressing,
            credentials=place.credentials,
            timeouts=self._timeouts,
            max_connections=self._max_connections,
            ca_bundle=place.ca_bundle,
            sse=options.sse,
            sse_kms_key_id=options.sse_kms_key_id,
            sse_customer_key=_customer_key(options.sse_customer_key_file, place.endpoint),
            requester_pays=options.requester_pays == "true",
        )


def _customer_key(path: str | None, endpoint: str) -> bytes | None:
    """Return the key in a file, which holds its 32 bytes as they are."""
    if path is None:
        return None
    if not endpoint.startswith("https:"):
        raise InvalidConfigError(
            "sse_customer_key_file needs an endpoint_url with https://",
            hint="the key is sent with each request",
        )
    try:
        key = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InvalidConfigError(f"sse_customer_key_file: {path}: {error.strerror}") from error
    if len(key) != _CUSTOMER_KEY_BYTES:
        raise InvalidConfigError(
            f"sse_customer_key_file: {path} holds {len(key)} bytes",
            hint="it must hold 32: `openssl rand -out FILE 32` makes one",
        )
    return key
