"""Streaming the file behind a URL into a local file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from radops.backends.base import KeyNotFoundError
from radops.backends.open import open_backend
from radops.errors import LocalStorageError, RadopsError, RemoteRefusedError, UsageError
from radops.lake.sources import split_s3
from radops.redact import strip_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.backends.open import RemoteOptions
    from radops.repository.progress import Count

    Begin = Callable[[int | None], Count]

_CHUNK = 1 << 20

# Without a declared size a server could fill the disk, which others need too: so much stays free.
_FREE_BYTES = 1 << 30
_FREE_PART = 0.02
_BETWEEN_LOOKS = 64 << 20


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to about `size` bytes; none at the end."""
        ...


def fetch_url(
    url: str, name: str, target: Path, options: RemoteOptions, begin: Begin
) -> str | None:
    """Stream the file behind a URL into a new file.

    Args:
        url: `http`, `https` or `s3`.
        name: The name that the file is to have.
        target: The new file.
        options: How to reach an S3 server.
        begin: Called with the size, where the server declares it; gives what counts bytes.

    Returns:
        The media type that the server declares; None where it declares none.

    Raises:
        RemoteUnavailableError: The server cannot be reached, or the transfer broke off.
        RemoteRefusedError: The server refuses.
        LocalStorageError: There is no room for the file.
    """
    scheme = urlsplit(url).scheme.lower()
    try:
        if scheme in {"http", "https"}:
            # Loaded only where a web server is asked.
            from radops.lake.http_source import open_http  # noqa: PLC0415

            with open_http(url, name) as source:
                _copy(source, target, source.size, begin(source.size))
                return source.content_type
        if scheme != "s3":
            raise UsageError(f"{scheme}:// cannot be read", hint="use http, https, s3 or file")
        _fetch_s3(url, target, options, begin)
    except RadopsError:
        raise
    except OSError as error:
        raise LocalStorageError(f"{target}: {error.strerror or error}") from error
    return None


def _fetch_s3(url: str, target: Path, options: RemoteOptions, begin: Begin) -> None:
    where = split_s3(url)
    shown = strip_url(url)
    if not where.key:
        raise UsageError(f"{shown} names no object", hint="s3://bucket/key")
    backend = open_backend(where.bucket_url, options)
    try:
        entry = backend.stat(where.key)
        if entry is None:
            raise _no_object(where.key, shown)
        with backend.open(where.key) as reader:
            _copy(reader, target, entry.size, begin(entry.size))
    except KeyNotFoundError as error:
        raise _no_object(where.key, shown) from error
    except ValueError as error:
        if isinstance(error, RadopsError):
            raise
        raise UsageError(f"{shown} has a key that cannot be read: {where.key!r}") from error
    finally:
        backend.close()


def _no_object(key: str, shown: str) -> RemoteRefusedError:
    hint = "a key is taken as it is written: %20 is no space" if "%" in key else None
    return RemoteRefusedError(f"{shown} does not exist", hint=hint)


def _copy(source: Readable, target: Path, size: int | None, count: Count) -> None:
    _check_room(target, size or 0, keep=False)
    with target.open("xb") as file:
        next_look = 0
        done = 0
        while data := source.read(_CHUNK):
            if size is None and done >= next_look:
                _check_room(target, len(data), keep=True)
                next_look = done + _BETWEEN_LOOKS
            file.write(data)
            done += len(data)
            count(len(data), 0)
    count(0, 1)


def _check_room(target: Path, size: int, *, keep: bool) -> None:
    """Check that a file has room on the disk.

    Args:
        target: Where it goes.
        size: Its bytes.
        keep: Whether some room must be left, as its size is not known.
    """
    disk = shutil.disk_usage(target.parent)
    left = disk.free - size
    if left < (min(_FREE_BYTES, _FREE_PART * disk.total) if keep else 0):
        raise LocalStorageError(
            f"there is no room for it in {target.parent}: {disk.free:,} bytes are free",
            hint="make room on that disk",
        )
