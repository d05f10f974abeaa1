"""Which files of a pack come by one request."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from format.samples import relaxed
from radops.repository.trees.runs import MAX_GAP, runs

FILES = st.lists(st.tuples(st.integers(0, 2 * MAX_GAP), st.integers(1, 4 << 20)), max_size=60)


def placed(files: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return offsets and sizes of files, each so many bytes after the one before."""
    offsets, sizes, end = [], [], 0
    for gap, size in files:
        offsets.append(end + gap)
        sizes.append(size)
        end += gap + size
    return offsets, sizes


def test_neighbours_come_together() -> None:
    offsets, sizes = placed([(10, 5), (0, 7), (MAX_GAP, 3), (MAX_GAP + 1, 2)])
    assert list(runs(offsets, sizes)) == [(0, 3), (3, 4)]
    assert list(runs([], [])) == list(runs([], [], 0)) == []


def test_only_the_narrowest_gaps_are_read() -> None:
    offsets, sizes = placed([(0, 1), (300, 1), (100, 1), (200, 1), (0, 1)])
    assert list(runs(offsets, sizes, 0)) == [(0, 1), (1, 2), (2, 3), (3, 5)]
    assert list(runs(offsets, sizes, 299)) == [(0, 1), (1, 3), (3, 5)]
    assert list(runs(offsets, sizes, 300)) == [(0, 1), (1, 5)]
    assert list(runs(offsets, sizes, 600)) == [(0, 5)]


def test_equal_gaps_are_read_all_or_none() -> None:
    offsets, sizes = placed([(0, 1), (100, 1), (100, 1)])
    assert list(runs(offsets, sizes, 199)) == [(0, 1), (1, 2), (2, 3)]
    assert list(runs(offsets, sizes, 200)) == [(0, 3)]


@relaxed
@given(files=FILES, spare=st.none() | st.integers(0, 3 << 20))
def test_every_file_is_in_one_group_and_groups_are_bounded(
    files: list[tuple[int, int]], spare: int | None
) -> None:
    offsets, sizes = placed(files)
    groups = list(runs(offsets, sizes, spare))
    assert list(itertools.chain.from_iterable(range(*one) for one in groups)) == list(
        range(len(files))
    )
    read = 0
    for first, end in groups:
        length = offsets[end - 1] + sizes[end - 1] - offsets[first]
        assert length <= (8 << 20) + sizes[end - 1]
        read += length
    if spare is not None:
        assert read <= sum(sizes) + spare
