"""Deleting files from the lake, and local copies from this machine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from radops.data_lake.describing import downstream
from radops.data_lake.holding import (
    add_views,
    held,
    kept_only_here,
    needed_remote,
    release,
    remote_has,
)
from radops.data_lake.naming import not_found, select
from radops.errors import (
    HasDependentsError,
    LocalStorageError,
    RemoteUnavailableError,
)
from radops.model.record import FileRecord
from radops.model.uid import UID, gone_key, parse_uid, slot_key
from radops.repository.commit import bury
from radops.repository.slots import Free, Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.data_lake.session import Session
    from radops.repository.mirror import Mirror
    from radops.repository.slots import State

_LOG = logging.getLogger("radops")
_MOST_NAMED = 5


def delete(session: Session, name: str, *, cascade: bool, dry_run: bool) -> list[str]:
    """Delete a file; see `DataLake.delete`."""
    uid = parse_uid(name)
    mirror = session.mirror
    state = mirror.state(uid, ask=True)
    stands = isinstance(state, Taken) and isinstance(state.record, FileRecord)
    # Apart from the remote, only what is not in it can be meant.
    if not stands or _is_out_of_reach(session, state):
        if not dry_run:
            _mark_gone(session, state)
        if waiting := _drop_waiting(session, uid, dry_run=dry_run):
            return waiting
    if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
        raise not_found(mirror, uid)
    order = _dependents_first(mirror, state.record)
    if len(order) > 1 and not cascade:
        direct = [record.uid for record in downstream(mirror, uid, ask=True)]
        named = ", ".join(direct[:_MOST_NAMED]) + (", ..." if len(direct) > _MOST_NAMED else "")
        error = HasDependentsError(
            f"{uid} is not deleted: {len(direct)} other file(s) were made from it: {named}",
            uid=uid,
            hint=f"--cascade deletes them too: {len(order)} files in all, --dry-run lists them",
        )
        error.dependents = tuple(direct)
        raise error
    for record in order:
        _refuse_offline(session, record.uid)
    if not dry_run:
        session.prepare_write()
        for record in order:
            _bury(session, record)
    return [record.uid for record in order]


def _drop_waiting(session: Session, uid: UID, *, dry_run: bool) -> list[str]:
    """Drop the pending results that hold a file of that name, as a whole; return their names."""
    waiting = session.pending.named(uid)
    if not dry_run:
        for kept in waiting:
            session.pending.drop(kept)
    return sorted({str(one) for kept in waiting for one in kept.uids})


def _is_out_of_reach(session: Session, state: State) -> bool:
    """Say whether a file stands in a remote that is not to be asked."""
    mirror = session.mirror
    return (
        mirror.remote is None
        and session.settings.remote is not None
        and isinstance(state, Taken)
        and mirror.is_confirmed(state)
    )


def _refuse_offline(session: Session, uid: UID) -> None:
    """Refuse to delete what stands in the remote while working apart from it."""
    if _is_out_of_reach(session, session.mirror.state(uid)):
        raise RemoteUnavailableError(
            f"{uid} stands in the remote, so it cannot be deleted offline", uid=uid
        )


def _mark_gone(session: Session, state: State) -> None:
    """Write the key by which listings skip a deleted file, if an earlier delete was cut short."""
    if isinstance(state, Free) and state.number:
        mirror = session.mirror
        repository = mirror.here if mirror.remote is None else mirror.remote
        repository.include((), [state.uid])
        repository.backend.flush()
        key = repository.prefix + gone_key(slot_key(state.uid, state.number - 1))
        if repository.backend.stat(key) is None:
            session.prepare_write()
            repository.put([(key, b"")])
            repository.backend.flush()


def _dependents_first(mirror: Mirror, record: FileRecord) -> list[FileRecord]:
    """Return a file and all that was made from it, each after those made from it."""
    order: dict[UID, FileRecord] = {}
    stack: list[tuple[FileRecord, bool]] = [(record, False)]
    seen: set[UID] = set()
    while stack:
        one, expanded = stack.pop()
        if expanded:
            order.setdefault(one.uid, one)
        elif one.uid not in seen:
            seen.add(one.uid)
            stack.append((one, True))
            stack += [(made, False) for made in downstream(mirror, one.uid, ask=True)]
    return list(order.values())


def _bury(session: Session, record: FileRecord) -> None:
    mirror = session.mirror
    uid = record.uid
    state = mirror.state(uid, ask=True)
    if not isinstance(state, Taken) or state.record.raw != record.raw:
        return  # somebody was faster
    if mirror.remote is not None and _stands_in_remote(mirror, state):
        bury(mirror.remote, uid, state.number, record.raw)
        mirror.remote.backend.flush()
        mirror.cache(uid, mirror.remote.slots.walk(uid))
    else:
        bury(mirror.here, uid, state.number, record.raw)
        mirror.here.backend.flush()
    mirror.store.remove_view(view_key(mirror, uid))
    # A creator that raced us may have finished: its lineage is whole, its input has a tombstone.
    made = [one.uid for one in downstream(mirror, uid, ask=True)]
    if made:
        _LOG.warning("%s was deleted while other files were made from it: %s", uid, ", ".join(made))


def _stands_in_remote(mirror: Mirror, state: Taken) -> bool:
    if mirror.remote is None:
        return False
    there = mirror.remote.slots.read(state.uid, state.number)
    return there is not None and there.raw == state.record.raw


def view_key(mirror: Mirror, uid: UID) -> str:
    """Return where the view of a file is, below the store's root."""
    return f"{mirror.here.prefix}files/{uid}"


def delete_local(session: Session, targets: Iterable[str]) -> list[str]:
    """Remove local bytes that the remote has; see `DataLake.delete_local`."""
    mirror = session.mirror
    objects = held(mirror, select(mirror, targets))
    if not objects:
        return []
    remote = needed_remote(session)
    add_views(session, objects)
    only_here = kept_only_here(session)
    removed = []
    for one in objects.values():
        uid = one.names[0].uid
        if one.digest in only_here or not remote_has(remote, one):
            raise LocalStorageError(
                f"the bytes of {uid} are not removed: they are needed here and not in a remote",
                uid=uid,
                hint="publish them first: radops datalake sync",
            )
        if release(mirror.store, one):
            removed += [str(name.uid) for name in one.names]
    return sorted(removed)
