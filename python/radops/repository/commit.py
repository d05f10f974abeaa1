"""Commits: how records come to stand, once, whole, whoever races or crashes.

The order is what keeps the lake right: objects and outlines are durable before this module is
called; then folder records, edges, intents (all outputs but the first), and last the primary
slot, whose create-if-absent decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.errors import CorruptRecordError, RadopsError, UIDConflictError
from radops.model.build import sibling
from radops.model.edge import Edge
from radops.model.record import (
    FileRecord,
    FolderRecord,
    Tombstone,
    decode_slot,
    folder_record,
    tombstone,
)
from radops.model.uid import folders_of, gone_key, is_reserved, parse_slot_key, slot_key
from radops.repository import layout
from radops.repository.repository import now
from radops.repository.slots import Free, Pending, Taken, commits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from radops.model.digest import Digest
    from radops.model.uid import UID
    from radops.repository.draft import Draft
    from radops.repository.repository import Repository
    from radops.repository.slots import State

# Each try is lost only to another client's progress on the same name.
_MAX_TRIES = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a draft ended: every output with the record and slot that stand for it now."""

    taken: list[Taken]
    created: frozenset[UID]
    """Those that this commit created; the others stood already, with equal lineage."""


def commit(
    repository: Repository,
    drafts: Sequence[Draft],
    states: Mapping[UID, State] | None = None,
) -> list[Outcome | RadopsError]:
    """Commit many drafts in one batch; each as a whole, or not at all.

    Args:
        repository: Where. The objects that the drafts need are there, durable.
        drafts: What to commit; no UID twice.
        states: What the UIDs were found to be, where that was asked just now.

    Returns:
        For each draft its outcome, or the error that says why it could not be committed.
        Errors that concern the whole backend are raised.
    """
    results: dict[int, Outcome | RadopsError] = {}
    blocked = ensure_folders(repository, [r.uid for draft in drafts for r in draft.records])
    for index, draft in enumerate(drafts):
        errors = [blocked[r.uid] for r in draft.records if r.uid in blocked]
        if errors:
            results[index] = errors[0]
    for _ in range(_MAX_TRIES):
        todo = [index for index in range(len(drafts)) if index not in results]
        if not todo:
            break
        uids = [record.uid for index in todo for record in drafts[index].records]
        results.update(
            _try(repository, {i: drafts[i] for i in todo}, states or repository.states(uids, {}))
        )
        states = None
    repository.backend.flush()
    return [
        results.get(index)
        or UIDConflictError("others keep changing this name", uid=draft.records[0].uid)
        for index, draft in enumerate(drafts)
    ]


@dataclass(slots=True)
class _Attempt:
    records: list[FileRecord]
    numbers: dict[UID, int]
    placed: bool = False
    """Whether a slot was created, so that others may have met the commit."""
    lost: bool = False
    """Whether a slot was found to hold something else."""

    def slot(self, record: FileRecord) -> tuple[UID, int, bytes]:
        return record.uid, self.numbers[record.uid], record.raw


def _try(
    repository: Repository, drafts: Mapping[int, Draft], states: Mapping[UID, State]
) -> dict[int, Outcome | RadopsError]:
    """Try each draft once; those that lost to another client are not in the answer."""
    results: dict[int, Outcome | RadopsError] = {}
    attempts: dict[int, _Attempt] = {}
    for index, draft in drafts.items():
        try:
            if _resolve_pending(repository, draft, states):
                continue  # what the other names are may have changed with it: ask again
            taken, free = _sort_out(repository, draft, states)
        except RadopsError as error:
            results[index] = error
            continue
        if taken:
            results[index] = _complete(repository, draft, taken, sorted(free, key=str.encode))
        else:
            records = draft.build(free[draft.records[0].uid])
            attempts[index] = _Attempt(records, free)
    repository.put(
        [
            (repository.prefix + layout.edge_key(source, record.uid), _edge(record))
            for index, attempt in attempts.items()
            for record in attempt.records
            for source in drafts[index].sources
        ]
    )
    # What this is made from was seen to stand, but whoever put it there may not have flushed it.
    repository.include((), {source for index in attempts for source in drafts[index].sources})
    # Each floor is durable before the next: edges and folders, intents, and then the commit.
    repository.backend.flush()
    # One intent goes ahead of the others: where equal calls race, all but one lose here, with
    # nothing written that would stand in anybody's way.
    for intents in (slice(1, 2), slice(2, None)):
        _create(repository, attempts, intents)
    repository.backend.flush()
    _create(repository, attempts, slice(1))
    for index, attempt in attempts.items():
        if (standing := _end(repository, attempt)) is not None:
            if attempt.lost:  # others put it there, and may not have come to flush it
                repository.include(standing)
            results[index] = Outcome(standing, frozenset(attempt.numbers))
    return results


