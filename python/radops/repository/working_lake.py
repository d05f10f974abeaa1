"""A lake on one machine, to read and to write: names are resolved, and commits made and cached."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

from msgspec import UNSET

from radops import native
from radops.backends.base import clock
from radops.errors import (
    CorruptObjectError,
    LocalStorageError,
    RadopsError,
    RemoteUnavailableError,
    UIDConflictError,
    UIDNotFoundError,
)
from radops.format.edge import Edge
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID, slot_key
from radops.repository import layout
from radops.repository.publish import PROMPT_SECONDS, publish
from radops.repository.refs.bury import bury
from radops.repository.refs.commit import commit
from radops.repository.refs.remote_cache import is_same_file
from radops.repository.refs.slots import Free, Taken
from radops.repository.resolver import Resolver
from radops.repository.trees.tree import Tree
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from radops.format.call import CallInput
    from radops.repository.progress import Count
    from radops.repository.refs.commit import Outcome
    from radops.repository.refs.draft import Draft
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.remote_cache import Chain
    from radops.repository.refs.slots import State


# Slots that are hashed by one call: few enough to keep their names in memory.
_HASHED_AT_ONCE = 4096


class WorkingLake(Resolver):
    """A lake on one machine: a local repository, and usually a remote one that it publishes to."""

    def write_states(self, uids: Sequence[UID]) -> dict[UID, State]:
        """Return what UIDs are before they are written, querying the remote about each."""
        if self.remote is None:
            unused = self.local.slots.unused(uids) if self.is_local_only else ()
            return {uid: Free(uid, 0) if uid in unused else self.state(uid) for uid in uids}
        return self.states(uids, refresh=True)

    def unconfirmed(self) -> list[Taken]:
        """Return the files of which the remote is not known to hold the record, sorted by UID.

        Only these are read; all others cost a line of a listing.
        """
        confirmed = self.confirmed_slots()
        doubtful = {
            UID(one.uid)
            for one in self.local.slots.list()
            if one.is_slot
            and not one.is_folder_record
            and self.local_key(slot_key(UID(one.uid), one.number)) not in confirmed
        }
        states = [self.local.slots.state(uid) for uid in sorted(doubtful)]
        return [s for s in states if isinstance(s, Taken) and not self.is_confirmed(s)]

    def doubtful(self) -> Iterator[tuple[UID, int]]:
        """Yield the slots of this home whose content the remote is not known to hold.

        Exact: what is in each slot is hashed, and compared with what the remote has confirmed.
        """
        identity = None if self.remote is None else self.remote.identity
        confirmed = self.store.catalog.confirmed_records(self.local.prefix, identity)
        root = self.store.backend.root
        slots = (one for one in self.local.slots.list() if one.is_slot)
        while some := list(itertools.islice(slots, _HASHED_AT_ONCE)):
            names = [self.local_key(slot_key(UID(one.uid), one.number)) for one in some]
            hashes = native.hash_files([f"{root}/{name}" for name in names], threads=threads())
            for one, name, found in zip(some, names, hashes, strict=True):
                digest = found.digest if isinstance(found, native.FileHash) else None
                if digest is None or digest not in confirmed.get(name, ()):
                    yield UID(one.uid), one.number

    def make(
        self,
        drafts: Sequence[Draft],
        states: Mapping[UID, State],
        count: Count,
    ) -> tuple[list[Outcome | RadopsError], int]:
        """Commit drafts whose objects are in the local store; with a remote, publish them.

        Args:
            drafts: What to commit. The remote holds the files they were made from.
            states: What `write_states` returned for their UIDs.
            count: Called with bytes and files as they are sent.

        Returns:
            An outcome or error per draft, and the bytes that were sent.

        Raises:
            RemoteUnavailableError: The connection was lost; some of the drafts may be committed.
        """
        if self.remote is None:
            results = self._commit_here(drafts, states)
            for draft in drafts:
                count(sum(size for _, size in draft.objects), len(draft.records))
            return results, 0
        objects = [item for draft in drafts for item in draft.objects]
        states = self._remote_only(self.remote, states)
        results, sent = publish(self.store, self.remote, drafts, objects, states, count)
        self._withdraw(
            self.remote,
            [
                one
                for result in results
                if not isinstance(result, RadopsError)
                for one in result.taken
                if one.uid in result.created
            ],
        )
        self.adopt_all(
            (draft.sources, result.taken)
            for draft, result in zip(drafts, results, strict=True)
            if not isinstance(result, RadopsError)
        )
        return results, sent

    def _withdraw(self, remote: Remote, created: Sequence[Taken]) -> None:
        """Delete in the remote what was deleted in this home while it was being published.

        A delete looks in the remote after it has written its tombstone here, so what is deleted
        after this is found by that.
        """
        unused = self.local.slots.unused([one.uid for one in created])
        for one in created:
            if one.uid in unused or not isinstance(one.record, FileRecord):
                continue
            for _, content in self.local.slots.walk(one.uid):
                if isinstance(content, Tombstone) and is_same_file(one.record, content.inner()):
                    bury(remote, one.uid, one.number, one.record.raw)
                    break

    def _remote_only(self, remote: Remote, states: Mapping[UID, State]) -> dict[UID, State]:
        """Return what the names are in the remote, also where a file is on this machine only."""
        return {
            uid: remote.slots.state(uid)
            if isinstance(state, Taken) and not self.is_confirmed(state)
            else state
            for uid, state in states.items()
        }

    def _commit_here(
        self, drafts: Sequence[Draft], states: Mapping[UID, State]
    ) -> list[Outcome | RadopsError]:
        """Commit locally, as `publish` does remotely: objects exist when their slot is written."""
        self.hold(drafts)
        began = clock()
        folders = self._remote_folders(record.uid for draft in drafts for record in draft.records)
        blocked = [
            next((one.uid for one in draft.records if one.uid in folders), None) for draft in drafts
        ]
        rest = [draft for draft, uid in zip(drafts, blocked, strict=True) if uid is None]
        results = iter(commit(self.local, rest, states))
        done = [next(results) if uid is None else _is_folder(uid) for uid in blocked]
        # With a remote, others may just have removed what it has; see `radops.lake.leaving`.
        if not self.is_local_only or clock() - began > PROMPT_SECONDS:
            self.hold(rest)
        return done

    def _remote_folders(self, uids: Iterable[UID]) -> set[UID]:
        """Return the names that a remote, which is not in use, has as folders.

        What is cached of it here are files, without the records of the folders above them.
        """
        refs = self.local.prefix + layout.REFS
        if not self.store.catalog.has_confirmed(refs):
            return set()
        return {uid for uid in uids if self.store.catalog.has_confirmed(f"{refs}{uid}/")}

    def hold(self, drafts: Sequence[Draft]) -> None:
        """Check that all objects of the drafts exist; those in the trash are taken back.

        Raises:
            RemoteUnavailableError: One is not on this machine, and the remote is not in use.
            CorruptObjectError: One does not exist any more.
        """
        objects = [item for draft in drafts for item in draft.objects]
        self.store.backend.include([layout.object_key(digest) for digest, _ in objects])
        lost = self.store.lost(objects)
        for draft in drafts if lost else ():
            for digest, _ in draft.objects:
                if digest in lost and not self.is_local_only:
                    # The packs of an earlier version that is updated can be in the remote only.
                    raise RemoteUnavailableError(
                        f"{draft.records[0].uid} needs object {digest}, which is not on this"
                        " machine, and radops works offline",
                        uid=draft.records[0].uid,
                        hint="leave out --offline (RADOPS_OFFLINE), or download the earlier"
                        " version first",
                    )
                if digest in lost:
                    raise CorruptObjectError(
                        f"object {digest} was removed before {draft.records[0].uid} was committed",
                        uid=draft.records[0].uid,
                        hint="run it again",
                    )

    def adopt_all(self, made: Iterable[tuple[Sequence[UID], Sequence[Taken]]]) -> None:
        """Cache locally what the remote now holds: edges first, then slots.

        Args:
            made: The names that files were made from, and these files.
        """
        edges: list[tuple[str, bytes]] = []
        chains: list[tuple[UID, Chain]] = []
        for sources, taken in made:
            for one in taken:
                if sources:
                    edge = Edge(one.uid, one.record.record_digest).encode()
                    keys = [self.local.prefix + layout.edge_key(s, one.uid) for s in sources]
                    edges += [(key, edge) for key in keys]
                chain: Chain = [(one.number, one.record)]
                if one.number and self.remote is not None:
                    # The remote's tombstones replace what was made here in an earlier slot.
                    chain = list(self.remote.slots.walk(one.uid))
                chains.append((one.uid, chain))
        with contextlib.suppress(LocalStorageError):
            self.local.put(edges)
        self.cache_all(chains)

    def holds_input(self, record: FileRecord, one: CallInput) -> bool:
        """Return whether a name still has what a call was given of it.

        Args:
            record: The record that the name has now.
            one: The input: the whole of it, or a file in a directory.
        """
        if one.inner is UNSET:
            return record.digest == one.digest
        if record.record_digest == one.record:
            return True
        if record.layout is None:
            return False
        tree = Tree(self.reader, self.store, record.digest, record.size, record.layout)
        entry = tree.find(one.inner)
        return entry is not None and entry.digest == one.digest

    def check_sources(self, inputs: Iterable[CallInput]) -> list[UID]:
        """Check the files that a result was made from, before it is published.

        Returns:
            Those that only this machine has, and that must be published first.

        Raises:
            UIDNotFoundError: One was deleted meanwhile, and the name may now hold other bytes.
        """
        named: dict[UID, list[CallInput]] = {}
        for one in inputs:
            named.setdefault(one.uid, []).append(one)
        unpublished = []
        for uid, state in self.write_states(sorted(named)).items():
            record = state.record if isinstance(state, Taken) else None
            if not isinstance(record, FileRecord) or not all(
                self.holds_input(record, one) for one in named[uid]
            ):
                raise UIDNotFoundError(
                    f"{uid} was deleted from the lake, so nothing made from it is published",
                    uid=uid,
                )
            if self.remote is None or not isinstance(state, Taken):
                continue
            if not self.is_confirmed(state):
                unpublished.append(uid)
        return unpublished


def _is_folder(uid: UID) -> UIDConflictError:
    hint = "choose a name that is not in use"
    return UIDConflictError(f"{uid} is a folder", uid=uid, hint=hint)
