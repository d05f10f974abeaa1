"""Where a remote is and how to reach it: its URL, and its options.

Both are checked here. No message repeats a secret in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from radops.backends.base import is_key
from radops.errors import InvalidConfigError
from radops.redact import strip_url

if TYPE_CHECKING:
    from collections.abc import Mapping


MAX_PREFIX_BYTES = 300
"""Leaves room in S3's 1,024 bytes for the longest key of the layout."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORMS = "use s3://bucket/prefix or file:///shared/folder"
_BUCKETS = "a bucket has 3 to 255 letters, digits, `-`, `.` and `_`: s3://bucket/prefix"


class Location(msgspec.Struct, frozen=True):
    """A checked remote."""

    scheme: str
    """"s3", "file", or "memory": a store of this process, for tests."""
    name: str
    """The bucket, or what the store in memory is called; empty for a folder."""
    path: str
    """The prefix within the bucket, or the absolute path of the folder."""
    options: Mapping[str, str]
    """The options in the URL's query, by the names of `RemoteOptions`."""

    @property
    def url(self) -> str:
        """The URL in its one form, without options."""
        if self.scheme == "file":
            return Path(self.path).as_uri()
        return f"{self.scheme}://{self.name}/{self.path}".rstrip("/")


def parse_location(url: str, where: str = "the remote") -> Location:
    """Return the remote that a URL names.

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
        shown = strip_url(f"s3://{bucket}").removeprefix("s3://")  # it may hold a password
        fault = f"{shown!r} cannot be the name of a bucket" if shown else "no bucket is named"
        raise InvalidConfigError(f"{where}: {fault}", hint=_FORMS if not shown else _BUCKETS)
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


CHOICES = {
    "addressing_style": ("auto", "path", "virtual"),
    "requester_pays": ("true", "false"),
    "sse": ("AES256", "aws:kms", "aws:kms:dsse"),
}
"""The values of options that take one of a fixed set."""


@dataclass(frozen=True)
class RemoteOptions:
    """Options of an S3 remote; None means the value in the configuration of the AWS tools.

    Credentials are no options: they come from where the AWS tools look, and radops never stores
    them.

    Raises:
        InvalidConfigError: A value cannot be used; the message names the option.

    """

    endpoint_url: str | None = None
    """The server, such as "https://s3.example.org"; None is Amazon's."""
    region: str | None = None
    """The bucket's region."""
    profile: str | None = None
    """A profile of `~/.aws/config`."""
    ca_bundle: str | None = None
    """A file of certificates to trust instead of the usual ones."""
    addressing_style: str | None = None
    """How the bucket is named in requests: "path", "virtual" or "auto"."""
    sse: str | None = None
    """Encryption at rest: "AES256", "aws:kms" or "aws:kms:dsse"."""
    sse_kms_key_id: str | None = None
    """The key of Amazon's key service to encrypt with."""
    sse_customer_key_file: str | None = None
    """A file with the 32 bytes of a key of your own (SSE-C), which the store never keeps."""
    requester_pays: str | None = None
    """"true" where readers of the bucket pay for requests, and agree to."""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise InvalidConfigError(
                    f"{name} cannot be {value!r}", hint=f"one of: {', '.join(choices)}"
                )
        if self.endpoint_url is not None:
            check_endpoint(self.endpoint_url)
        if self.sse_kms_key_id is not None and not (self.sse or "").startswith("aws:kms"):
            raise InvalidConfigError(
                "sse_kms_key_id is given but nothing uses it", hint='set sse to "aws:kms"'
            )

        if self.sse_customer_key_file is not None and self.sse is not None:
            raise InvalidConfigError(
                "sse and sse_customer_key_file are both given", hint="they exclude each other"
            )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all options."""
        return tuple(field.name for field in fields(cls))

    def merged(self, given: Mapping[str, str]) -> RemoteOptions:
        """Return these options with those given put over them."""
        return replace(self, **given)


def check_endpoint(url: str) -> None:
    """Refuse what cannot be the address of a server, without repeating a secret in it.

    Raises:
        InvalidConfigError: It is no such address, or holds a user or password.
    """
    hint = "it looks like https://s3.example.org or http://127.0.0.1:8333"
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        raise InvalidConfigError("endpoint_url is not a URL", hint=hint) from None
    if "@" in url:
        # Not shown: this may be a password.
        raise InvalidConfigError(
            "endpoint_url holds a user or password",
            hint="credentials belong in ~/.aws/credentials or AWS_* variables",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise InvalidConfigError(f"endpoint_url cannot be {url!r}", hint=hint)
    if parts.query or parts.fragment:
        raise InvalidConfigError("endpoint_url has a query or fragment", hint=hint)
