"""Synchronising: what was made while working apart goes to the remote, what was deleted goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radops.errors import (
    CorruptDataError,
    CorruptObjectError,
    LocalStorageError,
    RadopsError,
    UIDConflictError,
)
from radops.model.build import call_with_inputs, with_call_object, with_inputs
from radops.model.record import FileRecord, Tombstone
from radops.model.uid import UID, slot_key
from radops.repository.commit import check_equal
from radops.repository.draft import Draft
from radops.repository.slots import Free, Pending, Taken
from radops.repository.transfer import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from radops.model.call import CallInput
    from radops.model.digest import Digest
    from radops.repository.mirror import Chain, Mirror
    from radops.repository.pending import Kept
    from radops.repository.pending import Pending as PendingResults
    from radops.repository.remote import Remote
    from radops.repository.slots import State

# Commits in one batch: enough to fill all connections, few enough to keep memory small.
_BATCH = 256

_STAYS = "it stays on this machine; publish it under another name, or delete it"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that `sync` could not settle by itself."""

    uid: str
    message: str
    hint: str


@dataclass(slots=True)
class SyncReport:
    """What a sync did, or would do."""

    dry_run: bool = False
    published: list[str] = field(default_factory=list)
    """UIDs that now stand in the remote and did not before."""
    adopted: list[str] = field(default_factory=list)
    """UIDs that others had published with equal bytes."""
    dropped: list[str] = field(default_factory=list)
    """UIDs that were deleted in the remote and are now gone here."""
    conflicts: list[Problem] = field(default_factory=list)
    """UIDs that stay local, and what to do about each."""
    bytes_sent: int = 0


def sync(
    mirror: Mirror,
    remote: Remote,
    pending: PendingResults,
    uids: Iterable[UID] | None,
    count: Callable[[int, int], None],
    *,
    dry_run: bool = False,
) -> SyncReport:
    """Publish what is only here, in topological order; drop what was deleted there.

    Args:
        mirror: The lake.
        remote: Its remote repository, checked and ready to be written to (unless `dry_run`).
        pending: Results that could not be published before.
        uids: Only these, and what they were made from; None: everything.
        count: Told bytes and files as they are sent.
        dry_run: Change nothing.
    """
    report = SyncReport(dry_run=dry_run)
    local = _local_files(mirror, None if uids is None else set(uids))
    free: set[UID] = set()
    if uids is None:
        unpublished, free = _compare(mirror, remote, local, report)
    else:
        unpublished = [one for one in local if not mirror.is_confirmed(one)]
    unpublished = _really_unpublished(mirror, remote, unpublished, free)
    groups = [
        group for files in _by_commit(unpublished) for group in _groups(mirror, files, report)
    ]
    wanted = None if uids is None else set(uids)
    groups += [
        _Group(kept.draft, kept)
        for kept in pending.readable()
        if wanted is None or any(record.uid in wanted for record in kept.draft.records)
    ]
    _Publisher(mirror, remote, pending, report, count, free).run(groups)
    for names in (report.published, report.adopted, report.dropped):
        names.sort()
    return report


def _local_files(mirror: Mirror, wanted: set[UID] | None) -> list[Taken]:
    """Return the files of the local repository; with `wanted` those and all they are made from."""
    if wanted is None:
        uids = {one.uid for one in mirror.here.slots.list() if one.size >= 0 and not one.gone}
        states = [mirror.local(UID(uid)) for uid in sorted(uids)]
        return [s for s in states if isinstance(s, Taken) and isinstance(s.record, FileRecord)]
    found: dict[UID, Taken] = {}
    todo = list(wanted)
    while todo:
        state = mirror.local(todo.pop())
        if (
            isinstance(state, Taken)
            and isinstance(state.record, FileRecord)
            and state.uid not in found
            and not mirror.is_confirmed(state)
        ):
            found[state.uid] = state
            todo += sources_of(mirror, state.record)
            todo += [uid for uid in siblings_of(mirror, state.record) if uid not in found]
    return list(found.values())


def sources_of(mirror: Mirror, record: FileRecord) -> list[UID]:
    """Return the UIDs of the lake files that a file was made from."""
    call = mirror.here.call_of(record)
    return [] if call is None else sorted({one.uid for one in (*call.inputs, *call.reads)})


