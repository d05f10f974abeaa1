"""The explorer itself: it counts rightly, misses nothing known, and repeats what it found."""

from __future__ import annotations

import math

import pytest

from protocols import actions
from protocols.actions import called, check_lake, explore, make_call, make_import
from protocols.explorer import Explorer, replay
from protocols.scenario import BrokenError, Scenario
from protocols.world import LAKE, Port
from radops.repository.refs import commit as commits
from radops.repository.refs import intents
from radops.repository.refs.repository import Repository

ABC = {"a": "1", "b": "2", "c": "3"}


def writes(prefix: str, times: int):
    def work(client):
        for number in range(times):
            client.port().put([(f"{prefix}{number}", b"")])

    return work


def test_interleavings_are_counted_exactly():
    for first, second in ((1, 1), (2, 3), (4, 4)):
        works = {"ada": writes("x/a", first), "bob": writes("x/b", second)}
        count = Explorer(Scenario("free", works, racing=("x/",), faults="")).explore()
        assert count.interleavings == math.comb(first + second, first)
        assert count.states == (first + 1) * (second + 1)
        assert count.runs < count.interleavings or first == 1


def test_preemptions_bound_what_is_explored():
    works = {"ada": writes("x/a", 3), "bob": writes("x/b", 3)}
    counts = [
        Explorer(Scenario("bound", works, racing=("x/",), faults="", preemptions=most)).explore()
        for most in (0, 1, 2, 9)
    ]
    assert [count.interleavings for count in counts] == [2, 6, 14, math.comb(6, 3)]


def test_exploring_twice_gives_the_same():
    works = {"ada": make_call(ABC, "key", "ada"), "bob": make_import("b", "9", "bob")}
    first, second = explore("once", works), explore("again", works)
    assert (first.runs, first.states, first.contents) == (
        second.runs, second.states, second.contents,
    )  # fmt: skip


def careless_create(self, items):
    """Look, then write: what a store without conditions makes of create-if-absent."""
    answers = []
    for key, body in items:
        absent = self._one("read", key) is None
        if absent:
            self._one("put", key, body)
        answers.append(absent)
    return answers


def test_a_store_that_ignores_conditions_is_found_out(monkeypatch):
    monkeypatch.setattr(Port, "create", careless_create)
    works = {"ada": make_import("a", "1", "ada"), "bob": make_import("a", "2", "bob")}
    with pytest.raises(BrokenError, match="a FileRecord became a FileRecord") as caught:
        explore("careless", works)
    text = str(caught.value)
    assert "ada: put refs/a.radops" in text
    assert "bob: put refs/a.radops" in text
    schedule = text.partition("schedule: ")[2].partition("\n")[0]
    scenario = Scenario("again", works, start=actions.begun(), check=check_lake)
    with pytest.raises(BrokenError, match="a FileRecord became a FileRecord"):
        replay(scenario, schedule)


def test_a_primary_slot_that_comes_first_is_found_out(monkeypatch):
    """The outputs of a call would be seen one after the other."""
    create = commits._create

    def hasty(repository, attempts, part):
        turned = {1: slice(1), 2: slice(1, None), None: slice(0)}[part.start]
        create(repository, attempts, turned)

    monkeypatch.setattr(commits, "_create", hasty)
    with pytest.raises(BrokenError, match="made by the same call, is not"):
        explore("hasty", {"ada": make_call(ABC, "key", "ada")})


def test_edges_that_come_last_are_found_out(monkeypatch):
    source = actions.imported("in", "0", "old").records[0]
    put = Repository.put
    monkeypatch.setattr(
        Repository, "put", lambda self, items: put(self, [i for i in items if "edges/" not in i[0]])
    )
    with pytest.raises(BrokenError, match="no edge says so"):
        explore(
            "no edges", {"ada": make_call(ABC, "key", "ada", [source])},
            [make_import("in", "0", "old")],
        )  # fmt: skip


def test_bytes_that_come_last_are_found_out(monkeypatch):
    monkeypatch.setattr(actions, "put_objects", lambda client, texts: None)
    with pytest.raises(BrokenError, match="not there whole"):
        explore("no bytes", {"ada": make_import("a", "1", "ada")})


def test_a_finisher_that_takes_any_free_slot_is_found_out(monkeypatch):
    """The first that was found: what was deleted meanwhile came back."""

    def careless(repository, record):
        state = repository.slots.state(record.uid)
        if isinstance(state, commits.Free):
            return state
        return commits.Taken(state.uid, state.number, state.record)

    for module in (commits, intents):
        monkeypatch.setattr(module, "find_slot", careless)
    works = {
        "ada": make_call(ABC, "key", "ada"),
        "bob": actions.Settle("c"),
        "cy": actions.Delete("b"),
    }
    with pytest.raises(BrokenError, match="a deleted file came back"):
        explore("careless finisher", works, most_faults=0)


def test_conflicts_that_never_were_are_found_out(monkeypatch):
    def wrong(repository, wanted, key, state):
        raise commits.UIDConflictError("no")

    monkeypatch.setattr(commits, "check_equal", wrong)
    works = {name: make_import("a", "1", name) for name in ("ada", "bob")}
    with pytest.raises(BrokenError, match="a conflict that never was"):
        explore("wrong", works)


def test_a_client_that_fails_otherwise_is_found_out():
    def work(client):
        client.port().stat("refs/a.radops")
        raise KeyError("oops")

    work.judge = actions.Make(called(ABC, "key", "ada"), ()).judge
    with pytest.raises(BrokenError, match="oops"):
        explore("fails", {"ada": work})


def test_the_content_of_a_schedule_can_be_looked_at():
    works = {"ada": make_import("a", "1", "ada"), "bob": make_import("a", "2", "bob")}
    scenario = Scenario("look", works, start=actions.begun(), check=check_lake)
    content = replay(scenario, "A B A~")
    assert "refs/a.radops" in content[LAKE]
