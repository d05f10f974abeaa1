"""Homes in front of the lake: the real resolver, sync and delete, over a store that is a dict.

The local disk plays no part in these protocols, so its objects and its catalogue lie in a
memory backend too, where they outlive the process that wrote them and can be checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import TYPE_CHECKING

from protocols.actions import body, check_lake, digest, once
from protocols.checker import check, slots_of
from protocols.explorer import Explorer, settled
from protocols.pinned import pinned
from protocols.scenario import DEEP, DEEP_RUNS, Count, Done, Scenario
from protocols.steps import check_step
from protocols.world import LAKE, Client, Content, open_backends
from radops.errors import RadopsError, RemoteUnavailableError, UIDNotFoundError
from radops.format.digest import Digest
from radops.format.marker import new_marker
from radops.format.record import FileRecord, Tombstone, decode_slot
from radops.format.uid import UID, slot_key
from radops.lake.delete import delete
from radops.repository import layout
from radops.repository.objects.store import Staged
from radops.repository.objects.trash import take_back
from radops.repository.refs.pending import PendingResults
from radops.repository.refs.remote import Remote
from radops.repository.refs.repository import Repository
from radops.repository.sync.sync import sync
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from protocols.scenario import Outcome
    from radops.backends.base import Backend
    from radops.backends.memory import MemoryBackend
    from radops.repository.refs.draft import Draft

LAKE_ID = "0123456789abcdef" * 2
PREFIX = f"lakes/{LAKE_ID}/"
_ASKED = "catalog.sqlite/"


def ignore(_bytes: int, _files: int) -> None: ...


class _Bytes(PurePosixPath):
    """A path to an object that lies in a backend."""

    def of(self, backend: Backend) -> _Bytes:
        self._backend = backend
        return self

    def read_bytes(self) -> bytes:
        with self._backend.open(str(self)) as reader:
            return reader.read()

    def exists(self) -> bool:
        return self._backend.stat(str(self)) is not None


class _Catalog:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def confirmed_at(self, slot: str, record: Digest, remote: str | None = None) -> float | None:
        if self._backend.stat(f"{_ASKED}{slot}/{record}") is None:
            return None
        return 1_800_000_000.0

    def confirmed(self, prefix: str, remote: str | None) -> set[str]:
        start = f"{_ASKED}{prefix}"
        found = [entry.key for entry in self._backend.list(start)]
        return {key[len(_ASKED) :].rpartition("/")[0] for key in found}

    def has_confirmed(self, prefix: str) -> bool:
        return bool(self.confirmed(prefix, None))

    def last_queried_at(self, slot: str, record: Digest, remote: str) -> float | None:
        return self.confirmed_at(slot, record)

    def confirm(self, slots: Iterable[tuple[str, Digest]], remote: str) -> None:
        self._backend.put([(f"{_ASKED}{slot}/{record}", b"") for slot, record in slots])

    def deny(self, slots: Iterable[tuple[str, Digest]], remote: str) -> None:
        self._backend.delete([f"{_ASKED}{slot}/{record}" for slot, record in slots])


class Store:
    """The objects of a home; see `radops.repository.objects.store.LocalStore`."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.catalog = _Catalog(backend)
        self.range_cache = None  # parts of objects are not read here

    def object_path(self, one: Digest) -> _Bytes:
        return _Bytes(layout.object_key(one)).of(self.backend)

    locate = object_path

    def has(self, one: Digest, size: int) -> bool:
        return self.object_path(one).exists()

    def take_back(self, one: Digest) -> bool:
        return take_back(self.backend, one)

    def is_here(self, one: Digest, size: int) -> bool:
        return self.has(one, size) or self.take_back(one)

    def lost(self, objects: Sequence[tuple[Digest, int]]) -> set[Digest]:
        return {one for one, size in objects if not self.is_here(one, size)}

    def size(self, one: Digest) -> int:
        return len(self.object_path(one).read_bytes())

    def stage_bytes(self, data: bytes) -> Staged:
        self._staged = data
        return Staged(_Bytes("staged"), Digest.of(data), len(data), b"")

    def admit(self, staged: Sequence[Staged]) -> None:
        self.backend.put([(layout.object_key(one.digest), self._staged) for one in staged])

    def remove_view(self, key: str) -> None: ...

    def forget(self, digests: Sequence[Digest]) -> None: ...


