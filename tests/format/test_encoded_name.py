"""The reversible spelling of names that cannot be UIDs."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import relaxed
from radops.format.encoded_name import decode_name, encode_name
from radops.format.uid import parse_uid

PART = st.binary(min_size=1, max_size=40).map(
    lambda raw: os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_"))
)
NAME = st.lists(PART.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=3).map(
    "/".join
)


@relaxed
@given(NAME)
def test_every_name_of_a_file_becomes_a_uid_and_comes_back(name: str) -> None:
    encoded = encode_name(name)
    assert decode_name(encoded) == name
    assert parse_uid(encoded) == unicodedata.normalize("NFC", encoded)


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("a/b.csv", "a/b.csv"),
        ("12:30:00.csv", "12%3A30%3A00.csv"),
        ("logo@2x.png", "logo%402x.png"),
        ("100%.csv", "100%25.csv"),
        ("-a/-b", "%2Da/-b"),
        ("x.radops/y.RADOPS-1-gone", "x%2Eradops/y%2ERADOPS-1-gone"),
        ("tab\there", "tab%09here"),
        (os.fsdecode(b"\xff.bin"), "%FF.bin"),
        ("día.txt", "día.txt"),
    ],
)
def test_spelling(name: str, encoded: str) -> None:
    assert encode_name(name) == encoded
    assert decode_name(encoded) == name
