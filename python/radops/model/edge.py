"""Edges: which files were made from a file, so that nobody must read all records to know."""

import msgspec

from radops.errors import CorruptRecordError
from radops.model import cbor
from radops.model.digest import Digest
from radops.model.uid import UID, check_stored_uid
from radops.model.wire import shown, typed, untyped


class Edge(msgspec.Struct, frozen=True):
    """The body of an edge. A hint: it counts only if the record it names lists the input."""

    uid: UID
    """The output's UID, once more: a case-insensitive disk may answer for another."""
    record: Digest
    """The digest of the output's record."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)

    def encode(self) -> bytes:
        """Return the bytes to store."""
        return cbor.encode(untyped(self))


def decode_edge(raw: bytes, output: UID) -> Edge:
    """Return the edge that stands under the key of `output`.

    Raises:
        CorruptRecordError: The bytes are not an edge, or that of another output.
    """
    edge = typed(cbor.decode(raw), Edge)
    if edge.uid != output:
        raise CorruptRecordError(
            f"the edge of {shown(output)} answers for {shown(edge.uid)}",
            uid=output,
            hint="A lake needs a case-sensitive file system; this one may be case-insensitive.",
        )
    return edge
