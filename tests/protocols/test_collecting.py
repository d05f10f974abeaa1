"""Collectors that race clients that use what they remove, delete it, or collect too."""

from __future__ import annotations

import pytest

from protocols.actions import PACK, Delete, body, called, digest, imported, make_call, make_import
from protocols.collecting import (
    STEP,
    Collect,
    DeleteAndCollect,
    Leave,
    Promptly,
    Publish,
    Wait,
    explore_collecting,
    publish_import,
)
from protocols.directories import MAKE_OLD, publish_new
from protocols.explorer import settled
from protocols.homes import PREFIX, MakeIn, check_homes, explore_homes, record_in
from protocols.scenario import DEEP, BrokenError, Done
from radops.format.record import FileRecord
from radops.repository import layout, publish
from radops.repository.gc import collect

GARBAGE = [Leave(("x",))]
ADA = publish_import("new", "x", "ada")
STORES = pytest.mark.parametrize("renames", [True, False], ids=["renames", "copies"])
"""A folder renames what it moves; a bucket copies it, and deletes it later."""

NIGHT = {"tick": 2 * STEP, "most_ticks": 2 if DEEP else 1}
"""A grace passes at once."""


def few(**options: object) -> dict[str, object]:
    """Return bounds for what there is not the time for, unless this is a soak."""
    return {} if DEEP else options


@STORES
def test_adopting_what_is_being_collected(renames, tell):
    works = {"ada": ADA, "gc": Collect(2, renames)}
    tell(explore_collecting("collect, adopt", works, GARBAGE))


def test_adopting_and_lost_replies(tell):
    """Of creates and moves that were done. A client without any reply ends, as if crashed."""
    works = {"ada": ADA, "gc": Collect(2)}
    options = {"faults": "?", "most_faults": 1}
    tell(explore_collecting("collect, adopt, replies are lost", works, GARBAGE, **options))


@STORES
def test_creating_while_somebody_collects(renames, tell):
    works = {"ada": ADA, "gc": Collect(2, renames)}
    tell(explore_collecting("collect, create", works))


def test_a_call_that_adopts(tell):
    """Its intents keep its objects, and a commit that crashed can be continued."""
    made = make_call({"a": "x", "b": "y"}, "key", "ada")
    works = {"ada": Publish(made.draft, made.texts), "gc": Collect(2)}
    options = few(most_ticks=1, preemptions=2)
    tell(explore_collecting("collect, call", works, [Leave(("x", "y"))], texts="xy", **options))


@STORES
def test_deleting_while_somebody_collects(renames, tell):
    works = {"ada": Delete("old"), "gc": Collect(2, renames)}
    start = [make_import("old", "x", "old")]
    tell(explore_collecting("collect, delete", works, start))


def test_deleting_and_adopting_while_somebody_collects(tell):
    works = {"ada": ADA, "bob": Delete("old"), "gc": Collect(1 + DEEP)}
    start = [make_import("old", "x", "old")]
    tell(explore_collecting("collect, delete, adopt", works, start, **few(most_ticks=0)))


@STORES
def test_adopting_while_two_collect(renames, tell):
    """Found once: of two collectors one deleted the original, and the other its copy."""
    works = {"ada": ADA, "bob": Collect(1, renames), "cy": Collect(1, renames)}
    tell(explore_collecting("collect twice, adopt", works, GARBAGE, most_ticks=int(DEEP)))


@STORES
def test_a_collector_that_sleeps(renames, tell):
    """It wakes after a grace, and goes on with what it had in mind."""
    works = {"ada": ADA, "bob": Collect(1, renames), "cy": Collect(1, renames)}
    options = NIGHT if renames else {**NIGHT, **few(preemptions=2)}
    tell(explore_collecting("one sleeps, another collects", works, GARBAGE, **options))


@STORES
def test_a_writer_that_sleeps(renames, tell):
    """It looks again, before its slot or after."""
    works = {"ada": publish_import("new", "x", "ada", late=True), "gc": Collect(2, renames)}
    tell(explore_collecting("collect, a late writer", works, GARBAGE, late=True))


@STORES
def test_using_the_pack_of_a_base_while_somebody_collects(renames, tell):
    """The writer does not hold the pack: the base keeps it until the new directory does."""
    works = {"ada": publish_new(), "gc": Collect(2, renames)}
    tell(explore_collecting("collect, a base", works, [MAKE_OLD]))


def late_writer_with_a_base(renames=True):
    works = {
        "ada": publish_new(late=True),
        "bob": DeleteAndCollect(2, renames, uid="old"),
    }
    return explore_collecting(
        "collect, a late writer with a base", works, [MAKE_OLD], late=True,
        refused=[Delete("new")], **NIGHT, **few(preemptions=1),
    )  # fmt: skip


@pytest.mark.parametrize("renames", [False, True] if DEEP else [False])
def test_a_late_writer_that_uses_the_pack_of_a_base(renames, tell):
    """The base is deleted, and its pack collected and swept, while the writer sleeps.

    It checks again. Then it sends the pack again, or is refused, or deletes its own name. One that
    was killed before it checked again leaves a name without its pack: its next try is refused, and
    the name is deleted by hand.
    """
    tell(late_writer_with_a_base(renames))


