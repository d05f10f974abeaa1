"""Several homes: working apart, synchronising, deleting."""

from __future__ import annotations

import pytest

from protocols.actions import all_slots, called, imported
from protocols.homes import DeleteIn, Home, MakeIn, Sync, explore_homes, found_in, record_in
from protocols.scenario import DEEP
from protocols.world import LAKE
from radops.model.record import Tombstone
from radops.model.uid import UID

FEW = {} if DEEP else {"preemptions": 2}


def adds(home: str, uid: str, text: str, **options) -> MakeIn:
    return MakeIn(home, lambda mirror: imported(uid, text, f"{home} {text}"), (text,), **options)


def makes(home: str, outputs: dict[str, str], inputs: tuple[str, ...], **options) -> MakeIn:
    def draft(mirror):
        records = [found_in(mirror, uid) for uid in inputs]
        key = " ".join(record.digest.hex for record in records)
        return called(outputs, key, home, records)

    return MakeIn(home, draft, tuple(outputs.values()), **options)


def apart(home: str, text: str = "1") -> list[MakeIn]:
    """A file, and two made from it, in a home that works apart."""
    return [
        adds(home, "in", text, offline=True),
        makes(home, {"mid/b": f"{text}b", "mid/c": f"{text}c"}, ("in",), offline=True),
        makes(home, {"out": f"{text}d"}, ("mid/c",), offline=True),
    ]


def test_one_home_synchronises(tell):
    tell(
        explore_homes(
            "sync alone", {"ada": Sync("ada", conflicts=False)}, apart("ada"),
            again=[Sync("ada", conflicts=False)], most_faults=1, faults="~?-",
        )
    )  # fmt: skip


def test_two_homes_with_equal_bytes(tell):
    tell(
        explore_homes(
            "sync, equal bytes",
            {"ada": Sync("ada", conflicts=False), "bob": Sync("bob", conflicts=False)},
            [*apart("ada"), *apart("bob")],
            again=[Sync("ada", conflicts=False), Sync("bob", conflicts=False)],
            **FEW,
        )
    )


def test_two_homes_with_other_bytes(tell):
    tell(
        explore_homes(
            "sync, other bytes", {"ada": Sync("ada"), "bob": Sync("bob")},
            [*apart("ada", "1"), *apart("bob", "2")],
            again=[Sync("ada"), Sync("bob")], **FEW,
        )
    )  # fmt: skip


@pytest.mark.parametrize("uid", ["in", "mid/b"])
def test_records_are_rewritten_where_the_name_was_used_before(uid, tell):
    """The input goes to the next slot under a new commit, so what was made from it is rewritten.

    Found once: what was published by a second sync, after the first had crashed, named a record
    of its input that never stood anywhere.
    """
    before = [adds("old", uid, "9"), DeleteIn("old", uid)]
    tell(
        explore_homes(
            f"sync over a deleted {uid}", {"ada": Sync("ada", conflicts=False)},
            [*before, *apart("ada")], again=[Sync("ada", conflicts=False)],
            most_faults=1, faults="~?-",
        )
    )  # fmt: skip


def test_a_pending_result_is_published_once(tell):
    start = [adds("ada", "in", "1"), makes("ada", {"b": "2", "c": "3"}, ("in",), keep=True)]
    tell(
        explore_homes(
            "pending", {"ada": Sync("ada", conflicts=False), "bob": Sync("ada", conflicts=False)},
            start, again=[Sync("ada", conflicts=False)], **FEW,
        )
    )  # fmt: skip


@pytest.mark.parametrize("uid", ["in", "mid/b", "mid/c"])
def test_synchronising_against_a_delete(uid, tell):
    start = [*apart("bob"), Sync("bob"), *apart("ada")]
    tell(
        explore_homes(
            f"sync against a delete of {uid}", {"ada": Sync("ada"), "bob": DeleteIn("bob", uid)},
            start, again=[Sync("ada"), Sync("bob")], **FEW,
        )
    )  # fmt: skip


def test_making_online_against_synchronising(tell):
    start = [*apart("ada")]
    works = {"ada": Sync("ada"), "bob": adds("bob", "in", "1")}
    tell(explore_homes("add against sync", works, start, again=[Sync("ada"), Sync("bob")], **FEW))


def nothing_came_back(content):
    """No file was published twice: a slot after its tombstone holds another act of making."""
    seen = {}
    for held in all_slots(content):
        if held.record is not None and not held.aborted:
            made = (held.uid, held.record.originator, held.record.created_at, held.record.digest)
            assert made not in seen, f"{held.uid} came back: {seen[made]} and {held.key}"
            seen[made] = held.key


@pytest.mark.parametrize("uid", ["in", "mid/b", "mid/c"])
def test_what_was_published_and_deleted_does_not_come_back(uid, tell):
    """The first sync crashes after it has published under another slot, so other records.

    Found once: the second took what was deleted meanwhile for something new, and published it
    again; or only the rest of its commit.
    """
    before = [adds("old", uid, "9"), DeleteIn("old", uid)]
    tell(
        explore_homes(
            f"sync crashes, {uid} is deleted",
            {"ada": Sync("ada"), "bob": DeleteIn("bob", uid)},
            [*before, *apart("ada")[:2]], again=[Sync("ada")], end=nothing_came_back,
            **FEW,
        )
    )  # fmt: skip


@pytest.mark.parametrize("uid", ["b", "c"])
def test_a_pending_result_that_was_deleted_does_not_come_back(uid, tell):
    before = [adds("old", "b", "9"), DeleteIn("old", "b"), adds("ada", "in", "1")]
    tell(
        explore_homes(
            f"pending, {uid} is deleted",
            {"ada": Sync("ada"), "bob": DeleteIn("bob", uid)},
            [*before, makes("ada", {"b": "2", "c": "3"}, ("in",), keep=True)],
            again=[Sync("ada")], end=nothing_came_back, **FEW,
        )
    )  # fmt: skip


@pytest.mark.parametrize("uid", ["in", "mid/c"])
def test_a_delete_that_was_cut_short_reaches_every_home(uid, tell):
    """The tombstone counts, not the key that lets listings skip it."""

    def end(content):
        if isinstance(record_in(content, LAKE, uid), Tombstone):
            assert isinstance(record_in(content, "ada", uid), Tombstone)

    tell(
        explore_homes(
            f"delete of {uid} cut short", {"bob": DeleteIn("bob", uid)},
            [*apart("ada")[:2], Sync("ada")], again=[Sync("ada")], end=end,
        )
    )  # fmt: skip


def test_any_output_can_be_read_apart_once_it_was_asked_for():
    """Its commit is known to have happened, though its first output was never asked for."""
    seen = []

    def ask(client):
        assert Home(client, "carl").mirror.find(UID("mid/c")) is not None

    def look(client):
        seen.append(Home(client, "carl", offline=True).mirror.find(UID("mid/c")))

    ask.home = look.home = "carl"
    explore_homes("asked once", {"ada": Sync("ada")}, [*apart("ada"), Sync("ada"), ask, look])
    assert seen[0] is not None
