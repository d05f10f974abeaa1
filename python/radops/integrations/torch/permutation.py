"""A permutation of any number of things that is computed one by one, and not stored."""

from __future__ import annotations

import hashlib
import math
from typing import Final

_ROUNDS: Final = 3
"""In each, both halves are changed once. With two, permutations of some dozens show a pattern."""
_FEW: Final = 64
"""Up to here the network is too small to mix well, and a list is as small as its keys."""

_MASK: Final = (1 << 64) - 1


def seed_of(*parts: int | str) -> int:
    """Return 64 bits that depend on all of some numbers and texts."""
    text = "\x00".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class Permutation:
    """A permutation of 0 to `size` - 1.

    A Feistel network over pairs of numbers: a place is a row and a column of a table that is
    nearly square, and in turn the row is moved by a hash of the column and the column by one of
    the row. The few cells of the table that are past the end are walked over.
    Few things are a list.

    Args:
        size: Of how many.
        seed: Which one: 64 bits.
    """

    __slots__ = ("_columns", "_keys", "_list", "_rows", "size")

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._list = _shuffled(size, seed) if size <= _FEW else None
        self._columns = math.isqrt(max(size - 1, 0)) + 1
        self._rows = -(-size // self._columns)
        keys = [_mix(seed + number * 0x9E3779B97F4A7C15) for number in range(2 * _ROUNDS)]
        self._keys = list(zip(keys[::2], keys[1::2], strict=True))

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        """Return what is at a place.

        Raises:
            IndexError: There is no such place.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"no place {index} of {self.size}")
        if self._list is not None:
            return self._list[index]
        rows, columns = self._rows, self._columns
        while True:
            row, column = divmod(index, columns)
            for of_row, of_column in self._keys:
                row = (row + _mix(column + of_row)) % rows
                column = (column + _mix(row + of_column)) % columns
            index = row * columns + column
            if index < self.size:
                return index


def _shuffled(size: int, seed: int) -> list[int]:
    """Return a permutation by the shuffle of Fisher and Yates."""
    found = list(range(size))
    for last in range(size - 1, 0, -1):
        other = _mix(seed + last * 0x9E3779B97F4A7C15) % (last + 1)
        found[last], found[other] = found[other], found[last]
    return found


def _mix(value: int) -> int:
    """Return 32 bits of which each depends on all of the value's 64."""
    value = (value ^ (value >> 32)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 29)) * 0x94D049BB133111EB & _MASK
    return value >> 32