class Home:
    """What a process of one home works with."""

    def __init__(self, client: Client, name: str, *, offline: bool = False) -> None:
        port = client.port(name)
        self.store = Store(port)
        here = Repository(port, PREFIX, originator=client.name)
        remote = None
        if not offline:
            remote = Remote(client.port(), LAKE_ID, originator=client.name, probed=True)
        self.lake = WorkingLake(self.store, here, remote, offline=offline)
        self.pending = PendingResults(here)
        self.settings = SimpleNamespace(remote="memory://lake")

    def prepare_write(self) -> WorkingLake:
        if self.lake.remote is not None:
            self.lake.remote.prepare_write()
        return self.lake


@dataclass(frozen=True)
class MakeIn:
    """Commits a draft in a home, and in the lake unless the home works apart."""

    home: str
    draft: Callable[[WorkingLake], Draft]
    texts: tuple[str, ...]
    offline: bool = False
    keep: bool = False
    """Only keep the result under `pending/`, as when the lake went away."""

    def __call__(self, client: Client) -> object:
        home = Home(client, self.home, offline=self.offline)
        home.store.backend.put([(layout.object_key(digest(t)), body(t)) for t in self.texts])
        draft = self.draft(home.lake)
        if self.keep:
            return home.pending.keep([draft])
        working = home.prepare_write()
        states = working.write_states([record.uid for record in draft.records])
        (result,), _ = working.make([draft], states, ignore)
        if isinstance(result, RadopsError):
            raise result
        return result

    def judge(self, content: Content, outcome: Outcome) -> None:
        documented(outcome)


@dataclass(frozen=True)
class Sync:
    """Synchronises a home with the lake."""

    home: str
    conflicts: bool | None = None
    """Whether it must tell of conflicts; None: it may."""

    def __call__(self, client: Client) -> object:
        home = Home(client, self.home)
        working = home.prepare_write()
        assert working.remote is not None
        return sync(working, working.remote, home.pending, None, ignore)

    def judge(self, content: Content, outcome: Outcome) -> None:
        documented(outcome)
        if isinstance(outcome, Done) and self.conflicts is not None:
            found = outcome.value.conflicts
            assert bool(found) == self.conflicts, f"conflicts: {found}"


@dataclass(frozen=True)
class DeleteIn:
    """Deletes a file, as the command does."""

    home: str
    uid: str
    offline: bool = False

    def __call__(self, client: Client) -> object:
        return delete(
            Home(client, self.home, offline=self.offline), self.uid, cascade=True, dry_run=False
        )

    def judge(self, content: Content, outcome: Outcome) -> None:
        documented(outcome)


@dataclass(frozen=True)
class Ask:
    """Asks the lake what a name is, and caches the answer in the home."""

    home: str
    uid: str

    def __call__(self, client: Client) -> object:
        return Home(client, self.home).lake.state(UID(self.uid), refresh=True)

    def judge(self, content: Content, outcome: Outcome) -> None:
        documented(outcome)


def check_home_step(
    backends: Mapping[str, MemoryBackend], home: str, key: str, old: bytes | None, new: bytes | None
) -> str | None:
    """Return what is wrong with a slot of a home that goes from `old` to `new`, if anything.

    It goes forward like one of the lake. Besides, what is in it may be moved below `pending/`;
    what is there goes only where nothing is lost by it.
    """
    key = key.removeprefix(PREFIX)
    if old is None or old == new:
        return None
    if new is None:
        return _lost(backends, home, old) if key.startswith("pending/moved-") else None
    return goes_forward(backends, home, key, old, new)


def goes_forward(
    backends: Mapping[str, MemoryBackend], home: str, key: str, old: bytes | None, new: bytes | None
) -> str | None:
    """Like `check_home_step`, but what was made offline may be deleted meanwhile."""
    key = key.removeprefix(PREFIX)
    if old is None or new is None:
        return None
    if not key.startswith(layout.REFS) or key.endswith("-gone"):
        return None
    before, after = decode_slot(old), decode_slot(new)
    if isinstance(before, Tombstone) and isinstance(after, Tombstone) and not before.aborted:
        lake = Repository(backends[LAKE], originator="checker")
        held = {one.record.raw for one in slots_of(lake) if one.record is not None}
        if before.record not in held:
            return None  # of what was made and deleted offline
    return check_step(key, old, new)


