"""Adds a directory that its name has already: as its bytes are here, lost ones are restored.

A record shows only that the bytes were there once. Before the answer is "already there", and before
the sources of a move are removed, it is checked that they still are, and what is missing is stored
again.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops.errors import CorruptObjectError
from radops.repository import layout
from radops.repository.progress import ignore
from radops.repository.transfer.upload import send
from radops.repository.trees.parts import objects_of

if TYPE_CHECKING:
    from radops.backends.base import Backend
    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.lake.session import Session
    from radops.repository.refs.slots import Taken


def lost_parts(session: Session, state: Taken, record: FileRecord) -> list[tuple[Digest, int]]:
    """Return what a directory needs and the lake does not have: its remote, or this machine.

    Of objects that are there only the size is looked at.
    """
    lake = session.lake
    remote = lake.remote if lake.is_published(state) else None
    objects = _objects(session, None if remote is None else remote.backend, record)
    if remote is None:
        lost = lake.store.lost(objects)
        return [one for one in objects if one[0] in lost]
    found = remote.backend.stats([layout.object_key(digest) for digest, _ in objects])
    return [
        one
        for one, entry in zip(objects, found, strict=True)
        if entry is None or entry.size != one[1]
    ]


def _objects(
    session: Session, backend: Backend | None, record: FileRecord
) -> list[tuple[Digest, int]]:
    """Return what a directory consists of, by its parts in the remote or on this machine."""
    for place in (backend, session.store.backend):
        if place is not None and record.layout is not None:
            with contextlib.suppress(CorruptObjectError):
                return objects_of(place, record.digest, record.layout)
    # Too little is known to say what else is lost; the layout's size is not known either.
    return [(record.digest, record.size), *((one, 0) for _, one in record.directories)]


def restore_parts(session: Session, state: Taken, record: FileRecord) -> int:
    """Store what a directory lost again, from this machine; return the bytes sent.

    Raises:
        CorruptObjectError: This machine does not have it either, as its packs are others.
    """
    lake = session.lake
    lost = lost_parts(session, state, record)
    sent = 0
    if lost and lake.remote is not None and lake.is_published(state):
        here = [one for one in lost if lake.store.is_here(*one)]
        sent = send(lake.store, lake.remote.backend, here, ignore)
        lake.remote.backend.flush()
        lost = lost_parts(session, state, record)
    if lost:
        raise CorruptObjectError(
            f"{record.uid} is this directory already, but {len(lost):,} of its objects are missing",
            uid=record.uid,
            hint="where it was made: radops datalake verify --remote --repair; or add it under"
            " another name",
        )
    return sent
