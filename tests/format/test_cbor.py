import math
import struct

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from format.samples import cbor_values, relaxed, thorough
from radops.errors import CorruptRecordError, UsageError
from radops.format import cbor

# From RFC 8949, appendix A, as far as the profile allows it.
RFC = [
    (0, "00"), (1, "01"), (10, "0a"), (23, "17"), (24, "1818"), (25, "1819"), (100, "1864"),
    (1000, "1903e8"), (1000000, "1a000f4240"), (1000000000000, "1b000000e8d4a51000"),
    (-1, "20"), (-10, "29"), (-100, "3863"), (-1000, "3903e7"),
    (1.1, "fb3ff199999999999a"), (1.0e300, "fb7e37e43c8800759c"), (-4.1, "fbc010666666666666"),
    (0.0, "fb0000000000000000"), (-0.0, "fb8000000000000000"), (1.0, "fb3ff0000000000000"),
    (math.inf, "fb7ff0000000000000"), (-math.inf, "fbfff0000000000000"),
    (False, "f4"), (True, "f5"), (None, "f6"),
    (b"", "40"), (b"\1\2\3\4", "4401020304"),
    ("", "60"), ("a", "6161"), ("IETF", "6449455446"), ('"\\', "62225c"), ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"), ("\U00010151", "64f0908591"),
    ([], "80"), ([1, 2, 3], "83010203"), ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"), ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (["a", {"b": "c"}], "826161a161626163"),
    ({"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"},
     "a56161614161626142616361436164614461656145"),
    (2**63 - 1, "1b7fffffffffffffff"), (-(2**63), "3b7fffffffffffffff"),
]  # fmt: skip

BAD = {
    "": "cut short",
    "18": "cut short",
    "61": "cut short",
    "81": "cut short",
    "a1": "cut short",
    "a16161": "cut short",
    "fb00": "cut short",
    "4201": "cut short",
    "9bffffffffffffffff": "cut short",
    "bb7fffffffffffffff": "cut short",
    "bbffffffffffffffff": "cut short",
    "5bffffffffffffffff": "cut short",
    "7b7fffffffffffffff": "cut short",
    "9a7fffffff00": "cut short",
    "0000": "more bytes",
    "f6f6": "more bytes",
    "1817": "shortest",
    "190017": "shortest",
    "1900ff": "shortest",
    "1a0000ffff": "shortest",
    "1b00000000ffffffff": "shortest",
    "3800": "shortest",
    "5800": "shortest",
    "780161": "shortest",
    "9800": "shortest",
    "b800": "shortest",
    "1b8000000000000000": "64 bits",
    "1bffffffffffffffff": "64 bits",
    "3b8000000000000000": "64 bits",
    "1c": "reserved",
    "fe": "reserved",
    "5f4101ff": "indefinite",
    "7f6161ff": "indefinite",
    "9f01ff": "indefinite",
    "bf616101ff": "indefinite",
    "ff": "indefinite",
    "c000": "a tag",
    "c249010000000000000000": "a tag",
    "d81c80": "a tag",
    "d9d9f700": "a tag",
    "e0": "simple",
    "f0": "simple",
    "f7": "simple",
    "f8ff": "simple",
    "f814": "simple",
    "f93c00": "short float",
    "f97e00": "short float",
    "fa3f800000": "short float",
    "fb7ff8000000000001": "NaN",
    "fb7ff0000000000001": "NaN",
    "fbfff8000000000000": "NaN",
    "fbffffffffffffffff": "NaN",
    "a10101": "not text",
    "a1416101": "not text",
    "a1f601": "not text",
    "a18001": "not text",
    "a1a001": "not text",
    "a2616101616101": "sorted",
    "a2616201616101": "sorted",
    "a262616101616201": "sorted",
    "a26161016001": "sorted",
    "61ff": "UTF-8",
    "62c080": "UTF-8",
    "63eda080": "UTF-8",
    "a161ff00": "UTF-8",
    "81" * 33 + "00": "32 levels",
    "81" * 32 + "a0": "32 levels",
    "a16161" * 33 + "00": "32 levels",
}


@pytest.mark.parametrize(("value", "encoding"), RFC)
def test_values_of_the_standard(value, encoding):
    assert cbor.encode(value).hex() == encoding
    decoded = cbor.decode(bytes.fromhex(encoding))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize("encoding", BAD)
def test_what_is_outside_the_profile_is_refused(encoding):
    with pytest.raises(CorruptRecordError, match=BAD[encoding]):
        cbor.decode(bytes.fromhex(encoding))


