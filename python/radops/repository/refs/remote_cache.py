"""What the remote holds, cached in the local slots of a lake: a cached slot only goes forward.

A process can be stopped between reading the remote and writing what it read, for any time. So
nothing is written here that could undo what others wrote meanwhile:

1. An absent slot is created only if it is still absent.
2. A record is overwritten only by its own tombstone, which is where it goes in any case; the
   tombstone of what was made and deleted offline by another, which says the same of its slot.
3. A local record that the remote never held (it was made offline) stays, unless the remote holds
   the same file by another record, or a tombstone of it: then nothing is lost. It is moved away
   first, by a rename; if what was moved turns out to be something else, it is put back.
4. What was read before others cached something newer is not written at all.

What is moved away lies under `pending/` for a moment. If the process is killed just then, the
next `sync` finds it there and settles it like any other result that waits to be published.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from radops.backends.base import KeyNotFoundError
from radops.errors import (
    CorruptDataError,
    CorruptRecordError,
    NewerFormatError,
    RemoteUnavailableError,
)
from radops.format.record import FileRecord, FolderRecord, Tombstone, decode_slot
from radops.format.uid import gone_key, slot_key
from radops.repository.refs.pending import MOVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from radops.format.uid import UID
    from radops.repository.objects.catalog import Catalog
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import SlotContent

_LOG = logging.getLogger("radops")

Chain = list[tuple[int, "SlotContent | None"]]
"""The slots of a UID as they were read: each with its number, up to the first that holds no
tombstone; None where that one is absent."""

# Each try is lost only to another process that changed the same slot of this home.
_MAX_TRIES = 8


class _Slot(NamedTuple):
    """One slot as the remote holds it."""

    uid: UID
    number: int
    content: SlotContent


def is_same_file(record: FileRecord, other: FileRecord) -> bool:
    """Return whether two records are of one act of making.

    Their commit ids and their inputs' records may differ: both are rewritten when a file that
    was made offline is published.
    """
    return (record.digest, record.created_at, record.originator) == (
        other.digest,
        other.created_at,
        other.originator,
    )


def take_away(
    here: Repository, uid: UID, number: int, expected: bytes, instead: bytes | None = None
) -> bool:
    """Remove a slot of a home if it holds just these bytes; return whether they are gone now.

    With `instead` the slot then holds that, unless another process was faster.

    What is in the slot is moved below `pending/` and looked at there, so nothing that another
    process wrote meanwhile is lost: it is put back, or stays there until the next `sync`.
    """
    key = slot_key(uid, number)
    aside = f"{here.prefix}pending/{MOVED}{os.urandom(8).hex()}.radops"
    # Of a file that was deleted before the lake had a remote.
    here.backend.delete([here.prefix + gone_key(key)])
    try:
        here.backend.move(here.prefix + key, aside)
        with here.backend.open(aside) as reader:
            moved = reader.read()
    except KeyNotFoundError:  # others moved it, or have settled what was moved
        return True
    if moved == expected:
        if instead is not None:
            here.slots.create([(uid, number, instead)])
        here.backend.delete([aside])
        return True
    put_back = here.slots.create([(uid, number, moved)]) == [True]
    if put_back or _is_tombstone(moved):
        here.backend.delete([aside])
    else:
        _LOG.warning(
            "%s was changed by several processes at once; radops datalake sync settles it", uid
        )
    return False


def move_hidden(here: Repository, uid: UID, number: int) -> None:
    """Move what is in the slots after slot `number`, which is in use, below `pending/`.

    Readers do not see such slots. A file is there if one process added it offline just when
    another cached what the remote holds before it; `sync` publishes it, or reports a conflict.
    """
    following = number + 1
    while here.slots.read_raw(slot_key(uid, following)) is not None:
        aside = f"{here.prefix}pending/{MOVED}{os.urandom(8).hex()}.radops"
        with contextlib.suppress(KeyNotFoundError):
            here.backend.move(here.prefix + slot_key(uid, following), aside)
        following += 1


class RemoteCache:
    """Writes what a remote holds into the local slots of a lake.

    Args:
        here: The local repository of the lake.
        catalog: Where it is noted that the remote was found to hold a record.
        remote: The remote; None to note nothing of where the slots come from.
    """

    def __init__(self, here: Repository, catalog: Catalog, remote: Remote | None) -> None:
        self._local = here
        self._catalog = catalog
        self._remote = remote

    def note(self, chains: Iterable[tuple[UID, Chain]]) -> None:
        """Cache what the remote holds under many names, in one batch.

        Nothing is cached where another lake has begun there since this one was opened.

        Args:
            chains: Names, each with its slots as they were read from the remote.

        Raises:
            ForeignLakeError: Another lake has begun there, and this one has files of its own.
            LocalStorageError: The home cannot be written to.
        """
        chains = [(uid, chain) for uid, chain in chains if any(one is not None for _, one in chain)]
        if not chains or not self._is_met():
            return
        known = {uid: slots for uid, chain in chains if (slots := self._committed(uid, chain))}
        unused = self._local.slots.unused(list(known))
        cached: list[_Slot] = []
        whole = dict(known)
        # Slot after slot: behind one that is not as in the remote nothing is cached.
        for place in range(max(map(len, known.values()), default=0)):
            slots = [slots[place] for slots in whole.values() if place < len(slots)]
            done = self._cache(slots, known, unused)
            cached += done
            for uid in {one.uid for one in slots} - {one.uid for one in done}:
                del whole[uid]
        # Almost all names have one slot: all of them are looked at together.
        first = [uid for uid, slots in whole.items() if slots[-1].number == 0]
        alone = self._local.slots.unused(first, 1)
        for uid, slots in whole.items():
            if uid not in alone:
                self._drop_after(slots)
        self._confirm(cached)
        # A caller that asks for many names uses them next.
        self._local.slots.remember([(one.uid, one.number, one.content) for one in cached])

    def _is_met(self) -> bool:
        """Return whether what the remote holds is known to be of this lake."""
        if self._remote is None:
            return True
        try:
            met = self._remote.is_met()
        except RemoteUnavailableError:
            return False
        if self._remote.is_foreign and not self._local.is_empty():
            self._remote.check()
        return met

    def _cache(
        self, slots: Sequence[_Slot], known: Mapping[UID, Sequence[_Slot]], unused: AbstractSet[UID]
    ) -> list[_Slot]:
        """Cache one slot of each of several names; return those that are as in the remote now.

        Args:
            slots: What the remote holds.
            known: All slots of each name, as the remote holds them.
            unused: Names of which no slot was there just now.
        """
        fresh = [one for one in slots if one.number == 0 and one.uid in unused]
        rest = [one for one in slots if one.number or one.uid not in unused]
        done: list[_Slot] = []
        stale: list[_Slot] = []
        for _ in range(_MAX_TRIES):
            forward = []
            for one in rest:
                step = self._step(one, known[one.uid])
                if step == "create":
                    fresh.append(one)
                elif step == "same":
                    done.append(one)
                elif step == "forward":
                    forward.append(one)
                elif step == "stale":
                    stale.append(one)
            self._local.slots.replace([(o.uid, o.number, o.content.raw) for o in forward])
            done += forward
            if not fresh:
                break
            answers = self._create(fresh)
            done += [one for one, ours in zip(fresh, answers, strict=True) if ours]
            # Where another process was faster, what it wrote decides.
            rest = [one for one, ours in zip(fresh, answers, strict=True) if not ours]
            fresh = []
        dead = [one for one in done if isinstance(one.content, Tombstone)]
        # Of what others found to be deleted the mark may just have been removed by `_create`.
        self._mark_tombstones([*dead, *stale])
        return done

    def _committed(self, uid: UID, chain: Chain) -> list[_Slot]:
        """Return the slots of a chain without an intent at its end, which may never be true."""
        slots = [_Slot(uid, number, one) for number, one in chain if one is not None]
        if slots and self._remote is not None:
            last = slots[-1]
            if isinstance(last.content, FileRecord) and not self._remote.slots.is_committed(
                last.content, last.number
            ):
                slots.pop()
        return slots

    def _create(self, slots: Sequence[_Slot]) -> list[bool]:
        """Create slots that are absent; return for each whether it holds our bytes now."""
        if not slots:
            return []
        # A mark beside an absent slot was left by a crash: it would hide the new file.
        live = [one for one in slots if not isinstance(one.content, Tombstone)]
        self._local.backend.delete([self._gone_key(one) for one in live])
        return self._local.slots.create([(one.uid, one.number, one.content.raw) for one in slots])

    def _step(self, one: _Slot, slots: Sequence[_Slot]) -> str:
        """Return what is to be done with a slot that others wrote: see the module's rules."""
        try:
            held = self._local.slots.read(one.uid, one.number)
        except NewerFormatError:
            return "keep"
        except CorruptRecordError:
            # The remote has the right bytes for certain.
            raw = self._local.slots.read_raw(slot_key(one.uid, one.number))
            gone = raw is None or take_away(self._local, one.uid, one.number, raw)
            return "create" if gone else "keep"
        if held is None:
            return "create"
        return _compare(held, one.content) or self._settle(one, held, slots)

    def _settle(self, one: _Slot, held: SlotContent, slots: Sequence[_Slot]) -> str:
        """Return what is to be done with a slot that holds another file than the remote's."""
        if not self._is_superseded(one.number, held, slots):
            return "keep"
        if isinstance(held, Tombstone) and isinstance(one.content, Tombstone):
            return "forward"
        return "create" if self._make_room(one, held) else "keep"

    def _make_room(self, one: _Slot, held: SlotContent) -> bool:
        """Take a superseded slot's content away; return whether the slot is absent now.

        A tombstone stays where a further slot is in use: what is there would be hidden.
        """
        if not isinstance(held, Tombstone):
            return take_away(self._local, one.uid, one.number, held.raw)
        following = slot_key(one.uid, one.number + 1)
        if self._local.slots.read_raw(following) is not None:
            return False
        if not take_away(self._local, one.uid, one.number, held.raw):
            return False
        if self._local.slots.read_raw(following) is None:
            return True
        self._local.slots.create(
            [(one.uid, one.number, held.raw)]
        )  # the next slot was just written
        return False

    def _is_superseded(self, number: int, held: SlotContent, slots: Sequence[_Slot]) -> bool:
        """Return whether nothing is lost if a local slot gives way to what the remote holds."""
        if isinstance(held, Tombstone):
            # Of a file that was made and deleted offline. What the remote confirmed stays: it
            # was set back to an older state.
            return not self._is_confirmed(_Slot(slots[0].uid, number, held))
        if isinstance(held, FolderRecord):
            return False
        for one in slots:
            content = one.content
            if isinstance(content, Tombstone):
                if not content.aborted and is_same_file(held, content.inner()):
                    return True
            elif isinstance(content, FileRecord) and self._is_equal(held, content):
                return True
        return False

    def _is_equal(self, held: FileRecord, there: FileRecord) -> bool:
        """Return whether two records describe the same file: equal bytes, made alike."""
        if held.digest != there.digest or self._remote is None:
            return False
        if held.imported is not None or there.imported is not None:
            return held.imported is not None and there.imported is not None
        if is_same_file(held, there):
            return True
        try:
            mine, theirs = self._local.call_of(held), self._remote.call_of(there)
        except CorruptDataError:
            return False  # an object with the call is missing: keep what is here
        return mine is not None and theirs is not None and mine.key == theirs.key

    def _mark_tombstones(self, slots: Sequence[_Slot]) -> None:
        """Write the keys by which listings skip slots that hold tombstones."""
        backend = self._local.backend
        missing = [key for one in slots if backend.stat(key := self._gone_key(one)) is None]
        if missing:
            # Durable before anything is said to be deleted: a file would come back here.
            backend.flush()
            self._local.put([(key, b"") for key in missing])

    def _drop_after(self, slots: Sequence[_Slot]) -> None:
        """Remove local slots after the last that the remote has, where they are superseded.

        They hold what was made offline and is published in an earlier slot by now.
        """
        uid, number = slots[-1].uid, slots[-1].number + 1
        while True:
            try:
                held = self._local.slots.read(uid, number)
            except (CorruptRecordError, NewerFormatError):
                return
            if held is None or not self._is_superseded(number, held, slots):
                return
            if not take_away(self._local, uid, number, held.raw):
                return
            number += 1

    def _confirm(self, slots: Sequence[_Slot]) -> None:
        if self._remote is not None:
            self._catalog.confirm(
                [(self._slot_name(one), one.content.record_digest) for one in slots],
                self._remote.identity,
            )

    def _is_confirmed(self, one: _Slot) -> bool:
        identity = None if self._remote is None else self._remote.identity
        name, digest = self._slot_name(one), one.content.record_digest
        return self._catalog.confirmed_at(name, digest, identity) is not None

    def _slot_name(self, one: _Slot) -> str:
        return self._local.prefix + slot_key(one.uid, one.number)

    def _gone_key(self, one: _Slot) -> str:
        return self._local.prefix + gone_key(slot_key(one.uid, one.number))


def _compare(held: SlotContent, there: SlotContent) -> str | None:
    """Return how a local slot and the remote's differ, None if they are of different files."""
    if held.raw == there.raw:
        return "same"
    if isinstance(there, Tombstone):
        inner = held.record if isinstance(held, Tombstone) else held.raw
        return "forward" if inner == there.record else None
    return "stale" if isinstance(held, Tombstone) and held.record == there.raw else None


def _is_tombstone(raw: bytes) -> bool:
    try:
        return isinstance(decode_slot(raw), Tombstone)
    except (CorruptRecordError, NewerFormatError):
        return False
