"""One side of a lake: verified objects, slots and edges on one backend."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from radops.errors import CorruptObjectError
from radops.model.call import Call, decode_call
from radops.model.digest import Digest
from radops.model.record import FileRecord, check_call
from radops.model.uid import slot_key
from radops.repository import layout
from radops.repository.slot_memory import slots_of
from radops.repository.transfer import batches, gather
from radops.repository.trash import open_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from radops.backends.base import Backend
    from radops.model.uid import UID
    from radops.repository.slots import Slots, State, Taken

# Calls are metadata; one larger than this is no honest call.
_MAX_CALL_BYTES = 8 * 1024 * 1024


class Repository:
    """The slots, edges and objects of one lake on one backend.

    Args:
        backend: Where.
        prefix: What stands before `refs/` and `edges/`; objects are not below it.
        originator: Who writes, for tombstones.
    """

    def __init__(self, backend: Backend, prefix: str = "", *, originator: str) -> None:
        self.backend = backend
        self.prefix = prefix
        self.originator = originator
        self.slots: Slots = slots_of(backend, prefix)
        self.folders_seen: set[str] = set()
        """Folders known to have their record, so that it is not asked for again."""

    @property
    def workers(self) -> int:
        """How many calls to run at once."""
        return self.backend.max_connections

    def states(self, uids: Sequence[UID], starts: Mapping[UID, int]) -> dict[UID, State]:
        """Return what each UID is now; `starts` skips slots known to hold tombstones."""
        found = gather(lambda uid: self.slots.state(uid, starts.get(uid, 0)), uids, self.workers)
        return dict(zip(uids, found, strict=True))

    def create(self, items: Sequence[tuple[UID, int, bytes]]) -> list[bool]:
        """Create many slots, as many at once as the backend likes; True for those that are ours."""
        parts = gather(self.slots.create, batches(items, self.workers), self.workers)
        return [answer for part in parts for answer in part]

    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write many small keys, as many at once as the backend likes."""
        if items:
            gather(self.backend.put, batches(items, self.workers), self.workers)

    def include(self, taken: Iterable[Taken], sources: Iterable[UID] = ()) -> None:
        """Have the next flush make durable what others wrote, and is built on or answered for.

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
        call = decode_call(self.read_object(record.call_object))
        check_call(record, call)
        return call

    def has_object(self, digest: Digest, size: int) -> bool:
        """Say whether an object of that digest and size stands in the backend."""
        entry = self.backend.stat(layout.object_key(digest))
        return entry is not None and entry.size == size


def now() -> datetime.datetime:
    """Return the time, with time zone."""
    return datetime.datetime.now(datetime.timezone.utc)