def test_there_is_one_nan():
    odd = struct.unpack(">d", bytes.fromhex("fff8000000000001"))[0]
    for nan in (float("nan"), -float("nan"), odd):
        assert cbor.encode([nan]).hex() == "81fb7ff8000000000000"
    assert math.isnan(cbor.decode(bytes.fromhex("fb7ff8000000000000")))


def test_keys_are_sorted_as_their_encodings_are():
    keys = ["b", "aa", "", "a", "é", "x" * 24, "x" * 23, "y" * 23]
    decoded = cbor.decode(cbor.encode(dict.fromkeys(keys, 0)))
    assert list(decoded) == sorted(keys, key=cbor.encode)


def test_32_levels_are_allowed_and_no_more():
    value = 0
    for _ in range(32):
        value = [value]
    assert cbor.decode(cbor.encode(value)) == value
    with pytest.raises(ValueError, match="32 levels"):
        cbor.encode([value])
    with pytest.raises(ValueError, match="32 levels"):
        cbor.encode({"a": value})


def test_a_cycle_is_an_error():
    cycle = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="32 levels"):
        cbor.encode(cycle)


class Text(str):
    __slots__ = ()


class Number(int):
    pass


@pytest.mark.parametrize(
    "value",
    [{1}, object(), Text("a"), Number(1), {1: 2}, {Text("a"): 1}, {None: 1}, 1j, bytearray(b"a"),
     [cbor2.undefined], cbor2.CBORTag(1, 2), cbor2.CBORSimpleValue(3), range(2)],
)  # fmt: skip
def test_other_types_are_not_encoded(value):
    with pytest.raises(TypeError):
        cbor.encode(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800", {"\udfff": 1}])
def test_other_values_are_not_encoded(value):
    with pytest.raises(ValueError):  # noqa: PT011 two reasons
        cbor.encode(value)


def test_at_most_8_mib():
    fits = b"x" * (cbor.MAX_SIZE - 5)
    assert cbor.decode(cbor.encode(fits)) == fits
    with pytest.raises(UsageError, match="too much"):
        cbor.encode(fits + b"x")
    with pytest.raises(UsageError, match="too much"):
        cbor.encode(b"x" * 100, max_size=100)
    with pytest.raises(CorruptRecordError, match="larger"):
        cbor.decode(bytes(cbor.MAX_SIZE + 1))


@thorough
@given(cbor_values)
def test_there_and_back(value):
    data = cbor.encode(value)
    decoded = cbor.decode(data)
    assert cbor.encode(decoded) == data
    # NaN is not equal to itself; repr is, and it tells 1 from 1.0 and True, and -0.0 from 0.0.
    assert repr(_sorted(decoded)) == repr(_sorted(value))
    assert repr(_sorted(cbor2.loads(data))) == repr(_sorted(value))


def _sorted(value):
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@thorough
@given(st.binary(max_size=60))
@example(bytes.fromhex("a2616101616101"))
@example(b"\x9b" + b"\x7f" * 50)
def test_random_bytes_decode_to_one_value_or_are_refused(data):
    try:
        value = cbor.decode(data)
    except CorruptRecordError:
        return
    assert cbor.encode(value) == data


# Bytes near the profile reach deeper than random ones.
heads = st.sampled_from([bytes.fromhex(h) for h in (  # noqa: SIM905 readable so
    "00 17 1818 20 40 4161 60 6161 6162 626161 80 81 82 a0 a1 a2 f4 f6 f7 fb7ff8000000000000 "
    "fb3ff0000000000000 f93c00 c1 9f bf ff 5f 1817 7801 9bffffffffffffffff bb7fffffffffffffff 61ff"
).split()])  # fmt: skip


@thorough
@given(st.lists(heads, max_size=30).map(b"".join))
def test_pieces_of_encodings_decode_to_one_value_or_are_refused(data):
    try:
        value = cbor.decode(data)
    except CorruptRecordError as error:
        # The scan finds everything but bad UTF-8; re-encoding is the second line of defence.
        assert "canonical" not in str(error)  # noqa: PT017
        return
    assert cbor.encode(value) == data


@relaxed
@given(cbor_values, st.data())
def test_flipped_bits_never_pass_for_the_same_value(value, data):
    encoded = bytearray(cbor.encode(value))
    index = data.draw(st.integers(0, len(encoded) - 1))
    encoded[index] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = cbor.decode(bytes(encoded))
    except CorruptRecordError:
        return
    assert cbor.encode(other) == bytes(encoded)
