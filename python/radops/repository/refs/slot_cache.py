"""Slots of the local home that are not decoded again as long as their files do not change."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from typing_extensions import override

from radops import native
from radops.backends.forking import renew_after_fork
from radops.format.uid import slot_key
from radops.repository.refs.slots import Slots
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.backends.base import Backend
    from radops.format.uid import UID
    from radops.repository.refs.slots import SlotContent

# Enough for the records of some ten thousand files; a hostile one has 8 MiB.
_MOST_BYTES = 32 * 1024 * 1024
# What a decoded record takes beside its bytes, roughly.
_OVERHEAD = 2048

_Stamp = tuple[int, int, int, int]


class RememberingSlots(Slots):
    """Slots in a folder of this machine, kept decoded in memory.

    What another process does is noticed: a slot changes by a rename over its file, so the new file
    has another inode, and a tombstone is longer than the record within. One `lstat` shows that.
    """

    def __init__(self, backend: Backend, prefix: str = "") -> None:
        super().__init__(backend, prefix)
        self._folder = f"{backend.root}/{prefix}"
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Start empty: a thread of the parent may have been in the middle of a change."""
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[_Stamp, SlotContent]] = OrderedDict()
        self._bytes = 0

    @override
    def read(self, uid: UID, number: int) -> SlotContent | None:
        key = slot_key(uid, number)
        try:
            status = os.lstat(self._folder + key)
        except FileNotFoundError:
            return None
        except OSError:  # something that `read` reports in detail
            return super().read(uid, number)
        stamp = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        # Stat before read: a change in between shows as another stamp next time.
        content = super().read(uid, number)
        if content is not None:
            self._remember(key, stamp, content)
        return content

    @override
    def unused(self, uids: Sequence[UID], number: int = 0) -> set[UID]:
        paths = [self._folder + slot_key(uid, number) for uid in uids]
        found = native.stat_files(paths, threads=threads())
        return {uid for uid, status in zip(uids, found, strict=True) if status is None}

    @override
    def recall(self, uids: Sequence[UID]) -> tuple[dict[UID, SlotContent], set[UID]]:
        keys = [slot_key(uid, 0) for uid in uids]
        looks = native.stat_files([self._folder + key for key in keys], threads=threads())
        held: dict[UID, SlotContent] = {}
        absent: set[UID] = set()
        for uid, key, look in zip(uids, keys, looks, strict=True):
            if look is None:
                absent.add(uid)
            elif (known := self._known.get(key)) is not None and known[0] == look:
                held[uid] = known[1]
        return held, absent

    @override
    def is_used(self, uid: UID, number: int) -> bool:
        return os.path.lexists(self._folder + slot_key(uid, number))

    @override
    def remember(self, items: Sequence[tuple[UID, int, SlotContent]]) -> None:
        keys = [slot_key(uid, number) for uid, number, _ in items]
        # Another process may have written something else in between: the bytes decide.
        found = native.hash_files([self._folder + key for key in keys], threads=threads())
        for key, (_, _, content), file in zip(keys, items, found, strict=True):
            if isinstance(file, native.FileHash) and file.digest == content.record_digest.raw:
                stamp = file.size, file.mtime_ns, file.ctime_ns, file.inode
                self._remember(key, stamp, content)

    def _remember(self, key: str, stamp: _Stamp, content: SlotContent) -> None:
        with self._lock:
            before = self._known.pop(key, None)
            if before is not None:
                self._bytes -= len(before[1].raw) + _OVERHEAD
            self._known[key] = stamp, content
            self._bytes += len(content.raw) + _OVERHEAD
            while self._bytes > _MOST_BYTES:
                _, (_, oldest) = self._known.popitem(last=False)
                self._bytes -= len(oldest.raw) + _OVERHEAD


def slots_of(backend: Backend, prefix: str) -> Slots:
    """Return the slots of a lake on a backend; quick ones if that is a folder of a home."""
    if backend.root is not None and prefix:
        return RememberingSlots(backend, prefix)
    return Slots(backend, prefix)
