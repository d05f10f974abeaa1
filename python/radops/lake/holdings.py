"""What this machine holds of a lake, and what may be removed: never the last copy."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import msgspec

from radops.errors import CorruptObjectError, RemoteUnavailableError, UsageError
from radops.format.cbor import MAX_SIZE
from radops.format.digest import DIGEST_SIZE, Digest
from radops.format.outline import BLOCK_SIZE, outline_size
from radops.format.record import FileRecord
from radops.format.uid import UID, check_stored_uid, slot_key
from radops.repository.layout import object_key
from radops.repository.refs.pending import PendingResults
from radops.repository.refs.slots import Taken
from radops.repository.trees.kept import kept_files
from radops.repository.trees.parts import known_objects, objects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from radops.backends.base import Entry
    from radops.lake.session import Session
    from radops.repository.objects.store import LocalStore
    from radops.repository.refs.remote import Remote
    from radops.repository.working_lake import WorkingLake

# Views that the catalogue is asked about at once.
_ASK = 4096


class Held(msgspec.Struct):
    """An object on this machine, and the files of the lake that are these bytes."""

    digest: Digest
    size: int
    entry: Entry
    """As it was before anything else was read."""
    names: list[Taken] = msgspec.field(default_factory=list)
    views: list[str] = msgspec.field(default_factory=list)
    """Keys of its views, of all lakes of the home."""
    is_part: bool = False
    """Whether it is a root, layout, page or source list, which go after packs and large files."""
    places: list[tuple[Digest, int]] = msgspec.field(default_factory=list)
    """What holds its bytes in a remote: it itself, or the packs that it is a file of."""
    is_needed: bool = False
    """Whether it is a part of a directory of which packs or large files are here as well."""

    @property
    def turn(self) -> int:
        """Its turn to be removed, from 0 on.

        Parts of directories of which nothing else is here are first: they were fetched to look into
        one. Those of all others are last.
        """
        return 2 * self.is_needed if self.is_part else 1


def held(lake: WorkingLake, uids: Iterable[UID]) -> dict[Digest, Held]:
    """Return the objects of these files and directories that are on this machine."""
    found: dict[Digest, Held] = {}
    for uid in uids:
        state = lake.local.slots.state(uid)
        if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
            continue
        here: list[Held] = []
        for wanted, is_part in objects_here(lake, state.record):
            if (one := _held(lake, found, wanted, state, wanted)) is not None:
                one.is_part |= is_part
                here.append(one)
        for wanted, pack in files_here(lake, state.record):
            if (one := _held(lake, found, wanted, state, pack)) is not None:
                here.append(one)
        if not all(one.is_part for one in here):
            for one in here:
                one.is_needed = True
    return found


def _held(
    lake: WorkingLake,
    found: dict[Digest, Held],
    wanted: tuple[Digest, int],
    name: Taken,
    place: tuple[Digest, int],
) -> Held | None:
    """Note that a name needs an object that is here, and what holds its bytes in a remote."""
    digest, size = wanted
    if digest not in found:
        entry = lake.store.backend.stat(object_key(digest))
        if entry is None or entry.size != size:
            return None
        found[digest] = Held(digest, entry.size, entry)
    one = found[digest]
    if not one.names or one.names[-1] is not name:
        one.names.append(name)
    one.places.append(place)
    return one


def objects_here(
    lake: WorkingLake, record: FileRecord
) -> Iterator[tuple[tuple[Digest, int], bool]]:
    """Yield what a file or directory consists of, each with whether it is only a part.

    Of a directory as far as local storage has its parts: without its root and layout only these
    two.
    """
    if record.layout is None:
        yield (record.digest, record.size), False
        return
    sources: list[tuple[Digest, int]] = []
    parts: list[tuple[Digest, int]] = []
    with contextlib.suppress(CorruptObjectError):
        backend = lake.store.backend
        sources, parts = known_objects(backend, record.digest, record.layout)
    yield from ((one, False) for one in sources)
    yield from ((one, True) for one in parts or [(record.digest, record.size)])


def files_here(
    lake: WorkingLake, record: FileRecord
) -> Iterator[tuple[tuple[Digest, int], tuple[Digest, int]]]:
    """Yield files of a directory that are objects of their own, or were, each with its pack."""
    if record.layout is not None:
        for noted in kept_files(lake.store.backend, record.digest):
            yield from ((one, noted.pack) for one in noted)


def used_by_others(session: Session, objects: dict[Digest, Held]) -> set[Digest]:
    """Return those objects that other directories use whose root and layout are here too.

    Args:
        session: The lake.
        objects: What is to be removed, with the names for which it is.
    """
    chosen = {(str(name.uid), name.number) for one in objects.values() for name in one.names}
    used: set[Digest] = set()
    for lake in session.all_lakes():
        for listed in lake.local.slots.list():
            if not listed.is_slot:
                continue
            if lake.local.prefix == session.lake.local.prefix and (
                (listed.uid, listed.number) in chosen
            ):
                continue
            content = lake.local.slots.read(UID(listed.uid), listed.number)
            if isinstance(content, FileRecord) and content.layout is not None:
                found = {digest for (digest, _), _ in objects_here(lake, content)}
                if lake.store.has(content.digest, content.size):
                    found |= {digest for (digest, _), _ in files_here(lake, content)}
                used |= found & objects.keys()
    return used


def needed_remote(session: Session) -> Remote:
    """Return the remote, without which nothing may be removed.

    Raises:
        UsageError: There is none.
        RemoteUnavailableError: The lake is used offline.
    """
    if session.lake.remote is not None:
        return session.lake.remote
    if session.lake.is_local_only:
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

    Objects are shared by all lakes of a home, so all of them are looked at. What another remote of
    this lake has confirmed does not count: it may be one that this one was once copied from.

    Raises:
        CorruptRecordError: A record does not decode, so what it needs is not known.
        CorruptObjectError: The root, layout or a source list of a directory is missing or damaged.
    """
    kept: set[Digest] = set()
    shared: set[Digest | None] = set()
    mine = session.lake
    for one in session.all_lakes():
        lake = mine if one.local.prefix == mine.local.prefix else one
        for pending in PendingResults(lake.local).all():
            kept.update(digest for digest, _ in pending.draft.objects)
        for uid, number in lake.doubtful():
            content = lake.local.slots.read(uid, number)
            if isinstance(content, FileRecord):
                taken = Taken(uid, number, content)
                if not lake.is_confirmed(taken):
                    kept.update(content.keeps)
                    for root, tree_layout in content.directories:
                        found = objects_of(lake.local.backend, root, tree_layout)
                        kept.update(digest for digest, _ in found)
                    if content.has_shared_call and content.call_object not in shared:
                        shared.add(content.call_object)
                        kept.update(lake.local.keeps_of(content))
    return kept


