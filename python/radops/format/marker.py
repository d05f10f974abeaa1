"""The marker: which lake a repository holds, and what one must know to use it."""

import os
import re
from typing import Any

from radops.errors import NewerFormatError
from radops.format import cbor
from radops.format.wire import (
    LAKE_KIND,
    VERSION,
    Stored,
    keep_raw,
    read_header,
    require,
    shown,
    typed,
)
from radops.structs import prepared

LAKE_ID_SIZE = 16
"""Random bytes, so that no two lakes ever have the same."""

KNOWN_FEATURES: frozenset[str] = frozenset()
"""Features that this version of radops knows beyond version 1 of the formats: none yet."""

_LAKE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@prepared
class Marker(Stored, frozen=True, kw_only=True, eq=False):
    """Identifies a lake. Features let later versions extend the formats without breaking them."""

    lake_id: str
    """32 lower-case hexadecimal digits."""
    read: tuple[str, ...]
    """Features one must know to read."""
    write: tuple[str, ...]
    """Features one must know to write."""
    gc: tuple[str, ...]
    """Features one must know to collect objects that nothing keeps."""

    def __post_init__(self) -> None:
        require(_LAKE_ID.fullmatch(self.lake_id) is not None, "a lake id that is none")

    def check_read(self) -> None:
        """Raise `NewerFormatError` if this version of radops cannot read the lake."""
        _check("reading", self.read)

    def check_write(self) -> None:
        """Raise `NewerFormatError` if this version of radops cannot write to the lake."""
        _check("writing to", (*self.read, *self.write))

    def check_gc(self) -> None:
        """Raise `NewerFormatError` if this version of radops cannot collect garbage in the lake."""
        _check("collecting garbage in", (*self.read, *self.write, *self.gc))

    def __reduce__(self) -> tuple[Any, ...]:
        return decode_marker, (self.raw,)


def _check(doing: str, features: tuple[str, ...]) -> None:
    unknown = [shown(name) for name in dict.fromkeys(features) if name not in KNOWN_FEATURES]
    if unknown:
        raise NewerFormatError(
            f"{doing} this lake needs what this version of radops does not know: "
            + ", ".join(unknown),
            hint="Install a later version of radops.",
        )


def new_marker(lake_id: bytes | None = None) -> Marker:
    """Return the marker of a new lake.

    Args:
        lake_id: 16 random bytes; None: new ones.
    """
    identity = os.urandom(LAKE_ID_SIZE) if lake_id is None else lake_id
    tree = {
        "kind": LAKE_KIND,
        "v": VERSION,
        "lake_id": identity.hex(),
        "read": [],
        "write": [],
        "gc": [],
    }
    return decode_marker(cbor.encode(tree))


def decode_marker(raw: bytes) -> Marker:
    """Decode a marker. Call its `check_*` before using the lake.

    Raises:
        CorruptRecordError: The bytes are not a marker.
        NewerFormatError: A later version of radops wrote them.
    """
    return keep_raw(typed(read_header(raw, LAKE_KIND), Marker), raw)
