"""Listing a bucket, page by page: its keys, and its unfinished uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from radops.backends.base import Entry
from radops.backends.keys import is_key
from radops.backends.s3_errors import code_of
from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.type_defs import (
        ListMultipartUploadsOutputTypeDef,
        ListObjectsV2OutputTypeDef,
    )

    from radops.backends.s3_client import Clients


def list_keys(
    clients: Clients, bucket: str, base: str, prefix: str, *, recursive: bool
) -> Iterator[Entry]:
    """Yield what `Backend.list` promises: at most a page of a thousand is held.

    The empty objects whose keys end in `/`, with which some tools stand in for folders, are left
    out: they hold nothing and would look like common prefixes.

    Args:
        clients: The store.
        bucket: The bucket.
        base: What all our keys begin with; cut off.
        prefix: Which keys to list.
        recursive: Whether to list keys below a further `/` one by one.

    """
    head, slash, start = prefix.rpartition("/")
    if (slash and not is_key(head)) or "\0" in start:
        return  # no key of ours begins like that, and servers give strange answers
    request: dict[str, Any] = {"Bucket": bucket, "Prefix": base + prefix}
    if not recursive:
        request["Delimiter"] = "/"
    seen = ""
    for page in _pages(clients, request, f"s3://{bucket}/{base}"):
        for item in page.get("Contents", ()):
            key = item["Key"].removeprefix(base)
            if key and not key.endswith("/"):
                yield Entry(key, item["Size"], item["LastModified"].timestamp())
        for common in page.get("CommonPrefixes", ()):
            key = common["Prefix"].removeprefix(base)
            if key != seen:  # the last of one page may come again as the first of the next
                seen = key
                yield Entry(key, 0, 0.0)


def _pages(
    clients: Clients, request: dict[str, Any], where: str
) -> Iterator[ListObjectsV2OutputTypeDef]:
    while True:
        page = clients.call(lambda s3: s3.list_objects_v2(**request))
        if "IsTruncated" not in page:  # an empty answer is no empty listing
            raise RemoteUnavailableError(f"{where}: the answer is no listing")
        yield page
        if not page["IsTruncated"]:
            return
        token = page.get("NextContinuationToken")
        if token is None or token == request.get("ContinuationToken"):
            raise RemoteUnavailableError(f"{where}: the listing does not get ahead")
        request["ContinuationToken"] = token


class UnfinishedUpload(NamedTuple):
    """A multipart upload that was neither completed nor aborted."""

    key: str
    """The whole key in the bucket."""
    identity: str
    begun: float
    """Seconds since the epoch by the server's clock."""


def list_uploads(clients: Clients, bucket: str, base: str) -> Iterator[UnfinishedUpload]:
    """Yield the unfinished uploads of keys that begin with `base`."""
    request: dict[str, Any] = {"Bucket": bucket, "Prefix": base}
    while True:
        page = _upload_page(clients, request)
        for item in page.get("Uploads", ()):
            # Some servers take the prefix for a wish only.
            if item["Key"].startswith(base):
                yield UnfinishedUpload(item["Key"], item["UploadId"], item["Initiated"].timestamp())
        after = {
            "KeyMarker": page.get("NextKeyMarker", ""),
            "UploadIdMarker": page.get("NextUploadIdMarker", ""),
        }
        if not page.get("IsTruncated") or after.items() <= request.items():
            return
        request.update(after)


def _upload_page(clients: Clients, request: dict[str, Any]) -> ListMultipartUploadsOutputTypeDef:
    return clients.call(lambda s3: s3.list_multipart_uploads(**request))


def abort_upload(clients: Clients, bucket: str, upload: UnfinishedUpload) -> None:
    """Abort an unfinished upload, unless it has just ended by itself."""
    try:
        clients.call(
            lambda s3: s3.abort_multipart_upload(
                Bucket=bucket, Key=upload.key, UploadId=upload.identity
            )
        )
    except RemoteUnavailableError as error:
        if code_of(error.__cause__) != "NoSuchUpload":
            raise