def _lost(backends: Mapping[str, MemoryBackend], home: str, raw: bytes) -> str | None:
    """Return whether a record is neither in the home nor, as the same file, in the lake."""
    record = decode_slot(raw)
    if isinstance(record, Tombstone):
        return None
    for name, prefix in ((home, PREFIX), (LAKE, "")):
        slots = slots_of(Repository(backends[name], prefix, originator="checker"))
        for held in slots:
            if held.uid == record.uid and not held.aborted and held.record is not None:
                if held.record.raw == raw:
                    return None
                if name == LAKE and held.record.digest == record.digest:
                    return None
    return f"{record.uid}, which the lake never held, is lost"


def documented(outcome: Outcome) -> None:
    """Accept what the documentation tells people to expect; nothing else."""
    if not isinstance(outcome, Done) and not isinstance(
        outcome.error, (UIDNotFoundError, RemoteUnavailableError, FileExistsError)
    ):
        raise AssertionError(f"ended with {outcome.error!r}") from outcome.error


def check_homes(content: Content) -> None:
    """Check the lake, every home, and that homes know nothing that the lake does not."""
    check_lake(content)
    backends = open_backends(content)
    lake = Repository(backends[LAKE], originator="checker")
    for name, backend in backends.items():
        if name == LAKE:
            continue
        here = Repository(backend, PREFIX, originator="checker")
        if once("home", content[name]):
            check(here, cache=True).raise_for_findings()
        for listed in here.slots.list():
            if listed.size < 0 or listed.gone:
                continue
            held = here.slots.read(UID(listed.uid), listed.number)
            key = slot_key(UID(listed.uid), listed.number)
            if backend.stat(f"{_ASKED}{PREFIX}{key}/{held.record_digest}") is None:
                continue
            there = lake.slots.read(UID(listed.uid), listed.number)
            was_there = there is not None and (
                there.raw == held.raw
                or (isinstance(there, Tombstone) and there.record == getattr(held, "record", b""))
                or (isinstance(there, Tombstone) and there.record == held.raw)
            )
            assert was_there, f"{name} takes {key} for confirmed, but the lake never held that"


def explore_homes(
    name: str,
    works: Mapping[str, object],
    start: Sequence[Callable[[Client], object]] = (),
    *,
    again: Sequence[object] = (),
    end: Callable[[Content], None] = lambda content: None,
    together: Callable[[Content, Mapping[str, Outcome]], None] = lambda content, outcomes: None,
    most_runs: int | None = None,
    **options: object,
) -> Count:
    """Explore works of several homes on a lake in which `start` was done.

    Args:
        name: Of the scenario.
        works: What each client does, all at once.
        start: What was done before.
        again: What is done after a crash, and must bring everything to a good end; judged.
        end: Looks at the content after that.
        together: Judges all clients that have finished, by their outcomes.
        most_runs: See `Explorer`.
        options: See `Scenario`.
    """
    homes = {w.home for w in (*works.values(), *start, *again)} - {LAKE}
    marker = {layout.MARKER: new_marker(bytes.fromhex(LAKE_ID)).raw}
    empty = Content({LAKE: marker, **{home: {} for home in sorted(homes)}})
    with pinned():
        content, outcomes = settled(empty, *((f"start {n}", w) for n, w in enumerate(start)))
    for outcome in outcomes:
        assert isinstance(outcome, Done), outcome

    def judge(after: Content, outcomes: Mapping[str, Outcome]) -> None:
        for client, outcome in outcomes.items():
            try:
                works[client].judge(after, outcome)
            except AssertionError as error:
                raise AssertionError(f"{client}: {error}") from error
        together(after, outcomes)

    def recover(before: Content) -> None:
        after, outcomes = settled(before, *((f"again {n}", w) for n, w in enumerate(again)))
        for work, outcome in zip(again, outcomes, strict=True):
            try:
                work.judge(after, outcome)
                assert isinstance(outcome, Done), f"ended with {outcome.error!r}"
            except AssertionError as error:
                raise AssertionError(f"{work} once more: {error}") from error
        check_homes(after)
        end(after)

    options = {"most_faults": 0, "check_step": check_home_step, **options}
    scenario = Scenario(
        name, works, content, check=check_homes, judge=judge, recover=recover, **options
    )
    return Explorer(scenario, DEEP_RUNS if DEEP else most_runs).explore()


def record_in(content: Content, backend: str, uid: str, number: int = 0) -> object:
    """Return what a slot holds in a home or in the lake."""
    prefix = "" if backend == LAKE else PREFIX
    repository = Repository(open_backends(content)[backend], prefix, originator="checker")
    return repository.slots.read(UID(uid), number)


def found_in(working: WorkingLake, uid: str) -> FileRecord:
    record = working.find(UID(uid))
    assert record is not None
    return record
