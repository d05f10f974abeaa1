import json

import blake3
import pytest

from format.samples import GOLDEN
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, block_count, check_outline, outline_size
from radops.native import hash_bytes

MIB = 1 << 20


@pytest.mark.parametrize(
    ("size", "blocks"),
    [(0, 1), (1, 1), (MIB - 1, 1), (MIB, 1), (MIB + 1, 2), (2 * MIB, 2), (5 * 10**12, 4768372)],
)
def test_an_object_has_at_least_one_block(size, blocks):
    assert BLOCK_SIZE == MIB
    assert block_count(size) == blocks
    assert outline_size(size) == (32 * blocks if blocks > 1 else 0)


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        block_count(-1)


@pytest.mark.parametrize("size", [0, 5, MIB, MIB + 1, 3 * MIB, 3 * MIB + 7])
def test_only_the_right_outline_passes(size):
    data = bytes(size)
    raw, outline = hash_bytes(data)
    digest = Digest(raw)
    assert check_outline(outline, size, digest)
    assert not check_outline(outline + bytes(32), size, digest)
    assert not check_outline(outline[:-1] or b"x", size, digest)
    if outline:
        assert not check_outline(b"", size, digest)
        assert not check_outline(outline, size + MIB, digest)
        assert not check_outline(outline[:-1] + bytes([outline[-1] ^ 1]), size, digest)
        assert not check_outline(outline, size, Digest(bytes(32)))


def test_golden_outlines():
    for case in json.loads((GOLDEN / "outlines.json").read_text()):
        # 251 is the largest prime below 256: no block begins as another does.
        data = (bytes(range(251)) * (case["size"] // 251 + 1))[: case["size"]]
        raw, outline = hash_bytes(data)
        assert (raw.hex(), outline.hex()) == (case["digest"], case["outline"])
        assert blake3.blake3(data).hexdigest() == case["digest"]
