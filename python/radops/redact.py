"""Text as it may appear in records, logs, names and messages: without secrets.

The lowest module of all, so that errors can use it: no message of an error repeats the password
or the query of a URL, wherever its text came from.
"""

from __future__ import annotations

import re
from typing import Final

_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
# Helper prefixes of git (`ext::https://...`), a scheme, and any number of slashes.
SCHEME: Final = re.compile(
    r"(?a)((?:[a-z][a-z0-9+.-]*::)*)([a-z][a-z0-9+.-]*):([/\\]+)", re.IGNORECASE
)
_HELPER: Final = re.compile(r"(?a)((?:[a-z][a-z0-9+.-]*::)+)(.*)", re.IGNORECASE | re.DOTALL)
_LOCAL: Final = re.compile(r"\.{0,2}/(?!/)|~|\.{1,2}\Z")
_HOST: Final = re.compile(
    r"(?:\[[0-9a-f:.]*(?:%[a-z0-9._~-]*)?\]|[^:\[\]]*)(?::[0-9]*)?", re.ASCII | re.IGNORECASE
)
# A URL within a text, up to the quote, bracket or blank that ends it.
_WITHIN: Final = re.compile(
    r"(?a)(?:[a-z][a-z0-9+.-]*::)*[a-z][a-z0-9+.-]+://[^\s\"'<>`]+", re.IGNORECASE
)
_SECRET: Final = re.compile(
    r"://[^/?#\s@]*:[^/?#\s]+@|[?&](?:x-amz-signature|signature|sig|access_?token|token|api_?key|"
    r"password|secret)=[^&\s]",
    re.IGNORECASE,
)


def strip_url(url: str) -> str:
    """Return the URL or git remote without user, password, query and fragment.

    Also for what no parser accepts: what could be a secret goes, if need be all but the scheme.
    A path of this machine stays as it is, and stripping twice changes nothing.

    Args:
        url: `https://user:token@host/path?query`, `git@host:path`, `s3://bucket/key`, a path, ...
    """
    url = _INVISIBLE.sub("", url)
    if found := SCHEME.match(url):
        helpers, scheme, slashes = found[1], found[2].lower(), found[3]
        rest = url[found.end() :]
        if scheme == "file" and len(slashes) != 2:
            return f"{helpers}{scheme}:{'//' if len(slashes) > 2 else ''}/{_without_query(rest)}"
        return f"{helpers}{scheme}://{_strip_authority(rest)}"
    if found := _HELPER.match(url):
        # `ext::` runs a command, which can hold anything; a helper's own address may be a path.
        helper, rest = found[1], found[2]
        is_path = _LOCAL.match(rest) and not helper.lower().endswith(("ext::", "fd::"))
        return f"{helper}{rest if is_path else ''}"
    if url.startswith("//"):
        return f"//{_strip_authority(url.lstrip('/'))}"
    if _LOCAL.match(url):
        return url
    # `user@host:path` as git writes it, or a mistake: a secret would be before an @.
    _, at, rest = url.rpartition("@")
    # What is left without it may look like something else, as in `@https://...`.
    return strip_url(_without_query(rest)) if at else _without_query(rest)


def _without_query(text: str) -> str:
    return re.split(r"[?#]", text, maxsplit=1)[0]


def _strip_authority(rest: str) -> str:
    """Return what follows `scheme://` without user info, query and fragment."""
    end = re.search(r"[/\\?#]|\Z", rest)
    stop = end.start() if end else len(rest)
    authority, tail = rest[:stop], rest[stop:]
    authority = authority.rpartition("@")[2]
    is_host = _HOST.fullmatch(authority) is not None
    if "@" in tail and (tail[0] != "/" or not authority or not is_host):
        # Either a password with a character that was not escaped, or a query with an @: nothing
        # is left that could not be a part of one of them.
        return ""
    if not is_host:
        # `https://user:password` and no host at all.
        authority = re.split(r"[:\[\]]", authority, maxsplit=1)[0]
    # A path without a host before it would be taken for the host when it is read again.
    return authority + _without_query(tail) if authority else ""


def redact(text: str) -> str:
    """Return a text with every URL in it stripped, see `strip_url`."""
    if "://" not in text:
        return text
    return _WITHIN.sub(lambda found: strip_url(found[0]), text)


def has_secret(text: str) -> bool:
    """Return whether a text holds a URL with a password, a token or a signature."""
    return "://" in text and _SECRET.search(text) is not None
