"""Numbers of bytes as people write them."""

from __future__ import annotations

import pytest

from radops.sizes import byte_count


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("64MB", 64_000_000), ("1GiB", 1 << 30), ("1.5k", 1500), ("0", 0), (" 7 B ", 7),
        ("2TB", 2 * 10**12), (5, 5), ("", None), ("many", None), ("-5MB", None), (1.5, None),
        (None, None),
    ],
)  # fmt: skip
def test_sizes(written: object, means: int | None) -> None:
    assert byte_count(written) == means
