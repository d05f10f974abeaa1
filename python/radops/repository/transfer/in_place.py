"""What of a directory the remote has already, found by one look instead of a request per object.

A directory that was made with a base shares most of its objects with it. The base's record keeps
them in the remote. So no request for each of them is needed: if none of them was in the trash, and
after that the base's slot still held its record, no collection can remove them before a grace has
passed, as each reads the slots before it moves anything and keeps what it moved for a grace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptDataError, NewerFormatError
from radops.format.cbor import MAX_SIZE
from radops.format.record import FileRecord
from radops.format.uid import slot_key
from radops.repository import layout
from radops.repository.objects.trash import parse_trash_key
from radops.repository.progress import ignore
from radops.repository.transfer.download import fetch
from radops.repository.trees.parts import objects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.format.digest import Digest
    from radops.repository.objects.store import LocalStore
    from radops.repository.refs.draft import Draft
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import Taken

# Keys of the trash that are listed, at most: some twenty requests. With more, each object is asked
# for by itself.
_MOST_TRASHED = 20_000


def in_place(
    local: LocalStore, target: Repository, bases: Iterable[Taken], wanted: Iterable[Digest]
) -> set[Digest]:
    """Return which objects the remote keeps for earlier directories. Good for half a grace.

    Args:
        local: The objects of the home, for roots, layouts and source lists of the bases.
        target: The remote.
        bases: Earlier directories, as they were found in the remote.
        wanted: The objects in question.
    """
    candidates: dict[Taken, set[Digest]] = {}
    needed = set(wanted)
    for base in bases:
        if isinstance(base.record, FileRecord) and (found := needed & _objects(local, base.record)):
            candidates[base] = found
    if not candidates:
        return set()
    trashed: set[Digest] = set()
    for number, entry in enumerate(target.backend.list(layout.TRASH)):
        if number >= _MOST_TRASHED:
            return set()
        parsed = parse_trash_key(entry.key)
        if parsed is not None and parsed[1] is not None:
            trashed.add(parsed[1])
    keys = [target.prefix + slot_key(base.uid, base.number) for base in candidates]
    placed: set[Digest] = set()
    for base, raw in zip(candidates, target.backend.read(keys, MAX_SIZE + 1), strict=True):
        if raw == base.record.raw:
            placed |= candidates[base]
    # Made durable with what is written next: the process that wrote them may not have flushed.
    placed -= trashed
    target.backend.include([layout.object_key(digest) for digest in sorted(placed)])
    return placed


def _objects(local: LocalStore, record: FileRecord) -> set[Digest]:
    """Return what a directory consists of; nothing if local storage does not have its parts."""
    if record.layout is None:
        return set()
    try:
        objects = objects_of(local.backend, record.digest, record.layout)
    except (CorruptDataError, NewerFormatError):
        return set()
    return {digest for digest, _ in objects}


def bring_missing(
    local: LocalStore, target: Repository, objects: Sequence[tuple[Digest, int]]
) -> None:
    """Fetch what is neither here nor in the remote's `objects/`: it may be in the remote's trash.

    Raises:
        CorruptObjectError: It is nowhere.
    """
    absent = [one for one in objects if not local.is_here(*one)]
    if not absent:
        return
    found = target.backend.stats([layout.object_key(digest) for digest, _ in absent])
    lost = [
        one
        for one, entry in zip(absent, found, strict=True)
        if entry is None or entry.size != one[1]
    ]
    if lost:
        fetch(local, target.backend, lost, ignore)


def lost_objects(
    local: LocalStore, target: Repository, drafts: Sequence[Draft]
) -> dict[int, Digest]:
    """Return, by the index of a draft, an object that is neither here nor in the remote."""
    lost: dict[int, Digest] = {}
    for index, draft in enumerate(drafts):
        absent = [one for one in draft.objects if not local.is_here(*one)]
        found = target.backend.stats([layout.object_key(digest) for digest, _ in absent])
        for (digest, size), entry in zip(absent, found, strict=True):
            if entry is None or entry.size != size:
                lost[index] = digest
    return lost
