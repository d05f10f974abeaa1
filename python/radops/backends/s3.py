"""A backend in a bucket of an S3 server."""

from __future__ import annotations

import io
import random
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from typing_extensions import override

from radops.backends.base import (
    MOVE_SECONDS,
    Backend,
    Entry,
    KeyNotFoundError,
    Reader,
    Upload,
)
from radops.backends.clock import clock
from radops.backends.keys import check_key
from radops.backends.options import RemoteOptions
from radops.backends.parts import PART_SIZE, Parts
from radops.backends.s3_body import crc32
from radops.backends.s3_client import Clients, Timeouts
from radops.backends.s3_copy import copy
from radops.backends.s3_delete import delete
from radops.backends.s3_errors import code_of, status_of
from radops.backends.s3_list import abort_upload, list_keys, list_uploads
from radops.backends.s3_read import S3Reader, Stream, stream_of
from radops.backends.s3_upload import MultipartUpload, WholeUpload, part_size_for
from radops.errors import RemoteRefusedError, RemoteUnavailableError, UnsafeRemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CONNECTIONS = 16
"""On two cores a client is busy with 16: boto3 makes some thousand small requests a second."""

_CONFLICT_TRIES = 8  # some 6 s in all: SeaweedFS takes 5 s to decide among 16 creators

_LONGEST_PRESIGNED = 7 * 24 * 3600  # seconds; the limit of signature version 4