def _create(repository: Repository, attempts: Mapping[int, _Attempt], part: slice) -> None:
    """Create a part of the slots of those attempts that have not lost one, in one batch."""
    items = [
        (one, record) for one in attempts.values() if not one.lost for record in one.records[part]
    ]
    if not items:
        return
    answers = repository.create([one.slot(record) for one, record in items])
    for (one, _), ours in zip(items, answers, strict=True):
        one.lost |= not ours
        one.placed |= ours


def _end(repository: Repository, attempt: _Attempt) -> list[Taken] | None:
    """Return where an attempt's records stand; None if it lost to another client."""
    if not attempt.lost:
        return [Taken(r.uid, attempt.numbers[r.uid], r) for r in attempt.records]
    # Somebody who was blocked by our intents may have finished the commit for us: then not
    # necessarily in the slots that we had in mind.
    if attempt.placed and len(attempt.records) > 1:
        happened = resolve(repository, attempt.records[1])
    else:
        head = attempt.records[0].commit
        raw = repository.slots.read_raw(head.primary)
        happened = raw is not None and commits(decode_slot(raw), head.id)
    if not happened:
        return None
    found = [_find(repository, record) for record in attempt.records]
    taken = [one for one in found if isinstance(one, Taken)]
    same = all(one.record.raw == r.raw for one, r in zip(taken, attempt.records, strict=False))
    return taken if same and len(taken) == len(found) else None


def _complete(
    repository: Repository, draft: Draft, taken: list[Taken], missing: Sequence[UID]
) -> Outcome | RadopsError:
    """Add what is missing beside files that stand already, equal: each a commit of its own.

    They cannot be one commit, as whoever finishes a commit expects all its slots to be its own.
    The call's first output comes last: where it stands, all outputs of the call do, or did.
    """
    repository.include(taken)  # whoever put it there may not have come to flush it
    first = draft.records[0].uid
    created: frozenset[UID] = frozenset()
    for uids in (
        [uid for uid in missing if uid != first],
        [uid for uid in missing if uid == first],
    ):
        for outcome in commit(repository, [draft.alone(uid) for uid in uids]):
            if isinstance(outcome, RadopsError):
                return outcome
            taken = taken + outcome.taken
            created |= outcome.created
    return Outcome(sorted(taken, key=lambda one: one.uid), created)


def _resolve_pending(repository: Repository, draft: Draft, states: Mapping[UID, State]) -> bool:
    """Finish or end the commits whose intents stand in a draft's way; say if there were any."""
    pending = [state for r in draft.records if isinstance(state := states[r.uid], Pending)]
    for state in pending:
        resolve(repository, state.record)
    return bool(pending)


def _sort_out(
    repository: Repository, draft: Draft, states: Mapping[UID, State]
) -> tuple[list[Taken], dict[UID, int]]:
    """Split a draft's outputs into those that stand already, equal, and free slots."""
    taken, free = [], {}
    for record in draft.records:
        state = states[record.uid]
        if isinstance(state, Free):
            free[record.uid] = state.number
        elif isinstance(state, Taken):
            check_equal(repository, record, draft.key, state)
            taken.append(state)
    return taken, free


def check_equal(
    repository: Repository, wanted: FileRecord, key: Digest | None, state: Taken
) -> None:
    """Raise `UIDConflictError` unless what stands is what we would have put there."""
    record = state.record
    if isinstance(record, FolderRecord):
        raise UIDConflictError(
            f"{wanted.uid} is a folder", uid=wanted.uid, hint="choose a name that is not in use"
        )
    if record.digest == wanted.digest:
        call = repository.call_of(record)
        if key == (None if call is None else call.key):
            return
        raise UIDConflictError(
            f"{wanted.uid} exists already with equal bytes, but was made in another way",
            uid=wanted.uid,
            hint=f"see how with: radops datalake info {wanted.uid}",
        )
    raise UIDConflictError(
        f"{wanted.uid} exists already with other bytes",
        uid=wanted.uid,
        hint="files never change: choose another name, or delete that one first",
    )


def _edge(record: FileRecord) -> bytes:
    return Edge(record.uid, record.record_digest).encode()


# -- intents -----------------------------------------------------------------------------------


def resolve(repository: Repository, record: FileRecord) -> bool:
    """Finish the commit that an intent belongs to, or end it for good.

    It is finished if every sibling slot is free or its own; if another record stands in one of
    them, the primary slot is closed by an aborted tombstone, and the intents are buried. Of two
    commits that stand in each other's way, the one with the lower id goes first: so they cannot
    go on ending each other.

    Returns:
        Whether the commit has happened.
    """
    call = repository.call_of(record)
    if call is None:
        raise CorruptRecordError(f"{record.uid} has no call, yet belongs to another slot")
    siblings = [sibling(record, output) for output in call.outputs]
    if (raw := repository.slots.read_raw(record.commit.primary)) is not None:
        return _settle(repository, siblings, raw)
    while True:
        missing = []
        for one in siblings[1:]:
            found = _make_way(repository, one)
            if isinstance(found, Free):
                missing.append((one.uid, found.number, one.raw))
            elif found.record.raw != one.raw:
                return _give_up(repository, siblings)
        if not missing or all(repository.create(missing)):
            break
    repository.include((), [one.uid for one in siblings])
    repository.backend.flush()
    head = siblings[0]
    if not all(repository.create([(head.uid, _primary_number(head), head.raw)])):
        return _give_up(repository, siblings)
    return True


