"""Listings that no S3 server should give: endless, incomplete, or without any progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from backends.s3_answers import within
from radops.errors import RadopsError, RemoteUnavailableError
from servers.http_faults import Raw, Reply

if TYPE_CHECKING:
    from radops.backends.s3.backend import S3Backend
    from servers.proxy import FaultProxy


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"<ListBucketResult>", b"<a/>" * 10_000),
        (b"<ListBucketResult>", b"<a>" * 10_000),
        (b"<ListBucketResult><Key>", b"a" * 100_000),
        (b"<!DOCTYPE x [", b"<!ENTITY a 'b'>" * 10_000),
        (b"", b" " * 100_000),
    ],
    ids=["elements", "depth", "text", "entities", "blanks"],
)
def test_a_listing_without_an_end(
    proxy: FaultProxy, backend: S3Backend, start: bytes, more: bytes
) -> None:
    proxy.inject(Raw(CHUNKED + (chunk(start) if start else b""), chunk(more)), times=None)
    with within(60), pytest.raises(RemoteUnavailableError):
        list(backend.list(""))


def listing(keys: list[str], token: str) -> Reply:
    items = "".join(
        f"<Contents><Key>p/{key}</Key><Size>1</Size>"
        "<LastModified>2026-11-22T15:21:23Z</LastModified></Contents>"
        for key in keys
    )
    return Reply(
        200,
        f"<ListBucketResult><IsTruncated>true</IsTruncated>{items}"
        f"<NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>",
    )


def test_a_listing_whose_tokens_alternate(proxy: FaultProxy, backend: S3Backend) -> None:
    first, second = listing(["a"], "one"), listing(["b"], "two")
    for _ in range(4):
        proxy.inject(first, method="GET")
        proxy.inject(second, method="GET")
    with pytest.raises(RemoteUnavailableError, match="does not advance"):
        list(backend.list(""))


def test_a_listing_that_gives_the_same_page_for_ever(proxy: FaultProxy, backend: S3Backend) -> None:
    for number in range(50):
        proxy.inject(listing(["a", "b"], str(number)), method="GET")
    with pytest.raises(RemoteUnavailableError, match="does not advance"):
        list(backend.list(""))


def test_a_listing_of_empty_pages_without_end(proxy: FaultProxy, backend: S3Backend) -> None:
    for number in range(300):
        proxy.inject(listing([], str(number)), method="GET")
    with pytest.raises(RemoteUnavailableError, match="does not advance"):
        list(backend.list(""))


def test_a_listing_with_some_empty_pages(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("z", b"1")])
    for number in range(5):
        proxy.inject(listing([], str(number)), method="GET")
    last = listing(["b"], "x").body.replace("<IsTruncated>true", "<IsTruncated>false")
    proxy.inject(Reply(200, last), method="GET")
    assert [entry.key for entry in backend.list("")] == ["b"]


@pytest.mark.parametrize(
    "item",
    [
        "<Size>1</Size><LastModified>2026-11-22T15:21:23Z</LastModified>",
        "<Key>p/a</Key><LastModified>2026-11-22T15:21:23Z</LastModified>",
        "<Key>p/a</Key><Size>x</Size><LastModified>2026-11-22T15:21:23Z</LastModified>",
        "<Key>p/a</Key><Size>-1</Size><LastModified>2026-11-22T15:21:23Z</LastModified>",
        "<Key>p/a</Key><Size>1e99</Size><LastModified>2026-11-22T15:21:23Z</LastModified>",
        "<Key>p/a</Key><Size>1</Size>",
        "<Key>p/a</Key><Size>1</Size><LastModified>now</LastModified>",
    ],
)
def test_a_listing_without_what_it_needs(proxy: FaultProxy, backend: S3Backend, item: str) -> None:
    body = (
        "<ListBucketResult><IsTruncated>false</IsTruncated>"
        f"<Contents>{item}</Contents></ListBucketResult>"
    )
    proxy.inject(Reply(200, body), method="GET", times=None)
    with pytest.raises(RemoteUnavailableError, match="listing"):
        list(backend.list(""))


def uploads(identity: str) -> Reply:
    return Reply(
        200,
        "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><Upload><Key>p/a</Key>"
        f"<UploadId>{identity}</UploadId><Initiated>2026-11-22T15:21:23Z</Initiated></Upload>"
        f"<NextKeyMarker>p/a</NextKeyMarker><NextUploadIdMarker>{identity}</NextUploadIdMarker>"
        "</ListMultipartUploadsResult>",
    )


def test_unfinished_uploads_whose_markers_alternate(proxy: FaultProxy, backend: S3Backend) -> None:
    for _ in range(20):
        proxy.inject(uploads("1"), method="GET", key="uploads")
        proxy.inject(uploads("2"), method="GET", key="uploads")
    with pytest.raises(RemoteUnavailableError, match="does not advance"):
        backend.remove_stale(1)


@pytest.mark.parametrize(
    "body", ["<html/>", "", "<ListMultipartUploadsResult/>", "<ListBucketResult/>"]
)
def test_an_answer_that_lists_no_uploads_is_not_the_end_of_the_list(
    proxy: FaultProxy, backend: S3Backend, body: str
) -> None:
    proxy.inject(Reply(200, body), method="GET", key="uploads", times=None)
    with pytest.raises(RadopsError):
        backend.remove_stale(1)
