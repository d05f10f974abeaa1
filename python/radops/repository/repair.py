"""Mending what a check of this machine found: from the remote, or from what is still good here.

Bad bytes are moved to quarantine first, so that whatever happens next they are not served. Of a
large object only the wrong blocks are fetched; the bad copy goes once the good one stands.
"""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptDataError, NewerFormatError, RadopsError, RemoteUnavailableError
from radops.model.edge import Edge
from radops.model.record import FileRecord
from radops.model.uid import UID, slot_key
from radops.repository import findings, layout
from radops.repository.commit import ensure_folders
from radops.repository.download import fetch
from radops.repository.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from radops.model.digest import Digest
    from radops.repository.findings import Finding
    from radops.repository.mirror import Mirror
    from radops.repository.remote import Remote

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
)


class CannotError(Exception):
    """Why something stays as it is."""


class Repair:
    """Mends what a check found, one finding after the other.

    Args:
        mirror: The lake. Without a remote in use, only what can be had from here is mended.
        count: Told bytes and files as they are fetched.
    """

    def __init__(self, mirror: Mirror, count: Callable[[int, int], None]) -> None:
        self._mirror = mirror
        self._store = mirror.store
        self._here = mirror.here
        self._count = count
        self._lock = threading.Lock()
        self._unreachable: RemoteUnavailableError | None = None
        self._hands = {
            findings.STRAY: self._stray,
            findings.RECORD: self._record,
            findings.NEWER: self._record,
            findings.SLOT: self._slot,
            findings.FOLDER: self._folder,
            findings.UNREADABLE: self._unreadable,
            findings.BYTES: self._object,
            findings.SIZE: self._object,
            findings.MISSING: self._object,
            findings.DANGLING: self._object,
            findings.OUTLINE: self._outline,
            findings.WRITABLE: self._writable,
            findings.VIEW: self._view,
            findings.EDGE: self._edge,
        }
        self.fetched = 0
        """Bytes of objects that came from the remote."""

    def run(self, found: Iterable[Finding]) -> None:
        """Mend what can be mended; each finding says afterwards what became of it."""
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
            if self._from_view(self._store.root / self._here.prefix / "files" / uid, digest):
                return "restored from its view under files/"
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
            fetch(self._store, remote.backend, [(digest, size)], self._add)
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
        if self._mirror.remote is None:
            raise CannotError(f"there is no remote to fetch it from{where}")
        if self._unreachable is not None:
            raise CannotError(f"{self._unreachable.message}{where}")
        return self._mirror.remote

    def _add(self, size: int, files: int) -> None:
        with self._lock:
            self.fetched += size
        self._count(size, files)

    def _unreadable(self, finding: Finding) -> str:
        if finding.path is None:
            raise CannotError("it is not known where it is")
        path = self._store.root / finding.path
        if stat.S_ISREG(path.lstat().st_mode):
            path.chmod(0o444)
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
        return "made anew from the object"

    def _writable(self, finding: Finding) -> str:
        if finding.path is None:
            raise CannotError("it is not known where it is")
        path = self._store.root / finding.path
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                path.chmod(0o444)
        except FileNotFoundError:
            return "moved away, as its bytes are wrong"
        return "made read-only"

    def _view(self, finding: Finding) -> str:
        digest = digest_of(finding)
        if finding.path is None:
            raise CannotError("it is not known where it is")
        # Somebody may have worked in it, not knowing where they were: it is kept.
        kept = self._store.isolate(finding.path, f"view-{_name(finding.path)}")
        self._store.remove_view(finding.path)
        if self._store.proven(digest, finding.size) is None:
            return f"moved to {kept}"
        self._store.view(finding.path, digest, finding.size)
        return f"made anew; what stood there is kept in {kept}"

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
        uids = {UID(uid) for uid in finding.uids}
        for uid in list(uids):
            uids |= self._restore_chain(uid)
        for uid in uids:  # the commit of several outputs stands in another's slot
            self._restore_chain(uid)
        for uid in uids:
            self._here.slots.state(uid)
        return "restored from the remote"

    def _restore_chain(self, uid: UID) -> set[UID]:
        """Put back the slots of a name as the remote holds them; return whose commit they are."""
        chain = list(self._remote().slots.walk(uid))
        if chain[0][1] is None:
            raise CannotError("the remote does not have it; its bytes were not touched")
        for number, content in chain:
            key = slot_key(uid, number)
            raw = self._here.slots.read_raw(key) if content is not None else None
            if content is None or raw is None or raw == content.raw:
                continue
            if self._decodes(uid, number):
                raise CannotError(f"the remote holds another record in slot {number}")
            self._store.isolate(self._here.prefix + key, f"record-{_name(key)}")
        self._mirror.cache(uid, chain)
        last = next((c for _, c in reversed(chain) if isinstance(c, FileRecord)), None)
        return set() if last is None else {last.commit.primary_uid}

    def _decodes(self, uid: UID, number: int) -> bool:
        try:
            return self._here.slots.read(uid, number) is not None
        except (CorruptDataError, NewerFormatError):
            return False

    def _slot(self, finding: Finding) -> str:
        if finding.path is not None and finding.path.endswith("-gone"):
            self._here.backend.delete([finding.path])
            return "the mark was removed"
        self._restore_chain(UID(finding.uids[0]))
        return "the slots before it were restored from the remote"

    def _folder(self, finding: Finding) -> str:
        for folder in finding.uids:
            self._here.folders_seen.discard(UID(folder))
            for error in ensure_folders(self._here, [UID(f"{folder}/x")]).values():
                raise error
        return "the record was written"

    def _edge(self, finding: Finding) -> str:
        if finding.edge is None:
            raise CannotError("it is not known which")
        source, output = map(UID, finding.edge)
        state = self._here.slots.state(output)
        if not isinstance(state, Taken):
            raise CannotError("the file is gone")
        body = Edge(output, state.record.record_digest).encode()
        self._here.put([(self._here.prefix + layout.edge_key(source, output), body)])
        return "the edge was written"


def run_hands(
    found: Iterable[Finding],
    order: Sequence[str],
    hands: Mapping[str, Callable[[Finding], str]],
) -> None:
    """Let each finding be mended by who can, in the order of kinds; note what came of it."""
    places = {kind: place for place, kind in enumerate(order)}
    todo = [finding for finding in found if finding.kind in places]
    for finding in sorted(todo, key=lambda finding: places[finding.kind]):
        _mend(finding, hands[finding.kind])


def _mend(finding: Finding, hand: Callable[[Finding], str]) -> None:
    try:
        finding.repair = hand(finding)
        finding.repaired = True
    except CannotError as error:
        finding.repair = f"not repaired: {error}"
    except RadopsError as error:
        finding.repair = f"not repaired: {error.message}"
    except OSError as error:
        finding.repair = f"not repaired: {error.strerror or error}"


def digest_of(finding: Finding) -> Digest:
    """Return the object that a finding is about."""
    if finding.digest is None:
        raise CannotError("it is not known which object")
    return finding.digest


def _name(path: str) -> str:
    return path.rpartition("/")[2][:60]
