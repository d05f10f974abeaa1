"""Where a remote is: its URL checked and taken apart. No message repeats a secret in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from radops.backends.keys import is_key
from radops.backends.options import RemoteOptions
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PREFIX_BYTES = 300
"""Leaves room in S3's 1,024 bytes for the longest key of the layout."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORMS = "use s3://bucket/prefix or file:///shared/folder"


@dataclass(frozen=True, slots=True)
class Location:
    """A checked remote."""

    scheme: str
    """"s3", "file", or "memory": a store of this process, for tests."""
    name: str
    """The bucket, or what the store in memory is called; empty for a folder."""
    path: str
    """The prefix within the bucket, or the absolute path of the folder."""
    options: Mapping[str, str]
    """What the URL's query says, by the names of `RemoteOptions`."""

    @property
    def url(self) -> str:
        """The URL in its one form, without options."""
        if self.scheme == "file":
            return Path(self.path).as_uri()
        return f"{self.scheme}://{self.name}/{self.path}".rstrip("/")


def parse_location(url: str, where: str = "the remote") -> Location:
    """Return what a remote's URL says.

    Args:
        url: `s3://bucket/prefix`, where the query may hold options (`?region=...`),
            `file:///folder`, or `memory://name`.
        where: What to call it in messages.

    Raises:
        InvalidConfigError: It cannot be a remote.

    """
    try:
        parts = urlsplit(url)
        has_user = "@" in parts.netloc
    except ValueError:
        raise InvalidConfigError(f"{where} is not a URL", hint=_FORMS) from None
    if has_user:  # not shown: this may be a password
        raise InvalidConfigError(
            f"{where} carries a user name or password",
            hint="radops stores no secrets: use a profile, or AWS_ACCESS_KEY_ID and its like",
        )
    if parts.scheme not in _PARSERS:
        raise InvalidConfigError(f"{where} is neither s3:// nor file://", hint=_FORMS)
    if "#" in url or _CONTROL.search(url):
        raise InvalidConfigError(f"{where} holds a character that cannot be used", hint=_FORMS)
    return _PARSERS[parts.scheme](parts, where)


def _bucket(parts: SplitResult, where: str) -> Location:
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidConfigError(f"{where} has no usable bucket: {bucket!r}", hint=_FORMS)
    if len(prefix.encode(errors="replace")) > MAX_PREFIX_BYTES:
        raise InvalidConfigError(f"{where} has a prefix of more than {MAX_PREFIX_BYTES} bytes")
    if prefix and not is_key(prefix):
        raise InvalidConfigError(
            f"{where} has a prefix that cannot be used: {prefix!r}",
            hint="no empty, `.` or `..` part, no backslash",
        )
    return Location("s3", bucket, prefix, _options(parts, where))


def _options(parts: SplitResult, where: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise InvalidConfigError(
            f"{where} has a query that is not name=value&...", hint=_FORMS
        ) from None
    known = RemoteOptions.names()
    options: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise InvalidConfigError(
                f"{where} has an unknown option {name!r}", hint=f"one of: {', '.join(known)}"
            )
        if name in options or not value:
            fault = "twice" if name in options else "without a value"
            raise InvalidConfigError(f"{where} has the option {name!r} {fault}")
        options[name] = value
    return options


def _folder(parts: SplitResult, where: str) -> Location:
    path = Path(unquote(parts.path))
    here = parts.netloc in {"", "localhost"} and not parts.query and "\0" not in str(path)
    if not here or not path.is_absolute() or path == Path("/") or ".." in path.parts:
        raise InvalidConfigError(
            f"{where} does not name a folder of this machine",
            hint="three slashes and the whole path: file:///shared/folder",
        )
    return Location("file", "", str(path), {})


def _memory(parts: SplitResult, where: str) -> Location:
    if not parts.netloc or parts.path.strip("/") or parts.query:
        raise InvalidConfigError(f"{where} is in memory and has no name", hint="memory://name")
    return Location("memory", parts.netloc, "", {})


_PARSERS = {"s3": _bucket, "file": _folder, "memory": _memory}
