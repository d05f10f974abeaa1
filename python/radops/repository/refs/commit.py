"""Commits: how records become visible, once and whole, in any race and after any crash.

1. Objects and outlines are durable before this module is called.
2. Folder records, then edges.
3. Intents: the records of all outputs but the first.
4. The record in the primary slot, whose create-if-absent decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from radops.errors import RadopsError, UIDConflictError
from radops.format.edge import Edge
from radops.format.record import (
    FileRecord,
    FolderRecord,
    decode_slot,
)
from radops.repository import layout
from radops.repository.refs.slots import Free, Taken, Unfinished, commits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from radops.format.digest import Digest
    from radops.format.uid import UID
    from radops.repository.refs.draft import Draft
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import State
from radops.repository.refs.intents import ensure_folders, find_slot, resolve

# Each try is lost only to another client's progress on the same name.
_MAX_TRIES = 32


class Outcome(msgspec.Struct, frozen=True):
    """The result of a draft: every output with the record and the slot that hold it now."""

    taken: list[Taken]
    created: frozenset[UID]
    """Those that this commit created; the others existed already, with equal lineage."""


def commit(
    repository: Repository,
    drafts: Sequence[Draft],
    states: Mapping[UID, State] | None = None,
) -> list[Outcome | RadopsError]:
    """Commit many drafts in one batch; each as a whole, or not at all.

    Args:
        repository: Where. The objects that the drafts need are there, durable.
        drafts: What to commit; no UID twice.
        states: What the UIDs were found to be, if they were looked up just now.

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
        or UIDConflictError(
            f"{draft.records[0].uid}: other processes keep changing this name",
            uid=draft.records[0].uid,
            hint="run it again",
        )
        for index, draft in enumerate(drafts)
    ]


class _Attempt(msgspec.Struct):
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
    """Try each draft once; those that lost to another client have no result yet."""
    results: dict[int, Outcome | RadopsError] = {}
    attempts: dict[int, _Attempt] = {}
    for index, draft in drafts.items():
        try:
            if _resolve_pending(repository, draft, states):
                continue  # the states of the other names may have changed too: read them again
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
            if not record.has_shared_call or record.commit.primary_uid == record.uid
            for source in drafts[index].sources
        ]
    )
    # Make the inputs durable too: the client that wrote them may have been killed before its
    # flush.
    repository.include((), {source for index in attempts for source in drafts[index].sources})
    # Each step is durable before the next: edges and folders, intents, and then the commit.
    repository.backend.flush()
    # One intent goes ahead of the others: where equal calls race, all but one lose here, with
    # having written nothing that blocks another.
    for intents in (slice(1, 2), slice(2, None)):
        _create(repository, attempts, intents)
    repository.backend.flush()
    _create(repository, attempts, slice(1))
    for index, attempt in attempts.items():
        if (found := _end(repository, attempt)) is not None:
            if attempt.lost:  # another client wrote it, and may not have flushed it
                repository.include(found)
            results[index] = Outcome(found, frozenset(attempt.numbers))
    return results


def _create(repository: Repository, attempts: Mapping[int, _Attempt], part: slice) -> None:
    """Create a part of the slots of those attempts that have not lost one, in one batch."""
    items = [
        (one, record) for one in attempts.values() if not one.lost for record in one.records[part]
    ]
    if not items:
        return
    answers = repository.slots.create([one.slot(record) for one, record in items])
    for (one, _), ours in zip(items, answers, strict=True):
        one.lost |= not ours
        one.placed |= ours


def _end(repository: Repository, attempt: _Attempt) -> list[Taken] | None:
    """Return the slots that hold an attempt's records; None if it lost to another client."""
    if not attempt.lost:
        return [Taken(r.uid, attempt.numbers[r.uid], r) for r in attempt.records]
    # A client that was blocked by our intents may have finished the commit for us, and not
    # necessarily in the slots that we had chosen.
    if attempt.placed and len(attempt.records) > 1:
        happened = resolve(repository, attempt.records[1])
    else:
        head = attempt.records[0].commit
        raw = repository.slots.read_raw(head.primary)
        happened = raw is not None and commits(decode_slot(raw), head.id)
    if not happened:
        return None
    found = [find_slot(repository, record) for record in attempt.records]
    taken = [one for one in found if isinstance(one, Taken)]
    same = all(one.record.raw == r.raw for one, r in zip(taken, attempt.records, strict=False))
    return taken if same and len(taken) == len(found) else None


def _complete(
    repository: Repository, draft: Draft, taken: list[Taken], missing: Sequence[UID]
) -> Outcome | RadopsError:
    """Add the outputs that are missing beside equal ones that exist: each a commit of its own.

    They cannot be one commit: a client that finishes a commit expects all its slots to be its own.
    The call's first output is last: if it exists, all outputs of the call exist or once existed.
    """
    repository.include(taken)  # the client that wrote it may not have flushed it
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
    """Finish or abort the commits whose intents block a draft; return whether there were any."""
    pending = [state for r in draft.records if isinstance(state := states[r.uid], Unfinished)]
    for state in pending:
        resolve(repository, state.record)
    return bool(pending)


def _sort_out(
    repository: Repository, draft: Draft, states: Mapping[UID, State]
) -> tuple[list[Taken], dict[UID, int]]:
    """Split a draft's outputs into those that exist already, equal, and free slots."""
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
    """Raise `UIDConflictError` unless what exists equals what we would have created."""
    record = state.record
    if isinstance(record, FolderRecord):
        raise UIDConflictError(
            f"{wanted.uid} is a folder", uid=wanted.uid, hint="choose a name that is not in use"
        )
    if (record.digest, record.type) == (wanted.digest, wanted.type):
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
