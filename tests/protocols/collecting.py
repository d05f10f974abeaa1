"""Collectors, and writers that build on what nothing keeps any more.

Time passes in steps of a quarter of the day that writers reckon with. The collector waits for the
smallest safe grace, which is two such steps; a writer, and a client that moves an object by copying
and deleting it, promises to be done sooner. One that would not be counts as crashed, except where
it is to be late.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from protocols.actions import (
    Delete,
    Make,
    all_slots,
    body,
    check_lake,
    digest,
    imported,
    judge_all,
    kept_of,
    make_import,
)
from protocols.checker import slots_of
from protocols.explorer import Explorer, settled
from protocols.homes import PREFIX, ignore
from protocols.pinned import pinned
from protocols.scenario import DEEP, DEEP_RUNS, Count, Done, Scenario
from protocols.world import LAKE, Content, Port
from radops.errors import (
    CorruptObjectError,
    RadopsError,
    RemoteUnavailableError,
    UIDNotFoundError,
)
from radops.format.digest import DIGEST_SIZE, Digest
from radops.format.record import FileRecord
from radops.repository import layout
from radops.repository.gc.collect import SAFE_GRACE_SECONDS, collect
from radops.repository.gc.target import Target
from radops.repository.publish import publish
from radops.repository.refs.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from protocols.homes import MakeIn
    from protocols.scenario import Outcome
    from protocols.world import Client
    from radops.backends.base import Entry
    from radops.repository.gc.target import Collected
    from radops.repository.refs.commit import Outcome as Committed

STEP = SAFE_GRACE_SECONDS / 2
NAMED = make_import("named", "n", "old")
"""Stands in every lake: a collector stops where there are no names at all."""


@contextlib.contextmanager
def _quietly(_label: str) -> Iterator[Callable[[int, int], None]]:
    yield ignore


@dataclass(frozen=True)
class Leave:
    """Leaves objects that nothing keeps, as a client that crashed before it created its slot."""

    texts: tuple[str, ...]

    def __call__(self, client: Client) -> None:
        client.port().put([(layout.object_key(digest(text)), body(text)) for text in self.texts])


@dataclass(frozen=True)
class Wait:
    """Lets time pass."""

    seconds: float
    home: str = LAKE

    def __call__(self, client: Client) -> None:
        client.pause(self.seconds)


@dataclass(frozen=True)
class Promptly:
    """Works as fast as writers promise to."""

    work: MakeIn

    @property
    def home(self) -> str:
        return self.work.home

    def __call__(self, client: Client) -> object:
        client.begin()
        with client.prompt(SAFE_GRACE_SECONDS):
            return self.work(client)

    def judge(self, content: Content, outcome: Outcome) -> None:
        self.work.judge(content, outcome)


class _Watched(Port):
    """A collector's view, which looks over its shoulder.

    What a record kept when objects were listed, and keeps still, is not to be moved: whoever
    reads would have to look for it in the trash, for no reason.
    """

    _listed: frozenset[tuple[str, Digest]] = frozenset()
    prefix = ""

    def _kept(self) -> frozenset[tuple[str, Digest]]:
        slots = slots_of(Repository(self.inner, self.prefix, originator="judge"))
        return frozenset(
            (held.key, one)
            for held in slots
            if isinstance(held.content, FileRecord)
            for one in kept_of(held.content)
        )

    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        listed = super().list(prefix, recursive=recursive)
        if prefix != layout.OBJECTS:
            yield from listed
            return
        entries = list(listed)
        self._listed = self._kept()
        self.hear(f"{sorted(self._listed)}".encode())
        yield from entries

    def move(self, source: str, target: str) -> None:
        kept = {layout.object_key(one) for _, one in self._listed & self._kept()}
        assert source not in kept, f"{source} was kept all the time, and yet is moved away"
        super().move(source, target)


@dataclass(frozen=True)
class Collect:
    """Collects, some rounds, a grace apart."""

    rounds: int = 1
    renames: bool = True
    home: str = LAKE
    """Where: in the lake, or in a home."""

    def __call__(self, client: Client) -> list[Collected]:
        client.begin()
        reports = []
        for number in range(self.rounds):
            if number:
                client.pause(SAFE_GRACE_SECONDS)
            port = _Watched(client, self.home, renames=self.renames)
            port.prefix = "" if self.home == LAKE else PREFIX
            lake = Repository(port, port.prefix, originator=client.name)
            place = Target(port, lambda lake=lake: [lake], pending=self.home != LAKE)
            reports.append(
                collect(
                    place,
                    grace=SAFE_GRACE_SECONDS,
                    dry_run=False,
                    scratch=Path("/nowhere"),
                    stages=_quietly,
                )
            )
        return reports

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        if not isinstance(outcome, Done):
            error = outcome.error
            assert not alone, f"ended with {error!r}"
            assert isinstance(error, RemoteUnavailableError), f"ended with {error!r}"


@dataclass(frozen=True)
class DeleteAndCollect(Collect):
    """Deletes a file, and collects what it kept."""

    uid: str = ""

    def __call__(self, client: Client) -> list[Collected]:
        with contextlib.suppress(UIDNotFoundError):
            Delete(self.uid)(client)
        return super().__call__(client)

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        error = getattr(outcome, "error", None)
        if isinstance(error, CorruptObjectError) and "nothing was collected" in (error.hint or ""):
            return  # a late writer named a directory whose root had gone, and sends it again
        super().judge(content, outcome, alone=alone)


class _File(NamedTuple):
    data: bytes

    def read_bytes(self) -> bytes:
        return self.data


class _Own:
    """A writer's own store that no collector looks at."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._bodies = {digest(text): body(text) for text in texts}

    def locate(self, one: Digest) -> _File:
        return _File(self._bodies[one])

    def is_here(self, one: Digest, size: int) -> bool:
        return one in self._bodies and len(self._bodies[one]) == size


