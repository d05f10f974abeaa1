"""Slots: the keys that hold what a UID is.

A slot goes absent -> record -> tombstone, never back and never to other bytes. A UID is what
its first slot holds that is not a tombstone. Several outputs of one call are one commit: the
records of all but the first are intents until the primary slot holds the commit's id.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptRecordError, NewerFormatError
from radops.model.cbor import MAX_SIZE
from radops.model.record import FileRecord, FolderRecord, Tombstone, decode_slot
from radops.model.uid import UID, parse_slot_key, slot_key
from radops.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.backends.base import Backend

SlotContent = FileRecord | FolderRecord | Tombstone

# No honest lake deletes and remakes one name this often; a hostile one must not hold us for ever.
_MAX_SLOTS = 10_000

# Commits known to have happened; a bound, so that listing a million files stays small.
_REMEMBERED_COMMITS = 65_536


@dataclass(frozen=True, slots=True)
class Free:
    """Nothing stands under the UID; its next record goes into slot `number`."""

    uid: UID
    number: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The UID is this record (or this folder), in slot `number`."""

    uid: UID
    number: int
    record: FileRecord | FolderRecord


@dataclass(frozen=True, slots=True)
class Pending:
    """An intent of a commit that did not happen yet, or never will. Reads as absent."""

    uid: UID
    number: int
    record: FileRecord


State = Free | Taken | Pending


class Listed(NamedTuple):
    """One slot or folder of a listing."""

    uid: str
    number: int
    size: int
    """Bytes of what the slot holds; -1 for a folder, whose `uid` ends in `/`."""
    gone: bool
    """Whether the listing knows that the slot holds a tombstone."""


class Slots:
    """The slots of one lake on one backend.

    Args:
        backend: Where.
        prefix: What stands before `refs/` in that backend; empty or ending in `/`.
    """

    def __init__(self, backend: Backend, prefix: str = "") -> None:
        self.backend = backend
        self.prefix = prefix
        self._commits: OrderedDict[bytes, None] = OrderedDict()

    def read_raw(self, key: str) -> bytes | None:
        """Return the bytes of a slot (`refs/...`), None if it is absent."""
        try:
            with self.backend.open(self.prefix + key, 0, MAX_SIZE + 1) as reader:
                raw = reader.read(MAX_SIZE + 1)
        except KeyNotFoundError:
            return None
        if len(raw) > MAX_SIZE:
            raise CorruptRecordError(f"the record at {key} is larger than any record can be")
        return raw

    def read(self, uid: UID, number: int) -> SlotContent | None:
        """Return what one slot of a UID holds, None if it is absent.

        Raises:
            CorruptRecordError: It does not decode, or answers for another UID.
            NewerFormatError: A later version of radops wrote it.
        """
        raw = self.read_raw(slot_key(uid, number))
        if raw is None:
            return None
        try:
            return decode_slot(raw, uid)
        except (CorruptRecordError, NewerFormatError) as error:
            where = f"the record of {uid} in {self.backend.url}"
            raise type(error)(f"{where}: {error.message}", uid=uid, hint=error.hint) from error

    def walk(self, uid: UID, start: int = 0) -> Iterator[tuple[int, SlotContent | None]]:
        """Yield the slots of a UID from `start` up to the first that is no tombstone."""
        for number in range(start, _MAX_SLOTS):
            content = self.read(uid, number)
            yield number, content
            if not isinstance(content, Tombstone):
                return
        raise CorruptRecordError(f"{uid} has more than {_MAX_SLOTS} slots", uid=uid)

    def state(self, uid: UID, start: int = 0) -> State:
        """Return what the UID is now; `start` skips slots known to hold tombstones."""
        number, content = start, None
        for number, content in self.walk(uid, start):  # noqa: B007 - the last one counts
            pass
        return self.judge(uid, number, content)

    def unused(self, uids: Sequence[UID]) -> set[UID]:
        """Return those of many names of which no slot was ever written."""
        return {uid for uid in uids if self.backend.stat(self.prefix + slot_key(uid)) is None}

    def judge(self, uid: UID, number: int, content: SlotContent | None) -> State:
        """Say what the content of a UID's last slot means."""
        if content is None or isinstance(content, Tombstone):
            return Free(uid, number if content is None else number + 1)
        if isinstance(content, FolderRecord) or self.is_committed(content, number):
            return Taken(uid, number, content)
        return Pending(uid, number, content)

    def is_committed(self, record: FileRecord, number: int) -> bool:
        """Say whether the commit that this record belongs to has happened."""
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

    def create(self, items: Sequence[tuple[UID, int, bytes]]) -> list[bool]:
        """Create slots that are absent; True where they now hold these very bytes.

        A reply may have been lost, so on "exists" the slot is read back: own bytes are a win.
        """
        keys = [(slot_key(uid, number), raw) for uid, number, raw in items]
        answers = self.backend.create([(self.prefix + key, raw) for key, raw in keys])
        return [
            created or self.read_raw(key) == raw
            for created, (key, raw) in zip(answers, keys, strict=True)
        ]

    def replace(self, items: Sequence[tuple[UID, int, bytes]]) -> None:
        """Overwrite slots: with tombstones, or in a cache with what the remote holds."""
        self.backend.put([(self.prefix + slot_key(uid, number), raw) for uid, number, raw in items])

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield slots and folders whose UID begins with `prefix`, in no order.

        Keys that are not exactly a slot's are passed over: nothing a stranger puts into a
        bucket can lead outside.
        """
        start = self.prefix + layout.REFS
        for entry in self.backend.list(start + prefix, recursive=recursive):
            key = entry.key[len(self.prefix) :]
            if entry.is_prefix:
                yield Listed(key[len(layout.REFS) :], 0, -1, gone=False)
            elif (name := parse_slot_key(key)) is not None:
                yield Listed(name.uid, name.number, entry.size, name.gone)


def commits(content: SlotContent, commit_id: bytes) -> bool:
    """Say whether this content of a primary slot means that the commit happened.

    A record of that commit, or the tombstone of one that was deleted afterwards; not the
    tombstone that aborted it.
    """
    if isinstance(content, Tombstone):
        return not content.aborted and content.inner().commit.id == commit_id
    return isinstance(content, FileRecord) and content.commit.id == commit_id
