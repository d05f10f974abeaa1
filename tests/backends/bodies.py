"""Bytes to store, and parts of uploads that go wrong."""

from __future__ import annotations

import io


class BytesPart(io.BytesIO):
    """A part in memory."""

    def __len__(self) -> int:
        return self.getbuffer().nbytes


class WrongBytesError(Exception):
    """What a part raises that finds its bytes to be wrong."""


class WrongPart(BytesPart):
    """A part that finds out at some byte, maybe not the first time it is read, that it is wrong."""

    def __init__(self, data: bytes, at: int, error: Exception, good_passes: int = 0) -> None:
        super().__init__(data)
        self._at = at
        self._error = error
        self._good_passes = good_passes
        self.raised = 0
        """How often it was read until it raised."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if self.tell() == len(self) and offset == 0:
            self._good_passes -= 1
        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        end = len(self) if size is None or size < 0 else self.tell() + size
        if end > self._at and self._good_passes <= 0:
            self.raised += 1
            raise self._error
        return super().read(size)


def pattern(size: int) -> bytes:
    """Return bytes that differ from place to place."""
    block = bytes(range(251))  # a prime: no period that a size of 2 to the n could hide
    return (block * (size // 251 + 1))[:size]
