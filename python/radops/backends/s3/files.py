"""Local files to a bucket and back, without their bytes passing through Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from typing_extensions import override

from radops import native
from radops.backends.s3.upload import part_size_for
from radops.backends.transfers import Fetch, FetchRanges, FileTransfers, Send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.backends.s3.client import Clients


def _streams() -> int:
    """Return how many large bodies to move at once.

    Two for each core keep it busy. More only wait for each other.
    """
    return max(4, 2 * (os.cpu_count() or 1))


class S3Files(FileTransfers):
    """Moves files to and from a bucket.

    Args:
        clients: The store.
        base: What all our keys begin with.
        part_size: Least bytes of a part.

    """

    def __init__(self, clients: Clients, base: str, part_size: int) -> None:
        self._clients = clients
        self._base = base
        self._part_size = part_size

    @override
    def fetch(
        self, files: Sequence[Fetch], progress: native.Progress | None = None
    ) -> list[Exception | None]:
        items = [(self._base + one.key, one.path, one.size, one.digest) for one in files]
        with self._clients.client() as client:
            answers = client.fetch_files(items, progress=progress)
        return self._translated([one.key for one in files], answers)

    @override
    def fetch_ranges(
        self, objects: Sequence[FetchRanges], progress: native.Progress | None = None
    ) -> list[Exception | None]:
        items = [
            (self._base + one.key, one.path, one.size, one.outline, list(one.spans))
            for one in objects
        ]
        with self._clients.client() as client:
            answers = client.fetch_ranges(items, streams=_streams(), progress=progress)
        return self._translated([one.key for one in objects], answers)

    @override
    def send(
        self, files: Sequence[Send], progress: native.Progress | None = None
    ) -> list[Exception | None]:
        items = [
            (
                self._base + one.key,
                one.path,
                one.size,
                one.digest,
                one.outline,
                part_size_for(one.size, self._part_size),
            )
            for one in files
        ]
        with self._clients.client() as client:
            answers = client.send_files(items, streams=_streams(), progress=progress)
        return self._translated([one.key for one in files], answers)

    def _translated(
        self, keys: Sequence[str], answers: Sequence[Exception | None]
    ) -> list[Exception | None]:
        return [
            self._clients.translate(answer, key) if isinstance(answer, native.S3Error) else answer
            for key, answer in zip(keys, answers, strict=True)
        ]
