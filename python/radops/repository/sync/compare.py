"""What a home and its remote hold under the same names, by one listing of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from radops.format.record import FileRecord, folder_size
from radops.format.uid import UID, parse_slot_key, slot_key
from radops.repository import layout
from radops.repository.refs.listing import Listed
from radops.repository.refs.remote_cache import move_hidden
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.repository.refs.remote import Remote
    from radops.repository.working_lake import WorkingLake


class Compared(NamedTuple):
    """How the files of a home differ from the remote."""

    unpublished: list[Taken]
    """Files whose slot in the remote is not known to hold their record."""
    gone: list[Taken]
    """Files that the remote confirmed, and in whose slot it has something else now."""
    free: set[UID]
    """Names of local files of which the remote has no slot."""


class _Local(NamedTuple):
    confirmed: dict[str, int]
    """Size by slot, of names with one slot, the first, that the remote was found to hold."""
    rest: set[str]
    """All other names."""
    later: dict[str, int]
    """Of the names with further slots, the number of one of them."""
    known: set[str]
    """Slots that the remote was found to hold, by their keys in the home."""


def compare(lake: WorkingLake, remote: Remote, *, uncover: bool) -> Compared:
    """Find the files of a home that the remote does not hold, or not any more.

    A slot that the remote confirmed, and that has one size on both sides, is not read: a record
    never changes, and the tombstone of a deleted file is longer than its record.

    Args:
        lake: The lake.
        remote: Its remote.
        uncover: Turn files in slots that readers do not see into pending results; see
            `move_hidden`.
    """
    local = _local_slots(lake)
    if uncover:
        _uncover_hidden(lake, local.later)
    there = _differences(lake, remote, local)
    unequal = {parse.uid for key in local.confirmed if (parse := parse_slot_key(key)) is not None}
    found = Compared([], [], set())
    for uid in sorted({*local.rest, *unequal, *there}):
        one = lake.local_state(UID(uid))
        if not isinstance(one, Taken) or not isinstance(one.record, FileRecord):
            continue
        listed = there.get(uid, ())
        equal = uid not in local.rest and uid not in unequal  # in the first slot
        if not listed and not equal:
            found.free.add(one.uid)
        key = lake.local.prefix + slot_key(one.uid, one.number)
        if key not in local.known or not lake.is_confirmed(one):
            found.unpublished.append(one)
        else:
            _judge(one, listed, found, equal=equal and one.number == 0)
    return found


def _judge(one: Taken, listed: Iterable[Listed], found: Compared, *, equal: bool) -> None:
    """Sort a file that the remote confirmed into what was found, by its slots of that name."""
    slots = [slot for slot in listed if slot.number == one.number]
    # Other bytes than the record's are a tombstone, also where a delete was cut short before it
    # wrote the `-gone` key.
    if any(slot.gone or slot.size != len(one.record.raw) for slot in slots):
        found.gone.append(one)
    if not slots and not equal:
        # Confirmed once and not there any more: the remote was set back to an older state.
        found.unpublished.append(one)


def _local_slots(lake: WorkingLake) -> _Local:
    """List the slots of the home; only those that are confirmed need no name."""
    prefix = lake.local.prefix
    known = lake.confirmed_slots()
    local = _Local({}, set(), {}, known)
    for entry in lake.local.backend.list(prefix + layout.REFS):
        key = entry.key[len(prefix) :]
        if entry.key in known and key.endswith(".radops"):
            local.confirmed[key] = entry.size
        elif (name := parse_slot_key(key)) is not None:
            if not name.number and not name.gone and entry.size == folder_size(name.uid):
                continue  # a folder, of which each commit below it takes care
            local.rest.add(name.uid)
            if name.number:
                local.later[name.uid] = name.number
    for uid in local.rest:
        local.confirmed.pop(slot_key(UID(uid)), None)
    return local


def _uncover_hidden(lake: WorkingLake, later: dict[str, int]) -> None:
    for uid, number in later.items():
        state = lake.local_state(UID(uid))
        if isinstance(state, Taken) and state.number < number:
            move_hidden(lake.local, state.uid, state.number)


def _differences(lake: WorkingLake, remote: Remote, local: _Local) -> dict[str, list[Listed]]:
    """Return the remote's slots of the names of this home, except those that are equal.

    What is equal is removed from `local.confirmed`.
    """
    there: dict[str, list[Listed]] = {}
    for entry in remote.backend.list(remote.prefix + layout.REFS):
        key = entry.key[len(remote.prefix) :]
        size = local.confirmed.get(key)
        if size == entry.size:
            del local.confirmed[key]
            continue
        name = parse_slot_key(key)
        if name is None:
            continue
        is_first = name.number == 0 and not name.gone
        if (
            size is not None
            or name.uid in local.rest
            # Names that were deleted are few: only of these the home is looked at.
            or (not is_first and lake.local.slots.is_used(UID(name.uid), 0))
        ):
            listed = Listed(name.uid, name.number, entry.size, name.gone)
            there.setdefault(name.uid, []).append(listed)
    return there
