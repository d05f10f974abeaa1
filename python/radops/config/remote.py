"""URLs of remotes and endpoints: taken apart, checked, and silent about secrets."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from radops.config.check import nearest
from radops.config.file import OPTION_KEYS, Context, convert
from radops.errors import InvalidConfigError

# What the layout leaves of S3's 1,024 bytes per key for UIDs and digests.
MAX_PREFIX = 300
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_NO_SECRETS = "radops stores no secrets: use a profile, or AWS_ACCESS_KEY_ID and its like"


def split_remote(url: str, where: str = "the remote") -> tuple[str, dict[str, str]]:
    """Check a remote's URL and return it bare, with the options its query gave.

    Args:
        url: `s3://bucket/prefix?endpoint_url=...`, `file:///folder`, or an absolute path.
        where: What to call it in messages, which never repeat a URL that may hold a secret.
    """
    if url.startswith(("/", "~")):
        return Path(url).expanduser().absolute().as_uri(), {}
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidConfigError(f"{where} is not a URL") from error
    if "@" in parts.netloc:
        raise InvalidConfigError(f"{where} carries a user name or password", hint=_NO_SECRETS)
    if any(ord(character) < 32 for character in url):
        raise InvalidConfigError(f"{where} holds a control character")
    if parts.scheme == "s3":
        return _s3(parts, where)
    if parts.scheme == "file":
        return _folder(parts, where), {}
    raise InvalidConfigError(
        f"{where} is neither s3:// nor file://",
        hint="use s3://bucket/prefix or file:///shared/folder",
    )


def _s3(parts: SplitResult, where: str) -> tuple[str, dict[str, str]]:
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidConfigError(
            f"{where} has no usable bucket: {bucket!r}", hint="use s3://bucket/prefix"
        )
    if parts.fragment or (prefix and {"", ".", ".."}.intersection(prefix.split("/"))):
        raise InvalidConfigError(f"{where} has a prefix that cannot be used: {prefix!r}")
    if len(prefix.encode()) > MAX_PREFIX:
        raise InvalidConfigError(f"{where} has a prefix of more than {MAX_PREFIX} bytes")
    options = {key: value for key, value in parse_qsl(parts.query) if value}
    for key in options:
        if key not in OPTION_KEYS:
            raise InvalidConfigError(
                f"{where} has an unknown option {key!r}", hint=nearest(key, OPTION_KEYS)
            )
    convert(options, Context, f"{where}: ")
    if endpoint := options.get("endpoint_url"):
        check_endpoint(endpoint, f"{where}: endpoint_url")
    return f"s3://{bucket}/{prefix}".rstrip("/"), options


def _folder(parts: SplitResult, where: str) -> str:
    path = Path(unquote(parts.path))
    here = parts.netloc in ("", "localhost") and not parts.query and not parts.fragment
    if not here or not path.is_absolute() or path == Path("/") or ".." in path.parts:
        raise InvalidConfigError(
            f"{where} does not name a folder of this machine", hint="use file:///shared/folder"
        )
    return path.as_uri()


def check_endpoint(url: str, where: str = "endpoint_url") -> None:
    """Raise `InvalidConfigError` unless it is an http(s) URL of a server, without a secret."""
    if "@" in url:
        raise InvalidConfigError(f"{where} carries a user name or password", hint=_NO_SECRETS)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character <= " " for character in url):
        raise InvalidConfigError(
            f"{where} is not the URL of a server: {url!r}", hint="use https://s3.example.com"
        )