@dataclass(frozen=True)
class Publish(Make):
    """Sends what is not there yet, and commits: all as a client of a lake does."""

    late: bool = False
    """Whether it may sleep in the middle, for however long."""

    def __call__(self, client: Client) -> Committed:
        client.begin()
        promise = contextlib.nullcontext() if self.late else client.prompt(SAFE_GRACE_SECONDS)
        with promise:
            repository = client.repository
            draft = self.draft
            states = repository.states([record.uid for record in draft.records], {})
            (result,), _ = publish(
                _Own(self.texts), repository, [draft], draft.objects, states, ignore
            )
        if isinstance(result, RadopsError):
            raise result
        return result


def publish_import(uid: str, text: str, by: str, *, late: bool = False) -> Publish:
    return Publish(imported(uid, text, by), (text,), late)


def check_all_stand(content: Content) -> None:
    """All that a record keeps is in its place, not just in the trash."""
    for held in all_slots(content):
        if isinstance(held.content, FileRecord):
            for one in kept_of(held.content):
                assert layout.object_key(one) in content[LAKE], f"{held.key}: {one} is gone"


def check_tidy(content: Content) -> None:
    """Nothing is left that no record keeps."""
    keeps = {
        layout.object_key(one)
        for held in all_slots(content)
        if isinstance(held.content, FileRecord)
        for one in kept_of(held.content)
    }
    left = [
        key
        for key in content[LAKE]
        if key.startswith((layout.OBJECTS, layout.TRASH)) and key not in keeps
    ]
    assert not left, f"never collected: {left}"


def nights(content: Content) -> Content:
    """Collect as often as it takes for whatever was begun to come to its end."""
    works = [("night", Wait(STEP * 4)), ("night", Collect(5))]
    after, outcomes = settled(content, *works)
    for (_, work), outcome in zip(works, outcomes, strict=True):
        assert isinstance(outcome, Done), f"{work} ended with {outcome}"
    return after


def explore_collecting(
    name: str,
    works: Mapping[str, object],
    start: Sequence[Callable[[Client], object]] = (),
    *,
    texts: str = "x",
    late: bool = False,
    refused: Sequence[object] = (),
    most_runs: int | None = None,
    **options: object,
) -> Count:
    """Explore works and collectors at once, on a lake in which `start` was done long ago.

    Args:
        name: Of the scenario.
        works: What each client does, all at once.
        start: What was done before.
        texts: Which objects they are about.
        late: Whether a writer sleeps as long as it likes. Then what it names may be gone until it
            looks again, so the lake is whole only once it is done.
        refused: What people do about a work that is refused when it is done again.
        most_runs: See `Explorer`.
        options: See `Scenario`.
    """
    with pinned():
        content, outcomes = settled(
            Content({LAKE: {}}), ("old", NAMED), *(("old", work) for work in start),
            ("old", Wait(STEP * 4)),
        )  # fmt: skip
    for outcome in outcomes:
        assert isinstance(outcome, Done), outcome
    writers = {who: work for who, work in works.items() if not isinstance(work, Collect)}

    def recover(before: Content) -> None:
        for again in [writers] if late else [{}, writers]:
            after, outcomes = settled(before, *((f"again {who}", w) for who, w in again.items()))
            for work, outcome in zip(again.values(), outcomes, strict=True):
                work.judge(after, outcome, alone=True)
            if not all(isinstance(outcome, Done) for outcome in outcomes):
                after, outcomes = settled(after, *(("again", work) for work in refused))
                for work, outcome in zip(refused, outcomes, strict=True):
                    work.judge(after, outcome, alone=True)
            after = nights(after)
            check_lake(after)
            check_all_stand(after)
            check_tidy(after)

    judged = judge_all(works)

    def judge(content: Content, outcomes: Mapping[str, Outcome]) -> None:
        judged(content, outcomes)
        if all(isinstance(outcomes.get(who), Done) for who in writers):
            check_lake(content)

    scenario = Scenario(
        name,
        works,
        content,
        racing=(
            *(f"refs/{uid}" for uid in ("new", "old", "a.", "b.")),
            "trash/",
            *(layout.object_key(digest(text)) for text in texts),
        ),
        absent=(Digest(bytes(DIGEST_SIZE)).path,),
        check=(lambda _content: None) if late else check_lake,
        judge=judge,
        recover=recover,
        **{"tick": STEP, "most_ticks": 4 if DEEP else 2, "most_faults": 0, **options},
    )
    return Explorer(scenario, DEEP_RUNS if DEEP else most_runs).explore()
