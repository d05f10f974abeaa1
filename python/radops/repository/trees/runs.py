"""Which files of a pack are fetched by one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_GAP: Final = 128 * 1024
"""Bytes between two files that are read and dropped rather than left out: what a request costs."""

MAX_REQUEST: Final = 8 * 1024 * 1024
"""Bytes of one request, so that few of them are in memory."""


def runs(
    offsets: Sequence[int], sizes: Sequence[int], spare: int | None = None
) -> Iterator[tuple[int, int]]:
    """Cut files of a pack into groups that are fetched by one request each.

    Args:
        offsets: Where each begins, in order.
        sizes: Their bytes.
        spare: Bytes between files that are read in all, at most; None for no limit.

    Yields:
        Number of the first file of a group, and the one after its last.
    """
    gap = MAX_GAP if spare is None else _widest(offsets, sizes, spare)
    first = end = 0
    for number, offset in enumerate(offsets):
        if number > first and (offset - end > gap or offset - offsets[first] > MAX_REQUEST):
            yield first, number
            first = number
        end = max(end, offset + sizes[number])
    if offsets:
        yield first, len(offsets)


def _widest(offsets: Sequence[int], sizes: Sequence[int], spare: int) -> int:
    """Return up to which width gaps are read, so that all of them together are not more."""
    gaps = []
    end = offsets[0] if offsets else 0
    for offset, size in zip(offsets, sizes, strict=True):
        if 0 < offset - end <= MAX_GAP:
            gaps.append(offset - end)
        end = max(end, offset + size)
    gaps.sort()
    widest = 0
    for number, gap in enumerate(gaps):
        spare -= gap
        if spare < 0:
            break
        if number + 1 == len(gaps) or gaps[number + 1] > gap:
            widest = gap
    return widest
