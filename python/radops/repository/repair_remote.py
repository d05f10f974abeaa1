"""Mending a remote from this machine: what is proven here replaces what is wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.model.edge import Edge
from radops.model.outline import BLOCK_SIZE
from radops.model.record import FileRecord, Tombstone
from radops.model.uid import UID, parse_slot_key, slot_key
from radops.repository import findings, layout
from radops.repository.commit import ensure_folders
from radops.repository.pending import Pending
from radops.repository.repair import CannotError, digest_of, run_hands
from radops.repository.slots import Taken
from radops.repository.sync import sync
from radops.repository.trash import take_back
from radops.repository.upload import send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.model.digest import Digest
    from radops.repository.findings import Finding
    from radops.repository.mirror import Mirror
    from radops.repository.remote import Remote

_ORDER = (
    findings.TRASHED,
    findings.BYTES,
    findings.SIZE,
    findings.MISSING,
    findings.OUTLINE,
    findings.RECORD,
    findings.SLOT,
    findings.FOLDER,
    findings.ROLLED_BACK,
    findings.EDGE,
)


class RemoteRepair:
    """Mends what a check of the remote found, as far as this machine has what is right.

    Args:
        mirror: The lake; its remote was made ready to be written to.
        remote: That remote.
        count: Told bytes and files as they are sent.
    """

    def __init__(self, mirror: Mirror, remote: Remote, count: Callable[[int, int], None]) -> None:
        self._mirror = mirror
        self._remote = remote
        self._store = mirror.store
        self._count = count
        self._hands = {
            findings.TRASHED: self._trashed,
            findings.BYTES: self._object,
            findings.SIZE: self._object,
            findings.MISSING: self._object,
            findings.OUTLINE: self._outline,
            findings.RECORD: self._record,
            findings.SLOT: self._slot,
            findings.FOLDER: self._folder,
            findings.ROLLED_BACK: self._rolled_back,
            findings.EDGE: self._edge,
        }
        self.sent = 0
        """Bytes of objects that were sent to the remote."""

    def run(self, found: Sequence[Finding]) -> None:
        """Mend what can be mended; each finding says afterwards what became of it."""
        # Together, as one may have been made from the other: the remote evidently confirms
        # them no more, and they are published as if they had been made while working apart.
        lost = [
            self._mirror.here.prefix + one.path
            for one in found
            if one.kind == findings.ROLLED_BACK and one.path and self._stands_here(one.path)
        ]
        self._store.catalog.doubt(lost, self._remote.place)
        run_hands(found, _ORDER, self._hands)
        self._remote.backend.flush()

    def _trashed(self, finding: Finding) -> str:
        if not take_back(self._remote.backend, digest_of(finding)):
            raise CannotError("it is gone")
        return "brought back"

    def _object(self, finding: Finding) -> str:
        digest = digest_of(finding)
        size = self._local_size(digest)
        if self._store.proven(digest, size) is None:
            raise CannotError("this machine does not have it; try where it was made")
        before = self.sent
        self.sent += send(
            self._store, self._remote.backend, [(digest, size)], self._count, replace=True
        )
        return f"{self.sent - before:,} bytes sent from this machine"

    def _local_size(self, digest: Digest) -> int:
        try:
            return self._store.object_path(digest).stat().st_size
        except OSError:
            raise CannotError("this machine does not have it; try where it was made") from None

    def _outline(self, finding: Finding) -> str:
        digest = digest_of(finding)
        if finding.size <= BLOCK_SIZE:
            self._remote.backend.delete([layout.outline_key(digest)])
            return "removed; an object of one block has none"
        if self._store.proven(digest, self._local_size(digest)) is None:
            raise CannotError("this machine does not have its object")
        outline = self._store.outline(digest, finding.size) or b""
        self._remote.put([(layout.outline_key(digest), outline)])
        return "made anew from this machine's object"

    def _record(self, finding: Finding) -> str:
        slot = parse_slot_key(finding.path or "")
        if slot is None:
            raise CannotError("it is not known where it is")
        known = self._mirror.here.slots.read(slot.uid, slot.number)
        place = self._mirror.here.prefix + slot_key(slot.uid, slot.number)
        if known is None or self._store.catalog.asked(place, known.record_digest) is None:
            raise CannotError("this machine was never told what it was; try another one")
        self._remote.slots.replace([(slot.uid, slot.number, known.raw)])
        return "restored as the remote once gave it to this machine"

    def _slot(self, finding: Finding) -> str:
        path = finding.path or ""
        slot = parse_slot_key(path)
        if slot is None or not slot.gone:
            raise CannotError("what was before it is not known")
        content = self._remote.slots.read(slot.uid, slot.number)
        if isinstance(content, Tombstone):
            self._remote.put([(path, b"")])
            return "the mark was written"
        self._remote.backend.delete([path])
        return "the mark was removed"

    def _folder(self, finding: Finding) -> str:
        for folder in finding.uids:
            self._remote.folders_seen.discard(UID(folder))
            for error in ensure_folders(self._remote, [UID(f"{folder}/x")]).values():
                raise error
        return "the record was written"

    def _edge(self, finding: Finding) -> str:
        if finding.edge is None:
            raise CannotError("it is not known which")
        source, output = map(UID, finding.edge)
        state = self._remote.slots.state(output)
        if not isinstance(state, Taken):
            raise CannotError("the file is gone")
        body = Edge(output, state.record.record_digest).encode()
        self._remote.put([(layout.edge_key(source, output), body)])
        return "the edge was written"

    def _rolled_back(self, finding: Finding) -> str:
        slot = parse_slot_key(finding.path or "")
        if slot is None or not self._stands_here(finding.path or ""):
            raise CannotError("it was deleted: delete it again")
        pending = Pending(self._mirror.here)
        report = sync(self._mirror, self._remote, pending, [slot.uid], self._count)
        self.sent += report.bytes_sent
        for problem in report.conflicts:
            raise CannotError(problem.message)
        if isinstance(self._remote.slots.state(slot.uid), Taken):
            return "published again"
        raise CannotError("it could not be published again")

    def _stands_here(self, key: str) -> bool:
        slot = parse_slot_key(key)
        if slot is None:
            return False
        return isinstance(self._mirror.here.slots.read(slot.uid, slot.number), FileRecord)
