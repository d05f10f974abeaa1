"""Bodies that are sent to S3: with a checksum, and with errors that survive botocore."""

from __future__ import annotations

import base64
import time
import zlib
from typing import TYPE_CHECKING

from radops.backends.parts import chunks
from radops.errors import FileChangedError

if TYPE_CHECKING:
    from radops.backends.base import Part

_LEAST = 256 * 1024
"""Bytes of one `read`, even if fewer are asked for: urllib3 asks for 16 KiB, and the interpreter
would become slower than the network."""


class GuardedBody:
    """A part on its way out.

    botocore takes any error that a body raises for a failed connection and tries again. This
    remembers it, so that it can be raised as it is; and it never lets a body end early or late.

    Args:
        part: What is sent.
        what: What it is, for messages.

    """

    def __init__(self, part: Part, what: str) -> None:
        self._part = part
        self._what = what
        self._length = len(part)
        self._is_sent = False
        self._furthest = 0
        self.advanced = 0.0
        """When, on the monotonic clock, it last gave bytes to send that it had not given before."""
        self.error: BaseException | None = None

    def __len__(self) -> int:
        return self._length

    def read(self, size: int | None = -1, /) -> bytes:
        """Return some bytes: at least as many as asked for where there are as many."""
        try:
            left = self._length - self._part.tell()
            if size is None or size < 0:
                size = left
            elif size:
                size = min(max(size, _LEAST), left)
            data = self._part.read(size)
            # The end is read before the last bytes go out: a part may compare its digest there.
            late = self._part.read(1) if len(data) == left else b""
            if len(data) > left or late or (size and not data):
                raise FileChangedError(f"{self._what} changed while it was sent")  # noqa: TRY301
        except BaseException as error:
            self.error = error
            raise
        if self._is_sent and self._part.tell() > self._furthest:
            self._furthest = self._part.tell()
            self.advanced = time.monotonic()
        return data

    def begin(self) -> None:
        """Note that what is read from here on is sent; what was read to sign it was not."""
        self._is_sent = True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to `offset`: botocore goes back to the start before a retry."""
        self._is_sent = False
        try:
            return self._part.seek(offset, whence)
        except BaseException as error:
            self.error = error
            raise

    def tell(self) -> int:
        """Return the position."""
        return self._part.tell()

    def crc32(self) -> str:
        """Read the part through and return its CRC-32 as S3 writes it; go back to the start."""
        crc = 0
        for data in chunks(self._part, self._what):
            crc = zlib.crc32(data, crc)
        self._part.seek(0)
        return encode_crc32(crc)


def encode_crc32(crc: int) -> str:
    """Return a CRC-32 as S3 writes it."""
    return base64.b64encode(crc.to_bytes(4, "big")).decode()


def crc32(data: bytes) -> str:
    """Return the CRC-32 of some bytes as S3 writes it."""
    return encode_crc32(zlib.crc32(data))
