"""Equal calls: leases that are held, given back, left behind, and taken over from the living."""

from __future__ import annotations

import pytest

from protocols import pinned
from protocols.calling import (
    call_again,
    call_once,
    computed_once,
    explore_calls,
    waited_for_no_own_lease,
)
from protocols.scenario import CRASHED, DEEP, INTERRUPTED, STOPPED, TWICE, BrokenError
from protocols.test_explorer import careless_create
from protocols.world import Port
from radops.repository.refs import leases
from radops.repository.refs.leases import Leases

A = {"a": "1"}
AB = {"a": "1", "b": "2"}
TWO = {name: call_once(A, name) for name in ("ada", "bob")}
THREE = {name: call_once(A, name) for name in ("ada", "bob", "cy")}
OTHER = {"ada": call_once(A, "ada", same=False), "bob": call_once({"a": "2"}, "bob", same=False)}


def few(**options: object) -> dict[str, object]:
    """Return bounds for what there is not the time for, unless this is a soak."""
    return {} if DEEP else options


# -- which call waits, for how long ---------------------------------------------------------------


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


# -- holders that seem dead and come back ---------------------------------------------------------


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
    """A function that is not deterministic: the first result is kept, and all are told of it."""
    tell(explore_calls("a holder of other bytes stalls", OTHER, most_ticks=1, **few(preemptions=2)))


def test_a_holder_that_gives_signs_of_life_late(tell):
    works = {"ada": call_once(A, "ada", beats=1), "bob": call_once(A, "bob")}
    options = {"most_ticks": 1 + DEEP, **few(preemptions=2)}
    tell(explore_calls("late signs of life", works, **options))


def test_a_holder_that_stalls_in_a_home_with_two(tell):
    works = {name: call_once(A, name, home="h") for name in ("ada", "bob")}
    options = {"most_ticks": 1 + DEEP, **few(preemptions=1)}
    tell(explore_calls("a holder stalls in a home", works, **options))


# -- several calls of one process -----------------------------------------------------------------

INTERRUPTS = INTERRUPTED + STOPPED
ONE_PROCESS = {"ada": "ada's", "bob": "ada's"}


def interrupted_and_called_again(home):
    return explore_calls(
        "interrupted, and called again", {"ada": call_again(A, "ada", home=home)},
        faults=INTERRUPTS, most_faults=1, judge=waited_for_no_own_lease,
    )  # fmt: skip


@pytest.mark.parametrize("home", ["", "h"], ids=["lake", "home and lake"])
def test_a_call_that_was_interrupted_can_be_made_again_at_once(home, tell):
    """Wherever Ctrl-C comes: a lease that one's own process has forgotten is not waited for."""
    tell(interrupted_and_called_again(home))


def test_an_interrupted_call_beside_one_of_another_process(tell):
    """What the own process forgot is taken over; what the other holds is waited for."""
    works = {"ada": call_again(A, "ada"), "bob": call_again(A, "bob")}
    options = {"faults": INTERRUPTS, "most_faults": 1, **few(preemptions=1)}
    tell(explore_calls("interrupted beside another", works, **options))


def two_threads():
    """Threads that use different homes do not see each other but by the lease of the lake."""
    options = {"faults": TWICE, "most_faults": 1}
    return explore_calls(
        "two threads of a process", TWO, judge=computed_once, processes=ONE_PROCESS, **options
    )


def test_of_two_threads_one_computes_also_where_a_reply_was_lost(tell):
    """A lease of the own process counts from before it is written."""
    tell(two_threads())


def test_a_call_that_another_thread_interrupts_is_followed(tell):
    works = {"ada": call_again(A, "ada"), "bob": call_again(A, "bob")}
    options = {"faults": INTERRUPTS, "most_faults": 1, **few(preemptions=1)}
    tell(explore_calls("a thread is interrupted", works, processes=ONE_PROCESS, **options))


def test_who_waits_for_a_process_of_two_threads_that_died_goes_on(tell):
    processes = {"ada": "ada's", "bob": "ada's"}
    options = {"faults": CRASHED, "most_faults": 1, **few(preemptions=1)}
    tell(explore_calls("a process of two crashes", THREE, processes=processes, **options))


def test_waiting_for_a_lease_that_the_own_process_forgot_is_found_out(monkeypatch):
    monkeypatch.setattr(leases.Leases, "forget", lambda _: None)
    with pytest.raises(BrokenError, match="waited for a lease of its own process"):
        interrupted_and_called_again("")


def test_a_process_that_does_not_know_itself_is_found_out(monkeypatch):
    monkeypatch.setattr(pinned, "this_process", lambda: "")
    with pytest.raises(BrokenError, match="waited for a lease of its own process"):
        interrupted_and_called_again("")


def test_a_lease_that_counts_only_once_it_was_written_is_found_out(monkeypatch):
    create, hold = Leases._create, Leases._hold

    def late(self, *args):
        lease = create(self, *args)
        if lease is not None:
            hold(self, lease)
        return lease

    monkeypatch.setattr(Leases, "_create", late)
    monkeypatch.setattr(Leases, "_hold", lambda *_: None)
    with pytest.raises(BrokenError, match="computed 2 times"):
        two_threads()


# -- leases only help ------------------------------------------------------------------------------


def test_results_are_right_though_all_leases_are_ignored(monkeypatch, tell):
    monkeypatch.setattr(Leases, "_holder", lambda *_: None)
    monkeypatch.setattr(Leases, "exists", lambda *_: False)
    tell(explore_calls("no leases", OTHER))


def test_leases_alone_would_not_do(monkeypatch):
    """A holder that stalls in its commit would overwrite what its successor has made."""
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
