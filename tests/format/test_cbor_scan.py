"""The scan in Rust accepts what can be decoded and encoded again to the same bytes, and no more."""

import cbor2
from hypothesis import example, given
from hypothesis import strategies as st

from format.samples import cbor_values, thorough
from radops import native
from radops.format import cbor

# Pieces of encodings: put together at random they are near the profile far more often than bytes.
PIECES = [bytes.fromhex(piece) for piece in """
    00 17 1817 1818 1900ff 190100 1a0000ffff 1a00010000 1b00000000ffffffff 1b0000000100000000
    1b7fffffffffffffff 1b8000000000000000 20 3b7fffffffffffffff 40 4161 5801 60 6161 6162 626161
    62c3bc 61ff 63eda080 7801 80 81 82 9801 9bffffffffffffffff a0 a1 a2 bb7fffffffffffffff c1 f0
    f4 f5 f6 f7 f814 f8ff f93c00 fa3f800000 fb7ff8000000000000 fb7ff8000000000001
    fb7ff0000000000000 fbfff0000000000000 fbfff8000000000000 fb3ff0000000000000 fb00 1c 5f 9f bf ff
""".split()]  # fmt: skip  # noqa: SIM905 readable so


def is_canonical(data: bytes) -> bool:
    """The rule itself: it decodes, and to encode that gives the same bytes."""
    try:
        return cbor.encode(cbor2.loads(data)) == data
    except (cbor2.CBORDecodeError, cbor2.CBOREncodeError, ValueError, TypeError, RecursionError):
        return False


def scans(data: bytes) -> bool:
    try:
        native.scan_cbor(data)
    except ValueError:
        return False
    return True


@thorough
@given(cbor_values, st.data())
def test_values_and_what_is_near_them(value, data):
    encoded = cbor.encode(value)
    assert scans(encoded)
    changed = bytearray(encoded)
    at = data.draw(st.integers(0, len(encoded)))
    match data.draw(st.sampled_from(["flip", "set", "cut", "insert", "drop"])):
        case "flip" if at < len(encoded):
            changed[at] ^= 1 << data.draw(st.integers(0, 7))
        case "set" if at < len(encoded):
            changed[at] = data.draw(st.integers(0, 255))
        case "cut":
            del changed[at:]
        case "insert":
            changed[at:at] = data.draw(st.sampled_from(PIECES))
        case "drop":
            del changed[at : at + 1]
    assert scans(bytes(changed)) == is_canonical(bytes(changed))


@thorough
@given(st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join))
@example(b"\x81" * 32 + b"\x00")
@example(b"\x81" * 33 + b"\x00")
@example(b"\x81" * 32 + b"\x80")
@example(b"\xa1\x61a" * 32 + b"\x00")
def test_pieces(data):
    assert scans(data) == is_canonical(data)


@thorough
@given(st.binary(max_size=40))
@example(b"")
def test_random_bytes(data):
    assert scans(data) == is_canonical(data)
