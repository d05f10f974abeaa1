"""A file of which only so much is read, wherever in it that is."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from radops.ui import texts

MOST: Final = 96 << 20
_BLOCK: Final = 1 << 20


class TooMuchError(Exception):
    """More would have to be read than a preview may."""

    def __init__(self) -> None:
        super().__init__(f"more than {texts.size(MOST)} would have to be read")


class Bounded(io.BufferedIOBase):
    """A file that counts the blocks of 1 MiB that are touched: remote files are fetched by those.

    Args:
        stream: The file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._touched: set[int] = set()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read bytes.

        Raises:
            TooMuchError: It would be too much in all.
        """
        if size is None or size < 0:
            size = MOST + 1
        start = self._stream.tell()
        if size:
            self._count(start, size)
        return self._stream.read(size)

    def _count(self, start: int, size: int) -> None:
        if size > MOST:
            # What is asked for without knowing how much there is may still be little.
            end = self._stream.seek(0, io.SEEK_END)
            self._stream.seek(start)
            size = min(size, max(0, end - start))
            if size > MOST:
                raise TooMuchError
        if size:
            self._touched.update(range(start // _BLOCK, (start + size - 1) // _BLOCK + 1))
        if len(self._touched) * _BLOCK > MOST:
            raise TooMuchError

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._stream.tell()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True