class S3Backend(Backend):
    """Keys are the bucket's keys below `prefix`.

    Every write carries a CRC-32 that the server checks, if it knows how to. Credentials come
    from boto3's own chain. Nothing is asked of the server before the first call.

    Args:
        bucket: The bucket's name.
        prefix: What all keys begin with, without the `/` at its end; "" for none.
        options: How to reach the bucket.
        max_connections: How many calls may run at once.
        timeouts: How long to wait for the server.
        part_size: Least bytes of a part; S3 takes no part below 5 MiB but the last.

    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        options: RemoteOptions | None = None,
        *,
        max_connections: int = _CONNECTIONS,
        timeouts: Timeouts | None = None,
        part_size: int = PART_SIZE,
    ) -> None:
        self._bucket = bucket
        self._base = f"{prefix}/" if prefix else ""
        self._url = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
        self._max_connections = max_connections
        self._part_size = part_size
        options = options or RemoteOptions()
        self._clients = Clients(self._url, options, timeouts or Timeouts(), max_connections)
        self._bucket_stands = False
        self._encryption: dict[str, Any] = {}
        if options.sse is not None:
            self._encryption["ServerSideEncryption"] = options.sse
        if options.sse_kms_key_id is not None:
            self._encryption["SSEKMSKeyId"] = options.sse_kms_key_id

    @property
    @override
    def url(self) -> str:
        return self._url

    @property
    @override
    def is_local(self) -> bool:
        return False

    @property
    @override
    def max_connections(self) -> int:
        return self._max_connections

    # Reading

    @override
    def stat(self, key: str) -> Entry | None:
        target = self._target(key)
        try:
            head = self._clients.call(lambda s3: s3.head_object(**target), key=key)
        except KeyNotFoundError:
            self._check_bucket()
            return None
        return Entry(key, head["ContentLength"], head["LastModified"].timestamp())

    def _check_bucket(self) -> None:
        """Tell a key that is absent from a bucket that is: the answer to a HEAD does not."""
        if self._bucket_stands:
            return
        try:
            self._clients.call(lambda s3: s3.head_bucket(Bucket=self._bucket))
        except RemoteRefusedError as error:
            if status_of(error.__cause__) == 404:
                raise RemoteRefusedError(
                    f"{self._url}: there is no such bucket",
                    hint="check the bucket's name and endpoint_url, or create it",
                ) from error
            # No right to look at the bucket itself: then it stands.
        self._bucket_stands = True

    @override
    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        if start < 0 or (length is not None and length < 0):
            raise ValueError(f"{key}: no bytes at {start} + {length}")
        if length == 0:  # S3 has no way to ask for nothing
            if self.stat(key) is None:
                raise KeyNotFoundError(key)
            return io.BytesIO()
        try:
            stream = self._get(key, start, length)
        except RemoteRefusedError as error:
            if status_of(error.__cause__) != 416:  # the object ends at or before the start
                raise
            return io.BytesIO()
        return S3Reader(
            stream, start, lambda at, left, etag: self._resume(key, at, left, etag), self._at(key)
        )

    def _get(self, key: str, start: int, length: int | None, etag: str | None = None) -> Stream:
        request: dict[str, Any] = self._target(key)
        if start or length is not None:
            last = "" if length is None else start + length - 1
            request["Range"] = f"bytes={start}-{last}"
        if etag is not None:
            request["IfMatch"] = etag
        answer = self._clients.call(lambda s3: s3.get_object(**request), key=key)
        return stream_of(answer, start, length, self._url)

    def _resume(self, key: str, start: int, length: int, etag: str) -> Stream:
        try:
            return self._get(key, start, length, etag)
        except KeyNotFoundError as error:
            raise RemoteUnavailableError(f"{self._at(key)} went away while it was read") from error
        except RemoteRefusedError as error:
            if status_of(error.__cause__) not in {412, 416}:
                raise
            raise RemoteUnavailableError(f"{self._at(key)} changed while it was read") from error

    @override
    def now(self) -> float:
        answer = self._clients.call(
            lambda s3: s3.list_objects_v2(Bucket=self._bucket, Prefix=self._base, MaxKeys=1)
        )
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(date).timestamp() if date else time.time()

    def presigned_url(self, key: str, seconds: int, *, filename: str | None = None) -> str:
        """Return a URL by which anyone can read the key for some time. It is a secret.

        Args:
            key: What to read. Whether it is there is not asked.
            seconds: How long the URL works, at most a week; less if the credentials expire.
            filename: Under which name a browser saves it.

        Raises:
            UsageError: No URL can work that long.

        """
        if not 1 <= seconds <= _LONGEST_PRESIGNED:
            raise UsageError(f"a URL cannot be valid for {seconds} seconds", hint="1 to 604800")
        parameters: dict[str, Any] = self._target(key)
        if filename is not None:
            parameters["ResponseContentDisposition"] = (
                f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
            )
        return self._clients.call(
            lambda s3: s3.generate_presigned_url("get_object", parameters, ExpiresIn=seconds)
        )

    # Writing

    @override
    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        for key, _ in items:
            check_key(key)
        for key, body in items:
            self._put(key, body)

    def _put(self, key: str, body: bytes, **condition: str) -> None:
        request = {**self._target(key), **self._encryption, **condition}
        self._clients.call(
            lambda s3: s3.put_object(**request, Body=body, ChecksumCRC32=crc32(body))
        )

    @override
    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        for key, _ in items:
            check_key(key)
        return [self._create(key, body) for key, body in items]

    def _create(self, key: str, body: bytes) -> bool:
        for number in range(1, _CONFLICT_TRIES + 1):
            try:
                self._put(key, body, IfNoneMatch="*")
            except RemoteRefusedError as error:
                status = status_of(error.__cause__)
                if status == 412:
                    return False
                if status == 501 or code_of(error.__cause__) == "NotImplemented":
                    raise UnsafeRemoteError(
                        f"{self._url} does not support create-if-absent (If-None-Match)",
                        hint="radops cannot keep names unique there; use another store",
                    ) from error
                if status != 409:
                    raise
            except RemoteUnavailableError as error:
                if status_of(error.__cause__) != 409:
                    raise
            else:
                return True
            # 409: another creator is at it, and may yet fail. S3 asks to try again.
            time.sleep(min(2.0, 0.05 * 2**number) * random.uniform(0.5, 1))  # noqa: S311
        raise RemoteUnavailableError(
            f"{self._at(key)} is being created by others, who do not come to an end",
            hint="try again later",
        )

    @override
    def upload(self, key: str, size: int) -> Upload:
        check_key(key)
        parts = Parts(key, size, part_size_for(size, self._part_size))
        kind = WholeUpload if parts.count == 1 else MultipartUpload
        return kind(self._clients, self._target(key), parts, self._encryption)

    # The rest

    @override
    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        return list_keys(self._clients, self._bucket, self._base, prefix, recursive=recursive)

    @override
    def move(self, source: str, target: str) -> None:
        check_key(target)
        entry = self.stat(source)
        if entry is None:
            raise KeyNotFoundError(source)
        if source == target:
            return
        began = clock()
        copy(self._clients, self._target(source), self._target(target), entry, self._encryption)
        if clock() - began > MOVE_SECONDS:
            raise RemoteUnavailableError(
                f"{self._at(source)} is not deleted, as copying it took more than"
                f" {MOVE_SECONDS / 3600:.0f} hours",
                hint="run it again; somebody may have come to need it meanwhile",
            )
        self.delete([source])

    @override
    def delete(self, keys: Sequence[str]) -> None:
        delete(self._clients, self._bucket, [self._base + key for key in keys])

    @override
    def include(self, keys: Sequence[str]) -> None:
        """Do nothing: what is there is durable."""

    @override
    def flush(self) -> None:
        """Do nothing: a server answers once what was written is durable."""

    @override
    def remove_stale(self, grace: float) -> int:
        oldest = self.now() - grace
        removed = 0
        for upload in list_uploads(self._clients, self._bucket, self._base):
            if upload.begun < oldest:
                abort_upload(self._clients, self._bucket, upload)
                removed += 1
        return removed

    @override
    def close(self) -> None:
        self._clients.close()

    def _target(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._base + key}

    def _at(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._base}{key}"
