"""Deleting many keys of a bucket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from radops.backends.base import KeyNotFoundError
from radops.backends.s3_errors import ABSENT, code_of, of_code, status_of
from radops.errors import RemoteRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.backends.s3_client import Clients

_BATCH = 1000  # S3's own limit

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, so that a batch cannot name keys with them. A carriage
return can stand in one, but arrives as a line feed."""


def delete(clients: Clients, bucket: str, keys: Sequence[str]) -> None:
    """Delete keys; those that are not there are no error."""
    odd = [key for key in keys if "\r" in key or _NOT_XML.search(key)]
    plain = [key for key in keys if key not in odd] if odd else keys
    for start in range(0, len(plain), _BATCH):
        batch = plain[start : start + _BATCH]
        if len(batch) == 1 or not _delete_batch(clients, bucket, batch):
            _delete_singly(clients, bucket, batch)
    _delete_singly(clients, bucket, odd)


def _delete_batch(clients: Clients, bucket: str, keys: Sequence[str]) -> bool:
    """Delete keys in one request; False if the server does not know how."""
    request: Any = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
    try:
        answer = clients.call(
            lambda s3: s3.delete_objects(Bucket=bucket, Delete=request), transfer=True
        )
    except RemoteRefusedError as error:
        if status_of(error.__cause__) not in {405, 501} and code_of(error.__cause__) not in {
            "NotImplemented",
            "MethodNotAllowed",
            "InvalidDigest",  # servers that want an MD5 and know no other checksum
            "MissingContentMD5",
        }:
            raise
        return False
    for failure in answer.get("Errors", ()):
        code = failure.get("Code", "")
        if code not in ABSENT:
            raise of_code(code, failure.get("Message", ""), f"s3://{bucket}")
    return True


def _delete_singly(clients: Clients, bucket: str, keys: Sequence[str]) -> None:
    for key in keys:
        _delete_one(clients, bucket, key)


def _delete_one(clients: Clients, bucket: str, key: str) -> None:
    try:
        clients.call(lambda s3: s3.delete_object(Bucket=bucket, Key=key), key=key)
    except KeyNotFoundError:
        return  # most servers do not even say so
