"""One side of a lake: verified objects, slots and edges on one backend."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from radops.errors import CorruptObjectError
from radops.format.call import Call, decode_call
from radops.format.digest import Digest
from radops.format.record import FileRecord, check_call
from radops.format.uid import gone_key, slot_key
from radops.repository import layout
from radops.repository.objects.trash import open_object
from radops.repository.refs.slot_cache import slots_of
from radops.repository.trees.parts import objects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from radops.backends.base import Backend
    from radops.format.uid import UID
    from radops.repository.refs.slots import Slots, State, Taken

# Calls are metadata; one larger than this is not valid.
_MAX_CALL_BYTES = 8 * 1024 * 1024

# Calls that are objects of their own and are kept decoded: the outputs of a call are read one after
# the other. Each can take some ten times its bytes.
_MOST_CALLS = 8


class Repository:
    """The slots, edges and objects of one lake on one backend.

    Args:
        backend: Where.
        prefix: What precedes `refs/` and `edges/`; objects are not below it.
        originator: Who writes, for tombstones.
    """

    def __init__(self, backend: Backend, prefix: str = "", *, originator: str) -> None:
        self.backend = backend
        self.prefix = prefix
        self.originator = originator
        self.slots: Slots = slots_of(backend, prefix)
        self.folders_seen: set[str] = set()
        """Folders known to have their record, so that it is not asked for again."""
        self._calls: dict[Digest, Call] = {}
        self.marks_tombstones = True
        """Whether a tombstone gets a key by which listings skip it. Not for what is deleted from
        a local cache of a remote, where a slot may be used again: see `RemoteCache`."""

    @property
    def workers(self) -> int:
        """How many calls to run at once."""
        return self.backend.max_connections

    def is_empty(self) -> bool:
        """Return whether no name was ever used here, and no result waits to be published."""
        return not any(
            True for part in ("refs/", "pending/") for _ in self.backend.list(self.prefix + part)
        )

    def states(self, uids: Sequence[UID], starts: Mapping[UID, int]) -> dict[UID, State]:
        """Return what each UID is now; `starts` skips slots known to hold tombstones."""
        with self.slots.read_ahead(uids, starts):
            found = [self.slots.state(uid, starts.get(uid, 0)) for uid in uids]
        return dict(zip(uids, found, strict=True))

    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write many small keys in one batch."""
        if items:
            self.backend.put(items)

    def mark_tombstones(self, slots: Iterable[str]) -> None:
        """Write the keys by which listings skip slots that hold tombstones.

        Args:
            slots: Keys of slots whose tombstones are durable.
        """
        if self.marks_tombstones:
            self.put([(self.prefix + gone_key(slot), b"") for slot in slots])

    def include(self, taken: Iterable[Taken], sources: Iterable[UID] = ()) -> None:
        """Make the next flush cover what others wrote and this process relies on.

        Args:
            taken: Files that were found in place.
            sources: Names of files that something is made from.
        """
        keys = {slot_key(uid, 0) for uid in sources}  # all slots of a name lie in one folder
        for one in taken:
            keys.add(slot_key(one.uid, one.number))
            if isinstance(one.record, FileRecord):
                keys.add(one.record.commit.primary)
        self.backend.include([self.prefix + key for key in sorted(keys)])

    def read_object(self, digest: Digest, limit: int = _MAX_CALL_BYTES) -> bytes:
        """Return the bytes of a small object, verified.

        Raises:
            CorruptObjectError: It is missing, larger than `limit`, or not what it should be.
        """
        with open_object(self.backend, digest, 0, limit + 1) as reader:
            data = reader.read(limit + 1)
        if Digest.of(data) != digest:
            raise CorruptObjectError(f"object {digest} in {self.backend.url} holds wrong bytes")
        return data

    def call_of(self, record: FileRecord) -> Call | None:
        """Return the call that made a file, fetching it where it is an object of its own."""
        if record.call_object is None:
            return record.call
        call = self._calls.get(record.call_object)
        if call is None:
            call = decode_call(self.read_object(record.call_object))
            if len(self._calls) >= _MOST_CALLS:
                self._calls.clear()
            self._calls[record.call_object] = call
        check_call(record, call)
        return call

    def keeps_of(self, record: FileRecord) -> frozenset[Digest]:
        """Return every object that must stay as long as a record.

        Raises:
            CorruptObjectError: The call that keeps them is missing or damaged.
        """
        if not record.has_shared_call or record.call_object is None:
            return frozenset(record.keeps)
        try:
            call = self.call_of(record)
        except CorruptObjectError:
            # A home need not have the call of what it only caches. The other outputs that it has
            # are kept by records of their own.
            if self.prefix and self.backend.stat(layout.object_key(record.call_object)) is None:
                return frozenset(record.keeps)
            raise
        return frozenset(record.keeps) | (call.keeps if call else frozenset())

    def objects_of(self, records: Sequence[FileRecord]) -> list[tuple[Digest, int]]:
        """Return digest and size of what the records of one commit keep, in commit order.

        An object that a record only names by its digest, and that is not here, gets the size 0.

        Raises:
            CorruptObjectError: The call is missing or damaged, or the root, the layout or a source
                list of a directory.
        """
        first = records[0]
        call = self.call_of(first)
        found: dict[Digest, int] = {}
        for root, tree_layout in first.directories:
            found |= objects_of(self.backend, root, tree_layout)
        sizes = {output.digest: output.size for output in call.outputs} if call else {}
        sizes |= {record.digest: record.size for record in records}
        keeps = {record.digest for record in records} | self.keeps_of(first)
        for digest in sorted(keeps - found.keys()):
            size = sizes.get(digest)
            if size is None:  # the call, or the patch of a dirty tree: small, and only here
                entry = self.backend.stat(layout.object_key(digest))
                size = 0 if entry is None else entry.size
            found[digest] = size
        return list(found.items())

    def has_object(self, digest: Digest, size: int) -> bool:
        """Return whether the backend holds an object of that digest and size."""
        entry = self.backend.stat(layout.object_key(digest))
        return entry is not None and entry.size == size


def now() -> datetime.datetime:
    """Return the time, with time zone."""
    return datetime.datetime.now(datetime.timezone.utc)
