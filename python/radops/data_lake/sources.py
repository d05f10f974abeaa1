"""Where added files come from: paths and URLs."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from radops.backends.base import KeyNotFoundError
from radops.backends.open import open_backend
from radops.errors import (
    LocalStorageError,
    MissingFileError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UsageError,
)
from radops.model.urls import strip_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.backends.open import RemoteOptions

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_TIMEOUT_SECONDS = 20.0
_CHUNK = 1 << 20


class Readable(Protocol):
    """A stream that comes in."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


def is_url(source: str) -> bool:
    """Say whether a source is a URL rather than a path."""
    return _URL.match(source) is not None


def local_source(source: str | os.PathLike[str]) -> Path | None:
    """Return the path that a source means; None for a URL of another machine."""
    text = os.fspath(source)
    if not is_url(text):
        return Path(text)
    parts = urlsplit(text)
    if parts.scheme.lower() != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"{strip_url(text)} is not on this machine")
    return Path(unquote(parts.path))


def check_file(path: Path) -> int:
    """Return the size of a file that is to be added.

    Raises:
        MissingFileError: It is not there.
        UsageError: It is a folder, or no file at all (a device, a pipe).
        LocalStorageError: It cannot be read.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - one look for all, as there may be very many
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no file {path}") from error
    except OSError as error:
        raise LocalStorageError(f"{path}: {error.strerror}") from error
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(
            f"{path} is a folder",
            hint=f"add all files below it: radops datalake add -r {path} PREFIX",
        )
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is not a regular file")
    if not os.access(path, os.R_OK):
        raise LocalStorageError(f"{path}: permission denied")
    return status.st_size


def name_of(source: str | os.PathLike[str]) -> str:
    """Return the file name of a path or URL: the UID where none is given."""
    text = os.fspath(source)
    path = unquote(urlsplit(text).path) if is_url(text) else text
    name = Path(path).name
    if not name:
        raise UsageError(f"{strip_url(text)} has no file name", hint="give a UID as well")
    return name


def download_url(
    url: str,
    target: Path,
    options: RemoteOptions,
    begin: Callable[[int | None], Callable[[int, int], None]],
) -> None:
    """Stream what a URL holds into a new file.

    Args:
        url: `http`, `https` or `s3`.
        target: Where to; nothing stands there.
        options: How to reach an S3 server.
        begin: Told the size, where the server gives it; gives what counts bytes.

    Raises:
        RemoteUnavailableError: The server cannot be reached, or the transfer broke off.
        RemoteRefusedError: The server said no.
    """
    scheme = urlsplit(url).scheme.lower()
    shown = strip_url(url)
    try:
        if scheme in ("http", "https"):
            _http(url, shown, target, begin)
        elif scheme == "s3":
            _s3(url, shown, target, options, begin)
        else:
            raise UsageError(f"{scheme}:// cannot be read", hint="use http, https, s3 or file")
    except RadopsError:
        raise
    except OSError as error:
        raise LocalStorageError(f"{target}: {error.strerror or error}") from error


def _http(
    url: str, shown: str, target: Path, begin: Callable[[int | None], Callable[[int, int], None]]
) -> None:
    # Whatever opens sockets is loaded only where one is needed.
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(url, headers={"User-Agent": "radops"})  # noqa: S310 - http(s)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            kind = RemoteUnavailableError if error.code >= 500 else RemoteRefusedError
            raise kind(f"{shown} answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise RemoteUnavailableError(f"{shown} cannot be reached: {error.reason}") from None
    except http.client.InvalidURL:
        # Its text repeats what it took for a port, which can be a password.
        raise UsageError(
            f"{shown} is not a URL that can be read", hint="no user or password goes into a URL"
        ) from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise RemoteUnavailableError(f"{shown} cannot be read: {error}") from None
    with response:
        declared = response.headers.get("Content-Length")
        size = int(declared) if declared is not None and declared.isdigit() else None
        _copy(response, shown, target, size, begin(size))


def _s3(
    url: str,
    shown: str,
    target: Path,
    options: RemoteOptions,
    begin: Callable[[int | None], Callable[[int, int], None]],
) -> None:
    parts = urlsplit(url)
    key = unquote(parts.path).lstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    backend = open_backend(f"s3://{parts.netloc}{query}", options)
    try:
        entry = backend.stat(key)
        if entry is None:
            raise RemoteRefusedError(f"{shown} does not exist")
        with backend.open(key) as reader:
            _copy(reader, shown, target, entry.size, begin(entry.size))
    except KeyNotFoundError as error:
        raise RemoteRefusedError(f"{shown} does not exist") from error
    finally:
        backend.close()


def _copy(
    source: Readable, shown: str, target: Path, size: int | None, count: Callable[[int, int], None]
) -> None:
    from http.client import HTTPException  # noqa: PLC0415

    done = 0
    with target.open("xb") as file:
        while True:
            try:
                data = source.read(_CHUNK)
            except RadopsError:
                raise
            except (HTTPException, OSError) as error:
                raise RemoteUnavailableError(
                    f"{shown} broke off: {error}", hint="try again"
                ) from error
            if not data:
                break
            file.write(data)
            done += len(data)
            count(len(data), 0)
    if size is not None and done != size:
        raise RemoteUnavailableError(
            f"{shown} broke off: {done:,} of {size:,} bytes came", hint="try again"
        )
    count(0, 1)
