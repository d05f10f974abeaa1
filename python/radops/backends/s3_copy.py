"""Copying within a bucket, on the server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from radops.backends.parts import MIB
from radops.errors import RadopsError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from radops.backends.base import Entry
    from radops.backends.s3_client import Clients

MOST_AT_ONCE = 1024 * MIB
"""Larger objects are copied in parts. S3 allows 5 GiB at once, but sends nothing back until such
a copy is done: that looks like a server that hangs."""

_PART = 512 * MIB
_MOST_PARTS = 10_000


def copy(
    clients: Clients,
    source: dict[str, Any],
    target: dict[str, Any],
    entry: Entry,
    encryption: dict[str, Any],
    *,
    most_at_once: int = MOST_AT_ONCE,
    part_size: int = _PART,
) -> None:
    """Copy an object, replacing the target, which is whole at every moment.

    Raises:
        KeyNotFoundError: The source is not there (any more).

    """
    if entry.size <= most_at_once:
        clients.call(
            lambda s3: s3.copy_object(**target, **encryption, CopySource=_source(source)),
            key=entry.key,
            transfer=True,
        )
        return
    part_size = max(part_size, -(-entry.size // _MOST_PARTS))
    identity = clients.call(
        lambda s3: s3.create_multipart_upload(**target, **encryption), transfer=True
    )["UploadId"]
    try:
        parts = [
            _copy_part(clients, source, {**target, "UploadId": identity}, entry, start, part_size)
            for start in range(0, entry.size, part_size)
        ]
        clients.call(
            lambda s3: s3.complete_multipart_upload(
                **target, UploadId=identity, MultipartUpload={"Parts": parts}
            ),
            transfer=True,
        )
    except BaseException:
        _abort(clients, target, identity)
        raise


def _copy_part(
    clients: Clients,
    source: dict[str, Any],
    upload: dict[str, Any],
    entry: Entry,
    start: int,
    part_size: int,
) -> CompletedPartTypeDef:
    number = start // part_size + 1
    last = min(start + part_size, entry.size) - 1
    answer = clients.call(
        lambda s3: s3.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource=_source(source),
            CopySourceRange=f"bytes={start}-{last}",
        ),
        key=entry.key,
        transfer=True,
    )
    result = answer["CopyPartResult"]
    part: CompletedPartTypeDef = {"PartNumber": number, "ETag": result["ETag"]}
    if "ChecksumCRC32" in result:
        part["ChecksumCRC32"] = result["ChecksumCRC32"]
    return part


def _abort(clients: Clients, target: dict[str, Any], identity: str) -> None:
    # The error that led here matters more; the next collection cleans up.
    with contextlib.suppress(RadopsError):
        clients.call(lambda s3: s3.abort_multipart_upload(**target, UploadId=identity))


def _source(source: dict[str, Any]) -> Any:  # noqa: ANN401 - a typed dict of the stubs
    return {"Bucket": source["Bucket"], "Key": source["Key"]}
