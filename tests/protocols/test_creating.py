"""Two or three clients that take names at once."""

from __future__ import annotations

import itertools

import pytest

from protocols.actions import Look, Settle, explore, make_call, make_import
from protocols.scenario import DEEP, Done, Failed
from radops.errors import UIDConflictError

ABC = {"a": "1", "b": "2", "c": "3"}
ADA = make_call(ABC, "key", "ada")
FEW = None if DEEP else 3
"""Preemptions where there is more than a pull request has time for."""


def one_wins(content, outcomes):
    if len(outcomes) > 1:
        assert sum(isinstance(one, Done) for one in outcomes.values()) == 1


def all_win(content, outcomes):
    for outcome in outcomes.values():
        # A lost reply to anything but a create ends a client; it does the work again later.
        assert isinstance(outcome, Done) or not isinstance(outcome.error, UIDConflictError)


PAIRS = {
    "import, import: same bytes": (
        make_import("d/a", "1", "ada"), make_import("d/a", "1", "bob"), all_win),
    "import, import: other bytes": (
        make_import("d/a", "1", "ada"), make_import("d/a", "2", "bob"), None),
    "import, call: same bytes": (
        make_import("a", "1", "ada"), make_call({"a": "1"}, "key", "bob"), None),
    "call, call: same key, same digest": (
        make_call({"a": "1"}, "key", "ada"), make_call({"a": "1"}, "key", "bob"), all_win),
    "call, call: same key, other digest": (
        make_call({"a": "1"}, "key", "ada"), make_call({"a": "2"}, "key", "bob"), None),
    "call, call: other key": (
        make_call({"a": "1"}, "key", "ada"), make_call({"a": "1"}, "yek", "bob"), None),
    "file against folder": (
        make_import("a", "1", "ada"), make_import("a/b", "2", "bob"), None),
    "file against folder of a folder": (
        make_import("a/b", "1", "ada"), make_import("a/b/c", "2", "bob"), None),
    "two below one folder": (
        make_import("a/b", "1", "ada"), make_import("a/c", "2", "bob"), all_win),
    "two outputs: same key, same digests": (
        make_call({"a": "1", "b": "2"}, "key", "ada"),
        make_call({"a": "1", "b": "2"}, "key", "bob"), all_win),
    "three outputs: same key, same digests": (ADA, make_call(ABC, "key", "bob"), all_win),
    "three outputs: same key, last digest differs": (
        ADA, make_call({**ABC, "c": "4"}, "key", "bob"), None),
    "three outputs against the primary": (ADA, make_import("a", "9", "bob"), None),
    "three outputs against the middle": (ADA, make_import("b", "9", "bob"), None),
    "three outputs against the last": (ADA, make_import("c", "9", "bob"), None),
    "three outputs against a file below the last": (ADA, make_import("c/d", "9", "bob"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_with_lost_replies(name, tell):
    ada, bob, judge = PAIRS[name]
    tell(explore(name, {"ada": ada, "bob": bob}, judge=judge))


@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if pair[2] is None])
def test_of_two_that_differ_one_wins(name, tell):
    ada, bob, _ = PAIRS[name]
    tell(explore(name, {"ada": ada, "bob": bob}, judge=one_wins, most_faults=0))


OVERLAPS = [
    (same, extra, overlap)
    for same in (False, True)
    for extra in ("", "0", "z")
    for size in (1, 2, 3)
    for overlap in itertools.combinations("abc", size)
]


@pytest.mark.parametrize("same", [False, True], ids=["other bytes", "equal"])
@pytest.mark.parametrize("extra", ["", "0", "z"], ids=["alone", "before", "after"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_three_outputs_against_every_overlapping_call(same, extra, size, tell):
    """The primary, the middle or the last in conflict, or several; of both, or only of one."""
    for overlap in itertools.combinations("abc", size):
        outputs = {uid: ABC[uid] if same else f"x{uid}" for uid in overlap}
        if extra:
            outputs[extra] = "extra"
        bob = make_call(outputs, "key" if same else "other", "bob")
        options = {} if DEEP else {"preemptions": 2}
        name = f"a, b, c against {', '.join(sorted(outputs))}"
        tell(explore(name, {"ada": ADA, "bob": bob}, most_faults=0, **options))


def test_three_equal_calls(tell):
    works = {name: make_call({"a": "1", "b": "2"}, "key", name) for name in ("ada", "bob", "cy")}
    options = {"most_faults": int(DEEP), "preemptions": FEW}
    tell(explore("three equal calls", works, judge=all_win, **options))


def test_three_different_files(tell):
    works = {name: make_import("a", name, name) for name in ("ada", "bob", "cy")}
    tell(explore("three files of one name", works, judge=one_wins, most_faults=0, preemptions=FEW))


def test_two_files_and_a_folder(tell):
    works = {
        "ada": make_import("a", "1", "ada"),
        "bob": make_import("a", "1", "bob"),
        "cy": make_import("a/b", "2", "cy"),
    }
    tell(explore("two files and a folder", works, most_faults=0, preemptions=FEW))


@pytest.mark.parametrize("order", ["abc", "bac", "cab"])
def test_outputs_of_a_call_are_seen_together(order, tell):
    """A reader that has seen one output sees all that it looks at afterwards."""
    tell(explore(f"looking at {order}", {"ada": ADA, "bob": Look(tuple(order))}))


@pytest.mark.parametrize("uid", ["b", "c"])
def test_who_is_blocked_finishes_anothers_commit(uid, tell):
    works = {"ada": ADA, "bob": Settle(uid), "cy": Look(("b", "a", "c"))}
    options = {"most_faults": 1} if DEEP else {"most_faults": 0}
    tell(explore(f"blocked by {uid}", works, preemptions=FEW, **options))


@pytest.mark.parametrize("uid", ["b", "c"])
def test_who_is_blocked_gives_up_a_commit_that_cannot_be(uid, tell):
    works = {"ada": ADA, "bob": make_import(uid, "9", "bob"), "cy": Settle("c")}
    tell(explore(f"no {uid}", works, most_faults=0, preemptions=FEW))


def test_two_that_finish_one_commit(tell):
    works = {"ada": ADA, "bob": Settle("b"), "cy": Settle("c")}
    options = {} if DEEP else {"preemptions": 3}
    tell(explore("two finishers", works, **options))


@pytest.mark.parametrize("work", [make_import("d/a", "1", "ada"), ADA], ids=["import", "call"])
def test_alone_a_client_always_succeeds(work, tell):
    """Each operation crashes, fails, or loses its reply; the same command again succeeds."""

    def judge(content, outcomes):
        for outcome in outcomes.values():
            assert not isinstance(outcome, Failed) or not isinstance(
                outcome.error, UIDConflictError
            )

    tell(explore("alone", {"ada": work}, judge=judge, faults="~?-", most_faults=2 + DEEP))


@pytest.mark.parametrize("other", [{"b": "9"}, ABC])
def test_calls_that_share_their_call_object(other, monkeypatch, tell):
    """As those of many outputs do: what the records keep is in the object, edges lead to one."""
    monkeypatch.setattr("radops.format.call.SHARED_OUTPUTS", 1)
    source = make_import("in", "0", "old")
    inputs = source.draft.records
    bob = make_call(ABC, "key", "bob", inputs) if other == ABC else make_import("b", "9", "bob")
    works = {"ada": make_call(ABC, "key", "ada", inputs), "bob": bob}
    tell(explore("shared call", works, [source], preemptions=FEW))
