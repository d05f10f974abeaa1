"""Deleting files from the lake, for everyone."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from radops.arguments import check_flags, check_names
from radops.errors import (
    HasDependentsError,
    RemoteUnavailableError,
    UIDNotFoundError,
    UsageError,
)
from radops.format import cbor
from radops.format.pattern import is_pattern
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID, gone_key, parse_uid, slot_key
from radops.lake.delete_files import delete_files, read_begun, view_key
from radops.lake.info import downstream, may_have_downstream
from radops.lake.name_search import not_found
from radops.lake.naming import candidates
from radops.lake.progress import stage, stage_if_slow
from radops.lake.reports import DeleteReport
from radops.repository.refs.slots import Free, Taken
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeGuard

    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.refs.pending import Kept
    from radops.repository.refs.slots import State
    from radops.repository.working_lake import WorkingLake

_LOG = logging.getLogger("radops")
_MOST_NAMED = 5

# Tombstones between two barriers. After a crash at most so many deleted files lack the key by which
# listings skip them; if up to `_FEW` are deleted, only one.
_BATCH = 1024
_FEW = 16

# If confirming the delete took longer than this, other files may have been made from the targets
# meanwhile, so they are looked up again.
_QUICK_SECONDS = 1.0


def delete(session: Session, name: str, *, cascade: bool, dry_run: bool) -> list[str]:
    """Delete a file; see `DataLake.delete`."""
    return delete_many(session, [name], cascade=cascade, dry_run=dry_run).deleted


def delete_many(
    session: Session,
    targets: Sequence[str],
    *,
    cascade: bool,
    dry_run: bool,
    progress: Progress | None = None,
    confirm: Callable[[DeleteReport], None] | None = None,
) -> DeleteReport:
    """Delete files; see `DataLake.delete_many`."""
    check_names(targets)
    check_flags(cascade=cascade, dry_run=dry_run)
    plan = _Plan(session, progress, dry_run=dry_run)
    plan.find(targets)
    plan.add_dependents(cascade=cascade)
    plan.refuse_offline()
    report = plan.report()
    began = time.monotonic()
    if confirm is not None:
        confirm(report)
    if dry_run:
        return report
    if time.monotonic() - began > _QUICK_SECONDS:
        plan.add_dependents(cascade=False)
    plan.run()
    return report


class _Plan:
    """What is to be deleted.

    Args:
        session: The lake.
        progress: Shows it; None for no display.
        dry_run: Change nothing.
    """

    def __init__(self, session: Session, progress: Progress | None, *, dry_run: bool) -> None:
        self._session = session
        self._dry_run = dry_run
        self._progress = progress
        self._states: dict[UID, Taken] = {}
        self._done: dict[UID, int] = {}
        """Names whose delete was cut short and has only to be finished; number of their slot."""
        self._begun: dict[str, dict[str, bytes]] | None = None
        self._unmarked: list[Free] = []
        """Deleted files that listings may still show."""
        self._waiting: list[Kept] = []
        self._dependents: dict[UID, list[UID]] = {}

    # -- what is meant -----------------------------------------------------------------------

    def find(self, targets: Iterable[str]) -> None:
        """Look up what targets mean: UIDs, folders ending in `/`, or patterns.

        Raises:
            UIDNotFoundError: A target means no file.
            UsageError: One is empty.
        """
        named: dict[UID, None] = {}
        listed: dict[UID, None] = {}
        for target in targets:
            if not target:
                # Most likely a variable that was not set. Elsewhere it means everything.
                raise UsageError(
                    "nothing is deleted: one of the names is empty",
                    hint="everything in the lake is '**'",
                )
            if is_pattern(target) or target.endswith("/"):
                found = candidates(self._session.lake, target)
                if not found:
                    raise UIDNotFoundError(f"no file or directory matches {target}", uid=target)
                listed |= dict.fromkeys(sorted(found))
            else:
                named[parse_uid(target)] = None
        states = self._look_up([*named, *(uid for uid in listed if uid not in named)])
        absent: list[State] = []
        for uid, state in states.items():
            if _is_file(state) and not self._is_out_of_reach(state):
                self._states[uid] = state
            else:
                absent.append(state)
        waiting = self._waiting_by_name() if absent else {}
        for state in absent:
            # Offline, only what is not in the remote can be meant.
            kept = [one for one in waiting.get(state.uid, ()) if one not in self._waiting]
            self._waiting += kept
            if not kept and not self._is_deleted(state) and state.uid in named:
                raise not_found(self._session.lake, state.uid)

    def _is_deleted(self, state: State) -> bool:
        """Return whether only the end of a delete is missing; otherwise there is no such file."""
        if _is_file(state):
            self._states[state.uid] = state  # refused later, with the reason
            return True
        if isinstance(state, Free) and state.number:
            self._unmarked.append(state)
            if self._was_begun(state):
                self._done[state.uid] = state.number - 1
                return True
            if not self._dry_run:
                self._mark()
        return False

    def _look_up(self, uids: Sequence[UID]) -> dict[UID, State]:
        lake = self._session.lake
        states: dict[UID, State] = {}
        with stage_if_slow(self._progress, "looking up names", len(uids)) as count:
            for start in range(0, len(uids), _BATCH):
                states.update(lake.write_states(uids[start : start + _BATCH]))
                count(0, len(uids[start : start + _BATCH]))
        return states

    def _waiting_by_name(self) -> dict[UID, list[Kept]]:
        found: dict[UID, list[Kept]] = {}
        for kept in self._session.pending.readable():
            for uid in kept.uids:
                found.setdefault(uid, []).append(kept)
        return found

    # -- what was made from it ---------------------------------------------------------------

    def add_dependents(self, *, cascade: bool) -> None:
        """Look for files that were made from these; with `cascade` they are deleted too.

        Raises:
            HasDependentsError: Files that are not to be deleted were made from these.
        """
        lake = self._session.lake
        found: dict[UID, FileRecord] = {}
        todo: list[UID] = list(self._states)
        self._dependents = {}
        direct: list[UID] = []

        def look(uid: UID) -> list[FileRecord]:
            return downstream(lake, uid, refresh=True)

        workers = 1 if lake.remote is None else lake.remote.workers
        with stage_if_slow(self._progress, "looking for files made from these") as count:
            while todo:
                self._dependents.update((uid, []) for uid in todo)
                asked = may_have_downstream(lake, todo)
                count(0, len(todo) - len(asked))
                for index, made in each(look, asked, workers):
                    self._dependents[asked[index]] = [record.uid for record in made]
                    found.update((record.uid, record) for record in made)
                    count(0, 1)
                others = [uid for uid in found if uid not in self._dependents]
                direct = direct or others
                todo = others
        others = sorted(found.keys() - self._states.keys())
        if not others:
            return
        if not cascade:
            raise _has_dependents(list(self._states), sorted(direct), len(others))
        more = lake.write_states(others)
        for uid in others:
            state = more[uid]
            if isinstance(state, Taken) and isinstance(state.record, FileRecord):
                self._states[uid] = state

    def _levels(self) -> list[list[UID]]:
        """Return the files in the order of their deletion: each after those made from it."""
        level: dict[UID, int] = {}
        stack = [(uid, False) for uid in reversed(self._states)]
        while stack:
            uid, expanded = stack.pop()
            made = [one for one in self._dependents.get(uid, ()) if one in self._states]
            if expanded:
                level[uid] = 1 + max((level.get(one, 0) for one in made), default=-1)
            elif uid not in level:
                level[uid] = 0  # of a circle, which only a forged record can make
                stack.append((uid, True))
                stack += [(one, False) for one in made if one not in level]
        levels: list[list[UID]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
        for uid, number in level.items():
            levels[number].append(uid)
        return levels

    # -- deleting ----------------------------------------------------------------------------

    def report(self) -> DeleteReport:
        """Return what is deleted, each file after those made from it, and how large it is."""
        records = [record for kept in self._waiting for record in kept.draft.records]
        waiting = {record.uid: record.content_size for record in records}
        uids = [uid for level in self._levels() for uid in level]
        going = [
            record for uid in uids if isinstance(record := self._states[uid].record, FileRecord)
        ]
        sizes = [record.content_size for record in going]
        directories = sum(record.type == "directory" for record in (*records, *going))
        names = [*sorted(map(str, waiting)), *map(str, self._done), *map(str, uids)]
        total = sum(sizes) + sum(waiting.values())
        return DeleteReport(self._dry_run, names, total, directories)

    def refuse_offline(self) -> None:
        """Refuse to delete what is in a remote that is not to be asked."""
        for state in self._states.values():
            if self._is_out_of_reach(state):
                raise RemoteUnavailableError(
                    f"{state.uid} is in the remote, so it cannot be deleted offline",
                    uid=state.uid,
                )

    def run(self) -> None:
        """Delete everything."""
        session = self._session
        self._mark()
        for kept in self._waiting:
            session.pending.drop(kept)
        self._finish_begun()
        if not self._states:
            return
        lake = session.prepare_write()
        size = 1 if len(self._states) <= _FEW else _BATCH
        with stage(self._progress, "deleting", None, len(self._states)) as count:
            for level in self._levels():
                for start in range(0, len(level), size):
                    some = level[start : start + size]
                    delete_files(lake, [self._states[uid] for uid in some])
                    count(0, len(some))
        deleted = self._states.keys()
        for kept in session.pending.readable():
            if kept.is_again and deleted & set(kept.uids):
                session.pending.drop(kept)
        self._warn_of_races(lake)

    def _warn_of_races(self, lake: WorkingLake) -> None:
        """Report what a creator made from a deleted file at the same time.

        Its lineage is whole: its input has a tombstone.
        """

        def look(uid: UID) -> list[FileRecord]:
            return downstream(lake, uid, refresh=True)

        uids = may_have_downstream(lake, list(self._states))
        workers = 1 if lake.remote is None else lake.remote.workers
        for index, made in each(look, uids, workers):
            if made:
                names = ", ".join(record.uid for record in made)
                message = "%s was deleted while other files were made from it: %s"
                _LOG.warning(message, uids[index], names)

    # -- a delete that was cut short ---------------------------------------------------------

    def _was_begun(self, state: Free) -> bool:
        """Return whether this machine began the delete of what is deleted now."""
        lake = self._session.lake
        if lake.remote is None:
            return False
        if self._begun is None:
            self._begun = dict(read_begun(lake.local))
        slot = slot_key(state.uid, state.number - 1)
        begun = {noted[slot] for noted in self._begun.values() if slot in noted}
        if not begun:
            return False
        content = lake.remote.slots.read(state.uid, state.number - 1)
        return isinstance(content, Tombstone) and content.inner().record_digest.raw in begun

    def _finish_begun(self) -> None:
        here = self._session.lake.local
        for uid in self._done:
            self._session.store.remove_view(view_key(self._session.lake, uid))
        done = {slot_key(uid, number) for uid, number in self._done.items()}
        for key, noted in (self._begun or {}).items():
            rest = {slot: digest for slot, digest in noted.items() if slot not in done}
            if not rest:
                here.backend.delete([key])
            elif len(rest) < len(noted):
                here.put([(key, cbor.encode(rest))])

    def _mark(self) -> None:
        """Write the keys by which listings skip deleted files, where they are missing."""
        lake = self._session.lake
        repository = lake.local if lake.remote is None else lake.remote
        missing: dict[UID, str] = {}
        for state in self._unmarked if repository.marks_tombstones else ():
            key = slot_key(state.uid, state.number - 1)
            if repository.backend.stat(repository.prefix + gone_key(key)) is None:
                missing[state.uid] = key
        self._unmarked = []
        if missing:
            self._session.prepare_write()
            repository.include((), list(missing))
            repository.backend.flush()
            repository.mark_tombstones(list(missing.values()))
            repository.backend.flush()

    def _is_out_of_reach(self, state: Taken) -> bool:
        """Return whether a file is in a remote that is not to be asked."""
        lake = self._session.lake
        return (
            lake.remote is None
            and self._session.settings.remote is not None
            and lake.is_confirmed(state)
        )


def _has_dependents(uids: Sequence[UID], direct: Sequence[UID], others: int) -> HasDependentsError:
    named = ", ".join(direct[:_MOST_NAMED]) + (", ..." if len(direct) > _MOST_NAMED else "")
    if len(uids) == 1:
        what = f"{uids[0]} is not deleted: {len(direct)} other file(s) were made from it: {named}"
    else:
        what = f"nothing is deleted: {len(direct)} other file(s) were made from these: {named}"
    error = HasDependentsError(
        what,
        uid=uids[0],
        hint=f"--cascade deletes them too: {len(uids) + others} files in all, --dry-run lists them",
    )
    error.dependents = tuple(direct)
    return error


def _is_file(state: State) -> TypeGuard[Taken]:
    return isinstance(state, Taken) and isinstance(state.record, FileRecord)
