"""What the remote holds is cached in local slots that only go forward, also with slow processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.format.uid import UID
from radops.repository.refs.pending import PendingResults
from radops.repository.refs.remote_cache import RemoteCache, move_hidden, take_away

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.data_lake import DataLake


@pytest.fixture
def stall(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something else once, between reading the remote and caching what was read."""
    note = RemoteCache.note

    def arrange(meanwhile: Callable[[], object]) -> None:
        def slowly(cache: RemoteCache, chains: object) -> None:
            monkeypatch.setattr(RemoteCache, "note", note)
            chains = list(chains)
            meanwhile()
            note(cache, chains)

        monkeypatch.setattr(RemoteCache, "note", slowly)

    return arrange


def exists(lake: DataLake, uid: str) -> bool:
    return lake.session.lake.find(UID(uid)) is not None


def test_a_tombstone_is_not_overwritten_by_the_record_that_was_read_before(
    make_lake, shared: str, write, stall
) -> None:
    make_lake("two", remote=shared).add(write("a", "a"))
    slow, quick = make_lake("one", remote=shared), make_lake("one", remote=shared)
    stall(lambda: quick.delete("a"))
    assert exists(slow, "a")  # as it was when the remote was asked
    offline = make_lake("one", remote=shared, offline=True)
    assert not exists(offline, "a")
    assert slow.sync().dropped == []


def test_later_slots_do_not_vanish(make_lake, shared: str, write, stall) -> None:
    other = make_lake("two", remote=shared)
    other.add(write("a", "1"))
    slow, quick = make_lake("one", remote=shared), make_lake("one", remote=shared)

    def again() -> None:
        quick.delete("a")
        quick.add(write("a", "2"))

    stall(again)
    exists(slow, "a")
    assert make_lake("one", remote=shared, offline=True).file("a").read_text() == "2"


def test_a_file_added_offline_meanwhile_stays(make_lake, shared: str, write, stall) -> None:
    other = make_lake("two", remote=shared)
    other.add(write("a", "1"))
    other.delete("a")
    other.add(write("b", "b"))
    slow = make_lake("one", remote=shared)
    slow.file("b").read_text()
    offline = make_lake("one", remote=shared, offline=True)
    stall(lambda: offline.add(write("c", "2"), "a"))
    assert not exists(slow, "a")
    assert offline.file("a").read_text() == "2"
    report = slow.sync()
    assert (report.published, report.dropped) == (["a"], [])
    assert other.file("a").read_text() == "2"


def test_what_is_moved_away_by_mistake_is_put_back(lake, write) -> None:
    lake.add(write("a", "1"))
    here = lake.session.lake.local
    assert not take_away(here, UID("a"), 0, b"something else")
    assert lake.file("a").read_text() == "1"
    assert list(here.backend.list(f"{here.prefix}pending/")) == []


def test_what_a_crash_left_moved_away_waits_for_the_next_sync(
    make_lake, shared: str, write
) -> None:
    offline = make_lake("one", remote=shared, offline=True)
    offline.add(write("a", "1"))
    here = offline.session.lake.local
    here.backend.move(f"{here.prefix}refs/a.radops", f"{here.prefix}pending/moved-0123.radops")
    (kept,) = PendingResults(here).all()  # so its bytes are not collected
    assert [record.uid for record in kept.draft.records] == ["a"]
    one = make_lake("one", remote=shared)
    assert one.sync().published == ["a"]
    assert one.file("a").read_text() == "1"
    assert list(PendingResults(here).all()) == []


def test_a_file_in_a_slot_that_readers_do_not_see_is_settled_by_sync(
    make_lake, shared: str, write
) -> None:
    two = make_lake("two", remote=shared)
    two.add(write("marker", "0"))
    make_lake("one", remote=shared).file("marker").read_text()
    offline = make_lake("one", remote=shared, offline=True)
    offline.add(write("a", "1"))
    offline.delete("a")
    offline.add(write("b", "2"), "a")
    here = offline.session.lake.local
    one = make_lake("one", remote=shared)
    two.add(write("c", "3"), "a")
    raw = two.session.lake.local.slots.read_raw("refs/a.radops")
    here.slots.replace([(UID("a"), 0, raw)])
    (problem,) = one.sync().conflicts
    assert (problem.uid, "other bytes" in problem.message) == ("a", True)
    assert len(list(PendingResults(here).all())) == 1
    move_hidden(here, UID("a"), 0)  # nothing left to move
