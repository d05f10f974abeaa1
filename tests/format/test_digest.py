import copy
import pickle

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import digest, relaxed
from radops.format.digest import Digest


@relaxed
@given(st.binary(max_size=5000))
def test_it_is_what_b3sum_prints(data):
    assert Digest.of(data).raw == blake3.blake3(data).digest()
    assert str(Digest.of(data)) == Digest.of(data).hex == blake3.blake3(data).hexdigest()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_any_buffer_can_be_hashed(kind):
    assert Digest.of(kind(b"abc")) == Digest.of(b"abc")


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), "0" * 32, bytearray(32), None])
def test_only_32_bytes_make_a_digest(raw):
    with pytest.raises(ValueError, match="32 bytes"):
        Digest(raw)


def test_hexadecimal_there_and_back():
    one = Digest.of(b"x")
    assert Digest.from_hex(one.hex) == one
    assert one.path == f"{one.hex[:2]}/{one.hex[2:]}"
    assert eval(repr(one), {"Digest": Digest}) == one


@pytest.mark.parametrize(
    "text",
    ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, " " + "a" * 63, "a" * 64 + "\n", "\u0660" * 64],
)
def test_a_digest_has_one_spelling(text):
    with pytest.raises(ValueError, match="64 lower-case"):
        Digest.from_hex(text)


def test_it_never_passes_for_text_or_bytes():
    one = Digest.of(b"x")
    assert one != one.hex
    assert one != one.raw
    with pytest.raises(TypeError):
        one < one.raw  # noqa: B015


def test_it_is_ordered_hashable_and_immutable():
    assert sorted([digest(2), digest(1)]) == [digest(1), digest(2)]
    assert digest(1) <= digest(1) < digest(2)
    assert len({digest(1), digest(1), digest(2)}) == 2
    with pytest.raises(AttributeError, match="immutable"):
        digest(1).raw = bytes(32)
    with pytest.raises(AttributeError, match="immutable"):
        del digest(1).raw
    with pytest.raises(AttributeError):
        digest(1).other = 1


def test_it_pickles_small():
    one = Digest.of(b"x")
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert len(pickle.dumps(one)) < 100
