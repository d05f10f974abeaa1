"""Rows spread by digest, so that two sets of any size are compared in bounded memory.

A digest's first byte selects which of 256 buckets its rows are in. What is in one bucket can only
meet what is in the same bucket of another partition, so one bucket at a time is enough. Small
partitions never touch the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import LocalStorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUCKETS = 256

# Twice this is held at most, as there are two partitions: little beside what listing a million
# keys takes anyway, and enough for a million digests.
_LIMIT = 32 * 1024 * 1024


class Partition:
    """Rows of one length, each beginning with a digest. Not thread-safe.

    Args:
        length: Bytes of a row.
        folder: Makes a folder of its own for what does not fit in memory; called at most once.
        limit: Bytes that are held in memory.
    """

    def __init__(self, length: int, folder: Callable[[], Path], limit: int = _LIMIT) -> None:
        self._length = length
        self._make_folder = folder
        self._folder: Path | None = None
        self._limit = limit
        self._held = 0
        self._buckets = [bytearray() for _ in range(BUCKETS)]
        self._spilled: set[int] = set()
        self.rows = 0
        """How many rows were added."""

    def add(self, row: bytes) -> None:
        """Add a row.

        Raises:
            LocalStorageError: The disk is full, or denies access.
        """
        self._buckets[row[0]] += row
        self._held += self._length
        self.rows += 1
        if self._held > self._limit:
            self._spill()

    @property
    def filled(self) -> list[int]:
        """Which buckets have rows."""
        return [index for index, rows in enumerate(self._buckets) if rows or index in self._spilled]

    def bucket(self, index: int) -> Iterator[bytes]:
        """Yield the rows of one bucket.

        Raises:
            LocalStorageError: Rows cannot be read, or others removed them: without all rows of what
                is kept, the rest would be collected.
        """
        data = bytes(self._buckets[index])
        if self._folder is not None and index in self._spilled:
            try:
                data = self._path(self._folder, index).read_bytes() + data
            except OSError as error:
                raise _wrap(error, self._folder) from error
        for start in range(0, len(data), self._length):
            yield data[start : start + self._length]

    def close(self) -> None:
        """Remove what is on disk."""
        if self._folder is not None:
            import shutil  # noqa: PLC0415 - slow to import, and most commands do without

            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = self._make_folder()
        try:
            for index, rows in enumerate(self._buckets):
                if rows:
                    with self._path(self._folder, index).open("ab") as file:
                        file.write(rows)
                    self._spilled.add(index)
        except OSError as error:
            raise _wrap(error, self._folder) from error
        self._buckets = [bytearray() for _ in range(BUCKETS)]
        self._held = 0

    @staticmethod
    def _path(folder: Path, index: int) -> Path:
        return folder / f"{index:02x}"


def _wrap(error: OSError, folder: Path) -> LocalStorageError:
    return LocalStorageError(f"{folder}: {error.strerror or error}")
