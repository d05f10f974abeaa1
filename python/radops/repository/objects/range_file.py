"""A file of which only what is read is fetched."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Final, NoReturn

from typing_extensions import override

from radops.backends.forking import renew_after_fork
from radops.format.outline import BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    ReadSpans = Callable[[Sequence[tuple[int, int]]], list[bytes]]
    """Returns the bytes of spans, each a first byte and a length."""

# Reads in a row, each where the one before ended, before anything is read ahead.
_SEQUENTIAL_READS: Final = 2
_MOST_AHEAD: Final = 8

# Blocks that stay in memory, so that small reads in one block verify it once: enough for what was
# read ahead, and for a footer, an index and a column at the same time.
_MOST_HELD: Final = 16

# Bytes that are looked at for the end of a line.
_PEEK: Final = 8192


class RangeFile(io.BufferedIOBase):
    """A seekable binary stream over spans of an object. Thread-safe; `pread` moves nothing.

    Nothing is read ahead until some reads followed each other; then more and more is, up to 8 MiB.

    Args:
        read: Returns verified bytes of spans.
        size: Bytes of the file.
    """

    def __init__(self, read: ReadSpans, size: int) -> None:
        self._read_spans = read
        self.size = size
        self._position = 0
        self._expected = -1
        """Where the next read would begin that follows the last one."""
        self._in_a_row = 0
        self._ahead = 0
        self._held: dict[int, bytes] = {}
        self._lock = threading.RLock()
        renew_after_fork(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an open file cannot be pickled; pickle the File, and open it again")

    def after_fork(self) -> None:
        """Replace the lock, which another thread of the parent may have held."""
        self._lock = threading.RLock()

    # -- reading anywhere ------------------------------------------------------------------------

    def pread(self, length: int, offset: int) -> bytes:
        """Return bytes at an offset, fewer at the end of the file; as `os.pread` does.

        Any number of threads may do so at once.

        Raises:
            CorruptObjectError: The remote's bytes are wrong.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
        """
        self._check_open()
        if length < 0 or offset < 0:
            raise ValueError(f"no bytes at {offset} + {length}")
        return self._span(offset, min(self.size, offset + length), 0)

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return bytes of several ranges: those that are neighbours cost one request.

        Args:
            ranges: First byte and length of each.
        """
        self._check_open()
        return self._read_spans(ranges)

    def _span(self, start: int, end: int, ahead: int) -> bytes:
        if start >= end:
            return b""
        first, last = start // BLOCK_SIZE, -(-end // BLOCK_SIZE)
        if last - first > _MOST_AHEAD:
            (data,) = self._read_spans([(start, end - start)])
            return data
        with self._lock:
            blocks = {block: self._held.get(block) for block in range(first, last)}
        if absent := [block for block, data in blocks.items() if data is None]:
            after = range(last, min(last + ahead, -(-self.size // BLOCK_SIZE)))
            absent += [block for block in after if block not in self._held]
            found = self._read_spans([(block * BLOCK_SIZE, BLOCK_SIZE) for block in absent])
            fetched = dict(zip(absent, found, strict=True))
            self._hold(fetched)
            blocks |= {block: fetched[block] for block in blocks.keys() & fetched.keys()}
        parts = [data for data in blocks.values() if data is not None]
        at = start - first * BLOCK_SIZE
        return (parts[0] if len(parts) == 1 else b"".join(parts))[at : at + end - start]

    def _hold(self, fetched: dict[int, bytes]) -> None:
        with self._lock:
            for block, data in fetched.items():
                self._held.pop(block, None)
                self._held[block] = data
            while len(self._held) > _MOST_HELD:
                del self._held[next(iter(self._held))]

    # -- reading at the position -------------------------------------------------------------------

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        with self._lock:
            self._check_open()
            end = self.size if size is None or size < 0 else min(self.size, self._position + size)
            data = self._span(self._position, end, self._window())
            self._position += len(data)
            self._expected = self._position
            return data

    def _window(self) -> int:
        """Return how many blocks to read ahead, if anything has to be fetched."""
        if self._position != self._expected:
            self._in_a_row = self._ahead = 0
            return 0
        self._in_a_row += 1
        if self._in_a_row < _SEQUENTIAL_READS:
            return 0
        if self._position // BLOCK_SIZE not in self._held:
            self._ahead = min(_MOST_AHEAD, max(1, 2 * self._ahead))
        return self._ahead

    @override
    def read1(self, size: int = -1, /) -> bytes:
        with self._lock:
            rest = BLOCK_SIZE - self.tell() % BLOCK_SIZE
            return self.read(rest if size < 0 else min(size, rest))

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    @override
    def readinto1(self, buffer: Buffer, /) -> int:
        return self.readinto(memoryview(buffer).cast("B")[:BLOCK_SIZE])

    def peek(self, size: int = 0, /) -> bytes:
        """Return some bytes at the position without moving it: what makes `readline` quick."""
        with self._lock:
            at = self._position
            block_end = (at // BLOCK_SIZE + 1) * BLOCK_SIZE
            end = min(self.size, block_end, at + max(size, _PEEK))
            return self._span(at, end, self._window())

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with self._lock:
            self._check_open()
            base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}.get(whence)
            if base is None:
                raise ValueError(f"whence is {whence}, not 0, 1 or 2")
            if base + offset < 0:
                raise ValueError(f"a negative position: {base + offset}")
            self._position = base + offset
            return self._position

    @override
    def tell(self) -> int:
        with self._lock:
            self._check_open()
            return self._position

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def close(self) -> None:
        self._held.clear()
        super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