def test_a_home_that_collects_what_another_process_makes(tell):
    """Apart from any lake: what one process names, the other does not take away."""
    draft = called({"b": "x", "c": "y"}, "key", "ada")
    made = MakeIn("ada", lambda _lake: draft, ("x", "y"), offline=True)
    other = MakeIn("ada", lambda _lake: imported("z", "z", "ada"), ("z",), offline=True)

    def garbage(client):
        client.port("ada").put([(layout.object_key(digest("x")), body("x"))])

    garbage.home = "ada"

    def end(content):
        works = [("night", Wait(4 * STEP)), ("night", Collect(3, home="ada"))]
        after, outcomes = settled(content, *works)
        assert isinstance(outcomes[1], Done)
        check_homes(after)
        for uid, text in (("b", "x"), ("c", "y")):
            if isinstance(record_in(after, "ada", uid), FileRecord):
                assert layout.object_key(digest(text)) in after["ada"], f"{uid} is lost"

    refs = tuple(f"ada:{PREFIX}refs/{uid}." for uid in "bc")
    objects = tuple(f"ada:{layout.object_key(digest(text))}" for text in "xy")
    tell(
        explore_homes(
            "collect and make in one home",
            {"ada": Promptly(made), "gc": Collect(2, home="ada")},
            [other, garbage, Wait(4 * STEP)], end=end,
            racing=(*refs, "ada:trash/", *objects), tick=STEP,
            most_ticks=4 if DEEP else 2, **few(preemptions=1),
        )
    )  # fmt: skip


# -- collectors that are broken -------------------------------------------------------------------


def test_slots_that_are_read_before_objects_are_listed_are_found_out(monkeypatch):
    read, look = collect._Collection.read_roots, collect._Collection.list_all
    monkeypatch.setattr(collect._Collection, "list_all", read)
    monkeypatch.setattr(collect._Collection, "read_roots", look)
    with pytest.raises(BrokenError, match="was kept all the time, and yet is moved away"):
        explore_collecting("order", {"ada": ADA, "gc": Collect(1)}, GARBAGE)


def test_a_sweep_that_does_not_read_the_slots_is_found_out(monkeypatch):
    sweep = collect._Collection._sweep
    monkeypatch.setattr(
        collect._Collection,
        "_sweep",
        lambda self, rows, runs, _kept, count: sweep(self, rows, runs, set(), count),
    )
    with pytest.raises(BrokenError, match="is not there whole"):
        explore_collecting("no roots", {"ada": ADA, "gc": Collect(2)}, GARBAGE)


def test_a_sweep_that_does_not_wait_is_found_out(monkeypatch):
    monkeypatch.setattr(collect._Collection, "_is_over", lambda self, run: run.closed is not None)
    works = {"ada": ADA, "bob": Collect(1), "cy": Collect(1)}
    with pytest.raises(BrokenError, match="is not there whole"):
        explore_collecting("no grace", works, GARBAGE, most_ticks=0)


def test_a_sweep_that_goes_by_the_name_of_a_run_is_found_out(monkeypatch):
    def is_over(self, run):
        return collect.begun(run.name) <= self._limit

    monkeypatch.setattr(collect._Collection, "_is_over", is_over)
    works = {"ada": ADA, "bob": Collect(1), "cy": Collect(1)}
    with pytest.raises(BrokenError, match=r"is not there whole|is gone"):
        explore_collecting("by name", works, GARBAGE, preemptions=2, **NIGHT)


def test_a_copy_that_is_taken_for_settled_is_found_out(monkeypatch):
    """Before what arrived in a run that is not closed was left alone."""
    monkeypatch.setattr(collect._Collection, "_is_under_way", lambda *_: False)
    works = {"ada": ADA, "bob": Collect(1, renames=False), "cy": Collect(1, renames=False)}
    with pytest.raises(BrokenError, match="is not there whole"):
        explore_collecting("copies", works, GARBAGE, most_ticks=0)


def test_a_late_writer_that_does_not_look_again_is_found_out(monkeypatch):
    monkeypatch.setattr(
        publish, "_withdraw_lost", lambda _local, _target, _drafts, results: results
    )
    with pytest.raises(BrokenError, match=r"is not there whole|without its pack"):
        late_writer_with_a_base()


def test_a_late_writer_that_trusts_its_base_for_ever_is_found_out(monkeypatch):
    """Neither the base's slot nor the trash is read again."""
    monkeypatch.setattr(publish, "in_place", lambda *_: {digest(PACK)})
    with pytest.raises(BrokenError, match=r"is not there whole|is gone|without its pack"):
        late_writer_with_a_base()


def test_garbage_that_is_never_collected_is_found_out(monkeypatch):
    monkeypatch.setattr(collect._Collection, "_is_abandoned", lambda self, run: False)
    with pytest.raises(BrokenError, match="never collected"):
        explore_collecting("never", {"gc": Collect(1)}, GARBAGE, most_ticks=0)
