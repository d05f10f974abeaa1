"""A lake as one machine sees it: a local repository, and usually a remote one behind it.

Without a remote the local repository is the lake. With one, the remote is: local slots are a
cache of it, good for ever as neither record nor tombstone changes, and beside them stand the
files that were made while working apart, which `sync` publishes. The catalogue knows which
local slots the remote has confirmed; where it has forgotten, the remote is asked again.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from radops.backends.clock import clock
from radops.errors import (
    CorruptObjectError,
    CorruptRecordError,
    LocalStorageError,
    NewerFormatError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDNotFoundError,
)
from radops.model.edge import Edge
from radops.model.record import FileRecord, FolderRecord, Tombstone, folder_size
from radops.model.uid import UID, gone_key, slot_key
from radops.repository import layout
from radops.repository.commit import commit
from radops.repository.download import fetch
from radops.repository.publish import GRACE_SECONDS, publish
from radops.repository.slots import Free, Pending, Taken
from radops.repository.transfer import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from radops.model.call import CallInput
    from radops.model.digest import Digest
    from radops.repository.commit import Outcome
    from radops.repository.draft import Draft
    from radops.repository.local import LocalStore
    from radops.repository.remote import Remote
    from radops.repository.repository import Repository
    from radops.repository.slots import SlotContent, State

    Note = Callable[[UID, "Chain"], None]
    """What is done with what the remote holds under a name."""

_LOG = logging.getLogger("radops")

TTL_SECONDS = 3600.0
"""How long a name is taken for what it was: only a delete can have changed it since."""

# After a remote did not answer, local files are taken for what they were for so long.
_QUIET_SECONDS = 60.0

# Names whose freshness is known without asking the catalogue.
_MOST_FRESH = 16_384

# Records of one barrier: few enough to keep them in memory.
_ASKED_AT_ONCE = 4096

Chain = list[tuple[int, "SlotContent | None"]]


class Mirror:
    """A local repository in front of a remote one, or alone.

    Args:
        store: The objects of the home.
        here: The local repository of the lake.
        remote: The remote one; None to work locally.
        apart: Whether there is a remote that is not to be asked.
    """

    def __init__(
        self, store: LocalStore, here: Repository, remote: Remote | None, *, apart: bool = False
    ) -> None:
        self.store = store
        self.here = here
        self.remote = remote
        self.apart = apart
        self._quiet_until = 0.0
        self._fresh: dict[str, tuple[Digest | None, float]] = {}

    @property
    def alone(self) -> bool:
        """Whether there is no remote at all, so that what is not here is nowhere."""
        return self.remote is None and not self.apart

    # -- what a name is ----------------------------------------------------------------------

    def state(self, uid: UID, *, ask: bool = False) -> State:
        """Return what a UID is: from local slots where they know, else from the remote.

        Args:
            uid: The name.
            ask: Ask the remote in any case, as before a write.

        Raises:
            RemoteUnavailableError: The remote had to be asked and cannot be reached.
        """
        return self._state(uid, ask, self.cache)

    def _state(self, uid: UID, ask: bool, note: Note) -> State:
        try:
            chain: Chain = list(self.here.slots.walk(uid))
        except CorruptRecordError as error:
            if self.remote is None:
                raise
            # Only a cache of what the remote knows for sure.
            _LOG.warning("%s; asking the remote instead", error)
            state = self._ask(self.remote, uid, [(0, None)], Free(uid, 0), note)
            if not isinstance(state, Taken):
                raise
            return state
        local = self._judge(uid, chain)
        if self.remote is None:
            return local
        if isinstance(local, Taken) and not ask and self._is_fresh(self.remote, local):
            return local
        try:
            return self._ask(self.remote, uid, chain, local, note)
        except (RemoteUnavailableError, RemoteRefusedError) as error:
            if ask or not isinstance(local, Taken) or isinstance(error, NewerFormatError):
                raise
            # It is here and was right when last asked. Whoever reads many files need not wait
            # for the same silence at each of them.
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            return local

    def find(self, uid: UID, *, ask: bool = False) -> FileRecord | None:
        """Return the record of a file, None if there is none of that name."""
        state = self.state(uid, ask=ask)
        if isinstance(state, Taken) and isinstance(state.record, FileRecord):
            return state.record
        return None

    def find_all(self, uids: Sequence[UID]) -> dict[UID, FileRecord]:
        """Return the records of those that are files, as `find` does for one.

        The remote is asked for many at once; what it says is noted here with one barrier for all.
        """
        found: dict[UID, FileRecord] = {}
        for start in range(0, len(uids), _ASKED_AT_ONCE):
            some = uids[start : start + _ASKED_AT_ONCE]
            chains: list[tuple[UID, Chain]] = []

            def ask(uid: UID, into: list[tuple[UID, Chain]] = chains) -> State:
                return self._state(uid, False, lambda *said: into.append(said))

            try:
                states = gather(ask, some, 1 if self.remote is None else self.remote.workers)
            finally:
                self._cache_all(chains)
            for uid, state in zip(some, states, strict=True):
                if isinstance(state, Taken) and isinstance(state.record, FileRecord):
                    found[uid] = state.record
        return found

    def local(self, uid: UID) -> State:
        """Return what a UID is by local slots alone."""
        return self._judge(uid, list(self.here.slots.walk(uid)))

    def _judge(self, uid: UID, chain: Chain) -> State:
        state = self.here.slots.judge(uid, *chain[-1])
        if isinstance(state, Pending) and self._asked(uid, state.number, state.record) is not None:
            # Only what had happened was noted; its primary slot need not have been asked for.
            return Taken(uid, state.number, state.record)
        return state

    def include(self, taken: Sequence[Taken]) -> None:
        """Make durable what was found to stand, and is about to be answered for."""
        if taken:
            repository = self.here if self.remote is None else self.remote
            repository.include(taken)
            repository.backend.flush()

    def is_confirmed(self, taken: Taken) -> bool:
        """Say whether the remote is known to hold this record in this slot.

        Without a remote: whether any remote was.
        """
        return self._asked(taken.uid, taken.number, taken.record) is not None

    def unconfirmed(self) -> list[Taken]:
        """Return the files of which the remote is not known to hold the record, sorted by UID.

        Only these are read; all others cost a line of a listing.
        """
        place = None if self.remote is None else self.remote.place
        confirmed = self.store.catalog.confirmed(self.here.prefix, place)
        doubtful = {
            UID(one.uid)
            for one in self.here.slots.list()
            if one.size not in (-1, folder_size(UID(one.uid)))
            and not one.gone
            and self._slot_name(UID(one.uid), one.number) not in confirmed
        }
        states = [self.here.slots.state(uid) for uid in sorted(doubtful)]
        return [s for s in states if isinstance(s, Taken) and not self.is_confirmed(s)]

    def is_published(self, taken: Taken) -> bool:
        """Say whether a file stands where the lake is: in the remote, if there is one."""
        return self.remote is None or self.is_confirmed(taken)

    def confirm(self, taken: Iterable[Taken]) -> None:
        """Note that the remote was found to hold these records."""
        if self.remote is not None:
            self.store.catalog.confirm(
                [(self._slot_name(t.uid, t.number), t.record.record_digest) for t in taken],
                self.remote.place,
            )

    def _asked(self, uid: UID, number: int, content: SlotContent) -> float | None:
        place = None if self.remote is None else self.remote.place
        return self.store.catalog.asked(self._slot_name(uid, number), content.record_digest, place)

    def _slot_name(self, uid: UID, number: int) -> str:
        return self.here.prefix + slot_key(uid, number)

    def _is_fresh(self, remote: Remote, local: Taken) -> bool:
        if time.monotonic() < self._quiet_until:
            return True
        if isinstance(local.record, FolderRecord):
            return self.is_confirmed(local)  # then it is one for good
        name = self._slot_name(local.uid, local.number)
        digest, until = self._fresh.get(name, (None, 0.0))
        if digest == local.record.record_digest and time.time() < until:
            return True
        asked = self.store.catalog.heard(name, local.record.record_digest, remote.place)
        if asked is None:
            # Made here while working apart, or the catalogue was lost: the remote knows.
            return False
        if len(self._fresh) >= _MOST_FRESH:
            self._fresh.clear()
        self._fresh[name] = local.record.record_digest, asked + TTL_SECONDS
        return time.time() - asked < TTL_SECONDS

    def _ask(self, remote: Remote, uid: UID, chain: Chain, local: State, note: Note) -> State:
        start = 0
        for number, content in chain:
            if not isinstance(content, Tombstone) or self._asked(uid, number, content) is None:
                break
            start = number + 1
        found: Chain = list(remote.slots.walk(uid, start))
        there = remote.slots.judge(uid, *found[-1])
        if isinstance(local, Taken) and self._outlives(local, found):
            if isinstance(local.record, FolderRecord) and isinstance(there, Taken):
                # A folder made here while working apart hides no file of the remote. Its slot
                # stays, as it says of the files below it what they need.
                self.confirm([there])
                return there
            name = self._slot_name(uid, local.number)
            self.store.catalog.deny([(name, local.record.record_digest)], remote.place)
            return local
        if isinstance(there, Pending):
            # Made here, and publishing it was cut short: until that is finished it stands here.
            mine = isinstance(local, Taken) and local.record.raw == there.record.raw
            return local if mine else there
        note(uid, found)
        return there

    def _outlives(self, local: Taken, found: Chain) -> bool:
        """Say whether a local file stands beside what the remote says of its name.

        It does if the remote never heard of it (made while working apart, or the remote was set
        back to an older state), or knows another file there. It does not if the remote holds
        the very record, or its tombstone.
        """
        for _, content in found:
            if isinstance(content, Tombstone):
                if content.record == local.record.raw and not content.aborted:
                    return False
            elif content is not None and content.raw == local.record.raw:
                return False
        return True

    def cache(self, uid: UID, chain: Iterable[tuple[int, SlotContent | None]]) -> None:
        """Note locally what the remote holds in the slots of a UID.

        Local slots behind the last of them are dropped: they hold what was made here under a
        slot that the remote has given to something else or not at all.
        """
        self._cache_all([(uid, list(chain))])

    def _cache_all(self, chains: Iterable[tuple[UID, Chain]]) -> None:
        """Note what the remote holds under many names: one barrier, one transaction for all."""
        known: list[tuple[UID, int, SlotContent]] = []
        behind: list[tuple[UID, int]] = []
        for uid, chain in chains:
            found = [(uid, number, content) for number, content in chain if content is not None]
            if found and self._is_intent(found[-1][1], found[-1][2]):
                found.pop()
            if found:
                known += found
                behind.append((uid, found[-1][1] + 1))
        if not known:
            return
        with contextlib.suppress(LocalStorageError):  # a cache: a full disk does not stop a read
            self.here.slots.replace([(uid, number, one.raw) for uid, number, one in known])
            dead = [self._gone_key(u, n) for u, n, one in known if isinstance(one, Tombstone)]
            live = [self._gone_key(u, n) for u, n, one in known if not isinstance(one, Tombstone)]
            self.here.backend.delete(live)
            if dead:
                # Durable before anything is said to be deleted: a file would come back here.
                self.here.backend.flush()
                self.here.put([(key, b"") for key in dead])
            for uid, number in behind:
                last = number
                while self.here.slots.read_raw(slot_key(uid, last)) is not None:
                    self.here.backend.delete([self._slot_name(uid, last)])
                    last += 1
            if self.remote is not None:
                self.store.catalog.confirm(
                    [(self._slot_name(uid, n), one.record_digest) for uid, n, one in known],
                    self.remote.place,
                )

    def _gone_key(self, uid: UID, number: int) -> str:
        return self.here.prefix + gone_key(slot_key(uid, number))

    def _is_intent(self, number: int, content: SlotContent) -> bool:
        return (
            self.remote is not None
            and isinstance(content, FileRecord)
            and not self.remote.slots.is_committed(content, number)
        )

    # -- bytes -------------------------------------------------------------------------------

    def obtain(
        self, objects: Sequence[tuple[Digest, int]], count: Callable[[int, int], None]
    ) -> None:
        """Make objects stand here, proven; fetch those that do not.

        Raises:
            CorruptObjectError: Bytes are wrong, or missing and there is no remote to ask.
        """
        if self.remote is not None:
            fetch(self.store, self.remote.backend, objects, count)
            return
        for digest, size in objects:
            if self.store.proven(digest, size) is None:
                if self.apart:
                    raise RemoteUnavailableError(
                        f"object {digest} is not in local storage, and radops works offline",
                        hint="leave out --offline (RADOPS_OFFLINE) to fetch it",
                    )
                raise CorruptObjectError(
                    f"object {digest} is missing in local storage, and there is no remote"
                )
            count(size, 1)

    def path(self, digest: Digest, size: int) -> Path:
        """Return the path of an object, proven, fetching it if it is not here."""
        try:
            path = self.store.proven(digest, size)
        except CorruptObjectError:
            # Moved to quarantine: with a remote, good bytes take their place.
            if self.remote is None:
                raise
            path = None
        if path is None:
            self.obtain([(digest, size)], lambda _bytes, _files: None)
        return self.store.object_path(digest)

    # -- writing -----------------------------------------------------------------------------

    def write_states(self, uids: Sequence[UID]) -> dict[UID, State]:
        """Return what UIDs are, asked anew, before they are written."""
        if self.remote is None:
            unused = self.here.slots.unused(uids)
            return {uid: Free(uid, 0) if uid in unused else self.state(uid) for uid in uids}
        states = gather(lambda uid: self.state(uid, ask=True), uids, self.remote.workers)
        return dict(zip(uids, states, strict=True))

    def make(
        self,
        drafts: Sequence[Draft],
        states: Mapping[UID, State],
        count: Callable[[int, int], None],
    ) -> tuple[list[Outcome | RadopsError], int]:
        """Commit drafts whose objects are in the local store; with a remote, publish them.

        Args:
            drafts: What to commit. Their sources stand in the remote.
            states: What `write_states` said of their UIDs.
            count: Told bytes and files as they are sent.

        Returns:
            An outcome or error per draft, and the bytes that were sent.

        Raises:
            RemoteUnavailableError: The remote went away; some of the drafts may stand in it.
        """
        if self.remote is None:
            results = self._commit_here(drafts, states)
            for draft in drafts:
                count(sum(size for _, size in draft.objects), len(draft.records))
            return results, 0
        objects = [item for draft in drafts for item in draft.objects]
        states = self._remote_only(self.remote, states)
        results, sent = publish(self.store, self.remote, drafts, objects, states, count)
        self._adopt_all(
            (draft.sources, result.taken)
            for draft, result in zip(drafts, results, strict=True)
            if not isinstance(result, RadopsError)
        )
        return results, sent

    def _remote_only(self, remote: Remote, states: Mapping[UID, State]) -> dict[UID, State]:
        """Return what the names are in the remote: a file that stands only here is not there."""
        return {
            uid: remote.slots.state(uid)
            if isinstance(state, Taken) and not self.is_confirmed(state)
            else state
            for uid, state in states.items()
        }

    def _commit_here(
        self, drafts: Sequence[Draft], states: Mapping[UID, State]
    ) -> list[Outcome | RadopsError]:
        """Commit locally, as `publish` does remotely: objects stand when their slot is written."""
        self._hold(drafts)
        began = clock()
        results = commit(self.here, drafts, states)
        if clock() - began > GRACE_SECONDS / 2:
            self._hold(drafts)
        return results

    def _hold(self, drafts: Sequence[Draft]) -> None:
        """Make sure that what drafts keep is here; a collector may have taken it for garbage."""
        objects = [item for draft in drafts for item in draft.objects]
        self.store.backend.include([layout.object_key(digest) for digest, _ in objects])
        lost = self.store.lost(objects)
        for draft in drafts if lost else ():
            for digest, _ in draft.objects:
                if digest in lost:
                    raise CorruptObjectError(
                        f"object {digest} went away before {draft.records[0].uid} was committed",
                        uid=draft.records[0].uid,
                        hint="run it again",
                    )

    def adopt(self, sources: Sequence[UID], taken: Sequence[Taken]) -> None:
        """Note locally what now stands in the remote: edges first, then slots."""
        self._adopt_all([(sources, taken)])

    def _adopt_all(self, made: Iterable[tuple[Sequence[UID], Sequence[Taken]]]) -> None:
        edges: list[tuple[str, bytes]] = []
        chains: list[tuple[UID, Chain]] = []
        for sources, taken in made:
            for one in taken:
                edge = Edge(one.uid, one.record.record_digest).encode()
                edges += [(self.here.prefix + layout.edge_key(s, one.uid), edge) for s in sources]
                chain: Chain = [(one.number, one.record)]
                if one.number and self.remote is not None:
                    # What was made here under an earlier slot gives way to the remote's
                    # tombstones.
                    chain = list(self.remote.slots.walk(one.uid))
                chains.append((one.uid, chain))
        with contextlib.suppress(LocalStorageError):
            self.here.put(edges)
        self._cache_all(chains)

    def check_sources(self, inputs: Iterable[CallInput]) -> list[UID]:
        """Look at the files that something was made from, before it is published.

        Returns:
            Those that stand here only and so must be published first.

        Raises:
            UIDNotFoundError: One was deleted meanwhile, and other bytes may have its name.
        """
        digests = {one.uid: one.digest for one in inputs}
        unpublished = []
        for uid, state in self.write_states(sorted(digests)).items():
            record = state.record if isinstance(state, Taken) else None
            if not isinstance(record, FileRecord) or record.digest != digests[uid]:
                raise UIDNotFoundError(
                    f"{uid} was deleted from the lake, so nothing made from it is published",
                    uid=uid,
                )
            if self.remote is None or not isinstance(state, Taken):
                continue
            if not self.is_confirmed(state):
                unpublished.append(uid)
        return unpublished
