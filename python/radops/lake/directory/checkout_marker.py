"""The file at the top of a checkout, which says of what it is a copy.

It is JSON: `uid`, `digest` (of the directory's root, in hexadecimal), `patterns` (which part; none
for all of it) and, only while files are being written, `unfinished`: true and `earlier` (which part
of the same directory was there, whole, before).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from radops.lake.directory.checkout_flush import Flush

MARKER: Final = ".radops-checkout"
"""The file at the top of a checkout. Never part of a directory."""

UNFINISHED: Final = ".radops-unfinished-"
"""What names of files and folders begin with that are being written. They are not added."""

# It can name very many files, one by one.
_MAX_BYTES: Final = 64 << 20


class Checkout(NamedTuple):
    """What a folder is a copy of."""

    uid: str
    digest: str
    """Of the directory's root, in hexadecimal."""
    patterns: tuple[str, ...]
    """Which part of it; none for all of it."""
    unfinished: bool = False
    """Whether files of it are still to be written: some may be missing, or of what was there
    before."""
    earlier: tuple[str, ...] | None = None
    """While unfinished: which part of the same directory was whole before; None for no part."""


def read_marker(folder: Path) -> Checkout | None:
    """Return what a folder is a checkout of; None if it is none."""
    try:
        with (folder / MARKER).open("rb") as file:
            tree = json.loads(file.read(_MAX_BYTES))
        earlier = tree.get("earlier")
        return Checkout(
            str(tree["uid"]),
            str(tree["digest"]),
            tuple(map(str, tree["patterns"])),
            bool(tree.get("unfinished")),
            None if earlier is None else tuple(map(str, earlier)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_marker(folder: Path, checkout: Checkout, flush: Flush) -> None:
    """Write what a folder is a checkout of; durable when this returns."""
    tree = checkout._asdict()
    if not checkout.unfinished:
        del tree["unfinished"]
    if checkout.earlier is None:
        del tree["earlier"]
    text = json.dumps(tree, indent=1, ensure_ascii=False) + "\n"
    fresh = unfinished_path(folder)
    try:
        fresh.write_text(text, encoding="utf-8")
        flush.paths([fresh])
        fresh.replace(folder / MARKER)
        flush.paths([folder])
    finally:
        fresh.unlink(missing_ok=True)


def unfinished_path(folder: Path) -> Path:
    """Return a new path for something that is being written."""
    return folder / f"{UNFINISHED}{os.urandom(6).hex()}"
