"""From a remote's URL to its backend, of which every listing is checked.

A listing comes from a server, which may be broken or hostile. A bucket that lists an object
without a key or size, or whose continuation tokens lead back to the start, must not end in an
internal error or in a command that never returns.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from radops.backends.folder.backend import FolderBackend
from radops.backends.forking import renew_after_fork
from radops.backends.location import RemoteOptions, parse_location
from radops.backends.memory import MemoryBackend
from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.base import Backend, Entry

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
    backend: Backend
    if location.scheme == "file":
        backend = FolderBackend(location.path, remote=True, shared=shared)
    else:
        from radops.backends.s3.backend import S3Backend  # noqa: PLC0415  not needed without a bucket

        merged = (options or RemoteOptions()).merged(location.options)
        backend = S3Backend(location.name, location.path, merged)
    check_listings(backend)
    return backend


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
            if name not in self._by_name:
                self._by_name[name] = MemoryBackend(name)
                check_listings(self._by_name[name])
            return self._by_name[name]


_stores = _Stores()


def check_listings(backend: Backend) -> None:
    """Have every listing of a backend checked; see `checked`."""
    listing = backend.list

    def checked_list(prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        return checked(listing(prefix, recursive=recursive), backend.url)

    backend.list = checked_list  # type: ignore[method-assign]


def checked(entries: Iterator[Entry], url: str) -> Iterator[Entry]:
    """Yield the entries of a listing as long as they are sound, in constant memory.

    Each key is listed once. One that comes again means that the listing goes in a circle: it is
    found by comparing every key with one that is remembered, which is replaced after 1, 2, 4, 8,
    ... keys (Brent's method), so at the latest after three rounds.

    Args:
        entries: What the backend lists.
        url: Of the backend, for messages.

    Raises:
        RemoteUnavailableError: An entry has no key or size, or one of a wrong type; or the
            listing repeats itself.
    """
    remembered, distance, power = None, 0, 1
    try:
        for entry in entries:
            key = _check(entry)
            if key == remembered:
                raise RemoteUnavailableError(
                    f"the listing of {url} repeats itself and does not end",
                    hint="its continuation tokens lead in a circle; tell the server's operator",
                )
            distance += 1
            if distance == power:
                remembered, distance, power = key, 0, 2 * power
            yield entry
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RemoteUnavailableError(
            f"the listing of {url} holds an entry without a key, size or time",
            hint="check that the address is that of an S3 server, with no other proxy in between",
        ) from error


def _check(entry: Entry) -> str:
    """Return the key of an entry; `TypeError` or `ValueError` if it is not sound."""
    key, size, modified = entry
    if type(key) is not str or not key or type(size) is not int or size < 0:
        raise TypeError(f"{key!r} has the size {size!r}")
    float(modified)
    return key
