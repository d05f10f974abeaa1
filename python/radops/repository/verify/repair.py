"""Repairs what a check of this machine found: from the remote, or from good bytes on this machine.

Bad bytes are moved to quarantine first, so that whatever happens next they are not served. Of a
large object only the wrong blocks are fetched; the bad copy is removed once the good one exists.
"""

from __future__ import annotations

import functools
import os
import stat
import threading
from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptDataError, NewerFormatError, RadopsError, RemoteUnavailableError
from radops.format.note import parse_note_key
from radops.format.record import FileRecord
from radops.format.uid import UID, slot_key
from radops.repository import layout
from radops.repository.verify import findings
from radops.repository.verify.kept import KeptMaker
from radops.repository.verify.mend import (
    CannotError,
    digest_of,
    run_hands,
    write_edge,
    write_folder_records,
)
from radops.repository.verify.remake import PackMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from radops.format.digest import Digest
    from radops.repository.progress import Count
    from radops.repository.refs.remote import Remote
    from radops.repository.verify.findings import Finding
    from radops.repository.working_lake import WorkingLake

# Objects before what is made from them.
_ORDER = (
    findings.STRAY,
    findings.RECORD,
    findings.NEWER,
    findings.SLOT,
    findings.FOLDER,
    findings.UNREADABLE,
    findings.BYTES,
    findings.SIZE,
    findings.MISSING,
    findings.DANGLING,
    findings.OUTLINE,
    findings.WRITABLE,
    findings.VIEW,
    findings.EDGE,
    findings.NOTE,
)


