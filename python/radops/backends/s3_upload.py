"""Large objects on their way to S3, in one request or in parts."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from radops.backends.base import Upload
from radops.backends.parts import MIB, PART_SIZE, Parts
from radops.backends.s3_body import GuardedBody
from radops.backends.s3_errors import code_of
from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from radops.backends.base import Part
    from radops.backends.s3_client import Clients

_MOST_PARTS = 10_000  # S3's own limit


def part_size_for(size: int, least: int = PART_SIZE) -> int:
    """Return the size of a part: whole MiB, so that an object has at most 10,000."""
    needed = -(-size // _MOST_PARTS)
    return max(least, -(-needed // MIB) * MIB)


class WholeUpload(Upload):
    """An object of one part: one PutObject, visible once its last byte was sent."""

    def __init__(
        self, clients: Clients, target: dict[str, Any], parts: Parts, encryption: dict[str, Any]
    ) -> None:
        self._clients = clients
        self._target = target
        self._parts = parts
        self._encryption = encryption

    @property
    @override
    def part_size(self) -> int:
        return self._parts.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._parts.check(number, len(part))
        body = GuardedBody(part, self._parts.key)
        checksum = body.crc32()
        self._clients.call(
            lambda s3: s3.put_object(
                **self._target, **self._encryption, Body=_stream(body), ChecksumCRC32=checksum
            ),
            body=body,
            transfer=True,
        )
        self._parts.arrived(number)

    @override
    def commit(self) -> None:
        self._parts.check_complete()

    @override
    def abort(self) -> None:
        """Do nothing: a PutObject is there whole or not at all."""


class MultipartUpload(Upload):
    """An object of several parts, invisible until `commit`."""

    def __init__(
        self, clients: Clients, target: dict[str, Any], parts: Parts, encryption: dict[str, Any]
    ) -> None:
        self._clients = clients
        self._target = target
        self._parts = parts
        self._lock = threading.Lock()
        self._sent: dict[int, CompletedPartTypeDef] = {}
        self._over = False
        answer = clients.call(
            lambda s3: s3.create_multipart_upload(**target, **encryption, ChecksumAlgorithm="CRC32")
        )
        self._id = answer["UploadId"]

    @property
    @override
    def part_size(self) -> int:
        return self._parts.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._parts.check(number, len(part))
        self._check_open()
        self._parts.begin(number)
        body = GuardedBody(part, self._parts.key)
        checksum = body.crc32()
        answer = self._clients.call(
            lambda s3: s3.upload_part(
                **self._target,
                UploadId=self._id,
                PartNumber=number + 1,
                Body=_stream(body),
                ChecksumCRC32=checksum,
            ),
            body=body,
            transfer=True,
        )
        sent: CompletedPartTypeDef = {"PartNumber": number + 1, "ETag": answer["ETag"]}
        if "ChecksumCRC32" in answer:  # a server that keeps checksums wants them back
            sent["ChecksumCRC32"] = answer["ChecksumCRC32"]
        with self._lock:
            self._sent[number] = sent
        self._parts.arrived(number)

    @override
    def commit(self) -> None:
        self._check_open()
        self._parts.check_complete()
        with self._lock:
            parts = [self._sent[number] for number in sorted(self._sent)]
        try:
            self._clients.call(
                lambda s3: s3.complete_multipart_upload(
                    **self._target, UploadId=self._id, MultipartUpload={"Parts": parts}
                ),
                transfer=True,
            )
        except RemoteUnavailableError as error:
            # The reply to a first try may have been lost: then there is no such upload any more,
            # but the object is there.
            if code_of(error.__cause__) != "NoSuchUpload" or not self._stands(len(parts)):
                raise
        self._over = True

    def _stands(self, count: int) -> bool:
        """Whether the key holds an object of our size that was put together of `count` parts."""
        with contextlib.suppress(KeyError, RadopsError):
            head = self._clients.call(
                lambda s3: s3.head_object(**self._target), key=self._parts.key
            )
            made_of = head["ETag"].strip('"').rpartition("-")[2]
            return head["ContentLength"] == self._parts.size and made_of == str(count)
        return False

    @override
    def abort(self) -> None:
        """Drop the parts that were sent.

        If the store cannot be reached they stay until the next collection: the error that led
        here matters more.
        """
        if self._over:
            return
        self._over = True
        with contextlib.suppress(RemoteUnavailableError, RemoteRefusedError):
            self._clients.call(
                lambda s3: s3.abort_multipart_upload(**self._target, UploadId=self._id)
            )

    def _check_open(self) -> None:
        if self._over:
            raise ValueError(f"{self._parts.key}: the upload is over")


def _stream(body: GuardedBody) -> Any:  # noqa: ANN401
    """Return the body: the stubs want more of a file than botocore uses."""
    return body
