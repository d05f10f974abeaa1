"""What each name of a lake is, as one machine sees it: local slots first, then the remote.

Without a remote the local repository is the lake. With one, the remote is the lake: local slots are
a cache of it, which never expires, as neither a record nor a tombstone changes. Beside them are the
files that were made offline, which `sync` publishes. The catalogue records which local slots the
remote has confirmed; for others, the remote is queried.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import (
    CorruptRecordError,
    LocalStorageError,
    NewerFormatError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from radops.format.record import FileRecord, FolderRecord, Tombstone
from radops.format.uid import UID, slot_key
from radops.repository.objects.reader import ObjectReader
from radops.repository.refs.remote_cache import RemoteCache
from radops.repository.refs.slots import Free, Taken, Unfinished
from radops.repository.transfer.download import RemoteOrigin
from radops.repository.workers import ahead, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from radops.format.digest import Digest
    from radops.repository.objects.store import LocalStore
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.remote_cache import Chain
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import Ahead, SlotContent, Slots, State

    Note = Callable[[UID, "Chain"], None]
    """Called with a name and the slots that the remote holds under it."""

_LOG = logging.getLogger("radops")

TTL_SECONDS = 3600.0
"""How long the remote's last answer about a name is trusted: only a delete can change it."""

# How long local records are trusted without a query after the remote did not answer.
_QUIET_SECONDS = 60.0

# Names whose freshness is known without a look into the catalogue, some 250 bytes each.
_MOST_FRESH = 65_536

# Names per query, and records per barrier: few enough to keep them in memory.
_QUERY_BATCH = 4096


class _Asked(NamedTuple):
    """What is known of many names before their records are decoded."""

    new: set[UID]
    """Names of which this machine has no slot."""
    starts: dict[UID, int]
    """Names that the remote was queried about, each with the first slot."""
    states: dict[UID, State]
    """What names are that need no query."""
    ahead: Ahead
    """What the remote's slots hold."""


