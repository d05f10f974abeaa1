"""Objects that a caller sends in parts of its own, in one request or in several."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from typing_extensions import override

from radops.backends.base import Upload
from radops.backends.parts import MIB, PART_SIZE, Parts, chunks
from radops.errors import RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from radops.backends.base import Part
    from radops.backends.s3.client import Clients

_MOST_PARTS = 10_000  # S3's own limit


def part_size_for(size: int, least: int = PART_SIZE) -> int:
    """Return the size of a part: whole MiB, so that an object has at most 10,000."""
    needed = -(-size // _MOST_PARTS)
    return max(least, -(-needed // MIB) * MIB)


class WholeUpload(Upload):
    """An object of one part: one PutObject, visible once its last byte was sent."""

    def __init__(self, clients: Clients, key: str, parts: Parts) -> None:
        self._clients = clients
        self._key = key
        self._parts = parts

    @property
    @override
    def part_size(self) -> int:
        return self._parts.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._parts.check(number, len(part))
        data = b"".join(chunks(part, self._parts.key))
        with self._clients.client() as client:
            client.put_large(self._key, data)
        self._parts.arrived(number)

    @override
    def commit(self) -> None:
        self._parts.check_complete()

    @override
    def abort(self) -> None:
        """Do nothing: a PutObject is there whole or not at all."""


class MultipartUpload(Upload):
    """An object of several parts, invisible until `commit`."""

    def __init__(self, clients: Clients, key: str, parts: Parts) -> None:
        self._clients = clients
        self._parts = parts
        self._over = False
        with clients.client() as client:
            self._upload = client.begin(key)

    @property
    @override
    def part_size(self) -> int:
        return self._parts.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._parts.check(number, len(part))
        self._check_open()
        self._parts.begin(number)
        data = b"".join(chunks(part, self._parts.key))
        with self._clients.client():
            self._upload.send(number, data)
        self._parts.arrived(number)

    @override
    def commit(self) -> None:
        self._check_open()
        self._parts.check_complete()
        with self._clients.client():
            self._upload.complete()
        self._over = True

    @override
    def abort(self) -> None:
        """Drop the parts that were sent.

        If the store cannot be reached they stay until the next collection: the error that led
        here matters more.
        """
        if self._over:
            return
        self._over = True
        with (
            contextlib.suppress(RemoteUnavailableError, RemoteRefusedError),
            self._clients.client(),
        ):
            self._upload.abort()

    def _check_open(self) -> None:
        if self._over:
            raise ValueError(f"{self._parts.key}: the upload is over")
