"""The canonical form of simple values, which can never change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from radops.provenance.syntax import constant
from radops.provenance.values import OpaqueError, canonical_value


def test_values():
    ring = []
    ring.append(ring)
    for value in (ring, object(), [0] * 20_000, type("Sub", (int,), {})(1)):
        with pytest.raises(OpaqueError):
            canonical_value(value)
    different = [
        1, 1.0, True, "1", b"1", None, ..., 1j, -0.0, 0.0, float("nan"), float("inf"), [], (), {},
        set(), frozenset(), [1], (1,), {1}, {1: 2}, {2: 1}, "", "\ud800", Path("a"), Path("b"),
        [[1], 2], [[1, 2]], 10**30,
    ]  # fmt: skip
    assert len({canonical_value(value) for value in different}) == len(different)
    assert canonical_value({1: 2, 3: 4}) == canonical_value({3: 4, 1: 2})
    assert canonical_value({"a", "b", "c"}) == canonical_value({"c", "b", "a"})
    assert constant("x") == b"str1:x"
    with pytest.raises(TypeError):
        constant([])


def test_patterns():
    one, two = re.compile("a"), re.compile("a", re.IGNORECASE)
    assert canonical_value(one) == canonical_value(re.compile("a"))
    assert len({canonical_value(item) for item in (one, two, re.compile("b"), "a")}) == 4