class Resolver:
    """What names are in a local repository, with or without a remote one behind it.

    Args:
        store: The objects of the home.
        local: The local repository of the lake.
        remote: The remote one; None to work locally.
        offline: Whether there is a remote that must not be used.
    """

    def __init__(
        self, store: LocalStore, local: Repository, remote: Remote | None, *, offline: bool = False
    ) -> None:
        self.store = store
        self.local = local
        self.remote = remote
        origin = None if remote is None else RemoteOrigin(store, remote.backend)
        self.reader = ObjectReader(store, origin, offline=offline)
        self.offline = offline
        local.marks_tombstones = self.is_local_only
        self._quiet_until = 0.0
        self._fresh: dict[str, tuple[Digest | None, float]] = {}

    @property
    def is_local_only(self) -> bool:
        """Whether the lake has no remote at all: what is not on this machine does not exist."""
        return self.remote is None and not self.offline

    @property
    def sides(self) -> list[Slots]:
        """The slots of this machine, then those of the remote, if there is one in use."""
        return [self.local.slots, *([] if self.remote is None else [self.remote.slots])]

    @property
    def local_folder(self) -> Path:
        """The folder of this lake in local storage: slots, edges, views and notes."""
        return self.store.root / self.local.prefix

    def local_key(self, name: str) -> str:
        """Return the key in local storage of what has a key such as `pending/...` in this lake."""
        return self.local.prefix + name

    @property
    def is_quiet(self) -> bool:
        """Whether the remote did not answer a moment ago, so no request is sent for a while."""
        return time.monotonic() < self._quiet_until

    def keep_quiet(self) -> None:
        """Send no request for a while: a caller that reads many files waits for the remote once."""
        self._quiet_until = time.monotonic() + _QUIET_SECONDS

    def state(self, uid: UID, *, refresh: bool = False) -> State:
        """Return what a UID is: from fresh local slots, else from the remote.

        Args:
            uid: The name.
            refresh: Query the remote in any case, as before a write.

        Raises:
            RemoteUnavailableError: The remote had to be queried and cannot be reached.
        """
        return self._state(uid, refresh, self.cache)

    def _state(self, uid: UID, refresh: bool, note: Note) -> State:
        try:
            chain: Chain = list(self.local.slots.walk(uid))
        except CorruptRecordError as error:
            if self.remote is None:
                raise
            # The local slot is only a cache; the remote holds the right record.
            _LOG.warning("%s; asking the remote instead", error)
            state = self._query(self.remote, uid, [(0, None)], Free(uid, 0), note)
            if not isinstance(state, Taken):
                raise
            return state
        local = self._judge(uid, chain)
        if self.remote is None:
            return local
        if isinstance(local, Taken) and not refresh and self._is_fresh(self.remote, local):
            return local
        try:
            return self._query(self.remote, uid, chain, local, note)
        except (RemoteUnavailableError, RemoteRefusedError) as error:
            if refresh or not isinstance(local, Taken) or isinstance(error, NewerFormatError):
                raise
            self.keep_quiet()  # the local record was right at the last query
            return local

    def states(self, uids: Sequence[UID], *, refresh: bool = False) -> dict[UID, State]:
        """Return what many UIDs are, as `state` does for one.

        The remote is queried about many at once; its answers are cached with one barrier for
        each batch.
        """
        remote = self.remote
        if remote is None:
            return {uid: self._state(uid, refresh, self.cache) for uid in uids}
        found: dict[UID, State] = {}
        batches = [uids[at : at + _QUERY_BATCH] for at in range(0, len(uids), _QUERY_BATCH)]
        # While the answers to one batch are cached, the next one is read.
        coming = ahead(lambda batch: self._ask(remote, batch, refresh), batches)
        with contextlib.closing(coming):
            for batch, asked in zip(batches, coming, strict=True):
                chains: list[tuple[UID, Chain]] = []

                def note(uid: UID, chain: Chain, into: list[tuple[UID, Chain]] = chains) -> None:
                    into.append((uid, chain))

                try:
                    found |= self._answers(remote, batch, asked, refresh, note)
                finally:
                    self.cache_all(chains)
        return found

    def _ask(self, remote: Remote, uids: Sequence[UID], refresh: bool) -> _Asked:
        """Look at local slots, and read those of the remote that have to be known."""
        held, absent = self.local.slots.recall(uids)
        # The first slot can be absent for a moment while another process replaces it.
        new = absent and self.local.slots.unused([uid for uid in uids if uid in absent], 1)
        known = [uid for uid in uids if uid not in new]
        starts, states = self._starts(remote, known, held, refresh)
        starts |= {uid: 0 for uid in uids if uid in new}
        try:
            return _Asked(new, starts, states, remote.slots.read_first(starts))
        except (RemoteUnavailableError, RemoteRefusedError):
            if refresh:
                raise
            self.keep_quiet()
            return _Asked(new, starts, states, None)

    def _answers(
        self, remote: Remote, uids: Sequence[UID], asked: _Asked, refresh: bool, note: Note
    ) -> dict[UID, State]:
        states = asked.states
        with remote.slots.use(asked.ahead):
            for uid in remote.slots.decided(asked.starts):
                if uid in asked.new:
                    states[uid] = self._query(remote, uid, [(0, None)], Free(uid, 0), note)
                else:
                    states[uid] = self._state(uid, refresh, note)
            # These need further requests: each waits in a thread of its own.
            rest = [uid for uid in uids if uid not in states]
            answers = gather(lambda uid: self._state(uid, refresh, note), rest, remote.workers)
        return states | dict(zip(rest, answers, strict=True))

    def _starts(
        self, remote: Remote, uids: Iterable[UID], held: Mapping[UID, SlotContent], refresh: bool
    ) -> tuple[dict[UID, int], dict[UID, State]]:
        """Return the names that the remote must be queried about, each with the first slot.

        And what those are that need no query. A name with a damaged slot is in neither. `held`
        is what first slots hold, where that is in memory.
        """
        starts: dict[UID, int] = {}
        states: dict[UID, State] = {}
        for uid in uids:
            with contextlib.suppress(CorruptRecordError):
                first = held.get(uid)
                chain: Chain = [(0, first)]
                if first is None or isinstance(first, Tombstone):
                    chain = list(self.local.slots.walk(uid))
                local = self._judge(uid, chain)
                if not refresh and isinstance(local, Taken) and self._is_fresh(remote, local):
                    states[uid] = local
                else:
                    starts[uid] = self._first_queried(uid, chain)
        return starts, states

    def find(self, uid: UID, *, refresh: bool = False) -> FileRecord | None:
        """Return the record of a file, None if there is none of that name."""
        state = self.state(uid, refresh=refresh)
        if isinstance(state, Taken) and isinstance(state.record, FileRecord):
            return state.record
        return None

    def find_all(self, uids: Sequence[UID]) -> dict[UID, FileRecord]:
        """Return the records of those that are files, as `find` does for one; see `states`."""
        return {
            uid: state.record
            for uid, state in self.states(uids).items()
            if isinstance(state, Taken) and isinstance(state.record, FileRecord)
        }

    def local_state(self, uid: UID) -> State:
        """Return what a UID is by local slots alone."""
        return self._judge(uid, list(self.local.slots.walk(uid)))

    def _judge(self, uid: UID, chain: Chain) -> State:
        state = self.local.slots.judge(uid, *chain[-1])
        if isinstance(state, Unfinished) and self._is_known(uid, state.number, state.record):
            # Only finished commits are cached; the primary slot need not have been cached too.
            return Taken(uid, state.number, state.record)
        return state

    def make_durable(self, taken: Sequence[Taken]) -> None:
        """Make durable what was found in place, before it is reported or built upon."""
        if taken:
            repository = self.local if self.remote is None else self.remote
            repository.include(taken)
            repository.backend.flush()

    def is_confirmed(self, taken: Taken) -> bool:
        """Return whether the remote is known to hold this record in this slot.

        Without a remote in use: whether any remote was known to.
        """
        return self._is_known(taken.uid, taken.number, taken.record)

    def confirmed_slots(self) -> set[str]:
        """Return the keys of local slots of which the remote was found to hold a record."""
        identity = None if self.remote is None else self.remote.identity
        return self.store.catalog.confirmed(self.local.prefix, identity)

    def is_published(self, taken: Taken) -> bool:
        """Return whether a file exists where the lake is: in the remote, if there is one."""
        return self.remote is None or self.is_confirmed(taken)

    def confirm(self, taken: Iterable[Taken]) -> None:
        """Note that the remote was found to hold these records."""
        if self.remote is not None:
            self.store.catalog.confirm(
                [(self._slot_name(t.uid, t.number), t.record.record_digest) for t in taken],
                self.remote.identity,
            )

    def _is_known(self, uid: UID, number: int, content: SlotContent) -> bool:
        """Return whether the remote once confirmed that a slot holds this content."""
        identity = None if self.remote is None else self.remote.identity
        name, digest = self._slot_name(uid, number), content.record_digest
        return self.store.catalog.confirmed_at(name, digest, identity) is not None

    def _slot_name(self, uid: UID, number: int) -> str:
        return self.local_key(slot_key(uid, number))

    def _is_fresh(self, remote: Remote, local: Taken) -> bool:
        """Return whether a local record can be used without querying the remote."""
        if self.is_quiet:
            return True
        if isinstance(local.record, FolderRecord):
            return self.is_confirmed(local)  # folders are never removed
        name = self._slot_name(local.uid, local.number)
        digest, until = self._fresh.get(name, (None, 0.0))
        if digest == local.record.record_digest and time.time() < until:
            return True
        queried = self.store.catalog.last_queried_at(
            name, local.record.record_digest, remote.identity
        )
        if queried is None:  # made offline, or the catalogue was lost
            return False
        self._trust(name, local.record.record_digest, queried)
        return time.time() - queried < TTL_SECONDS

    def _trust(self, name: str, record: Digest, queried: float) -> None:
        """Do not query the catalogue about this slot again for a while."""
        if len(self._fresh) >= _MOST_FRESH:
            self._fresh.clear()
        self._fresh[name] = record, queried + TTL_SECONDS

    def _query(self, remote: Remote, uid: UID, chain: Chain, local: State, note: Note) -> State:
        """Return what a UID is by the remote's slots, and pass them to `note`."""
        found: Chain = list(remote.slots.walk(uid, self._first_queried(uid, chain)))
        there = remote.slots.judge(uid, *found[-1])
        if isinstance(local, Taken) and self._is_unpublished(local, found):
            if isinstance(local.record, FolderRecord) and isinstance(there, Taken):
                # A folder that was made offline hides no file of the remote. Its slot stays:
                # the files below it need it.
                self.confirm([there])
                return there
            name = self._slot_name(uid, local.number)
            self.store.catalog.deny([(name, local.record.record_digest)], remote.identity)
            return local
        if isinstance(there, Unfinished):
            # Publishing was interrupted on this machine: until it is finished, the file is local.
            mine = isinstance(local, Taken) and local.record.raw == there.record.raw
            return local if mine else there
        note(uid, found)
        if isinstance(there, Taken):
            self._trust(self._slot_name(uid, there.number), there.record.record_digest, time.time())
        return there

    def _first_queried(self, uid: UID, chain: Chain) -> int:
        """Return the first slot of a name that the remote must be queried about."""
        start = 0
        for number, content in chain:
            if not isinstance(content, Tombstone) or not self._is_known(uid, number, content):
                break
            start = number + 1
        return start

    def _is_unpublished(self, local: Taken, found: Chain) -> bool:
        """Return whether the remote holds neither a local file's record nor its tombstone.

        It was made offline, the remote was set back to an older state, or the remote holds
        another file under the name.
        """
        for _, content in found:
            if isinstance(content, Tombstone):
                if content.record == local.record.raw and not content.aborted:
                    return False
            elif content is not None and content.raw == local.record.raw:
                return False
        return True

    def cache(self, uid: UID, chain: Iterable[tuple[int, SlotContent | None]]) -> None:
        """Cache locally what the remote holds in the slots of a UID; see `RemoteCache`."""
        self.cache_all([(uid, list(chain))])

    def cache_all(self, chains: Iterable[tuple[UID, Chain]]) -> None:
        """Cache what the remote holds under many names, in one batch; see `RemoteCache`."""
        chains = list(chains)
        if chains:
            with contextlib.suppress(LocalStorageError):  # a full disk does not stop a read
                RemoteCache(self.local, self.store.catalog, self.remote).note(chains)
