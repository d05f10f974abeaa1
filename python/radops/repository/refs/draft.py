"""What is to be committed as one: the outputs of a call, or one added file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from radops.format.build import recommit
from radops.format.uid import slot_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.format.uid import UID
    from radops.repository.refs.slots import Taken


class Draft(msgspec.Struct, frozen=True):
    """Records of one commit, not yet committed.

    Which slots are free shows only when the commit is made, so the records are made for first
    slots, and made again under a new commit id where those are not free.
    """

    records: Sequence[FileRecord]
    """All records of the commit, sorted by UID."""
    objects: Sequence[tuple[Digest, int]]
    """Digest and size of every object that the records keep."""
    key: Digest | None = None
    """The key of the call that made the files; None for an added file."""
    sources: Sequence[UID] = ()
    """The UIDs of the lake files that they were made from."""

    bases: Sequence[Taken] = ()
    """Directories whose objects these use; what the remote keeps for them need not be sent."""

    def alone(self, uid: UID) -> Draft:
        """Return the part of this draft that makes one of its files."""
        records = [record for record in self.records if record.uid == uid]
        return msgspec.structs.replace(self, records=records)

    def build(self, number: int) -> list[FileRecord]:
        """Return the records of a commit whose primary slot is the first UID's `number`-th."""
        primary = slot_key(self.records[0].uid, number)
        if self.records[0].commit.primary == primary:
            return list(self.records)
        return recommit(self.records, primary)
