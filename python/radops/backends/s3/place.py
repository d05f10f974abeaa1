"""Where a bucket is, and the keys to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

Keys: TypeAlias = "tuple[str, str, str | None, float | None]"
"""Access key, secret key, session token, and when they expire in seconds since the epoch."""


class Place(NamedTuple):
    """Everything about a bucket that is not in its URL."""

    endpoint: str
    region: str
    """What is signed for."""
    addressing: str
    """"auto", "path" or "virtual"."""
    ca_bundle: str | None
    """A file of certificates to trust instead of the system's."""
    credentials: Callable[[], Keys]
    """Return keys that are valid now."""


def addressing_style(style: str | None, endpoint: str | None) -> str:
    """Return how to name the bucket: in the path for all servers that are not Amazon's.

    They seldom have a domain name for each bucket.
    """
    if style is not None:
        return style
    host = urlsplit(endpoint or "").hostname
    return "path" if host and not host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else "auto"
