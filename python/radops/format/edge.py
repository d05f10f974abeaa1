"""Edges: which files were made from a file, so that not all records must be read to know."""

import msgspec

from radops.errors import CorruptRecordError
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.uid import UID, check_stored_uid
from radops.format.wire import shown, typed, untyped
from radops.structs import prepared


@prepared
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
    """Return the edge stored under the key of `output`.

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
