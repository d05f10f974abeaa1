"""A backend in a bucket of an S3 server."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from typing_extensions import override

from radops.backends.base import (
    MOVE_SECONDS,
    Backend,
    Entry,
    KeyNotFoundError,
    Reader,
    Upload,
    check_key,
    clock,
)
from radops.backends.descriptors import at_once
from radops.backends.location import RemoteOptions
from radops.backends.parts import PART_SIZE, Parts
from radops.backends.s3.client import Clients, Timeouts
from radops.backends.s3.errors import code_of, status_of
from radops.backends.s3.files import S3Files
from radops.backends.s3.listing import Version, list_keys, list_uploads, list_versions
from radops.backends.s3.upload import MultipartUpload, WholeUpload, part_size_for
from radops.errors import RadopsError, RemoteUnavailableError, UnsafeRemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops import native


_CALLS = 16
"""Python threads that may be in calls at once. They only wait; Rust sends the requests."""

_REQUESTS = 64
"""Most requests at once. Rust begins with 16 and increases them while the server accepts that."""

_OPEN = 2
"""Descriptors of one request: a connection, and the file that it sends or receives."""

_LONGEST_PRESIGNED = 7 * 24 * 3600  # seconds; the limit of signature version 4


class S3Backend(Backend):
    """Keys are the bucket's keys below `prefix`.

    Every write carries a CRC-32 that the server checks, if it knows how to. No request is sent
    before the first call.

    Args:
        bucket: The bucket's name.
        prefix: What all keys begin with, without the `/` at its end; "" for none.
        options: How to reach the bucket.
        max_connections: Most requests at once; None for what this process may have open.
        timeouts: How long to wait for the server.
        part_size: Least bytes of a part; S3 takes no part below 5 MiB but the last.

    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        options: RemoteOptions | None = None,
        *,
        max_connections: int | None = None,
        timeouts: Timeouts | None = None,
        part_size: int = PART_SIZE,
    ) -> None:
        self._bucket = bucket
        self._base = f"{prefix}/" if prefix else ""
        self._url = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
        self._part_size = part_size
        if max_connections is None:
            max_connections = at_once(_REQUESTS, _OPEN)
        self._clients = Clients(
            self._url, bucket, options or RemoteOptions(), timeouts or Timeouts(), max_connections
        )
        self._files = S3Files(self._clients, self._base, part_size)

    @property
    @override
    def url(self) -> str:
        return self._url

    @property
    @override
    def is_local(self) -> bool:
        return False

    @property
    @override
    def max_connections(self) -> int:
        return _CALLS

    @property
    @override
    def files(self) -> S3Files:
        return self._files

    # Reading

    @override
    def stat(self, key: str) -> Entry | None:
        return self.stats([key])[0]

    @override
    def stats(self, keys: Sequence[str]) -> list[Entry | None]:
        with self._clients.client() as client:
            found = client.stat([self._base + key for key in keys])
        return [
            None if answer is None else Entry(key, *answer)
            for key, answer in zip(keys, found, strict=True)
        ]

    @override
    def read(self, keys: Sequence[str], most: int) -> list[bytes | None]:
        with self._clients.client() as client:
            return client.read([self._base + key for key in keys], most)

    @override
    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        if start < 0 or (length is not None and length < 0):
            raise ValueError(f"{key}: no bytes at {start} + {length}")
        if length == 0:  # S3 has no request for an empty range
            if self.stat(key) is None:
                raise KeyNotFoundError(key)
            return io.BytesIO()
        with self._clients.client(key) as client:
            return S3Reader(self._clients, client.open(self._base + key, start, length))

    @override
    def now(self) -> float:
        with self._clients.client() as client:
            date = client.page(self._base, most=1)[3]
        if date is None:  # this machine's clock may be wrong, and ages decide what is deleted
            raise RemoteUnavailableError(
                f"{self._url}: the server does not say what time it is",
                hint="something between may remove the header Date from its answers",
            )
        return float(date)

    @override
    def presigned_url(self, key: str, seconds: int, *, filename: str | None = None) -> str:
        if not 1 <= seconds <= _LONGEST_PRESIGNED:
            raise UsageError(f"a URL cannot be valid for {seconds} seconds", hint="1 to 604800")
        disposition = None
        if filename is not None:
            disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        return self._clients.presign(self._base + key, seconds, disposition)

    # Writing

    @override
    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        whole = self._checked(items)
        with self._clients.client() as client:
            client.put(list(dict(whole).items()))  # of a key given twice, the last bytes

    @override
    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        whole = self._checked(items)
        # Requests of one batch arrive in any order: of a key given twice, only the first is sent.
        first: dict[str, int] = {}
        for number, (key, _) in enumerate(whole):
            first.setdefault(key, number)
        sent = [whole[number] for number in first.values()]
        try:
            with self._clients.client() as client:
                created = dict(zip(first.values(), client.create(sent), strict=True))
        except RadopsError as error:
            status = status_of(error.__cause__)
            if status == 501 or code_of(error.__cause__) == "NotImplemented":
                raise UnsafeRemoteError(
                    f"{self._url} does not support create-if-absent (If-None-Match)",
                    hint="radops cannot keep names unique there; use another store",
                ) from error
            if status == 409:
                raise RemoteUnavailableError(
                    f"{self._url}: other clients keep creating the same keys",
                    hint="try again later",
                ) from error
            raise
        return [created.get(number, False) for number in range(len(whole))]

    def _checked(self, items: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        return [(self._base + check_key(key), bytes(body)) for key, body in items]

    @override
    def upload(self, key: str, size: int) -> Upload:
        check_key(key)
        parts = Parts(key, size, part_size_for(size, self._part_size))
        if parts.count == 1:
            return WholeUpload(self._clients, self._base + key, parts)
        return MultipartUpload(self._clients, self._base + key, parts)

    # The rest

    @override
    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        return list_keys(self._clients, self._base, prefix, recursive=recursive)

    def versions(self, prefix: str) -> Iterator[Version]:
        """Yield every key that begins with `prefix`, also those that `list` leaves out."""
        for one in list_versions(self._clients, self._base + prefix):
            yield one._replace(key=one.key[len(self._base) :])

    @override
    def move(self, source: str, target: str) -> None:
        check_key(target)
        entry = self.stat(source)
        if entry is None:
            raise KeyNotFoundError(source)
        if source == target:
            return
        began = clock()
        with self._clients.client(source) as client:
            client.copy(self._base + source, self._base + target, entry.size)
        if clock() - began > MOVE_SECONDS:
            raise RemoteUnavailableError(
                f"{self._url}/{source} is not deleted, as copying it took more than"
                f" {MOVE_SECONDS / 3600:.0f} hours",
                hint="run it again; the source may be needed by now",
            )
        self.delete([source])

    @override
    def delete(self, keys: Sequence[str]) -> None:
        with self._clients.client() as client:
            client.delete([self._base + key for key in keys])

    @override
    def include(self, keys: Sequence[str]) -> None:
        """Do nothing: what is there is durable."""

    @override
    def flush(self) -> None:
        """Do nothing: a server answers once what was written is durable."""

    @override
    def remove_stale(self, grace: float, below: Sequence[str] = ("",)) -> int:
        oldest = self.now() - grace
        removed = 0
        for prefix in below:
            for key, identity, begun in list_uploads(self._clients, self._base + prefix):
                if begun < oldest:
                    with self._clients.client() as client:
                        client.abort(key, identity)
                    removed += 1
        return removed

    @override
    def close(self) -> None:
        self._clients.close()


class S3Reader(Reader):
    """The bytes of a stream, which Rust takes up again where its connection breaks.

    Args:
        clients: Translates errors.
        stream: The stream, open.

    """

    def __init__(self, clients: Clients, stream: native.S3Reader) -> None:
        self._clients = clients
        self._stream = stream

    @override
    def read(self, size: int = -1, /) -> bytes:
        with self._clients.client():
            return self._stream.read(sys.maxsize if size < 0 else size)

    @override
    def close(self) -> None:
        self._stream.close()
