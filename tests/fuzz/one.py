"""Fuzz one target in this process, which that ends.

`python -m fuzz.one TARGET [OPTION...]`, with libFuzzer's options.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["radops"]):
    from fuzz import targets
    from radops.errors import RadopsError
    from radops.format import cbor

# Values that replace those of a record.
_VALUES: list[Any] = [
    None, True, 0, -1, 1, 1 << 62, 0.5, float("nan"), b"", b"\x00" * 16, b"\x01" * 32, "", "a", "é",
    "e\u0301", "../../etc/passwd", "a//b", "/a", "\x00", "a" * 600, "refs/a.radops", "2026-11-22",
    [], {}, [""], ["file", "a"], {"a": 1}, "radops/record", "radops/tombstone",
]  # fmt: skip


def _mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change bytes, or now and then a value: blind changes seldom leave a well-formed record."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        try:
            new = targets.altered(cbor.decode(data), chance.randrange, _VALUES)
        except (RadopsError, TypeError, ValueError, AttributeError):
            pass  # not well-formed, or no tree
        else:
            if len(new) <= most:
                return new
    return bytes(atheris.Mutate(data, most))


def main() -> None:
    _, what, *options = sys.argv
    more = {"custom_mutator": _mutate} if targets.TARGETS[what].is_cbor else {}

    def run(data: bytes) -> None:
        targets.attempt(what, data)

    atheris.Setup([what, *options], run, **more)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