def siblings_of(mirror: Mirror, record: FileRecord) -> list[UID]:
    """Return the UIDs of all files that the call made."""
    call = mirror.here.call_of(record)
    return [] if call is None else [output.uid for output in call.outputs]


def _compare(
    mirror: Mirror, remote: Remote, local: Sequence[Taken], report: SyncReport
) -> tuple[list[Taken], set[UID]]:
    """Go through the remote's slots once: drop what is gone, return what is not there.

    Returns:
        The files whose slot is not known to hold their record, and the names of those of which
        no slot was ever written.
    """
    confirmed = {(one.uid, one.number): one for one in local if mirror.is_confirmed(one)}
    missing = dict(confirmed)
    gone = {}
    free = {one.uid for one in local}
    for slot in remote.slots.list():
        place = (UID(slot.uid), slot.number)
        free.discard(place[0])
        one = confirmed.get(place)
        # Other bytes than the record's are a tombstone, also where a delete was cut short before
        # it wrote the key that says so.
        if one is not None and (slot.gone or slot.size != len(one.record.raw)):
            gone[place] = one
        missing.pop(place, None)
    for one in gone.values():
        _drop(mirror, remote, one, report)
    # Confirmed once and not there any more: the remote was set back to an older state.
    doubtful = [one for one in local if (one.uid, one.number) not in confirmed]
    return doubtful + list(missing.values()), free


def _really_unpublished(
    mirror: Mirror, remote: Remote, files: Sequence[Taken], free: AbstractSet[UID]
) -> list[Taken]:
    """Return the files that do not stand in the remote: the catalogue may just have been lost.

    Of those whose names are `free` there that is known.
    """

    def stands(one: Taken) -> bool:
        if one.uid in free:
            return False
        raw = remote.slots.read_raw(slot_key(one.uid, one.number))
        return (
            raw == one.record.raw
            and isinstance(one.record, FileRecord)
            and remote.slots.is_committed(one.record, one.number)
        )

    answers = gather(stands, files, remote.workers)
    mirror.confirm([one for one, known in zip(files, answers, strict=True) if known])
    return [one for one, known in zip(files, answers, strict=True) if not known]


def _drop(mirror: Mirror, remote: Remote, one: Taken, report: SyncReport) -> None:
    content = remote.slots.read(one.uid, one.number)
    if not isinstance(content, Tombstone) or content.aborted:
        return  # a commit that another gave up is no deletion
    if content.record == one.record.raw:
        if not report.dry_run:
            mirror.cache(one.uid, [(one.number, content)])
        report.dropped.append(one.uid)


@dataclass(slots=True)
class _Group:
    """A commit to be published, from local slots or from `pending/`."""

    draft: Draft
    kept: Kept | None = None


def _by_commit(files: Iterable[Taken]) -> Iterable[list[Taken]]:
    groups: dict[bytes, list[Taken]] = {}
    for one in files:
        if isinstance(one.record, FileRecord):
            groups.setdefault(one.record.commit.id, []).append(one)
    return groups.values()


def _groups(mirror: Mirror, files: Sequence[Taken], report: SyncReport) -> list[_Group]:
    """Return how the files of one commit are to be published.

    As one commit again, if all of its outputs are there; each by itself, if some were deleted.
    """
    try:
        group = _group(mirror, files)
        call = mirror.here.call_of(group.draft.records[0])
    except (CorruptDataError, LocalStorageError) as error:
        # Its bytes are not here or wrong; all else can be published.
        report.conflicts += [
            Problem(one.uid, error.message, "radops datalake verify says more") for one in files
        ]
        return []
    if call is None or len(group.draft.records) == len(call.outputs):
        return [group]
    return [_Group(group.draft.alone(record.uid)) for record in group.draft.records]


