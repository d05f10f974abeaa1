"""From a remote's URL to its backend."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from radops.backends.folder import FolderBackend
from radops.backends.forking import renew_after_fork
from radops.backends.keys import is_key
from radops.backends.memory import MemoryBackend
from radops.backends.options import RemoteOptions
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from radops.backends.base import Backend

__all__ = ["RemoteOptions", "open_backend"]

MAX_PREFIX_BYTES = 300
"""Leaves room in S3's 1,024 bytes for the longest key of the layout."""

_HINT = "it looks like s3://bucket/prefix or file:///shared/folder"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


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
    try:
        parts = urlsplit(url)
        has_user = parts.username is not None or parts.password is not None
    except ValueError:
        raise InvalidConfigError("the remote is not a URL", hint=_HINT) from None
    if has_user:  # not shown: this may be a password
        raise InvalidConfigError(
            "the remote's URL holds a user or password",
            hint="credentials belong in ~/.aws/credentials or AWS_* variables",
        )
    if parts.scheme not in _OPENERS:
        raise InvalidConfigError(f"a remote cannot be {_without_query(url)!r}", hint=_HINT)
    if parts.fragment or "#" in url:
        raise InvalidConfigError(
            f"the remote {_without_query(url)!r} has a '#'", hint="leave it out of the prefix"
        )
    given = _query(parts)
    merged = (options or RemoteOptions()).merged(given)
    if parts.scheme != "s3" and given:
        raise InvalidConfigError(f"{parts.scheme}:// takes no option, but has {', '.join(given)}")
    return _OPENERS[parts.scheme](parts, merged, shared)


def _query(parts: SplitResult) -> dict[str, str]:
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise InvalidConfigError(
            "the query of the remote's URL is not name=value&...", hint=_HINT
        ) from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise InvalidConfigError(f"the remote's URL has {name!r} twice")
        if not value and name in RemoteOptions.names():
            raise InvalidConfigError(f"the remote's URL has no value for {name!r}")
        given[name] = value
    return given


def _open_s3(
    parts: SplitResult, options: RemoteOptions, _shared: Literal["group"] | None
) -> Backend:
    bucket = parts.netloc
    if not _BUCKET.fullmatch(bucket):
        raise InvalidConfigError(f"{bucket!r} cannot be the name of a bucket", hint=_HINT)
    prefix = parts.path.strip("/")
    if prefix:
        if len(prefix.encode(errors="replace")) > MAX_PREFIX_BYTES:
            raise InvalidConfigError(
                f"the prefix of the bucket is longer than {MAX_PREFIX_BYTES} bytes"
            )
        if not is_key(prefix) or any(
            ord(character) < 32 or character == "\x7f" for character in prefix
        ):
            raise InvalidConfigError(
                f"{prefix!r} cannot be the prefix of a lake",
                hint="no empty, `.` or `..` part, no backslash, no control character",
            )
    from radops.backends.s3 import S3Backend  # noqa: PLC0415  boto3 takes 0.3 s

    return S3Backend(bucket, prefix, options)


def _open_folder(
    parts: SplitResult, _options: RemoteOptions, shared: Literal["group"] | None
) -> Backend:
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
        raise InvalidConfigError(
            f"a folder cannot be file://{parts.netloc}{parts.path}",
            hint="three slashes and the whole path: file:///shared/folder",
        )
    return FolderBackend(path, remote=True, shared=shared)


def _open_memory(
    parts: SplitResult, _options: RemoteOptions, _shared: Literal["group"] | None
) -> Backend:
    if not parts.netloc or parts.path.strip("/"):
        raise InvalidConfigError("a store in memory has a name: memory://name")
    return _stores.get(parts.netloc)


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

_OPENERS = {"s3": _open_s3, "file": _open_folder, "memory": _open_memory}


def _without_query(url: str) -> str:
    return url.partition("?")[0]
