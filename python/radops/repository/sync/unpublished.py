"""What a sync has to do: files that only this home has, and files that were deleted elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptDataError, LocalStorageError
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID, slot_key
from radops.repository.refs.draft import Draft
from radops.repository.refs.slots import Taken
from radops.repository.sync.compare import compare
from radops.repository.sync.report import Group, Problem, SyncReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from radops.repository.refs.pending import PendingResults
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.remote_cache import Chain
    from radops.repository.working_lake import WorkingLake

# Deleted files that are read and dropped together.
_BATCH = 2048


def find_unpublished(
    lake: WorkingLake,
    remote: Remote,
    pending: PendingResults,
    uids: Iterable[UID] | None,
    report: SyncReport,
) -> tuple[list[Group], set[UID]]:
    """Return what is to be published, and drop what was deleted in the remote.

    Args:
        lake: The lake.
        remote: Its remote repository.
        pending: Results that could not be published before.
        uids: Only these, and what they were made from; None: everything.
        report: Where files that were dropped, and those that cannot be published, are noted.

    Returns:
        The commits, and names of which the remote has no slot at all.
    """
    wanted = None if uids is None else set(uids)
    free: set[UID] = set()
    if wanted is None:
        unpublished, gone, free = compare(lake, remote, uncover=not report.dry_run)
        _drop(lake, remote, gone, report)
    else:
        unpublished = _made_from(lake, wanted)
    kept = list(pending.readable())
    # What was deleted there after it was added here again is published only if it is named.
    held_back = {uid for one in kept if one.is_again for uid in one.uids}
    unpublished = [one for one in unpublished if one.uid not in held_back]
    unpublished = _really_unpublished(lake, remote, unpublished, free)
    groups = [group for files in _by_commit(unpublished) for group in _groups(lake, files, report)]
    groups += [
        Group(one.draft, one, is_named=wanted is not None)
        for one in kept
        if wanted is None or any(uid in wanted for uid in one.uids)
    ]
    return groups, free


def _made_from(lake: WorkingLake, wanted: set[UID]) -> list[Taken]:
    """Return the files of these names that are not published, with all inputs."""
    found: dict[UID, Taken] = {}
    todo = list(wanted)
    while todo:
        state = lake.local_state(todo.pop())
        if (
            isinstance(state, Taken)
            and isinstance(state.record, FileRecord)
            and state.uid not in found
            and not lake.is_confirmed(state)
        ):
            found[state.uid] = state
            todo += sources_of(lake, state.record)
            todo += [uid for uid in siblings_of(lake, state.record) if uid not in found]
    return list(found.values())


def sources_of(lake: WorkingLake, record: FileRecord) -> list[UID]:
    """Return the UIDs of the lake files that a file was made from."""
    call = lake.local.call_of(record)
    return [] if call is None else sorted({one.uid for one in (*call.inputs, *call.reads)})


def siblings_of(lake: WorkingLake, record: FileRecord) -> list[UID]:
    """Return the UIDs of all files that the call made."""
    call = lake.local.call_of(record)
    return [] if call is None else [output.uid for output in call.outputs]


def _really_unpublished(
    lake: WorkingLake, remote: Remote, files: Sequence[Taken], free: AbstractSet[UID]
) -> list[Taken]:
    """Return the files that the remote does not hold: the catalogue may just have been lost.

    UIDs in `free` have no remote slot, so no request is made for them.
    """

    def exists(one: Taken) -> bool:
        if one.uid in free:
            return False
        raw = remote.slots.read_raw(slot_key(one.uid, one.number))
        return (
            raw == one.record.raw
            and isinstance(one.record, FileRecord)
            and remote.slots.is_committed(one.record, one.number)
        )

    asked = {one.uid: one.number for one in files if one.uid not in free}
    with remote.slots.read_ahead(asked, asked):
        answers = [exists(one) for one in files]
    found = [one for one, known in zip(files, answers, strict=True) if known]
    lake.make_durable(found)  # the process that wrote them may have been killed before its flush
    lake.confirm(found)
    return [one for one, known in zip(files, answers, strict=True) if not known]


def _drop(lake: WorkingLake, remote: Remote, gone: Sequence[Taken], report: SyncReport) -> None:
    """Drop those of many files that the remote confirmed once, and of which it has tombstones."""
    for start in range(0, len(gone), _BATCH):
        some = gone[start : start + _BATCH]
        with remote.slots.read_ahead(
            [one.uid for one in some], {one.uid: one.number for one in some}
        ):
            there = [remote.slots.read(one.uid, one.number) for one in some]
        chains: list[tuple[UID, Chain]] = [
            (one.uid, [(one.number, content)])
            for one, content in zip(some, there, strict=True)
            # The tombstone of an aborted commit is no deletion.
            if isinstance(content, Tombstone)
            and not content.aborted
            and content.record == one.record.raw
        ]
        if not report.dry_run:
            lake.cache_all(chains)
        report.dropped += [uid for uid, _ in chains]


def _by_commit(files: Iterable[Taken]) -> Iterable[list[Taken]]:
    groups: dict[bytes, list[Taken]] = {}
    for one in files:
        if isinstance(one.record, FileRecord):
            groups.setdefault(one.record.commit.id, []).append(one)
    return groups.values()


def _groups(lake: WorkingLake, files: Sequence[Taken], report: SyncReport) -> list[Group]:
    """Return how the files of one commit are to be published.

    As one commit again, if all of its outputs exist; each by itself, if some were deleted.
    """
    try:
        group = _group(lake, files)
        call = lake.local.call_of(group.draft.records[0])
    except (CorruptDataError, LocalStorageError) as error:
        # Its bytes are missing or wrong; everything else can be published.
        report.conflicts += [
            Problem(one.uid, error.message, "radops datalake verify says more") for one in files
        ]
        return []
    if call is None or len(group.draft.records) == len(call.outputs):
        return [group]
    return [Group(group.draft.alone(record.uid)) for record in group.draft.records]


def _group(lake: WorkingLake, files: Sequence[Taken]) -> Group:
    records = [one.record for one in files if isinstance(one.record, FileRecord)]
    records.sort(key=lambda record: record.uid)
    call = lake.local.call_of(records[0])
    objects = lake.local.objects_of(records)
    sources = sources_of(lake, records[0])
    return Group(Draft(records, objects, None if call is None else call.key, sources))
