"""The arithmetic of uploads in parts, the same for every backend."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from radops.errors import FileChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.base import Part

MIB = 1 << 20

PART_SIZE = 16 * MIB
"""Large enough that the cost of a request vanishes, small enough that several are under way at
once and little is sent again where one fails. A server may hold parts in memory: SeaweedFS works a
fifth more for parts of 64 MiB."""

_CHUNK = MIB  # what is held in memory of a part, for each thread that writes one


class Parts:
    """Which parts an upload has, and which of them have arrived. Thread-safe."""

    def __init__(self, key: str, size: int, part_size: int) -> None:
        if size < 0:
            raise ValueError(f"an upload cannot have {size} bytes")
        self.key = key
        self.size = size
        self.part_size = part_size
        self.count = max(1, -(-size // part_size))
        self._lock = threading.Lock()
        self._missing = set(range(self.count))

    def check(self, number: int, length: int) -> None:
        """Raise `ValueError` unless there is a part of that number and length."""
        if not 0 <= number < self.count:
            raise ValueError(f"{self.key}: no part {number} in an upload of {self.count}")
        wanted = self.part_size
        if number == self.count - 1:
            wanted = self.size - number * self.part_size
        if length != wanted:
            raise ValueError(f"{self.key}: part {number} has {length} bytes instead of {wanted}")

    def begin(self, number: int) -> None:
        """Note that the part is being written (again), so that it is not complete."""
        with self._lock:
            self._missing.add(number)

    def arrived(self, number: int) -> None:
        """Note that the part is complete."""
        with self._lock:
            self._missing.discard(number)

    def check_complete(self) -> None:
        """Raise `ValueError` while parts are missing."""
        with self._lock:
            if self._missing:
                raise ValueError(
                    f"{self.key}: {len(self._missing)} of {self.count} parts were not written"
                )


def chunks(part: Part, what: str) -> Iterator[bytes]:
    """Yield the whole part in pieces.

    Raises:
        FileChangedError: It gave fewer or more bytes than its length.

    """
    part.seek(0)
    left = len(part)
    while left:
        data = part.read(min(left, _CHUNK))
        if not data:
            raise FileChangedError(f"{what} became shorter while it was sent")
        left -= len(data)
        if left < 0:
            raise FileChangedError(f"{what} became longer while it was sent")
        yield data
    # The end is read too: a part may compare its digest only there.
    if part.read(1):
        raise FileChangedError(f"{what} became longer while it was sent")
