"""URLs of remotes: taken apart, checked, and silent about secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from radops.backends.options import RemoteOptions
from radops.config.check import nearest
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTION_KEYS = RemoteOptions.names()

# What the layout leaves of S3's 1,024 bytes per key for UIDs and digests.
_MAX_PREFIX = 300
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_FORMS = "use s3://bucket/prefix or file:///shared/folder"


def split_remote(url: str, where: str = "the remote") -> tuple[str, dict[str, str]]:
    """Check a remote's URL and return it bare, with the options its query gave.

    Args:
        url: `s3://bucket/prefix?endpoint_url=...`, `file:///folder`, or an absolute path.
        where: What to call it in messages, which never repeat a URL that may hold a secret.

    """
    if url.startswith(("/", "~")):
        url = Path(url).expanduser().absolute().as_uri()
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidConfigError(f"{where} is not a URL", hint=_FORMS) from error
    if "@" in parts.netloc:
        raise InvalidConfigError(
            f"{where} carries a user name or password",
            hint="radops stores no secrets: use a profile, or AWS_ACCESS_KEY_ID and its like",
        )
    if any(ord(character) < 32 for character in url) or "#" in url:
        raise InvalidConfigError(f"{where} holds a character that cannot be used", hint=_FORMS)
    if parts.scheme == "s3":
        return _bucket(parts, where)
    if parts.scheme == "file":
        return _folder(parts, where), {}
    if parts.scheme == "memory":  # the store of one process: for tests
        return url, {}
    raise InvalidConfigError(f"{where} is neither s3:// nor file://", hint=_FORMS)


def check_options(values: Mapping[str, str | None], where: str) -> RemoteOptions:
    """Return the options of a remote; `where` comes before the option's name in messages."""
    try:
        return RemoteOptions(**values)
    except InvalidConfigError as error:
        raise InvalidConfigError(f"{where}{error.message}", hint=error.hint) from error


def _bucket(parts: SplitResult, where: str) -> tuple[str, dict[str, str]]:
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidConfigError(f"{where} has no usable bucket: {bucket!r}", hint=_FORMS)
    if prefix and {"", ".", ".."}.intersection(prefix.split("/")):
        raise InvalidConfigError(f"{where} has an empty, '.' or '..' part in its prefix")
    if len(prefix.encode(errors="replace")) > _MAX_PREFIX:
        raise InvalidConfigError(f"{where} has a prefix of more than {_MAX_PREFIX} bytes")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key in options:
        if key not in OPTION_KEYS:
            raise InvalidConfigError(
                f"{where} has an unknown option {key!r}", hint=nearest(key, OPTION_KEYS, "options")
            )
    return f"s3://{bucket}/{prefix}".rstrip("/"), options


def _folder(parts: SplitResult, where: str) -> str:
    path = Path(unquote(parts.path))
    here = parts.netloc in ("", "localhost") and not parts.query
    if not here or not path.is_absolute() or path == Path("/") or ".." in path.parts:
        raise InvalidConfigError(
            f"{where} does not name a folder of this machine", hint="use file:///shared/folder"
        )
    return path.as_uri()
