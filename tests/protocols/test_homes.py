"""Several homes: working apart, synchronising, deleting."""

from __future__ import annotations

import pytest

from protocols.actions import all_slots, called, imported
from protocols.homes import (
    PREFIX,
    Ask,
    DeleteIn,
    Home,
    MakeIn,
    Sync,
    explore_homes,
    found_in,
    goes_forward,
    record_in,
)
from protocols.scenario import DEEP, BrokenError, Done
from protocols.world import LAKE
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID
from radops.lake import delete_files
from radops.repository.refs.remote_cache import RemoteCache
from radops.repository.working_lake import WorkingLake

FEW = {} if DEEP else {"preemptions": 2}


def adds(home: str, uid: str, text: str, **options) -> MakeIn:
    return MakeIn(home, lambda working: imported(uid, text, f"{home} {text}"), (text,), **options)


def makes(home: str, outputs: dict[str, str], inputs: tuple[str, ...], **options) -> MakeIn:
    def draft(working):
        records = [found_in(working, uid) for uid in inputs]
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
    of its input that was never in the lake.
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
        assert Home(client, "carl").lake.find(UID("mid/c")) is not None

    def look(client):
        seen.append(Home(client, "carl", offline=True).lake.find(UID("mid/c")))

    ask.home = look.home = "carl"
    explore_homes("asked once", {"ada": Sync("ada")}, [*apart("ada"), Sync("ada"), ask, look])
    assert seen[0] is not None


# -- processes of one home, of which one is stopped between reading the remote and caching it --

SHARED_HOME = ("refs/", f"ada:{PREFIX}refs/", f"ada:{PREFIX}pending/moved-")


def is_kept(uid: str, text: str):
    """Return what checks that a file added offline is in the home or, published, in the lake."""

    def end(content):
        slots = [record_in(content, name, uid, n) for name in ("ada", LAKE) for n in range(3)]
        wanted = imported(uid, text, f"ada {text}").records[0].digest
        assert any(isinstance(one, FileRecord) and one.digest == wanted for one in slots), slots

    return end


def stalled_reader_against_delete():
    return explore_homes(
        "a stalled reader against a delete",
        {"ada": Ask("ada", "in"), "ann": DeleteIn("ada", "in")},
        [adds("bob", "in", "1")], again=[Ask("ada", "in"), Sync("ada")],
        racing=SHARED_HOME, **FEW,
    )  # fmt: skip


def stalled_reader_against_offline_add():
    return explore_homes(
        "a stalled reader against an add offline",
        {"ada": Ask("ada", "in"), "ann": adds("ada", "in", "9", offline=True)},
        [adds("bob", "in", "1"), DeleteIn("bob", "in")], racing=SHARED_HOME, **FEW,
    )  # fmt: skip


def test_a_stalled_reader_does_not_bring_back_what_was_deleted(tell):
    tell(stalled_reader_against_delete())


def test_a_stalled_reader_leaves_what_was_added_offline(tell):
    tell(stalled_reader_against_offline_add())


REUSED = [adds("old", "in", "9"), DeleteIn("old", "in"), adds("ada", "in", "1", offline=True)]
"""What the home made offline is published in the next slot, and gives way to a tombstone."""


def test_a_stalled_sync_leaves_what_was_added_offline_meanwhile(tell):
    works = {"ada": Sync("ada"), "amy": adds("ada", "in", "2", offline=True)}
    tell(
        explore_homes(
            "a stalled sync against an add offline", works, REUSED,
            racing=SHARED_HOME, most_runs=1500, **FEW,
        )
    )  # fmt: skip


def test_a_stalled_sync_against_delete_and_add_offline(tell):
    works = {
        "ada": Sync("ada"),
        "ann": DeleteIn("ada", "in", offline=True),
        "amy": adds("ada", "in", "2", offline=True),
    }
    tell(
        explore_homes(
            "a stalled sync against delete and add offline", works, REUSED,
            racing=SHARED_HOME, preemptions=2, most_runs=1500, check_step=goes_forward,
        )
    )  # fmt: skip


def deleted_for_everyone(uid: str, text: str):
    """Return what checks that no live record of a file is left once its delete succeeded."""
    wanted = imported(uid, text, f"ada {text}").records[0].digest

    def together(content, outcomes):
        if len(outcomes) < 2 or not isinstance(outcomes["ann"], Done):
            return
        for name in ("ada", LAKE):
            for number in range(3):
                held = record_in(content, name, uid, number)
                is_live = isinstance(held, FileRecord) and held.digest == wanted
                assert not is_live, f"{uid} was deleted, but exists in slot {number} of {name}"

    return together


def delete_against_sync(start):
    works = {"ada": Sync("ada"), "ann": DeleteIn("ada", "in")}
    return explore_homes(
        "a delete against a sync of its home", works, start,
        racing=SHARED_HOME, together=deleted_for_everyone("in", "1"), **FEW,
    )  # fmt: skip


@pytest.mark.parametrize("start", [REUSED, REUSED[2:]], ids=["second slot", "first slot"])
def test_a_delete_beside_a_sync_of_its_home_holds(start, tell):
    """Found once: a delete succeeded although the sync had just published the file."""
    tell(delete_against_sync(start))


@pytest.mark.parametrize(
    ("where", "name", "careless"),
    [
        (WorkingLake, "_withdraw", lambda *_: None),
        (delete_files, "_published", lambda *_: {}),
    ],
    ids=["sync does not look for a delete", "delete does not look for a sync"],
)
def test_a_delete_or_sync_that_does_not_look_again_is_found_out(where, name, careless, monkeypatch):
    monkeypatch.setattr(where, name, careless)
    with pytest.raises(BrokenError, match="in was deleted, but exists"):
        delete_against_sync(REUSED[2:])


def test_two_processes_synchronise_one_home(tell):
    before = [adds("old", "in", "9"), DeleteIn("old", "in"), *apart("ada")[:2]]
    tell(
        explore_homes(
            "two processes synchronise a home", {"ada": Sync("ada"), "ann": Sync("ada")},
            before, again=[Sync("ada", conflicts=False)], end=is_kept("in", "1"),
            racing=SHARED_HOME, most_runs=1500, **FEW,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    "explored", [stalled_reader_against_delete, stalled_reader_against_offline_add]
)
def test_a_cache_that_overwrites_is_found_out(explored, monkeypatch):
    """Found once: what was read before a stop was written over what others had cached since."""

    def careless(cache, chains):
        for uid, chain in chains:
            known = [(uid, number, one.raw) for number, one in chain if one is not None]
            cache._local.slots.replace(known)

    monkeypatch.setattr(RemoteCache, "note", careless)
    with pytest.raises(BrokenError, match=r"a (Tombstone|FileRecord) became a|not the one"):
        explored()
