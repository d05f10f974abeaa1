"""Repairs a remote from this machine: verified bytes replace what is wrong there."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from radops.format.outline import BLOCK_SIZE
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import parse_slot_key, slot_key
from radops.repository import layout
from radops.repository.objects.trash import take_back
from radops.repository.refs.notes import Notes
from radops.repository.refs.pending import PendingResults
from radops.repository.refs.slots import Taken
from radops.repository.sync.sync import sync
from radops.repository.transfer.upload import send
from radops.repository.verify import findings
from radops.repository.verify.mend import (
    CannotError,
    digest_of,
    run_hands,
    write_edge,
    write_folder_records,
)
from radops.repository.verify.remake import PackMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from radops.format.digest import Digest
    from radops.repository.progress import Count
    from radops.repository.refs.remote import Remote
    from radops.repository.verify.findings import Finding
    from radops.repository.working_lake import WorkingLake

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
    findings.NOTE,
)


class RemoteRepair:
    """Repairs what a check of the remote found, as far as this machine has the right bytes.

    Args:
        lake: The lake; its remote was made ready to be written to.
        remote: That remote.
        count: Called with bytes and files as they are sent.
        directories: Root and layout of directories whose files can stand in for lost packs.
    """

    def __init__(
        self,
        lake: WorkingLake,
        remote: Remote,
        count: Count,
        directories: Sequence[tuple[Digest, Digest]] = (),
    ) -> None:
        self._maker = PackMaker(lake.store, lake.local.prefix, directories)
        self._lake = lake
        self._remote = remote
        self._store = lake.store
        self._count = count
        self._hands: Mapping[str, Callable[[Finding], str]] = {
            findings.TRASHED: self._trashed,
            findings.BYTES: self._object,
            findings.SIZE: self._object,
            findings.MISSING: self._object,
            findings.OUTLINE: self._outline,
            findings.RECORD: self._record,
            findings.SLOT: self._slot,
            findings.FOLDER: functools.partial(write_folder_records, remote),
            findings.ROLLED_BACK: self._rolled_back,
            findings.EDGE: functools.partial(write_edge, remote),
            findings.NOTE: self._note,
        }
        self.sent = 0
        """Bytes of objects that were sent to the remote."""

    def run(self, found: Sequence[Finding]) -> None:
        """Repair what can be repaired; each finding then holds the outcome."""
        # Together, as one may have been made from the other: the remote evidently confirms
        # them no more, and they are published as if they had been made offline.
        lost = [
            self._lake.local.prefix + one.path
            for one in found
            if one.kind == findings.ROLLED_BACK and one.path and self._stands_here(one.path)
        ]
        self._store.catalog.doubt(lost, self._remote.identity)
        run_hands(found, _ORDER, self._hands)
        self._remote.backend.flush()

    def _trashed(self, finding: Finding) -> str:
        if not take_back(self._remote.backend, digest_of(finding)):
            raise CannotError("it is gone")
        return "brought back"

    def _object(self, finding: Finding) -> str:
        digest = digest_of(finding)
        if finding.size >= 0 and not self._store.is_here(digest, finding.size):
            self._maker.make(digest, finding.size)
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
        return "made again from this machine's object"

    def _record(self, finding: Finding) -> str:
        slot = parse_slot_key(finding.path or "")
        if slot is None:
            raise CannotError("it is not known where it is")
        known = self._lake.local.slots.read(slot.uid, slot.number)
        place = self._lake.local.prefix + slot_key(slot.uid, slot.number)
        if known is None or self._store.catalog.confirmed_at(place, known.record_digest) is None:
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

    def _rolled_back(self, finding: Finding) -> str:
        slot = parse_slot_key(finding.path or "")
        if slot is None or not self._stands_here(finding.path or ""):
            raise CannotError("it was deleted: delete it again")
        pending = PendingResults(self._lake.local)
        report = sync(self._lake, self._remote, pending, [slot.uid], self._count)
        self.sent += report.bytes_sent
        for problem in report.conflicts:
            raise CannotError(problem.message)
        if isinstance(self._remote.slots.state(slot.uid), Taken):
            return "published again"
        raise CannotError("it could not be published again")

    def _note(self, finding: Finding) -> str:
        known = Notes(self._lake.local).load([finding.path or ""])
        if not known:
            raise CannotError("this machine has no copy; try the one where it was written")
        Notes(self._remote).write(known)
        return "restored from this machine's copy"

    def _stands_here(self, key: str) -> bool:
        slot = parse_slot_key(key)
        if slot is None:
            return False
        return isinstance(self._lake.local.slots.read(slot.uid, slot.number), FileRecord)