def _make_way(repository: Repository, record: FileRecord) -> Free | Taken:
    """Find a record, or a place for it; an intent of a commit that goes after it gives way."""
    while True:
        found = _find(repository, record)
        if (
            isinstance(found, Free)
            or isinstance(found.record, FolderRecord)
            or found.record.commit.id <= record.commit.id
            or repository.slots.is_committed(found.record, found.number)
        ):
            return found
        resolve(repository, found.record)


def _find(repository: Repository, record: FileRecord) -> Free | Taken:
    """Return the slot in which a record stands, or stood before it was deleted or given up.

    If there is none: the free slot of its UID, or what stands in its way. A record is never put
    into a second slot: since it was looked for, it can have come only to where it was to go.
    """
    for number, content in repository.slots.walk(record.uid):
        if content is None:
            return Free(record.uid, number)
        if not isinstance(content, Tombstone):
            return Taken(record.uid, number, content)
        if content.record == record.raw:
            break
    return Taken(record.uid, number, record)


def _primary_number(record: FileRecord) -> int:
    name = parse_slot_key(record.commit.primary)
    if name is None or name.uid != record.uid:
        raise CorruptRecordError(f"{record.uid} names {record.commit.primary} as its primary slot")
    return name.number


def _give_up(repository: Repository, records: Sequence[FileRecord]) -> bool:
    """Close the primary slot against this commit, and bury its intents.

    Returns:
        Whether the commit happened all the same, by somebody else's hand.
    """
    head = records[0]
    closed = tombstone(head.raw, now(), repository.originator, aborted=True)
    if all(repository.create([(head.uid, _primary_number(head), closed)])):
        repository.put([(repository.prefix + gone_key(head.commit.primary), b"")])
    raw = repository.slots.read_raw(head.commit.primary)
    return raw is not None and _settle(repository, records, raw)


def _settle(repository: Repository, records: Sequence[FileRecord], primary: bytes) -> bool:
    """Given what the primary slot holds for good, bury the intents unless they are committed."""
    content = decode_slot(primary)
    if commits(content, records[0].commit.id):
        return True
    for record in records[1:]:
        for number, held in repository.slots.walk(record.uid):
            if isinstance(held, FileRecord) and held.raw == record.raw:
                bury(repository, record.uid, number, held.raw, aborted=True)
    return False


def bury(
    repository: Repository, uid: UID, number: int, raw: bytes, *, aborted: bool = False
) -> bytes:
    """Put a tombstone over a slot, and the key that lets listings skip it; return the tombstone."""
    dead = tombstone(raw, now(), repository.originator, aborted=aborted)
    repository.slots.replace([(uid, number, dead)])
    repository.backend.flush()  # or a listing might skip what was not deleted after all
    repository.put([(repository.prefix + gone_key(slot_key(uid, number)), b"")])
    return dead


# -- folders -----------------------------------------------------------------------------------


def ensure_folders(repository: Repository, uids: Iterable[UID]) -> dict[UID, RadopsError]:
    """Make sure that every folder above these UIDs has its record.

    A folder's record stands where a file of that name would: one key excludes both ways.
    Reserved folders need none, as no file can be given their name.

    Returns:
        The UIDs that cannot exist, each with the reason: something above it is a file.
    """
    above = {uid: [] if is_reserved(uid) else folders_of(uid) for uid in uids}
    errors: dict[UID, RadopsError] = {}
    depth = 0
    while True:
        level = {
            folders[depth]
            for uid, folders in above.items()
            if uid not in errors and depth < len(folders)
        }
        if not level and all(depth >= len(folders) for folders in above.values()):
            return errors
        files = _make_folders(repository, sorted(level - repository.folders_seen))
        for uid, folders in above.items():
            if uid not in errors and depth < len(folders) and folders[depth] in files:
                errors[uid] = UIDConflictError(
                    f"{uid} cannot exist: {folders[depth]} is a file",
                    uid=uid,
                    hint="choose a name that is not below a file",
                )
        depth += 1


def _make_folders(repository: Repository, folders: Sequence[UID]) -> set[UID]:
    """Create folder records; return those names that are files instead."""
    files: set[UID] = set()
    if not folders:
        return files
    answers = repository.create([(folder, 0, folder_record(folder)) for folder in folders])
    for folder, ours in zip(folders, answers, strict=True):
        done = ours
        while not done:
            state = repository.slots.state(folder)
            if isinstance(state, Pending):
                resolve(repository, state.record)
            elif isinstance(state, Free):
                item = (folder, state.number, folder_record(folder))
                done = all(repository.create([item]))
            else:
                done = True
                if isinstance(state.record, FileRecord):
                    files.add(folder)
    repository.folders_seen.update(folder for folder in folders if folder not in files)
    return files
