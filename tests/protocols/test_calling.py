"""Equal calls: leases that are held, given back, left behind, and taken over from the living."""

from __future__ import annotations

import pytest

from protocols.calling import call_once, computed_once, explore_calls
from protocols.scenario import CRASHED, DEEP, BrokenError
from protocols.test_explorer import careless_create
from protocols.world import Port
from radops.repository.leases import Leases

A = {"a": "1"}
AB = {"a": "1", "b": "2"}
TWO = {name: call_once(A, name) for name in ("ada", "bob")}
THREE = {name: call_once(A, name) for name in ("ada", "bob", "cy")}
OTHER = {"ada": call_once(A, "ada", same=False), "bob": call_once({"a": "2"}, "bob", same=False)}


def few(**options: object) -> dict[str, object]:
    """Return bounds for what there is not the time for, unless this is a soak."""
    return {} if DEEP else options


# -- who waits, and for how long -------------------------------------------------------------------


def test_of_two_who_are_quick_one_computes(tell):
    tell(explore_calls("two calls", TWO, judge=computed_once))


def test_of_three_who_are_quick_one_computes(tell):
    tell(explore_calls("three calls", THREE, judge=computed_once, **few(preemptions=2)))


def test_of_three_in_two_homes_one_computes(tell):
    """The lease of the home comes first, then that of the lake."""
    works = {
        "ada": call_once(A, "ada", home="h"),
        "bob": call_once(A, "bob", home="h"),
        "cy": call_once(A, "cy", home="k"),
    }
    tell(explore_calls("two homes", works, judge=computed_once, **few(preemptions=1)))


def test_who_waits_for_the_dead_goes_on(tell):
    tell(explore_calls("one crashes", TWO, faults=CRASHED, most_faults=1 + DEEP))


def test_two_who_wait_for_the_dead_go_on(tell):
    options = {"faults": CRASHED, "most_faults": 1 + DEEP, **few(preemptions=1)}
    tell(explore_calls("one of three crashes", THREE, **options))


def test_who_hears_nothing_of_the_leases_does_without(tell):
    tell(explore_calls("calls, replies are lost", TWO, faults="~?-", most_faults=1))


# -- who is taken for dead, and comes back ---------------------------------------------------------


def test_a_holder_that_stalls(tell):
    """It is followed at any moment, and goes on at any later one: in the middle of its commit."""
    tell(explore_calls("a holder stalls", TWO, most_ticks=1 + DEEP))


def test_a_holder_that_stalls_while_two_wait(tell):
    options = {"most_ticks": 1 + DEEP, **few(preemptions=1)}
    tell(explore_calls("a holder stalls, two wait", THREE, **options))


def test_a_holder_that_stalls_with_several_outputs(tell):
    works = {name: call_once(AB, name) for name in ("ada", "bob")}
    options = {"most_ticks": 1 + DEEP, **few(preemptions=2)}
    tell(explore_calls("a holder of two outputs stalls", works, **options))


def test_a_holder_that_stalls_and_whose_result_is_another(tell):
    """A function that is not deterministic: the first result stands, and all are told of it."""
    tell(explore_calls("a holder of other bytes stalls", OTHER, most_ticks=1, **few(preemptions=2)))


def test_a_holder_that_gives_signs_of_life_late(tell):
    works = {"ada": call_once(A, "ada", beats=1), "bob": call_once(A, "bob")}
    options = {"most_ticks": 1 + DEEP, **few(preemptions=2)}
    tell(explore_calls("late signs of life", works, **options))


def test_a_holder_that_stalls_in_a_home_with_two(tell):
    works = {name: call_once(A, name, home="h") for name in ("ada", "bob")}
    options = {"most_ticks": 1 + DEEP, **few(preemptions=1)}
    tell(explore_calls("a holder stalls in a home", works, **options))


# -- leases only help ------------------------------------------------------------------------------


def test_results_are_right_though_all_leases_are_ignored(monkeypatch, tell):
    monkeypatch.setattr(Leases, "_holder", lambda *_: None)
    monkeypatch.setattr(Leases, "exists", lambda *_: False)
    tell(explore_calls("no leases", OTHER))


def test_leases_alone_would_not_do(monkeypatch):
    """A holder that stalls in its commit would overwrite what whoever followed it has made."""
    create = Port.create

    def careless(self, items):
        slots = all(key.startswith("refs/") for key, _ in items)
        return careless_create(self, items) if slots else create(self, items)

    monkeypatch.setattr(Port, "create", careless)
    with pytest.raises(BrokenError, match="a FileRecord became a FileRecord"):
        explore_calls("leases alone", OTHER, most_ticks=1)


def test_leases_that_are_not_respected_are_found_out(monkeypatch):
    monkeypatch.setattr(Leases, "_holder", lambda *_: None)
    with pytest.raises(BrokenError, match="computed 2 times"):
        explore_calls("ignored", TWO, judge=computed_once)


def test_a_lease_that_is_created_by_two_is_found_out(monkeypatch):
    monkeypatch.setattr(Port, "create", careless_create)
    with pytest.raises(BrokenError, match="computed 2 times"):
        explore_calls("two holders", TWO, judge=computed_once)


def test_waiting_for_the_dead_is_found_out(monkeypatch):
    holder = Leases._holder

    def patient(self, key, generation, watch):
        watch.generation, watch.since = generation, self._clock()
        return holder(self, key, generation, watch)

    monkeypatch.setattr(Leases, "_holder", patient)
    with pytest.raises(BrokenError, match="waiting for ever"):
        explore_calls("patient", TWO, faults=CRASHED, most_faults=1)
