"""Spans of objects that are not on this machine: fetched in whole blocks, verified, and cached.

A block is proven by the object's outline, and the outline by the object's digest. So a span costs
up to one block of 1 MiB more at each of its ends, and nothing of the rest of the object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from radops import native
from radops.errors import CorruptObjectError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, check_outline
from radops.repository.workers import gather

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from radops.backends.base import Reader
    from radops.repository.objects.range_cache import RangeCache
    from radops.repository.progress import Count

# Proven outlines that are in memory: 32 bytes for each MiB of an object.
_MOST_OUTLINES: Final = 256

# Blocks of one request. Longer spans are fetched by several requests at once: one connection is
# slower than a network, and a request that is cut costs little to repeat.
_REQUEST_BLOCKS: Final = 8

_OUTLINE: Final = "outline"
_WHOLE: Final = "whole"


class Origin(Protocol):
    """Where objects come from that are not in local storage."""

    @property
    def workers(self) -> int:
        """How many requests may run at once."""
        ...

    def fetch(self, objects: Sequence[tuple[Digest, int]], count: Count) -> None:
        """Bring objects into local storage, verified; those that are there stay."""
        ...

    def drop(self, objects: Sequence[tuple[Digest, int]]) -> None:
        """Remove what is left of fetches that stopped, to make room."""
        ...

    def alone(self, digests: Iterable[Digest]) -> AbstractContextManager[None]:
        """Return a block in which no other process of this machine fetches parts of these."""
        ...

    def open(self, digest: Digest, start: int, length: int) -> Reader:
        """Open a span of an object, unverified."""
        ...

    def read_outline(self, digest: Digest, size: int) -> bytes | None:
        """Return an object's outline, unverified; None if there is none."""
        ...


class RemoteRanges:
    """Reads spans of objects from a remote, and from the cache of what was read before.

    Args:
        origin: The remote.
        cache: Parts that were read before.
    """

    def __init__(self, origin: Origin, cache: RangeCache) -> None:
        self._origin = origin
        self._cache = cache
        self._outlines: dict[Digest, bytes] = {}

    def outline(self, digest: Digest, size: int) -> bytes | None:
        """Return the proven outline of an object of several blocks; None if there is none."""
        if (known := self._outlines.get(digest)) is not None:
            return known
        outline = self._cache.get(digest, _OUTLINE)
        if outline is None or not check_outline(outline, size, digest):
            outline = self._origin.read_outline(digest, size)
            if outline is None or not check_outline(outline, size, digest):
                return None
            self._cache.put([(digest, _OUTLINE, outline)])
        if len(self._outlines) >= _MOST_OUTLINES:
            self._outlines.clear()
        self._outlines[digest] = outline
        return outline

    def read(
        self, digest: Digest, size: int, outline: bytes, spans: Sequence[tuple[int, int]]
    ) -> list[bytes]:
        """Return verified bytes of spans. Blocks that several spans need are fetched once.

        Args:
            digest: The object.
            size: Its size in bytes.
            outline: Its proven outline.
            spans: First byte and the byte after the last one of each, within the object.

        Raises:
            CorruptObjectError: The remote's bytes are wrong.
            RemoteUnavailableError: The remote cannot be used.
        """
        wanted = sorted(
            {
                block
                for start, end in spans
                if start < end
                for block in range(start // BLOCK_SIZE, -(-end // BLOCK_SIZE))
            }
        )
        blocks: dict[int, memoryview] = {}
        absent = []
        for block in wanted:
            data = self._cached(digest, outline, block)
            if data is None:
                absent.append(block)
            else:
                blocks[block] = memoryview(data)
        # A caller that reads all of it needs no second copy on the disk.
        keeps = len(wanted) * BLOCK_SIZE < size

        def fetch(run: tuple[int, int]) -> bytes:
            return self._fetch(digest, size, outline, run, keeps=keeps)

        runs = _runs(absent)
        for (first, _), data in zip(runs, gather(fetch, runs, self._origin.workers), strict=True):
            for at in range(0, len(data), BLOCK_SIZE):
                blocks[first + at // BLOCK_SIZE] = memoryview(data)[at : at + BLOCK_SIZE]
        return [_joined(blocks, start, end) for start, end in spans]

    def _cached(self, digest: Digest, outline: bytes, block: int) -> bytes | None:
        data = self._cache.get(digest, str(block))
        if data is None:
            return None
        if native.block_values(data, block) == outline[32 * block : 32 * block + 32]:
            return data
        self._cache.drop(digest, str(block))
        return None

    def _fetch(
        self, digest: Digest, size: int, outline: bytes, run: tuple[int, int], *, keeps: bool
    ) -> bytes:
        first, last = run
        offset, length = first * BLOCK_SIZE, min(last * BLOCK_SIZE, size) - first * BLOCK_SIZE
        for _ in range(2):  # what arrives wrong is requested once more
            with self._origin.open(digest, offset, length) as reader:
                data = reader.read(length)
            if len(data) == length and (
                native.block_values(data, first) == outline[32 * first : 32 * last]
            ):
                if keeps:
                    self._cache.put(
                        [
                            (digest, str(block), data[at : at + BLOCK_SIZE])
                            for block, at in enumerate(range(0, length, BLOCK_SIZE), first)
                        ]
                    )
                return data
        raise CorruptObjectError(
            f"the remote's bytes of {digest} are wrong in blocks {first} to {last - 1}",
            hint="radops datalake verify --remote",
        )

    def cached_slice(self, expected: Digest) -> bytes | None:
        """Return the bytes of that digest if they were read before as a slice of a pack."""
        data = self._cache.get(expected, _WHOLE)
        if data is None or Digest.of(data) == expected:
            return data
        self._cache.drop(expected, _WHOLE)
        return None

    def read_slice(self, digest: Digest, start: int, length: int, expected: Digest) -> bytes:
        """Return the bytes of a span whose own digest is known, verified by it.

        Raises:
            CorruptObjectError: The remote's bytes are wrong.
            RemoteUnavailableError: The remote cannot be used.
        """
        for _ in range(2):
            with self._origin.open(digest, start, length) as reader:
                data = reader.read(length)
            if len(data) == length and Digest.of(data) == expected:
                self._cache.put([(expected, _WHOLE, data)])
                return data
        raise wrong_slice(digest, start, length)


def wrong_slice(digest: Digest, start: int, length: int) -> CorruptObjectError:
    """Return the error for a span of an object that has not the digest that it should have."""
    return CorruptObjectError(
        f"the bytes of {digest} from {start} to {start + length} are wrong",
        hint="radops datalake verify --remote",
    )


def _runs(blocks: Iterable[int]) -> list[tuple[int, int]]:
    """Merge neighbouring blocks into runs that one request fetches: first, and after the last."""
    runs: list[tuple[int, int]] = []
    for block in blocks:
        if runs and runs[-1][1] == block and block - runs[-1][0] < _REQUEST_BLOCKS:
            runs[-1] = runs[-1][0], block + 1
        else:
            runs.append((block, block + 1))
    return runs


def _joined(blocks: dict[int, memoryview], start: int, end: int) -> bytes:
    """Return the bytes of a span from the blocks that hold it."""
    parts = []
    while start < end:
        block, at = divmod(start, BLOCK_SIZE)
        part = blocks[block][at : at + end - start]
        parts.append(part)
        start += len(part)
    return b"".join(parts)
