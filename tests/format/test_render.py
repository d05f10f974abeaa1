import datetime as dt
import json
import uuid
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from format.samples import CANONICAL, Color, Config, Rights, cbor_values, thorough
from radops.format.params import canonicalise
from radops.format.render import quote, readable, render

CASES = [
    (None, "None", None),
    (True, "True", True),
    (0.5, "0.5", 0.5),
    (float("nan"), "nan", "nan"),
    (float("-inf"), "-inf", "-inf"),
    ('a"b\\c\n\x1b\u202e\x9f', r'"a\"b\\c\n\x1b\u202e\x9f"', 'a"b\\c\n\x1b\u202e\x9f'),
    (b"\x00a", r"b'\x00a'", "AGE="),
    ([1, ["x"]], '[1, ["x"]]', [1, ["x"]]),
    ((1,), "(1,)", [1]),
    ((1, 2), "(1, 2)", [1, 2]),
    ((), "()", []),
    ({1, 2}, "{1, 2}", [1, 2]),
    (set(), "set()", []),
    (frozenset({1}), "frozenset({1})", [1]),
    (frozenset(), "frozenset()", []),
    ({"b": [1], "a": None}, '{"a": None, "b": [1]}', {"a": None, "b": [1]}),
    ({1: "x"}, '{1: "x"}', '{1: "x"}'),
    (2**70, str(2**70), str(2**70)),
    (-(2**600), "-" + hex(2**600), "-" + hex(2**600)),
    (Decimal("1.50"), 'Decimal("1.50")', 'Decimal("1.50")'),
    (Path("a/b"), 'Path("a/b")', "a/b"),
    (uuid.UUID(int=1), f'UUID("{uuid.UUID(int=1)}")', f'UUID("{uuid.UUID(int=1)}")'),
    (Color.RED, "Color.RED", "Color.RED"),
    (Rights.R | Rights.W, "Rights.R | Rights.W", "Rights.R | Rights.W"),
    (Rights(0), "Rights(0)", "Rights(0)"),
    (Config(0.5, ["a"]), 'Config(names=["a"], rate=0.5)', {"rate": 0.5, "names": ["a"]}),
    (dt.date(2026, 1, 2), 'date("2026-01-02")', "2026-01-02"),
    (np.float32(0.5), "float32(0.5)", "float32(0.5)"),
    (np.uint8(7), "uint8(7)", "uint8(7)"),
    (np.bool_(True), "bool(True)", "bool(True)"),
    (np.complex64(1 + 2j), "complex64((1+2j))", "complex64((1+2j))"),
    (np.str_("a"), "numpy(\"<U1\", b'a\\x00\\x00\\x00')", "numpy(\"<U1\", b'a\\x00\\x00\\x00')"),
]


@pytest.mark.parametrize(("value", "rendered", "read"), CASES)
def test_values_are_shown_as_people_write_them(value, rendered, read):
    canonical = canonicalise(value, "x")
    assert render(canonical) == rendered
    assert readable(canonical) == read


def test_a_lake_file_is_shown():
    assert render(["list", [["file", "a/b.csv"]]]) == '[File("a/b.csv")]'
    assert readable(["file", "a/b.csv"]) == "a/b.csv"


@pytest.mark.parametrize("name", CANONICAL)
def test_everything_canonical_fits_a_line_and_json(name):
    canonical = canonicalise(CANONICAL[name], "x")
    assert render(canonical).isprintable()
    json.dumps(readable(canonical), allow_nan=False)


@thorough
@given(cbor_values)
def test_what_is_not_canonical_is_shown_too(value):
    assert render(value).isprintable()
    json.dumps(readable(value), allow_nan=False)


@pytest.mark.parametrize(
    "value",
    [["bigint", "x"], ["bigint", b""], ["decimal", "x"], ["decimal", "1E99999999999999999999"],
     ["uuid", b"x"], ["enum", []], ["enum", [1, 2, 3]], ["dataclass", ["a", "b", [1]]],
     ["dict", [1]], ["dict", [[1, 2, 3]]], ["dict", [[[], 1]]], ["numpy", ["<f8", b"x"]],
     ["numpy", ["", b""]], ["numpy", ["\x1b", b"\x1b"]], ["list", 1], ["list", None], ["later", 1],
     ["datetime", []], ["datetime", ["\x1b[31m", "\x1b", 1]], ["file", "\x1b[31m"],
     ["enum", ["m", "\x1b", "\x1b|\x1b"]], {"a": ["list", [1]]}, [1, 2], [], ["x"]],
)  # fmt: skip
def test_hostile_values_are_harmless(value):
    assert render(value).isprintable()
    json.dumps(readable(value), allow_nan=False)


def test_quote_escapes_what_a_terminal_could_obey():
    assert quote("a\u200bb\x00\ud800") == r'"a\u200bb\x00\ud800"'
    assert quote("日本 é 🦀") == '"日本 é 🦀"'
