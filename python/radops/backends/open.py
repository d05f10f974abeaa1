"""From a remote's URL to its backend."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from radops.backends.folder import FolderBackend
from radops.backends.forking import renew_after_fork
from radops.backends.location import parse_location
from radops.backends.memory import MemoryBackend
from radops.backends.options import RemoteOptions

if TYPE_CHECKING:
    from radops.backends.base import Backend

__all__ = ["RemoteOptions", "open_backend"]


def open_backend(
    url: str, options: RemoteOptions | None = None, *, shared: Literal["group"] | None = None
) -> Backend:
    """Return the backend of a remote. Nothing is asked of it yet: no file or socket is opened.

    Args:
        url: `s3://bucket/prefix`, where a query such as `?endpoint_url=https://...&region=...`
            is put over the options; `file:///folder`; or, in tests, `memory://name`, which is
            the same store at every call in this process.
        options: How to reach an S3 remote.
        shared: "group" for a folder whose files a group of users makes.

    Raises:
        InvalidConfigError: The URL or an option cannot be used.

    """
    location = parse_location(url)
    if location.scheme == "memory":
        return _stores.get(location.name)
    if location.scheme == "file":
        return FolderBackend(location.path, remote=True, shared=shared)
    from radops.backends.s3 import S3Backend  # noqa: PLC0415  boto3 takes 0.3 s

    merged = (options or RemoteOptions()).merged(location.options)
    return S3Backend(location.name, location.path, merged)


class _Stores:
    """The stores in memory of this process, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, MemoryBackend] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def get(self, name: str) -> MemoryBackend:
        with self._lock:
            return self._by_name.setdefault(name, MemoryBackend(name))


_stores = _Stores()
