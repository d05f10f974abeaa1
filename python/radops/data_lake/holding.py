"""What this machine holds of a lake, and what of it may go: never the last copy of anything."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radops.backends.base import KeyNotFoundError
from radops.errors import RemoteUnavailableError, UsageError
from radops.model.outline import BLOCK_SIZE, outline_size
from radops.model.record import FileRecord
from radops.model.uid import UID, check_stored_uid, slot_key
from radops.repository.layout import object_key, outline_key
from radops.repository.pending import Pending
from radops.repository.slots import Taken
from radops.repository.trash import new_run, trash_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.backends.base import Entry
    from radops.data_lake.session import Session
    from radops.model.digest import Digest
    from radops.repository.local import LocalStore
    from radops.repository.mirror import Mirror
    from radops.repository.remote import Remote


@dataclass(slots=True)
class Held:
    """An object on this machine, and the files of the lake that are these bytes."""

    digest: Digest
    size: int
    entry: Entry
    """As it stood before anything else was looked at."""
    names: list[Taken] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    """Keys of its views, of all lakes of the home."""


def held(mirror: Mirror, uids: Iterable[UID]) -> dict[Digest, Held]:
    """Return the objects of these files that stand on this machine."""
    found: dict[Digest, Held] = {}
    for uid in uids:
        state = mirror.here.slots.state(uid)
        if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
            continue
        digest = state.record.digest
        if digest not in found:
            entry = mirror.store.backend.stat(object_key(digest))
            if entry is None or entry.size != state.record.size:
                continue
            found[digest] = Held(digest, entry.size, entry)
        found[digest].names.append(state)
    return found


def needed_remote(session: Session) -> Remote:
    """Return the remote, without which nothing here may go.

    Raises:
        UsageError: There is none.
        RemoteUnavailableError: The lake is used offline.
    """
    if session.mirror.remote is not None:
        return session.mirror.remote
    if session.mirror.alone:
        raise UsageError(
            "local files are not removed: no remote holds them",
            hint="configure one with: radops config setup",
        )
    raise RemoteUnavailableError(
        "local files are removed only if the remote says that it holds them",
        hint="leave out --offline (RADOPS_OFFLINE)",
    )


def kept_only_here(session: Session) -> set[Digest]:
    """Return the objects that files of this home need which no remote has confirmed.

    Objects are shared by all lakes of a home, so all of them are looked at.

    Raises:
        CorruptRecordError: A record does not decode, so what it needs is not known.
    """
    kept: set[Digest] = set()
    for lake in session.all_lakes():
        for pending in Pending(lake.here).all():
            kept.update(digest for digest, _ in pending.draft.objects)
        for listed in lake.here.slots.list():
            if listed.size < 0 or listed.gone:
                continue
            content = lake.here.slots.read(UID(listed.uid), listed.number)
            if isinstance(content, FileRecord):
                taken = Taken(content.uid, listed.number, content)
                if not lake.is_confirmed(taken):
                    kept.update(content.keeps)
    return kept


def remote_has(remote: Remote, held: Held) -> bool:
    """Ask the remote whether it has these bytes, and a name that keeps them there."""
    return remote.has_object(held.digest, held.size) and any(
        remote.slots.read_raw(slot_key(one.uid, one.number)) == one.record.raw for one in held.names
    )


def add_views(session: Session, objects: dict[Digest, Held]) -> None:
    """Find the views of objects: a hard link would keep the bytes, a copy takes as much again."""
    for lake in session.all_lakes():
        for key, digest in _views(lake):
            if digest in objects:
                objects[digest].views.append(key)


def _views(lake: Mirror) -> Iterator[tuple[str, Digest]]:
    prefix = f"{lake.here.prefix}files/"
    for entry in lake.here.backend.list(prefix):
        try:
            uid = check_stored_uid(entry.key[len(prefix) :])
        except ValueError:
            continue  # not made by us
        state = lake.here.slots.state(uid)
        if isinstance(state, Taken) and isinstance(state.record, FileRecord):
            yield entry.key, state.record.digest


def room_of(store: LocalStore, held: Held) -> int:
    """Return how many bytes of disk an object takes, with its outline and copies."""
    room = held.size + (outline_size(held.size) if held.size > BLOCK_SIZE else 0)
    path = store.object_path(held.digest)
    for key in held.views:
        with contextlib.suppress(OSError):  # others work here meanwhile
            view = (store.root / key).stat()
            if not os.path.samestat(view, path.stat()):
                room += view.st_size
    return room


def release(store: LocalStore, held: Held) -> bool:
    """Remove an object that the remote has from this machine, with its views.

    It goes by way of the trash. A writer takes nothing for granted that it finds in `objects/`
    but puts its own file there; so if the one that went was not the one looked at before, such a
    writer was about, and its file goes back. After a crash in between the collector brings it back.

    Returns:
        Whether it is gone.
    """
    backend = store.backend
    for key in held.views:
        store.remove_view(key)
    away = trash_key(new_run(backend.now()), held.digest)
    try:
        backend.move(object_key(held.digest), away)
    except KeyNotFoundError:
        return False
    moved = backend.stat(away)
    if moved is None:
        return False  # a reader wanted it just then, and took it back
    if moved.modified != held.entry.modified:
        store.take_back(held.digest)
        return False
    backend.delete([away, outline_key(held.digest)])
    store.forget([held.digest])
    return True