def _group(mirror: Mirror, files: Sequence[Taken]) -> _Group:
    records = [one.record for one in files if isinstance(one.record, FileRecord)]
    records.sort(key=lambda record: record.uid)
    call = mirror.here.call_of(records[0])
    sizes = {output.digest: output.size for output in call.outputs} if call else {}
    sizes |= {record.digest: record.size for record in records}
    objects = []
    for digest in records[0].keeps:
        size = sizes.get(digest)
        if size is None:
            # The call, or the patch of a dirty tree: small, and only here.
            size = mirror.store.size(digest)
        objects.append((digest, size))
    sources = sources_of(mirror, records[0])
    return _Group(Draft(records, objects, None if call is None else call.key, sources))


class _Publisher:
    """Publishes groups, each after those it was made from."""

    def __init__(
        self,
        mirror: Mirror,
        remote: Remote,
        pending: PendingResults,
        report: SyncReport,
        count: Callable[[int, int], None],
        free: AbstractSet[UID],
    ) -> None:
        self._mirror = mirror
        self._remote = remote
        self._pending = pending
        self._report = report
        self._count = count
        self._free = free
        self._rewritten: dict[Digest, Digest] = {}
        self._stuck: set[UID] = set()

    def run(self, groups: Sequence[_Group]) -> None:
        """Publish all groups."""
        waiting = list(groups)
        while waiting:
            ahead = {record.uid for group in waiting for record in group.draft.records}
            ready = [group for group in waiting if not ahead.intersection(group.draft.sources)]
            # Two results that wait for each other cannot be; take them as they are, and let
            # the commit say what is wrong.
            ready = ready or waiting
            taken = {id(group) for group in ready}
            waiting = [group for group in waiting if id(group) not in taken]
            for start in range(0, len(ready), _BATCH):
                self._publish(ready[start : start + _BATCH])

    def _publish(self, groups: Sequence[_Group]) -> None:
        free = [group for group in groups if not self._is_stuck(group)]
        uids = [record.uid for group in free for record in group.draft.records]
        states = self._remote_states(uids)
        drafts = []
        for group in free:
            before = self._settled(group, states)
            if before is None:
                drafts.append(group)
        drafts = self._with_sources(self._with_bytes(drafts))
        if self._report.dry_run or not drafts:
            self._report.published += [r.uid for group in drafts for r in group.draft.records]
            return
        rewritten = [self._rewrite(group.draft) for group in drafts]
        results, sent = self._mirror.make(rewritten, states, self._count)
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
        # What was free when it was listed is taken for it: who came first since then is found
        # when the slot is created, as always.
        states: dict[UID, State] = {uid: Free(uid, 0) for uid in uids if uid in self._free}
        asked = [uid for uid in uids if uid not in states]
        answers = gather(self._remote.slots.state, asked, self._remote.workers)
        return states | dict(zip(asked, answers, strict=True))

    def _settled(self, group: _Group, states: dict[UID, State]) -> bool | None:
        """Settle a group without writing to the remote, where that can be; else None."""
        draft = group.draft
        now = [states[record.uid] for record in draft.records]
        if any(isinstance(state, (Free, Pending)) for state in now):
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
            self._mirror.include([s for s in now if isinstance(s, Taken)])
            self._mirror.adopt(draft.sources, [s for s in now if isinstance(s, Taken)])
            self._done(group)
        return True

    def _blocked(self, group: _Group, now: Sequence[State]) -> bool | None:
        """In a dry run, say so if a part of the group is in conflict; nothing else would."""
        error = self._unequal(group, now) if self._report.dry_run else None
        if error is None:
            return None
        self._conflict(group, error)
        return False

    def _unequal(self, group: _Group, now: Sequence[State]) -> UIDConflictError | None:
        """Return why what stands is not what the group would put there, None if it is."""
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
        stand = {uid for uid, state in states.items() if isinstance(state, Taken)}
        return deleted if all(r.uid in deleted | stand for r in draft.records) else set()

    def _settle_rest(
        self, group: _Group, states: dict[UID, State], deleted: set[UID]
    ) -> bool | None:
        """Drop what was deleted, never to bring it back; settle what still stands."""
        self._forget(group, deleted)
        draft = group.draft
        rest = [record for record in draft.records if record.uid not in deleted]
        if not rest:
            return True
        part = Draft(rest, draft.objects, draft.key, draft.sources)
        return self._settled(_Group(part, group.kept), states)

    def _was_deleted(self, record: FileRecord, state: State) -> bool:
        """Say whether the remote held this file once; maybe in another slot, so under new ids."""
        if state.number == 0:
            return False
        return any(
            isinstance(content, Tombstone)
            and not content.aborted
            and _is_same_file(record, content.inner())
            for _, content in self._remote.slots.walk(record.uid)
        )

    def _forget(self, group: _Group, uids: set[UID]) -> None:
        for uid in sorted(uids):
            if not self._report.dry_run:
                self._mirror.cache(uid, self._remote.slots.walk(uid))
            self._report.dropped.append(uid)
        self._done(group)

    def _follow(self, group: _Group, one: Taken) -> None:
        """Remember under which record a file stands now, for what was made from it."""
        for record in group.draft.records:
            if record.uid == one.uid and record.raw != one.record.raw:
                self._rewritten[record.record_digest] = one.record.record_digest

    def _rewrite(self, draft: Draft) -> Draft:
        """Return the draft with the records of its inputs as they stand in the remote."""
        if not self._rewritten:
            return draft
        first = draft.records[0]
        if first.call_object is None:
            records = [with_inputs(record, self._rewritten) for record in draft.records]
            return Draft(records, draft.objects, draft.key, draft.sources)
        old = self._mirror.here.read_object(first.call_object)
        new = call_with_inputs(old, self._rewritten)
        if new == old:
            return draft
        staged = self._mirror.store.stage_bytes(new)
        self._mirror.store.admit([staged])
        objects = [item for item in draft.objects if item[0] != first.call_object]
        records = [with_call_object(record, staged.digest) for record in draft.records]
        return Draft(records, [*objects, (staged.digest, staged.size)], draft.key, draft.sources)

    def _with_bytes(self, groups: Sequence[_Group]) -> list[_Group]:
        """Return the groups whose bytes are on this machine, to be sent."""
        found = []
        for group in groups:
            has = self._mirror.store.has
            if all(has(digest, size) for digest, size in group.draft.objects):
                found.append(group)
            else:
                self._conflict(group, CorruptObjectError("its bytes are not on this machine"))
        return found

    def _with_sources(self, groups: Sequence[_Group]) -> list[_Group]:
        """Return the groups whose inputs still are what they were made from.

        Inputs that were published before under another record, by a sync that did not come to
        its end, are noted for `_rewrite`.
        """
        done = {*self._report.published, *self._report.adopted}
        inputs = [self._inputs(group, done) for group in groups]
        uids = sorted({one.uid for needed in inputs for one in needed})
        slots = self._remote.slots
        chains = gather(lambda uid: list(slots.walk(uid)), uids, self._remote.workers)
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

    def _inputs(self, group: _Group, done: set[str]) -> list[CallInput]:
        """Return what a group was made from, but for what was published just now."""
        call = self._mirror.here.call_of(group.draft.records[0])
        if call is None:
            return []
        return [one for one in (*call.inputs, *call.reads) if one.uid not in done]

    def _changed(self, one: CallInput, chain: Chain) -> UIDConflictError | None:
        """Return why what was made from a file cannot be published, None if it can."""
        state = self._remote.slots.judge(one.uid, *chain[-1])
        if not isinstance(state, Taken):
            return UIDConflictError(f"was made from {one.uid}, which was deleted")
        if not isinstance(state.record, FileRecord) or state.record.digest != one.digest:
            return UIDConflictError(f"was made from {one.uid}, which holds other bytes now")
        stood = [
            (content.inner() if isinstance(content, Tombstone) else content).record_digest
            for _, content in chain
            if content is not None
        ]
        if one.record not in stood:
            self._rewritten[one.record] = state.record.record_digest
        return None

    def _is_stuck(self, group: _Group) -> bool:
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

    def _conflict(self, group: _Group, error: RadopsError) -> None:
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

    def _done(self, group: _Group) -> None:
        if group.kept is not None and not self._report.dry_run:
            self._pending.drop(group.kept)


def _is_same_file(record: FileRecord, other: FileRecord) -> bool:
    """Say whether two records are of one act of making: ids and inputs may have been rewritten."""
    return (record.digest, record.created_at, record.originator) == (
        other.digest,
        other.created_at,
        other.originator,
    )