class Repair:
    """Repairs what a check found, one finding after the other.

    Args:
        lake: The lake. Without a remote in use, only what this machine itself can restore is
            repaired.
        count: Called with bytes and files as they are fetched.
        directories: Root and layout of directories whose files can stand in for lost packs.
    """

    def __init__(
        self,
        lake: WorkingLake,
        count: Count,
        directories: Sequence[tuple[Digest, Digest]] = (),
    ) -> None:
        self._maker = PackMaker(lake.store, lake.local.prefix, directories)
        self._kept = KeptMaker(lake.store, lake.reader, self._maker.trees)
        self._lake = lake
        self._store = lake.store
        self._local = lake.local
        self._count = count
        self._lock = threading.Lock()
        self._unreachable: RemoteUnavailableError | None = None
        self._hands: Mapping[str, Callable[[Finding], str]] = {
            findings.STRAY: self._stray,
            findings.RECORD: self._record,
            findings.NEWER: self._record,
            findings.SLOT: self._slot,
            findings.FOLDER: functools.partial(write_folder_records, lake.local),
            findings.UNREADABLE: self._unreadable,
            findings.BYTES: self._object,
            findings.SIZE: self._object,
            findings.MISSING: self._object,
            findings.DANGLING: self._object,
            findings.OUTLINE: self._outline,
            findings.WRITABLE: self._writable,
            findings.VIEW: self._view,
            findings.EDGE: functools.partial(write_edge, lake.local),
            # A copy of the remote's is fetched again when the description is next read.
            findings.NOTE: self._stray,
        }
        self.fetched = 0
        """Bytes of objects that came from the remote."""

    def run(self, found: Iterable[Finding]) -> None:
        """Repair what can be repaired; each finding then holds the outcome."""
        run_hands(found, _ORDER, self._hands)

    # -- bytes -------------------------------------------------------------------------------

    def _object(self, finding: Finding) -> str:
        digest = digest_of(finding)
        if os.path.lexists(self._store.object_path(digest)):
            if self._is_good(finding, digest):
                return "mended together with another file"
            # The proof has moved wrong bytes away; what could not even be read is moved here.
            if os.path.lexists(self._store.object_path(digest)):
                self._store.quarantine(digest)
        return self._obtain(finding, digest)

    def _is_good(self, finding: Finding, digest: Digest) -> bool:
        try:
            return finding.size >= 0 and self._store.proven(digest, finding.size) is not None
        except RadopsError:
            return False

    def _obtain(self, finding: Finding, digest: Digest) -> str:
        for uid in finding.uids:
            if self._from_view(self._store.root / self._local.prefix / "files" / uid, digest):
                return "restored from its view under files/"
        try:
            return self._fetch(finding, digest)
        except CannotError:
            if self._kept.make(digest):
                self._add(max(finding.size, 0), 1)
                return "fetched again out of its pack"
            if not self._maker.make(digest, finding.size):
                raise
        return "made again from files on this machine"

    def _fetch(self, finding: Finding, digest: Digest) -> str:
        kept = self._store.quarantined(digest)
        where = f"; the bad copy is kept in {kept[-1]}" if kept else ""
        remote = self._remote(where)
        size = finding.size
        if size < 0:
            entry = remote.backend.stat(layout.object_key(digest))
            if entry is None:
                raise CannotError(f"the remote does not have it either{where}")
            size = entry.size
        before = self.fetched
        try:
            self._lake.reader.fetch([(digest, size)], self._add)
        except RemoteUnavailableError as error:
            self._unreachable = error
            raise CannotError(f"{error.message}{where}") from error
        except CorruptDataError as error:
            raise CannotError(f"{error.message}{where}") from error
        return f"{self.fetched - before:,} bytes fetched from the remote"

    def _from_view(self, view: Path, digest: Digest) -> bool:
        """Take an object back from a view, where that is a copy and still good."""
        try:
            if not stat.S_ISREG(view.lstat().st_mode):
                return False
            if native.hash_file(view).digest != digest.raw:
                return False
        except OSError:
            return False
        (staged,) = self._store.stage_copies([view])
        if isinstance(staged, RadopsError):
            return False
        if staged.digest != digest:
            self._store.discard([staged])
            return False
        self._store.admit([staged])
        return True

    def _remote(self, where: str = "") -> Remote:
        if self._lake.remote is None:
            raise CannotError(f"there is no remote to fetch it from{where}")
        if self._unreachable is not None:
            raise CannotError(f"{self._unreachable.message}{where}")
        return self._lake.remote

    def _add(self, size: int, files: int) -> None:
        with self._lock:
            self.fetched += size
        self._count(size, files)

    def _unreadable(self, finding: Finding) -> str:
        if finding.path is None:
            raise CannotError("it is not known where it is")
        path = self._store.root / finding.path
        if stat.S_ISREG(path.lstat().st_mode):
            path.chmod(self._store.backend.file_mode)
        if finding.digest is None:
            path.read_bytes()
            return "made readable"
        if self._is_good(finding, finding.digest):
            return "made readable"
        return self._object(finding)

    def _outline(self, finding: Finding) -> str:
        digest = digest_of(finding)
        self._store.backend.delete([layout.outline_key(digest)])
        if not self._store.has(digest, finding.size):
            return "removed"
        self._store.outline(digest, finding.size)
        return "made again from the object"

    def _writable(self, finding: Finding) -> str:
        if finding.path is None:
            raise CannotError("it is not known where it is")
        path = self._store.root / finding.path
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                path.chmod(self._store.backend.file_mode)
        except FileNotFoundError:
            return "moved away, as its bytes are wrong"
        return "made read-only"

    def _view(self, finding: Finding) -> str:
        digest = digest_of(finding)
        if finding.path is None:
            raise CannotError("it is not known where it is")
        # It may hold work of a user who took it for a folder of their own: it is kept.
        kept = self._store.isolate(finding.path, f"view-{_name(finding.path)}")
        self._store.remove_view(finding.path)
        if self._store.proven(digest, finding.size) is None:
            return f"moved to {kept}"
        self._store.view(finding.path, digest, finding.size)
        return f"made again; what was there is kept in {kept}"

    def _stray(self, finding: Finding) -> str:
        if finding.path is None:
            raise CannotError("it is not known where it is")
        kept = self._store.isolate(finding.path, f"stray-{_name(finding.path)}")
        if finding.digest is not None and finding.uids:
            return f"moved to {kept}; {self._obtain(finding, finding.digest)}"
        return f"moved to {kept}"

    # -- records -----------------------------------------------------------------------------

    def _record(self, finding: Finding) -> str:
        if finding.digest is not None:
            raise CannotError("the record itself is wrong; delete the file and add it again")
        if parse_note_key((finding.path or "").removeprefix(self._local.prefix)) is not None:
            raise CannotError("only a later version of radops can tell what it says")
        uids = {UID(uid) for uid in finding.uids}
        for uid in list(uids):
            uids |= self._restore_chain(uid)
        for uid in uids:  # the slot of another output commits the outputs of a call
            self._restore_chain(uid)
        for uid in uids:
            self._local.slots.state(uid)
        return "restored from the remote"

    def _restore_chain(self, uid: UID) -> set[UID]:
        """Put back the slots of a name as the remote holds them; return whose commit they are."""
        chain = list(self._remote().slots.walk(uid))
        if chain[0][1] is None:
            raise CannotError("the remote does not have it; its bytes were not touched")
        for number, content in chain:
            key = slot_key(uid, number)
            raw = self._local.slots.read_raw(key) if content is not None else None
            if content is None or raw is None or raw == content.raw:
                continue
            if self._decodes(uid, number):
                raise CannotError(f"the remote holds another record in slot {number}")
            self._store.isolate(self._local.prefix + key, f"record-{_name(key)}")
        self._lake.cache(uid, chain)
        last = next((c for _, c in reversed(chain) if isinstance(c, FileRecord)), None)
        return set() if last is None else {last.commit.primary_uid}

    def _decodes(self, uid: UID, number: int) -> bool:
        try:
            return self._local.slots.read(uid, number) is not None
        except (CorruptDataError, NewerFormatError):
            return False

    def _slot(self, finding: Finding) -> str:
        if finding.path is not None and finding.path.endswith("-gone"):
            self._local.backend.delete([finding.path])
            return "the mark was removed"
        self._restore_chain(UID(finding.uids[0]))
        return "the slots before it were restored from the remote"


def _name(path: str) -> str:
    return path.rpartition("/")[2][:60]
