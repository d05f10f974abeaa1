"""Listing a bucket, page by page: its keys, and its unfinished uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from radops.backends.base import Entry, is_key
from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.s3.client import Clients


def list_keys(clients: Clients, base: str, prefix: str, *, recursive: bool) -> Iterator[Entry]:
    """Yield what `Backend.list` promises: at most two pages of a thousand are held.

    The empty objects whose keys end in `/`, with which some tools mark folders, are left out:
    they hold nothing and would look like common prefixes.

    Args:
        clients: The store.
        base: What all our keys begin with; cut off.
        prefix: Which keys to list.
        recursive: Whether to list keys below a further `/` one by one.

    """
    head, slash, start = prefix.rpartition("/")
    if (slash and not is_key(head)) or "\0" in start:
        return  # no key of ours begins like that, and servers answer inconsistently
    seen = ""
    with clients.client() as client:
        pages = client.pages(base + prefix, recursive=recursive)
    while True:
        with clients.client():
            page = pages.next()
        if page is None:
            return
        keys, prefixes = page
        for whole, size, modified in keys:
            key = whole.removeprefix(base)
            if key and not key.endswith("/"):
                yield Entry(key, size, modified)
        for whole in prefixes:
            key = whole.removeprefix(base)
            if key != seen:  # the last of one page may come again as the first of the next
                seen = key
                yield Entry(key, 0, 0.0)


class Version(NamedTuple):
    """What a key of a bucket holds at one moment."""

    key: str
    """The whole key, which may be none of ours: `a//b`, or one that ends in `/`."""
    size: int
    modified: float
    """Last change, seconds since the epoch by the server's clock."""
    tag: str
    """The entity tag: other bytes have another one. Empty if the server gives none."""


def list_versions(clients: Clients, prefix: str) -> Iterator[Version]:
    """Yield every key of the bucket that begins with `prefix`, also of other programs."""
    with clients.client() as client:
        pages = client.pages(prefix)
    while True:
        with clients.client():
            page = pages.next_versions()
        if page is None:
            return
        yield from map(Version._make, page)


def list_uploads(clients: Clients, base: str) -> Iterator[tuple[str, str, float]]:
    """Yield the unfinished uploads of keys that begin with `base`.

    Each is its key in the bucket, its identity, and when it began in seconds since the epoch by
    the server's clock.
    """
    after: tuple[str, str] | None = None
    seen = set()
    while True:
        with clients.client() as client:
            uploads, after = client.uploads(base, after=after)
        yield from uploads
        if after is None:
            return
        if after in seen:
            raise RemoteUnavailableError(
                f"{clients.where}: the listing does not advance", hint="try again later"
            )
        seen.add(after)
