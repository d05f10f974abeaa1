"""Tombstones of commits that were given up: no file was deleted, and none was ever there."""

from __future__ import annotations

import pytest

from protocols.actions import Settle, called, digest, imported
from protocols.collecting import Collect, Wait
from protocols.explorer import settled
from protocols.homes import (
    LAKE_ID,
    Home,
    MakeIn,
    Sync,
    check_homes,
    explore_homes,
    record_in,
)
from protocols.pinned import pinned
from protocols.scenario import Done
from protocols.world import LAKE, Content
from radops.format.marker import new_marker
from radops.format.record import FileRecord, Tombstone, tombstone
from radops.format.uid import UID
from radops.repository import layout
from radops.repository.gc.collect import SAFE_GRACE_SECONDS
from radops.repository.refs.bury import bury
from radops.repository.refs.repository import now
from radops.repository.refs.slots import Taken

BC = called({"b": "2", "c": "3"}, "key", "ada")
APART = MakeIn("ada", lambda _lake: BC, ("2", "3"), offline=True)
EMPTY = Content(
    {LAKE: {layout.MARKER: new_marker(bytes.fromhex(LAKE_ID)).raw}, "ada": {}, "bob": {}}
)


def adds(home: str, uid: str, text: str, number: int = 0) -> MakeIn:
    draft = imported(uid, text, f"{home} {number}")
    return MakeIn(home, lambda _lake: draft, (text,))


def after(content: Content, *works: object) -> Content:
    """Do works one after the other, all of which succeed."""
    with pinned():
        found, outcomes = settled(content, *((f"{n}", work) for n, work in enumerate(works)))
    for work, outcome in zip(works, outcomes, strict=True):
        assert isinstance(outcome, Done), f"{work}: {outcome}"
    return found


def collected(content: Content, home: str) -> Content:
    return after(content, Wait(2 * SAFE_GRACE_SECONDS), Collect(3, home=home))


def has(content: Content, backend: str, text: str) -> bool:
    return layout.object_key(digest(text)) in content[backend]


def intent(client) -> None:
    """Publish the first half of what was made apart, and crash."""
    client.port().put([(layout.object_key(digest(t)), b"the bytes " + t.encode()) for t in "23"])
    (written,) = client.repository.slots.create([(UID("c"), 0, BC.records[1].raw)])
    assert written


def give_up(client) -> None:
    """Close the primary slot and bury the intent, as a client that needs one of its names."""
    head, rest = BC.records
    dead = tombstone(head.raw, now(), client.name, aborted=True)
    client.repository.slots.create([(UID("b"), 0, dead)])
    bury(client.repository, UID("c"), 0, rest.raw, aborted=True)


def confirm(client) -> None:
    """Take it for published, as a catalogue from before the remote was set back would."""
    working = Home(client, "ada").lake
    working.confirm([Taken(one.uid, 0, one) for one in BC.records])


def synchronise(client) -> object:
    report = Sync("ada")(client)
    assert report.dropped == []
    return report


@pytest.mark.parametrize("uid", ["b", "c"])
def test_what_was_made_apart_outlives_a_commit_that_was_given_up(uid: str) -> None:
    seen = []

    def look(client) -> None:
        seen.append(Home(client, "ada").lake.state(UID(uid), refresh=True))

    content = after(EMPTY, APART, intent, give_up, look)
    assert isinstance(seen[0], Taken)
    assert isinstance(record_in(content, "ada", uid), FileRecord)
    content = collected(content, "ada")
    assert has(content, "ada", "2")
    assert has(content, "ada", "3")


def test_sync_publishes_it_under_the_next_slots() -> None:
    content = after(EMPTY, APART, intent, give_up, synchronise)
    for uid in "bc":
        old, new = (record_in(content, LAKE, uid, number) for number in (0, 1))
        assert isinstance(old, Tombstone)
        assert old.aborted
        assert isinstance(new, FileRecord)
        assert new.digest == old.inner().digest
    check_homes(content)
    for place in (LAKE, "ada"):
        content = collected(content, place)
        assert has(content, place, "2")
        assert has(content, place, "3")


def test_sync_does_not_drop_what_was_taken_for_published() -> None:
    content = after(EMPTY, APART, intent, give_up, confirm, synchronise)
    assert isinstance(record_in(content, "ada", "b"), FileRecord)
    assert isinstance(record_in(content, "ada", "c"), FileRecord)
    assert has(collected(content, "ada"), "ada", "3")


def test_it_keeps_no_bytes_but_those_of_who_came_after() -> None:
    """The name was taken by another, whose bytes are kept; those of the commit are garbage."""
    content = after(EMPTY, adds("bob", "x", "0"), intent, give_up, adds("bob", "c", "2"))
    content = collected(content, LAKE)
    assert has(content, LAKE, "2")
    assert not has(content, LAKE, "3")


def test_an_intent_keeps_its_bytes_until_it_is_given_up() -> None:
    content = collected(after(EMPTY, adds("bob", "x", "0"), intent), LAKE)
    assert has(content, LAKE, "3")
    content = collected(after(content, Settle("c")), LAKE)
    assert isinstance(record_in(content, LAKE, "b"), FileRecord)
    assert has(content, LAKE, "2")


@pytest.mark.parametrize("uid", ["b", "c"])
def test_a_sync_that_is_given_up_loses_nothing(uid: str, tell) -> None:
    """Somebody takes one of the names in the middle of the commit."""

    def end(content: Content) -> None:
        for one in BC.records:
            there = [record_in(content, LAKE, one.uid, number) for number in (0, 1)]
            published = any(isinstance(r, FileRecord) and r.digest == one.digest for r in there)
            here = record_in(content, "ada", one.uid)
            assert published or (isinstance(here, FileRecord) and here.digest == one.digest)
        swept = collected(content, "ada")
        assert has(swept, "ada", "2")
        assert has(swept, "ada", "3")
        check_homes(collected(swept, LAKE))

    tell(
        explore_homes(
            f"{uid} is taken during a sync",
            {"ada": Sync("ada"), "bob": adds("bob", uid, "9")},
            [APART], again=[Sync("ada")], end=end,
        )
    )  # fmt: skip
