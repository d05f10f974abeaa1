"""Roots: what the records of a repository keep. Nothing else keeps an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptDataError, CorruptRecordError
from radops.model.record import FileRecord, Tombstone
from radops.model.uid import UID, gone_key, slot_key
from radops.repository.pending import Pending
from radops.repository.transfer import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from radops.model.digest import Digest
    from radops.repository.repository import Repository
    from radops.repository.slots import Listed


def read_roots(
    lakes: Iterable[Repository],
    keep: Callable[[Iterable[Digest]], None],
    count: Callable[[int, int], None],
    *,
    pending: bool,
    unmarked: list[str],
) -> int:
    """Read every slot, and tell of every object that one of them keeps.

    Records keep, also those of commits that did not happen yet; tombstones do not. The key that
    says that a slot holds a tombstone is a hint for listings, and not believed here.

    Args:
        lakes: Whose slots.
        keep: Told what is kept; the same object often.
        count: Told of slots as they are read.
        pending: Whether results that wait to be published count too.
        unmarked: Gets the keys that should say of a tombstone what it is, and are not there:
            whoever deleted was cut short.

    Returns:
        How many slots there are.

    Raises:
        CorruptRecordError: One does not decode, so what it keeps is not known.
        NewerFormatError: A later version of radops wrote one.
    """
    slots = 0
    for lake in lakes:
        if pending:
            # First: what is published meanwhile leaves `pending/` once its slot stands.
            for kept in Pending(lake).all():
                keep(digest for digest, _ in kept.draft.objects)
                for record in kept.draft.records:
                    keep(record.keeps)

        def read(listed: Listed, lake: Repository = lake) -> tuple[Digest, ...]:
            return _keeps(lake, listed, unmarked)

        listing = (one for one in lake.slots.list() if not one.gone and one.size >= 0)
        try:
            for _, keeps in each(read, listing, lake.workers):
                slots += 1
                keep(keeps)
                count(0, 1)
        except CorruptDataError as error:
            error.hint = error.hint or (
                "nothing was collected; find out what is wrong with: radops datalake verify"
            )
            raise
    return slots


def _keeps(lake: Repository, listed: Listed, unmarked: list[str]) -> tuple[Digest, ...]:
    content = lake.slots.read(UID(listed.uid), listed.number)
    if content is None:
        # A slot never goes away. Where it seems to, the listing or the store cannot be trusted.
        raise CorruptRecordError(
            f"slot {listed.number} of {listed.uid} is listed in {lake.backend.url}, but not there",
            uid=listed.uid,
            hint="run it again; nothing was collected",
        )
    if isinstance(content, Tombstone):
        gone = lake.prefix + gone_key(slot_key(UID(listed.uid), listed.number))
        if lake.backend.stat(gone) is None:
            unmarked.append(gone)
    return content.keeps if isinstance(content, FileRecord) else ()
