"""Shapes and types of NumPy arrays, from their headers: nothing is unpickled or loaded."""

from __future__ import annotations

import ast
import zipfile
from typing import IO, TYPE_CHECKING, BinaryIO, Final

from radops.ui import texts
from radops.ui.previews.shapes import Preview

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAGIC: Final = b"\x93NUMPY"
_MOST_HEADER: Final = 10_000
_MOST_MEMBERS: Final = 50


def npy(stream: BinaryIO, _size: int) -> Preview:
    """Return shape and type in the header of one array."""
    found = _header(stream)
    if found is None:
        return Preview("none", "It is not a NumPy array.")
    return Preview("facts", facts=list(found))


def npz(stream: BinaryIO, _size: int) -> Preview:
    """Return what the headers of the arrays in an archive say."""
    facts = []
    with zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
        for name in names[:_MOST_MEMBERS]:
            with archive.open(name) as member:
                found = _header(member)
            shown = "not an array" if found is None else ", ".join(text for _, text in found)
            facts.append((texts.shown(name.removesuffix(".npy")), shown))
    more = f"; the first {_MOST_MEMBERS} are shown" if len(names) > _MOST_MEMBERS else ""
    return Preview("facts", f"{texts.count(len(names), 'array')}{more}.", facts=facts)


def _header(stream: IO[bytes]) -> Sequence[tuple[str, str]] | None:
    start = stream.read(8)
    if start[:6] != _MAGIC or len(start) < 8:
        return None
    length = int.from_bytes(stream.read(2 if start[6] == 1 else 4), "little")
    if length > _MOST_HEADER:
        return None
    header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    shape = " x ".join(f"{number:,}" for number in header["shape"]) or "a single number"
    order = "Fortran order" if header["fortran_order"] else "C order"
    kind = texts.value(header["descr"], 200)
    return ("shape", shape), ("type", kind), ("layout", order)
