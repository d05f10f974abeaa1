"""Slots: the keys that hold what a UID is.

A slot goes absent -> record -> tombstone, never back and never to other bytes. A UID is what
its first slot holds that is not a tombstone. Several outputs of one call are one commit: the
records of all but the first are intents until the primary slot holds the commit's id.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptRecordError, NewerFormatError
from radops.format.cbor import MAX_SIZE
from radops.format.record import FileRecord, FolderRecord, Tombstone, decode_slot
from radops.format.uid import UID, parse_slot_key, slot_key
from radops.repository import layout
from radops.repository.refs.listing import Listed
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from radops.backends.base import Backend

SlotContent = FileRecord | FolderRecord | Tombstone

# No real lake deletes and recreates one name this often; hostile data must not cause an endless
# loop.
_MAX_SLOTS = 10_000

# Commits known to have happened; a bound, so that listing a million files stays small.
_REMEMBERED_COMMITS = 65_536


# More than almost every record has; longer ones are read one by one.
_AHEAD_BYTES = 64 * 1024

Ahead = dict[tuple[int, str], bytes | None] | None
"""What slots held when they were read, by the `Slots` and their keys; None: none were read."""

_ahead: ContextVar[Ahead] = ContextVar("radops_slots_ahead", default=None)


class Free(msgspec.Struct, frozen=True):
    """The UID is not in use; its next record goes into slot `number`."""

    uid: UID
    number: int


class Taken(msgspec.Struct, frozen=True):
    """The UID is this record (or this folder), in slot `number`."""

    uid: UID
    number: int
    record: FileRecord | FolderRecord


class Unfinished(msgspec.Struct, frozen=True):
    """An intent of a commit that did not happen yet, or never will. Reads as absent."""

    uid: UID
    number: int
    record: FileRecord


State = Free | Taken | Unfinished


class Slots:
    """The slots of one lake on one backend.

    Args:
        backend: Where.
        prefix: What precedes `refs/` in that backend; empty or ending in `/`.
    """

    def __init__(self, backend: Backend, prefix: str = "") -> None:
        self.backend = backend
        self.prefix = prefix
        self._commits: OrderedDict[bytes, None] = OrderedDict()

    @contextlib.contextmanager
    def read_ahead(self, uids: Iterable[UID], starts: Mapping[UID, int]) -> Iterator[None]:
        """Read the first slots of many UIDs in one batch, for the reads in a `with` block.

        Each answer is used once, by this thread or by workers that it starts in the block.

        Args:
            uids: Which.
            starts: Slots to begin with, where that is not 0.
        """
        with self.use(self.read_first({uid: starts.get(uid, 0) for uid in uids})):
            yield

    def read_first(self, starts: Mapping[UID, int]) -> Ahead:
        """Read a slot of each of many UIDs in one batch, for `use`."""
        keys = [slot_key(uid, number) for uid, number in starts.items()]
        if self.backend.is_local or len(keys) < 2:
            return None
        found = self.backend.read([self.prefix + key for key in keys], _AHEAD_BYTES)
        # What may be longer is read by itself.
        return {
            (id(self), key): raw
            for key, raw in zip(keys, found, strict=True)
            if raw is None or len(raw) < _AHEAD_BYTES
        }

    @contextlib.contextmanager
    def use(self, ahead: Ahead) -> Iterator[None]:
        """Use what `read_first` read for the reads in a `with` block; see `read_ahead`."""
        if ahead is None:
            yield
            return
        token = _ahead.set(ahead)
        try:
            yield
        finally:
            _ahead.reset(token)

    def decided(self, starts: Mapping[UID, int]) -> set[UID]:
        """Return the names that their first slot, which was read ahead, decides.

        Of the others another slot has to be read: after a tombstone the next one, and for a record
        that another slot commits that one. Also of those that are not decoded in bulk.
        """
        known = _ahead.get() or {}
        decided = set()
        read: list[tuple[bytes, UID]] = []
        for uid, number in starts.items():
            raw = known.get((id(self), slot_key(uid, number)), b"")
            if raw is None:
                decided.add(uid)
            elif raw:
                read.append((raw, uid))
        for (_, uid), slot in zip(read, native.decode_slots(read, threads=threads()), strict=True):
            if slot is not None and (
                slot.kind == "folder"
                or (slot.kind == "record" and slot.primary == slot_key(uid, starts[uid]))
            ):
                decided.add(uid)
        return decided

    def read_raw(self, key: str) -> bytes | None:
        """Return the bytes of a slot (`refs/...`), None if it is absent."""
        known = _ahead.get()
        if known is not None and (id(self), key) in known:
            return known.pop((id(self), key))
        try:
            with self.backend.open(self.prefix + key, 0, MAX_SIZE + 1) as reader:
                raw = reader.read(MAX_SIZE + 1)
        except KeyNotFoundError:
            return None
        if len(raw) > MAX_SIZE:
            raise CorruptRecordError(f"the record at {key} is larger than any record can be")
        return raw

    def read_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the bytes of many slots (`refs/...`) in order, None for those that are absent.

        All of them are in memory at once: callers limit the number of keys.
        """
        found = self.backend.read([self.prefix + key for key in keys], _AHEAD_BYTES)
        return [
            raw if raw is None or len(raw) < _AHEAD_BYTES else self.read_raw(key)
            for key, raw in zip(keys, found, strict=True)
        ]

    def read(self, uid: UID, number: int) -> SlotContent | None:
        """Return what one slot of a UID holds, None if it is absent.

        Args:
            uid: The UID.
            number: Which of its slots.

        Raises:
            CorruptRecordError: It does not decode, or answers for another UID.
            NewerFormatError: A later version of radops wrote it.
        """
        raw = self.read_raw(slot_key(uid, number))
        return None if raw is None else self.decode(raw, uid)

    def decode(self, raw: bytes, uid: UID) -> SlotContent:
        """Return what the bytes of a slot of a UID mean; the errors are those of `read`."""
        try:
            return decode_slot(raw, uid)
        except (CorruptRecordError, NewerFormatError) as error:
            where = f"the record of {uid} in {self.backend.url}"
            raise type(error)(f"{where}: {error.message}", uid=uid, hint=error.hint) from error

    def walk(self, uid: UID, start: int = 0) -> Iterator[tuple[int, SlotContent | None]]:
        """Yield the slots of a UID from `start` up to the first that is no tombstone.

        In a home a slot can be absent for a moment while another process replaces what was made
        there offline by what the remote holds: a slot after it that is in use still counts.
        """
        for number in range(start, _MAX_SLOTS):
            content = self.read(uid, number)
            if content is None and self.prefix and self.is_used(uid, number + 1):
                continue
            yield number, content
            if not isinstance(content, Tombstone):
                return
        raise CorruptRecordError(f"{uid} has more than {_MAX_SLOTS} slots", uid=uid)

    def is_used(self, uid: UID, number: int) -> bool:
        """Return whether a slot holds anything."""
        return self.backend.stat(self.prefix + slot_key(uid, number)) is not None

    def state(self, uid: UID, start: int = 0) -> State:
        """Return what the UID is now; `start` skips slots known to hold tombstones."""
        number, content = start, None
        for number, content in self.walk(uid, start):  # noqa: B007 - the last one counts
            pass
        return self.judge(uid, number, content)

    def unused(self, uids: Sequence[UID], number: int = 0) -> set[UID]:
        """Return those of many names whose slot of a number, the first, was never written."""
        found = self.backend.stats([self.prefix + slot_key(uid, number) for uid in uids])
        return {uid for uid, entry in zip(uids, found, strict=True) if entry is None}

    def recall(self, uids: Sequence[UID]) -> tuple[dict[UID, SlotContent], set[UID]]:
        """Return what the first slots of many names hold, of those that are held in memory.

        Returns:
            What they hold now, and the names whose first slot is absent.
        """
        return {}, self.unused(uids)

    def judge(self, uid: UID, number: int, content: SlotContent | None) -> State:
        """Return what the content of a UID's last slot means."""
        if content is None or isinstance(content, Tombstone):
            return Free(uid, number if content is None else number + 1)
        if isinstance(content, FolderRecord) or self.is_committed(content, number):
            return Taken(uid, number, content)
        return Unfinished(uid, number, content)

    def is_committed(self, record: FileRecord, number: int) -> bool:
        """Return whether the commit that this record belongs to has happened."""
        commit = record.commit
        if commit.primary == slot_key(UID(record.uid), number) or commit.id in self._commits:
            return True
        raw = self.read_raw(commit.primary)
        if raw is None or not commits(decode_slot(raw), commit.id):
            return False
        self._commits[commit.id] = None
        if len(self._commits) > _REMEMBERED_COMMITS:
            self._commits.popitem(last=False)
        return True

    def is_known(self, commit_id: bytes) -> bool:
        """Return whether a commit was found to have happened before, so that no slot is read."""
        return commit_id in self._commits

    def create(self, items: Sequence[tuple[UID, int, bytes]]) -> list[bool]:
        """Create slots that are absent; True where they now hold these very bytes.

        A reply may have been lost, so on "exists" the slot is read back: own bytes mean success.
        """
        keys = [(slot_key(uid, number), raw) for uid, number, raw in items]
        answers = self.backend.create([(self.prefix + key, raw) for key, raw in keys])
        existing = [key for created, (key, _) in zip(answers, keys, strict=True) if not created]
        found = self.backend.read([self.prefix + key for key in existing], MAX_SIZE + 1)
        there = dict(zip(existing, found, strict=True))
        return [
            created or there[key] == raw for created, (key, raw) in zip(answers, keys, strict=True)
        ]

    def remember(self, items: Sequence[tuple[UID, int, SlotContent]]) -> None:
        """Keep what slots hold in memory where that is done at all; they were just written."""

    def replace(self, items: Sequence[tuple[UID, int, bytes]]) -> None:
        """Overwrite slots: with tombstones, or in a cache with what the remote holds."""
        if items:
            self.backend.put([(self.prefix + slot_key(uid, n), raw) for uid, n, raw in items])

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield slots and folders whose UID begins with `prefix`, in no order.

        Keys that are not exactly a slot's are skipped: no foreign key in a bucket can lead
        outside.
        """
        start = self.prefix + layout.REFS
        for entry in self.backend.list(start + prefix, recursive=recursive):
            key = entry.key[len(self.prefix) :]
            if entry.is_prefix:
                yield Listed(key[len(layout.REFS) :], 0, -1, gone=False)
            elif (name := parse_slot_key(key)) is not None:
                yield Listed(name.uid, name.number, entry.size, name.gone)


def commits(content: SlotContent, commit_id: bytes) -> bool:
    """Return whether this content of a primary slot means that the commit happened.

    A record of that commit, or the tombstone of one that was deleted afterwards; not the
    tombstone that aborted it.
    """
    if isinstance(content, Tombstone):
        return not content.aborted and content.inner().commit.id == commit_id
    return isinstance(content, FileRecord) and content.commit.id == commit_id