def remote_has(remote: Remote, objects: Sequence[Held]) -> list[bool]:
    """Return for each object whether the remote has these bytes, and a name that keeps them.

    Those of a file of a directory can be in a pack there. What several names need is there in each
    form that one of them needs. A name of which the remote has no slot at all needs its bytes here:
    the remote was set back to an older state, and `sync` publishes it again.
    """
    names = {(one.uid, one.number): one for held in objects for one in held.names}
    keys = [remote.prefix + slot_key(uid, number) for uid, number in names]
    found = remote.backend.read(keys, MAX_SIZE + 1)
    named = {name for name, raw in zip(names, found, strict=True) if raw == names[name].record.raw}
    wanted = list(dict.fromkeys(place for one in objects for place in one.places))
    absent = {name for name, raw in zip(names, found, strict=True) if raw is None}
    entries = remote.backend.stats([object_key(digest) for digest, _ in wanted])
    there = {
        one
        for one, entry in zip(wanted, entries, strict=True)
        if entry is not None and entry.size == one[1]
    }
    return [
        there.issuperset(one.places)
        and not named.isdisjoint(slots := {(name.uid, name.number) for name in one.names})
        and absent.isdisjoint(slots)
        for one in objects
    ]


def add_views(session: Session, objects: dict[Digest, Held]) -> None:
    """Find the views of objects: a hard link would keep the bytes, a copy takes as much again."""
    for lake in session.all_lakes():
        for key, digest in _views(lake):
            if digest in objects:
                objects[digest].views.append(key)


def _views(lake: WorkingLake) -> Iterator[tuple[str, Digest]]:
    """Yield the views of a lake, each with the object that it shows."""
    prefix = lake.local_key("files/")
    keys = sorted(entry.key for entry in lake.local.backend.list(prefix))
    for start in range(0, len(keys), _ASK):
        some = keys[start : start + _ASK]
        noted = {row[0]: row[5] for row in lake.store.catalog.rows(some)}
        for key in some:
            digest = noted.get(key)
            if digest is not None and len(digest) == DIGEST_SIZE:
                yield key, Digest(digest)
                continue
            try:
                uid = check_stored_uid(key[len(prefix) :])
            except ValueError:
                continue  # not made by us
            state = lake.local.slots.state(uid)
            if isinstance(state, Taken) and isinstance(state.record, FileRecord):
                yield key, state.record.digest


def room_of(store: LocalStore, held: Held) -> int:
    """Return how many bytes of disk an object takes, with its outline and copies."""
    room = held.size + (outline_size(held.size) if held.size > BLOCK_SIZE else 0)
    path = store.object_path(held.digest)
    for key in held.views:
        with contextlib.suppress(OSError):  # other processes change files meanwhile
            view = (store.root / key).stat()
            if not os.path.samestat(view, path.stat()):
                room += view.st_size
    return room
