"""Directories and files within them as arguments of calls: bytes that can never change."""

import json

import blake3
import pytest

from directories import reference as ref
from format.samples import GOLDEN, digest
from radops.format import cbor
from radops.format.inner import directory_value, inner_value
from radops.format.key import call_key
from radops.format.uid import UID

D = UID("datasets/images/v2")
PATHS = ["1.jpg", "cats/1.jpg", "e\u0301/\u00e9", "*?[x]:@ a\\b", "x" * 255]
CALLS = {
    "a directory": ({"images": directory_value(D)}, [("images", D, digest(1))]),
    "a file within": ({"f": inner_value("cats/1.jpg")}, [("f", "cats/1.jpg", digest(2))]),
    "both": (
        {"images": directory_value(D), "f": inner_value("cats/1.jpg"), "rate": 0.5},
        [("images", D, digest(1)), ("f", "cats/1.jpg", digest(2))],
    ),
    "in a list": (
        {"files": ["list", [inner_value("a"), inner_value("b")]]},
        [("files[1]", "b", digest(4)), ("files[0]", "a", digest(3))],
    ),
}


def key(params, inputs):
    return call_key(
        module="m", name="f", version=None, fingerprint=None, params=params, inputs=inputs
    )


def test_golden_values_and_keys():
    found = {
        "values": [
            [directory_value(D)[1], cbor.encode(directory_value(D)).hex()],
            *([path, cbor.encode(inner_value(path)).hex()] for path in PATHS),
        ],
        "keys": {name: key(*call).hex for name, call in CALLS.items()},
    }
    assert found == json.loads((GOLDEN / "directory" / "calls.json").read_text())


def test_keys_are_those_of_the_page():
    for params, inputs in CALLS.values():
        listed = [[arg, text, one.raw] for arg, text, one in sorted(inputs)]
        call = ["radops/call", 1, "m", "f", None, None, params, listed]
        expected = blake3.blake3(ref.encode(call)).hexdigest()
        assert key(params, inputs).hex == expected


def test_a_file_a_directory_and_a_file_within_are_different_arguments():
    inputs = [("x", "a", digest(1))]
    keys = {key({"x": [kind, "a"]}, inputs) for kind in ("file", "directory", "inner")}
    assert len(keys) == 3


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a\0"])
def test_what_is_no_path_within_a_directory_is_refused(path):
    with pytest.raises(ValueError, match="path within"):
        inner_value(path)
