"""Equal calls at once: the leases that keep all but one of them waiting, and what becomes of them.

A client computes by standing still for as long as the others like; signs of life, which a real
one gives from another thread, are steps of its own. A client that waits
sleeps until something changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

from protocols.actions import Make, called, explore, put_objects
from protocols.pinned import START
from protocols.scenario import Done
from protocols.world import CLOCK, Op
from radops.errors import RadopsError, UIDConflictError
from radops.pipeline import single_flight
from radops.repository.refs.commit import commit
from radops.repository.refs.repository import Repository
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from protocols.scenario import Count, Outcome
    from protocols.world import Client, Content
    from radops.format.uid import UID

LEASE_SECONDS = 60.0
SILENCE = LEASE_SECONDS + 3
"""How long a client that gives no sign of life is waited for."""


class Called(NamedTuple):
    """How a call ended for one client."""

    taken: list[Taken]
    created: frozenset[UID]
    computed: int
    """How often it has done the work itself."""


@dataclass(frozen=True)
class CallOnce(Make):
    """Makes a call as a creator does: once, also if others make it."""

    beats: int = 0
    """Signs of life while it computes."""
    same: bool = True
    """Whether all who make this call make the same bytes of it."""
    home: str = ""
    """The home that this process shares with others, which has leases of its own."""

    def __call__(self, client: Client) -> Called:
        lake = client.repository
        # It shares the backend with the lake, so that all can be held against each other.
        home = Repository(client.port(), f"leases/{self.home}/", originator=client.name)
        working = SimpleNamespace(local=home, remote=lake) if self.home else None
        session = SimpleNamespace(
            settings=SimpleNamespace(lease_seconds=LEASE_SECONDS, context=""),
            storage=SimpleNamespace(root=client.name),
            remote_url=None,
            prepare_write=lambda: working or SimpleNamespace(local=lake, remote=None),
        )
        computed = []

        def compute() -> None:
            computed.append(client.name)
            for _ in range(self.beats):
                client.ask([Op(CLOCK, "compute", "")])
                client.beat()
            client.ask([Op(CLOCK, "compute", "")])

        def find() -> Called | None:
            return self._find(client.repository, len(computed))

        def publish(_computed: None) -> Called:
            put_objects(client, self.texts)
            (result,) = commit(client.repository, [self.draft])
            if isinstance(result, UIDConflictError) and (found := find()) is not None:
                return found
            if isinstance(result, RadopsError):
                raise result
            return Called(result.taken, result.created, len(computed))

        assert self.draft.key is not None
        return single_flight.once(session, self.draft.key, "work", find, compute, publish)

    def _find(self, repository: Repository, computed: int) -> Called | None:
        states = repository.states([record.uid for record in self.draft.records], {})
        taken = [one for one in states.values() if isinstance(one, Taken)]
        if len(taken) < len(states):
            return None
        return Called(taken, frozenset(), computed)

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        if self.same or not isinstance(outcome, Done):
            super().judge(content, outcome, alone=alone)


@dataclass(frozen=True)
class CallAgain(CallOnce):
    """Makes a call; if it is interrupted (Ctrl-C), makes it again in the same process."""

    def __call__(self, client: Client) -> Called:
        try:
            return super().__call__(client)
        except KeyboardInterrupt:
            return super().__call__(client)


def call_again(outputs: Mapping[str, str], by: str, *, home: str = "") -> CallAgain:
    return CallAgain(called(outputs, "key", by), tuple(outputs.values()), home=home)


def call_once(
    outputs: Mapping[str, str], by: str, *, beats: int = 0, same: bool = True, home: str = ""
) -> CallOnce:
    return CallOnce(called(outputs, "key", by), tuple(outputs.values()), beats, same, home)


def one_result(_content: Content, outcomes: Mapping[str, Outcome]) -> None:
    """All are told of the same records, of which one has been made once."""
    done = [one.value for one in outcomes.values() if isinstance(one, Done)]
    told = {tuple(taken.record.raw for taken in one.taken) for one in done}
    assert len(told) <= 1, f"told of different results: {told}"


def computed_once(content: Content, outcomes: Mapping[str, Outcome]) -> None:
    """No client was slow or crashed, so all but one have waited."""
    one_result(content, outcomes)
    times = sum(one.value.computed for one in outcomes.values() if isinstance(one, Done))
    assert times <= 1, f"computed {times} times"


def waited_for_no_own_lease(content: Content, outcomes: Mapping[str, Outcome]) -> None:
    """Only one process makes the call, so there is nothing that time has to pass for."""
    one_result(content, outcomes)
    if all(isinstance(one, Done) for one in outcomes.values()):
        waited = content.now - START
        assert not waited, f"waited for a lease of its own process: {waited:.0f} seconds"


def explore_calls(name: str, works: Mapping[str, object], **options: object) -> Count:
    """Explore clients that make the same call; see `explore`."""
    options = {
        "racing": ("refs/", "leases/"),
        "tick": SILENCE,
        "most_faults": 0,
        "judge": one_result,
        **options,
    }
    return explore(name, works, **options)
