"""Synchronising: what was made offline is published, what was deleted elsewhere is dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from radops.errors import (
    CorruptObjectError,
    RadopsError,
    UIDConflictError,
)
from radops.format.build import call_with_inputs, with_call_object, with_inputs
from radops.format.record import FileRecord, Tombstone
from radops.repository.refs.commit import check_equal, commit
from radops.repository.refs.draft import Draft
from radops.repository.refs.remote_cache import is_same_file
from radops.repository.refs.slots import Free, Taken, Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from radops.format.call import CallInput
    from radops.format.digest import Digest
    from radops.format.uid import UID
    from radops.repository.progress import Count
    from radops.repository.refs.pending import PendingResults
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.remote_cache import Chain
    from radops.repository.refs.slots import State
    from radops.repository.working_lake import WorkingLake
from radops.repository.sync.notes import send_notes
from radops.repository.sync.report import Group, Problem, SyncReport
from radops.repository.sync.unpublished import find_unpublished
from radops.repository.transfer.in_place import lost_objects

# Commits in one batch: at its end connections run idle, so it has many times as many as there are
# connections; few enough to keep memory small.
_BATCH = 2048
_STAYS = "it stays on this machine; publish it under another name, or delete it"


def sync(
    lake: WorkingLake,
    remote: Remote,
    pending: PendingResults,
    uids: Iterable[UID] | None,
    count: Count,
    *,
    dry_run: bool = False,
) -> SyncReport:
    """Publish what only this home has, inputs first; drop what was deleted in the remote.

    Args:
        lake: The lake.
        remote: Its remote repository, checked and ready to be written to (unless `dry_run`).
        pending: Results that could not be published before.
        uids: Only these, and what they were made from; None: everything.
        count: Called with bytes and files as they are sent.
        dry_run: Change nothing.
    """
    report = SyncReport(dry_run=dry_run)
    groups, free = find_unpublished(lake, remote, pending, uids, report)
    _Publisher(lake, remote, pending, report, count, free).run(groups)
    published = {*report.published, *report.adopted}
    report.notes = send_notes(lake, remote, uids, published, dry_run=dry_run)
    for names in (report.published, report.adopted, report.dropped):
        names.sort()
    return report


class _Publisher:
    """Publishes groups, each after those it was made from."""

    def __init__(
        self,
        lake: WorkingLake,
        remote: Remote,
        pending: PendingResults,
        report: SyncReport,
        count: Count,
        free: AbstractSet[UID],
    ) -> None:
        self._lake = lake
        self._remote = remote
        self._pending = pending
        self._report = report
        self._count = count
        self._free = free
        self._rewritten: dict[Digest, Digest] = {}
        self._stuck: set[UID] = set()
        self._equal: list[tuple[Group, list[Taken]]] = []

    def run(self, groups: Sequence[Group]) -> None:
        """Publish all groups."""
        waiting = list(groups)
        while waiting:
            ahead = {record.uid for group in waiting for record in group.draft.records}
            ready = [group for group in waiting if not ahead.intersection(group.draft.sources)]
            # Two results that need each other cannot exist; try them, and the commit reports the
            # error.
            ready = ready or waiting
            taken = {id(group) for group in ready}
            waiting = [group for group in waiting if id(group) not in taken]
            for start in range(0, len(ready), _BATCH):
                self._publish(ready[start : start + _BATCH])

    def _publish(self, groups: Sequence[Group]) -> None:
        free = [group for group in groups if not self._is_stuck(group)]
        uids = [record.uid for group in free for record in group.draft.records]
        states = self._remote_states(uids)
        drafts = []
        for group in free:
            before = self._settled(group, states)
            if before is None:
                drafts.append(group)
        self._adopt()
        drafts = self._with_sources(self._with_bytes(drafts))
        if self._report.dry_run or not drafts:
            self._report.published += [r.uid for group in drafts for r in group.draft.records]
            return
        rewritten = [self._rewrite(group.draft) for group in drafts]
        results, sent = self._lake.make(rewritten, states, self._count)
        self._report.bytes_sent += sent
        for group, result in zip(drafts, results, strict=True):
            if isinstance(result, RadopsError):
                self._conflict(group, result)
                continue
            for one in result.taken:
                self._follow(group, one)
                into = self._report.published if one.uid in result.created else self._report.adopted
                into.append(one.uid)
            self._done(group)

    def _remote_states(self, uids: Sequence[UID]) -> dict[UID, State]:
        # Names that were free in the listing are taken as free: if another client was faster, the
        # creation of the slot finds it.
        states: dict[UID, State] = {uid: Free(uid, 0) for uid in uids if uid in self._free}
        asked = [uid for uid in uids if uid not in states]
        with self._remote.slots.read_ahead(asked, {}):
            answers = [self._remote.slots.state(uid) for uid in asked]
        return states | dict(zip(asked, answers, strict=True))

    def _settled(self, group: Group, states: dict[UID, State]) -> bool | None:
        """Settle a group without writing to the remote, where that can be; else None."""
        draft = group.draft
        if group.kept is not None and group.kept.is_again and not group.is_named:
            return self._settle_again(group, states)
        now = [states[record.uid] for record in draft.records]
        if any(isinstance(state, (Free, Unfinished)) for state in now):
            if deleted := self._deleted(draft, states):
                return self._settle_rest(group, states, deleted)
            return self._blocked(group, now)
        if error := self._unequal(group, now):
            self._conflict(group, error)
            return False
        for record, state in zip(draft.records, now, strict=True):
            if isinstance(state, Taken):
                if state.record.raw != record.raw:
                    self._report.adopted.append(record.uid)
                self._follow(group, state)
        if not self._report.dry_run:
            self._equal.append((group, [s for s in now if isinstance(s, Taken)]))
        return True

    def _adopt(self) -> None:
        """Cache what the remote was found to hold already, with one barrier for all."""
        equal, self._equal = self._equal, []
        self._lake.make_durable([one for _, taken in equal for one in taken])
        self._lake.adopt_all([(group.draft.sources, taken) for group, taken in equal])
        for group, _ in equal:
            self._done(group)

    def _settle_again(self, group: Group, states: dict[UID, State]) -> bool | None:
        """Settle a file that was added offline and that the lake was known to have."""
        (record,) = group.draft.records
        state = states[record.uid]
        if isinstance(state, Taken) and isinstance(state.record, FileRecord):
            if state.record.digest == record.digest:
                self._done(group)
                return True
        elif self._had_bytes(record):
            if not self._report.dry_run:
                commit(self._lake.local, [group.draft])
            error = UIDConflictError("was deleted in the remote, and was added here again offline")
            self._conflict(group, error)
            self._report.conflicts[-1] = replace(
                self._report.conflicts[-1],
                hint=f"publish it with: radops datalake sync {record.uid}; drop it with:"
                f" radops datalake delete --offline {record.uid}",
            )
            return False
        return self._blocked(group, [state])

    def _had_bytes(self, record: FileRecord) -> bool:
        """Return whether the remote held these bytes under this name once."""
        return any(
            isinstance(content, Tombstone)
            and not content.aborted
            and content.inner().digest == record.digest
            for _, content in self._remote.slots.walk(record.uid)
        )

    def _blocked(self, group: Group, now: Sequence[State]) -> bool | None:
        """In a dry run, report a conflict of a part of the group; only the commit would find it."""
        error = self._unequal(group, now) if self._report.dry_run else None
        if error is None:
            return None
        self._conflict(group, error)
        return False

    def _unequal(self, group: Group, now: Sequence[State]) -> UIDConflictError | None:
        """Return why what exists differs from what the group would create, None if it does not."""
        for record, state in zip(group.draft.records, now, strict=True):
            if isinstance(state, Taken):
                try:
                    check_equal(self._remote, record, group.draft.key, state)
                except UIDConflictError as error:
                    return error
        return None

    def _deleted(self, draft: Draft, states: dict[UID, State]) -> set[UID]:
        """Return what of a draft was published once, whole, and deleted since."""
        deleted = {r.uid for r in draft.records if self._was_deleted(r, states[r.uid])}
        is_whole = all(r.uid in deleted or isinstance(states[r.uid], Taken) for r in draft.records)
        return deleted if is_whole else set()

    def _settle_rest(
        self, group: Group, states: dict[UID, State], deleted: set[UID]
    ) -> bool | None:
        """Drop what was deleted, and settle the files that still exist."""
        self._forget(group, deleted)
        draft = group.draft
        rest = [record for record in draft.records if record.uid not in deleted]
        if not rest:
            return True
        part = Draft(rest, draft.objects, draft.key, draft.sources)
        return self._settled(Group(part, group.kept), states)

    def _was_deleted(self, record: FileRecord, state: State) -> bool:
        """Return whether the remote once held this file, in any slot and under any commit id."""
        if state.number == 0:
            return False
        return any(
            isinstance(content, Tombstone)
            and not content.aborted
            and is_same_file(record, content.inner())
            for _, content in self._remote.slots.walk(record.uid)
        )

    def _forget(self, group: Group, uids: set[UID]) -> None:
        for uid in sorted(uids):
            if not self._report.dry_run:
                self._lake.cache(uid, self._remote.slots.walk(uid))
            self._report.dropped.append(uid)
        self._done(group)

    def _follow(self, group: Group, one: Taken) -> None:
        """Note the record that a file has now, for the records of what was made from it."""
        for record in group.draft.records:
            if record.uid == one.uid and record.raw != one.record.raw:
                self._rewritten[record.record_digest] = one.record.record_digest

    def _rewrite(self, draft: Draft) -> Draft:
        """Return the draft with the digests of its inputs' records as they are in the remote."""
        if not self._rewritten:
            return draft
        first = draft.records[0]
        if first.call_object is None:
            records = [with_inputs(record, self._rewritten) for record in draft.records]
            return Draft(records, draft.objects, draft.key, draft.sources)
        old = self._lake.local.read_object(first.call_object)
        new = call_with_inputs(old, self._rewritten)
        if new == old:
            return draft
        staged = self._lake.store.stage_bytes(new)
        self._lake.store.admit([staged])
        objects = [item for item in draft.objects if item[0] != first.call_object]
        records = [with_call_object(record, staged.digest) for record in draft.records]
        return Draft(records, [*objects, (staged.digest, staged.size)], draft.key, draft.sources)

    def _with_bytes(self, groups: Sequence[Group]) -> list[Group]:
        """Return the groups whose bytes are on this machine, to be sent.

        A directory that was made with a base can use packs that only the remote has.
        """
        found = []
        for group in groups:
            draft = group.draft
            is_here = self._lake.store.is_here
            if all(is_here(digest, size) for digest, size in draft.objects):
                found.append(group)
            elif not draft.records[0].directories:
                self._conflict(group, CorruptObjectError("its bytes are not on this machine"))
            elif lost_objects(self._lake.store, self._remote, [draft]):
                error = CorruptObjectError(
                    "its bytes are neither on this machine nor in the remote"
                )
                self._conflict(group, error)
            else:
                found.append(group)
        return found

    def _with_sources(self, groups: Sequence[Group]) -> list[Group]:
        """Return the groups whose inputs still hold the bytes that they were made from.

        Inputs that an interrupted sync published under another record are noted for `_rewrite`.
        """
        done = {*self._report.published, *self._report.adopted}
        inputs = [self._inputs(group, done) for group in groups]
        uids = sorted({one.uid for needed in inputs for one in needed})
        slots = self._remote.slots
        with slots.read_ahead(uids, {}):
            chains = [list(slots.walk(uid)) for uid in uids]
        known = dict(zip(uids, chains, strict=True))
        found = []
        for group, needed in zip(groups, inputs, strict=True):
            for one in needed:
                if error := self._changed(one, known[one.uid]):
                    self._conflict(group, error)
                    break
            else:
                found.append(group)
        return found

    def _inputs(self, group: Group, done: set[str]) -> list[CallInput]:
        """Return what a group was made from, without what this sync has published."""
        call = self._lake.local.call_of(group.draft.records[0])
        if call is None:
            return []
        return [one for one in (*call.inputs, *call.reads) if one.uid not in done]

    def _changed(self, one: CallInput, chain: Chain) -> UIDConflictError | None:
        """Return why what was made from a file cannot be published, None if it can."""
        state = self._remote.slots.judge(one.uid, *chain[-1])
        if not isinstance(state, Taken):
            return UIDConflictError(f"was made from {one.uid}, which was deleted")
        if not isinstance(state.record, FileRecord) or not self._lake.holds_input(
            state.record, one
        ):
            return UIDConflictError(f"was made from {one.uid}, which holds other bytes now")
        records = [
            (content.inner() if isinstance(content, Tombstone) else content).record_digest
            for _, content in chain
            if content is not None
        ]
        if one.record not in records:
            self._rewritten[one.record] = state.record.record_digest
        return None

    def _is_stuck(self, group: Group) -> bool:
        for source in group.draft.sources:
            if source in self._stuck:
                self._conflict(
                    group,
                    CorruptObjectError(
                        f"was made from {source}, which could not be published",
                        hint=f"settle {source} first, then run sync again",
                    ),
                )
                return True
        return False

    def _conflict(self, group: Group, error: RadopsError) -> None:
        for record in group.draft.records:
            self._stuck.add(record.uid)
            self._report.conflicts.append(
                Problem(
                    record.uid,
                    error.message,
                    ("it waits on this machine; drop it" if group.kept else _STAYS)
                    + f" with: radops datalake delete --offline {record.uid}",
                )
            )

    def _done(self, group: Group) -> None:
        if group.kept is not None and not self._report.dry_run:
            self._pending.drop(group.kept)
