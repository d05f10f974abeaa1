"""Bytes of directories that can never change, against a reference written in plain Python.

If a test here fails, the code is wrong, not the golden file. The Rust tests read the same files.
"""

from __future__ import annotations

import json

import pytest

from directories import reference
from directories.vectors import FOLDER, cuts, parts

PARTS = parts()


@pytest.mark.parametrize("name", PARTS)
def test_the_reference_writes_the_golden_bytes(name: str) -> None:
    assert PARTS[name].hex() == "".join((FOLDER / f"{name}.hex").read_text().split())


def test_the_reference_cuts_where_the_golden_files_do() -> None:
    assert cuts() == json.loads((FOLDER / "cuts.json").read_text())


def test_all_golden_files_are_tested() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        "calls.json",  # in the tests of keys
        "cuts.json",
        "record-call.hex",
        "record-import.hex",
        *(f"{name}.hex" for name in PARTS),
    }


def test_a_start_is_the_shortest_that_sorts_between() -> None:
    assert reference.page_start("a/b", "a/bc") == b"a/bc"
    assert reference.page_start("a/bcd", "b") == b"b"
    assert reference.page_start("\u00e9", "\u00ea") == b"\xc3\xaa"
