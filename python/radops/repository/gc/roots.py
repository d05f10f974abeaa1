"""Roots: what the records of a repository keep. Nothing else keeps an object."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.errors import CorruptDataError, CorruptRecordError
from radops.format.digest import Digest
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID, gone_key, slot_key
from radops.repository.refs.pending import PendingResults
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.repository.progress import Count
    from radops.repository.refs.listing import Listed
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import SlotContent

# Slots that are read and decoded at once.
_BATCH = 1024


class Root(NamedTuple):
    """What one record keeps."""

    objects: tuple[Digest, ...]
    trees: tuple[tuple[Digest, Digest], ...] = ()
    """Root and layout of directories, which keep what they consist of."""
    slot: tuple[str, Digest] | None = None
    """The key of the record's slot in the backend and the record's digest; None for a result that
    waits to be published."""


def read_roots(
    lakes: Iterable[Repository],
    keep: Callable[[Root], None],
    count: Count,
    *,
    pending: bool,
    unmarked: list[str],
) -> int:
    """Read every slot, and report what each record keeps.

    A record keeps its objects, also one whose commit has not happened yet; a tombstone does not.
    The `-gone` key of a slot is only a hint for listings: every slot is read.

    Args:
        lakes: The lakes whose slots are read.
        keep: Called with what a record keeps; often the same object.
        count: Called with slots as they are read.
        pending: Whether results that wait to be published count too.
        unmarked: Gets the keys that should say of a tombstone what it is, and are not there:
            the delete was interrupted.

    Returns:
        How many slots there are.

    Raises:
        CorruptRecordError: One does not decode, so what it keeps is not known.
        NewerFormatError: A later version of radops wrote one.
    """
    slots = 0
    for lake in lakes:
        if pending:
            # First: what is published meanwhile leaves `pending/` once its slot exists.
            for kept in PendingResults(lake).all():
                keep(Root(tuple(digest for digest, _ in kept.draft.objects)))
                for record in kept.draft.records:
                    keep(Root(record.keeps, record.directories))
        reader = _Reader(lake, unmarked)
        listing = (one for one in lake.slots.list() if one.is_slot)
        try:
            while batch := list(itertools.islice(listing, _BATCH)):
                for root in reader.read(batch):
                    slots += 1
                    keep(root)
                    count(0, 1)
        except CorruptDataError as error:
            error.hint = error.hint or (
                "nothing was collected; find out what is wrong with: radops datalake verify"
            )
            raise
    return slots


class _Reader:
    """Reads slots of one lake in batches.

    Args:
        lake: The lake.
        unmarked: Gets the keys that should mark tombstones, and are absent.
    """

    def __init__(self, lake: Repository, unmarked: list[str]) -> None:
        self._lake = lake
        self._unmarked = unmarked
        # Calls in objects of their own: each of the outputs keeps the same.
        self._expanded: set[Digest] = set()

    def read(self, batch: Sequence[Listed]) -> Iterator[Root]:
        """Yield what the records in some slots keep."""
        slots = self._lake.slots
        raws = slots.read_many([slot_key(UID(one.uid), one.number) for one in batch])
        found = [
            (one, raw if raw is not None else self._refuse_absent(one))
            for one, raw in zip(batch, raws, strict=True)
        ]
        decoded = native.decode_slots([(raw, one.uid) for one, raw in found], threads=threads())
        tombstones = []
        for (listed, raw), one in zip(found, decoded, strict=True):
            uid, number = UID(listed.uid), listed.number
            slot = self._lake.prefix + slot_key(uid, number)
            if one is not None and one.kind == "tombstone":
                tombstones.append(slot)
                yield Root(())
            elif one is not None and one.kind == "record" and one.origin != "shared call":
                keeps = tuple(map(Digest, one.keeps))
                trees = tuple((Digest(root), Digest(layout)) for root, layout in one.trees)
                yield Root(keeps, trees, (slot, Digest(one.record_digest)))
            else:
                content = slots.decode(raw, uid)
                if isinstance(content, Tombstone):
                    tombstones.append(slot)
                yield self._root(slot, content)
        self._find_unmarked(tombstones)

    def _refuse_absent(self, listed: Listed) -> bytes:
        # A slot is never removed. If one is missing, the listing or the store cannot be trusted.
        raise CorruptRecordError(
            f"slot {listed.number} of {listed.uid} is listed in {self._lake.backend.url}, but not"
            " there",
            uid=listed.uid,
            hint="run it again; nothing was collected",
        )

    def _root(self, slot: str, content: SlotContent) -> Root:
        if not isinstance(content, FileRecord):
            return Root(())
        keeps = content.keeps
        if content.has_shared_call and content.call_object not in self._expanded:
            keeps = tuple(self._lake.keeps_of(content))
            if content.call_object is not None:
                self._expanded.add(content.call_object)
        return Root(keeps, content.directories, (slot, content.record_digest))

    def _find_unmarked(self, tombstones: Sequence[str]) -> None:
        marks = [gone_key(slot) for slot in tombstones]
        found = self._lake.backend.stats(marks)
        self._unmarked += [mark for mark, one in zip(marks, found, strict=True) if one is None]
