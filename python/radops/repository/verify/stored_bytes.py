"""Checking what is on this machine, second part: the bytes of objects and views.

All of it is hashed in batches that keep every core busy and memory small. Good files are noted
in the catalogue as checked, bad ones forgotten, so that they are not trusted.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from radops import native
from radops.errors import RadopsError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, check_outline, outline_size
from radops.format.record import Tombstone
from radops.format.uid import UID
from radops.repository import layout
from radops.repository.objects.catalog import Stamp
from radops.repository.progress import watching
from radops.repository.verify import findings
from radops.repository.verify.findings import NO_COPY, REPAIR, RIGHTS, block_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.repository.progress import Count
    from radops.repository.verify.records import RecordCheck
    from radops.repository.verify.worklist import View

WRITABLE_BITS = 0o222
_Item = tuple[str, int, Digest]
"""A file to be hashed: its key below the store's root, its size, its digest."""


class ByteCheck:
    """Hashes what a check of records has noted.

    Args:
        records: That check, which also takes the findings.
        quick: Trust files that were checked before and whose stat did not change since.
        threads: How many threads hash; 0 for one per core.
    """

    def __init__(self, records: RecordCheck, *, quick: bool, threads: int = 0) -> None:
        self.store = records.store
        self.work = records.work
        self.tally = records.tally
        self._slots = records.local.slots
        self._hint = REPAIR if records.has_remote else NO_COPY
        self._quick = quick
        self._root = str(self.store.root)
        self._threads = threads

    def run(self, count: Count) -> None:
        """Check all bytes that were noted; `count` gets bytes and files as they are done."""
        for objects in self.work.objects():
            self._check_objects(objects, count)
        for views in self.work.views():
            self._check_views(views, count)

    def _check_objects(self, batch: Sequence[tuple[Digest, int]], count: Count) -> None:
        to_hash: list[_Item] = []
        for digest, size in batch:
            key = layout.object_key(digest)
            status = self._status(key, digest, size)
            if status is None:
                continue
            expected = status.st_size if size < 0 else size
            self.tally.objects += 1
            self.tally.bytes += expected
            if size > BLOCK_SIZE:
                self._check_outline(digest, size)
            if not self._trusts(key, Stamp.of(status), expected, digest, count):
                to_hash.append((key, expected, digest))
        for (key, size, digest), check in self._hash(to_hash, count):
            self._bad_object(key, size, digest, check)

    def _status(
        self, key: str, digest: Digest, size: int, view: View | None = None
    ) -> os.stat_result | None:
        """Return the stat of a file to be hashed; None for what must not be."""
        try:
            status = os.lstat(self._path(key))
        except FileNotFoundError:
            return None  # removed since it was noted, as by delete-local
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            self._find_status(findings.UNREADABLE, message, digest, key, size, view)
            return None
        if not stat.S_ISREG(status.st_mode):
            link = stat.S_ISLNK(status.st_mode)
            message = "is a symbolic link" if link else "is no regular file"
            self._find_status(findings.STRAY, message, digest, key, size, view)
            return None
        if status.st_mode & WRITABLE_BITS:
            message = f"can be written to (mode {stat.S_IMODE(status.st_mode):04o})"
            self._find_status(findings.WRITABLE, message, digest, key, size, view)
        return status

    def _find_status(
        self,
        kind: findings.Kind,
        message: str,
        digest: Digest,
        key: str,
        size: int,
        view: View | None,
    ) -> None:
        what = "its view under files/" if view else "its object"
        if view and kind != findings.WRITABLE:
            kind = findings.VIEW
        uids = (view.uid,) if view else self.work.users(digest)
        hint = RIGHTS if kind == findings.UNREADABLE else REPAIR
        self.tally.find(kind, f"{what} {message}", hint, uids, digest, key, size)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _trusts(
        self,
        key: str,
        stamp: Stamp,
        size: int,
        digest: Digest,
        count: Count,
    ) -> bool:
        if not (self._quick and stamp.size == size):
            return False
        if not self.store.catalog.checked(key, stamp, digest, strict=True):
            return False
        self.tally.trusted += 1
        count(size, 1)
        return True

    def _hash(
        self,
        files: Sequence[_Item],
        count: Count,
    ) -> list[tuple[_Item, native.Check]]:
        """Hash files; catalogue those that are good, return the others."""
        began = time.time_ns()
        items = [(self._path(key), size, digest.raw) for key, size, digest in files]
        with watching(count) as progress:
            checks = native.check_files(items, threads=self._threads, progress=progress)
        good, bad = [], []
        for file, check in zip(files, checks, strict=True):
            key, size, digest = file
            result = check
            if check.state == "changed":  # a view was linked or removed meanwhile, most likely
                (result,) = native.check_files([(self._path(key), size, digest.raw)])
            if result.state == "ok":
                stamp = Stamp(result.size, result.mtime_ns, result.ctime_ns, result.inode)
                good.append((key, stamp, digest))
            elif result.state != "missing":
                bad.append((file, result))
        self.store.catalog.remember(good, began)
        return bad

    def _bad_object(self, key: str, size: int, digest: Digest, check: native.Check) -> None:
        uids = self.work.users(digest)
        if check.state in ("unreadable", "changed"):
            changes = "it changes while it is read"
            message = f"its bytes cannot be read: {check.message or changes}"
            self.tally.find(findings.UNREADABLE, message, self._hint, uids, digest, key, size)
            return
        if check.state == "size" and self._is_digest_of(key, digest):
            message = (
                f"its record says {size:,} bytes, the object of that digest has {check.size:,}"
            )
            self.tally.find(findings.RECORD, message, self._hint, uids, digest=digest)
            return
        self.store.distrust(digest)
        kind: findings.Kind = findings.SIZE if check.state == "size" else findings.BYTES
        message = "wrong bytes"
        if kind == findings.SIZE:
            message = f"has {check.size:,} bytes instead of {size:,}"
        finding = self.tally.find(kind, message, self._hint, uids, digest, key, size)
        finding.ranges = self._ranges(key, size, digest)
        if check.size > size:
            finding.ranges += ((size, check.size),)

    def _is_digest_of(self, key: str, digest: Digest) -> bool:
        try:
            return native.hash_file(self._path(key), threads=self._threads).digest == digest.raw
        except OSError:
            return False

    def _ranges(self, key: str, size: int, digest: Digest) -> tuple[tuple[int, int], ...]:
        """Return the spans that are wrong; the whole file where there is no outline to tell."""
        if size > BLOCK_SIZE:
            outline = self._read_outline(digest, size)
            if outline is None or not check_outline(outline, size, digest):
                return ((0, size),)
            try:
                return block_ranges(
                    native.bad_blocks(self._path(key), size, outline, threads=self._threads), size
                )
            except OSError:
                return ()
        return ((0, size),) if size else ()

    def _read_outline(self, digest: Digest, size: int) -> bytes | None:
        path = self.store.root / layout.outline_key(digest)
        try:
            with path.open("rb") as file:
                return file.read(outline_size(size) + 1)
        except OSError:
            return None

    def _check_outline(self, digest: Digest, size: int) -> None:
        outline = self._read_outline(digest, size)
        if outline is not None and not check_outline(outline, size, digest):
            message, key = "its outline does not belong to its digest", layout.outline_key(digest)
            self.tally.find(
                findings.OUTLINE, message, REPAIR, self.work.users(digest), digest, key, size
            )

    # -- views -------------------------------------------------------------------------------

    def _check_views(self, views: Sequence[View], count: Count) -> None:
        to_hash: dict[str, View] = {}
        for view in views:
            status = self._status(view.key, view.digest, view.size, view)
            if status is None:
                continue
            try:
                if os.path.samestat(status, self.store.object_path(view.digest).stat()):
                    count(view.size, 1)
                    continue  # one file with the object, which is checked already
            except OSError:
                pass
            stamp = Stamp.of(status)
            if not self._trusts(view.key, stamp, view.size, view.digest, count):
                to_hash[view.key] = view
        files = [(view.key, view.size, view.digest) for view in to_hash.values()]
        for (key, size, digest), check in self._hash(files, count):
            view = to_hash[key]
            self.store.catalog.forget([view.key])
            if check.state in ("size", "bytes") and self._was_before(UID(view.uid), key):
                continue
            message = "its view under files/ no longer shows its bytes"
            if check.state not in ("size", "bytes"):
                message = f"its view under files/ cannot be read: {check.message}"
            finding = self.tally.find(findings.VIEW, message, REPAIR, [view.uid], digest, key, size)
            finding.ranges = self._ranges(key, size, digest) if check.state == "bytes" else ()

    def _was_before(self, uid: UID, key: str) -> bool:
        """Return whether a view shows a file of that name that was deleted since."""
        try:
            digest = native.hash_file(self._path(key)).digest
            return any(
                isinstance(content, Tombstone) and content.inner().digest.raw == digest
                for _, content in self._slots.walk(uid)
            )
        except (OSError, RadopsError):
            return False
