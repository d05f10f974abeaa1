"""Deletes that race creators, finishers and each other."""

from __future__ import annotations

import pytest

from protocols.actions import Delete, Look, Settle, explore, imported, make_call, make_import
from protocols.scenario import DEEP

ABC = {"a": "1", "b": "2", "c": "3"}
ADA = make_call(ABC, "key", "ada")
FEW = None if DEEP else 3


@pytest.mark.parametrize("uid", "abc")
def test_a_finisher_does_not_bring_back_what_was_deleted(uid, tell):
    """Found once: the finisher took the next slot of the deleted file for a missing output's."""
    works = {"ada": ADA, "bob": Settle("c"), "cy": Delete(uid)}
    tell(explore(f"delete {uid} against a finisher", works, most_faults=int(DEEP)))


@pytest.mark.parametrize("uid", "abc")
def test_deleting_an_output_while_it_is_made(uid, tell):
    tell(explore(f"delete {uid} while it is made", {"ada": ADA, "bob": Delete(uid)}))


@pytest.mark.parametrize("uid", "abc")
def test_deleting_an_output_while_the_same_call_is_made_again(uid, tell):
    """A client that adopts may get a file that was deleted since, never one that never existed."""
    works = {"ada": make_call(ABC, "key", "again"), "bob": Delete(uid)}
    tell(explore(f"delete {uid} against adoption", works, [ADA]))


def test_deleting_against_adding_the_same(tell):
    works = {"ada": make_import("d/a", "1", "ada"), "bob": Delete("d/a")}
    tell(explore("delete against the same", works, [make_import("d/a", "1", "old")]))


def test_deleting_against_adding_another(tell):
    works = {"ada": make_import("d/a", "2", "ada"), "bob": Delete("d/a")}
    tell(explore("delete against another", works, [make_import("d/a", "1", "old")]))


def test_two_deletes_and_one_that_adds(tell):
    works = {"ada": Delete("a"), "bob": Delete("a"), "cy": make_import("a", "2", "cy")}
    start = [make_import("a", "1", "old")]
    tell(explore("two deletes", works, start, most_faults=int(DEEP), preemptions=FEW))


def test_adding_after_deletes_takes_the_next_slot(tell):
    start = [make_import("a", "1", "old"), Delete("a"), make_import("a", "2", "new"), Delete("a")]
    works = {"ada": make_import("a", "3", "ada"), "bob": make_import("a", "3", "bob")}
    tell(explore("third slot", works, start))


def test_a_call_over_deleted_names(tell):
    start = [ADA, Delete("a"), Delete("c")]
    works = {"ada": make_call(ABC, "key", "again"), "bob": make_call(ABC, "key", "bob")}
    options = {} if DEEP else {"most_faults": 0}
    tell(explore("a call over deleted names", works, start, **options))


def test_a_call_in_later_slots(tell):
    start = [ADA, Delete("a"), Delete("b"), Delete("c")]
    works = {"ada": make_call(ABC, "key", "again"), "bob": make_call(ABC, "key", "bob")}
    options = {} if DEEP else {"most_faults": 0}
    tell(explore("a call in later slots", works, start, **options))


def test_a_deleted_file_becomes_a_folder(tell):
    works = {
        "ada": make_import("a/b", "2", "ada"),
        "bob": Delete("a"),
        "cy": make_import("a", "3", "cy"),
    }
    start = [make_import("a", "1", "old")]
    tell(explore("file to folder", works, start, most_faults=0, preemptions=FEW))


def test_an_input_is_deleted_while_a_call_uses_it(tell):
    """It costs the bytes, never the lineage; a delete sees the edge."""
    source = imported("in", "0", "old").records[0]
    works = {"ada": make_call({"b": "2", "c": "3"}, "key", "ada", [source]), "bob": Delete("in")}
    start = [make_import("in", "0", "old")]
    tell(explore("delete an input", works, start, racing=("refs/", "edges/")))


def test_readers_while_one_deletes_and_one_makes(tell):
    works = {"ada": Delete("a"), "bob": make_call(ABC, "key", "bob"), "cy": Look(("b", "c"))}
    start = [make_import("a", "1", "old")]
    tell(explore("readers", works, start, most_faults=0, preemptions=FEW))
