"""Reading from S3: a stream that is cut is taken up again where it broke."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError
from typing_extensions import Self, override
from urllib3.exceptions import HTTPError

from radops.backends.base import Reader
from radops.backends.parts import MIB
from radops.errors import RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_TRIES = 4
"""How often a stream may break before it has brought another MiB. `open` itself retries too:
this is for connections that come about and then break."""

_CHUNK = MIB
"""Bytes of one read from the connection: what is lost of it when it breaks."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Stream(NamedTuple):
    """An answer to a GET."""

    body: StreamingBody
    length: int
    """Bytes that the body must have."""
    etag: str


def stream_of(answer: GetObjectOutputTypeDef, start: int, length: int | None, where: str) -> Stream:
    """Return the stream of an answer, its length checked against what was asked for."""
    announced = answer["ContentLength"]
    if start or length is not None:
        span = _CONTENT_RANGE.fullmatch(answer.get("ContentRange", ""))
        if span is None:
            answer["Body"].close()
            raise RemoteRefusedError(f"{where} ignores ranges of bytes", hint="use another store")
        first, last, total = int(span[1]), int(span[2]), span[3]
        expected = last - first + 1
        if total != "*":
            expected = int(total) - start
            expected = expected if length is None else min(expected, length)
        if first != start or announced != expected:
            answer["Body"].close()
            raise RemoteUnavailableError(f"{where} answers with other bytes than asked for")
    return Stream(answer["Body"], announced, answer["ETag"])


class S3Reader(Reader):
    """The bytes of a stream.

    Args:
        stream: The stream, open.
        start: Where in the object it begins.
        reopen: Opens the rest of the same object: from a position on, so many bytes, with that
            ETag; raises errors of radops.
        what: What is read, for messages.

    """

    def __init__(
        self, stream: Stream, start: int, reopen: Callable[[int, int, str], Stream], what: str
    ) -> None:
        self._body: StreamingBody | None = stream.body
        self._etag = stream.etag
        self._left = stream.length
        self._position = start
        self._reopen = reopen
        self._what = what
        self._failures = 0
        self._safe_until = start + MIB  # past it, failures are forgotten

    @override
    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        pieces = []
        while wanted:
            data = self._read_some(min(wanted, _CHUNK))
            pieces.append(data)
            wanted -= len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_some(self, size: int) -> bytes:
        while True:
            error: Exception | None = None
            try:
                data: bytes = self._connected().read(size)
                if data and len(data) == self._left:
                    # Checks what the server says of the whole, and gives the connection back.
                    self._connected().read(1)
            except (BotoCoreError, HTTPError, OSError) as failure:
                data, error = b"", failure
            if data:
                self._left -= len(data)
                self._position += len(data)
                if self._position >= self._safe_until:
                    self._failures = 0
                return data
            self._broke(error)

    def _connected(self) -> Any:  # noqa: ANN401 - untyped in botocore's stubs
        if self._body is None:
            stream = self._reopen(self._position, self._left, self._etag)
            self._body = stream.body
            if stream.length != self._left:
                raise RemoteUnavailableError(f"{self._what} changed while it was read")
        return self._body

    def _broke(self, error: Exception | None) -> None:
        """Get ready for another try, or give up."""
        self.close()
        self._failures += 1
        self._safe_until = self._position + MIB
        if isinstance(error, RemoteUnavailableError):  # `reopen` has tried often enough
            raise error
        if self._failures >= _TRIES:
            raise RemoteUnavailableError(
                f"the connection broke while {self._what} was read", hint="try again later"
            ) from error
        time.sleep(0.1 * 2**self._failures * random.random())  # noqa: S311 - spreads clients

    @override
    def close(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()

    @override
    def __enter__(self) -> Self:
        return self

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()
        self._left = 0
