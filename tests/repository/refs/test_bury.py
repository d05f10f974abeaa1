"""Tombstones replace just the records that they are of, whatever other processes do meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.errors import UIDConflictError
from radops.format.uid import UID
from radops.repository.refs import bury
from radops.repository.refs.bury import bury_all
from radops.repository.refs.remote_cache import take_away

if TYPE_CHECKING:
    from radops.data_lake import DataLake
    from radops.repository.refs.repository import Repository

A = UID("a")


@pytest.fixture
def offline(make_lake, shared: str, write) -> DataLake:
    """A lake with a remote, of which one file was made offline."""
    make_lake("other", remote=shared).add(write("marker", "0"))
    make_lake("one", remote=shared).file("marker").read_text()
    lake = make_lake("one", remote=shared, offline=True)
    lake.add(write("a", "1"))
    return lake


def raw_of(here: Repository, number: int = 0) -> bytes:
    raw = here.slots.read_raw("refs/a.radops" if number == 0 else f"refs/a.radops-{number}")
    assert raw is not None
    return raw


def test_a_cached_record_is_replaced_by_its_tombstone(offline: DataLake) -> None:
    here = offline.session.lake.local
    (dead,) = bury_all(here, [(A, 0, raw_of(here))])
    assert dead == raw_of(here)
    assert bury_all(here, [(A, 0, here.slots.read(A, 0).record)]) == [dead]  # it is deleted


def test_a_cached_slot_that_another_process_rewrote_is_left_alone(offline: DataLake, write) -> None:
    here = offline.session.lake.local
    before = raw_of(here)
    offline.delete("a")
    offline.add(write("b", "2"), "a")
    changed = raw_of(here, 1)
    here.slots.replace([(A, 0, changed)])
    assert bury_all(here, [(A, 0, before)]) == [None]
    assert raw_of(here) == changed


def test_a_slot_that_another_process_took_away_is_not_reported_as_deleted(
    offline: DataLake,
) -> None:
    here = offline.session.lake.local
    before = raw_of(here)
    assert take_away(here, A, 0, before)
    assert bury_all(here, [(A, 0, before)]) == [None]


def test_a_delete_whose_slot_keeps_changing_is_refused(
    offline: DataLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process moves the record away before each try, and back after it."""
    here = offline.session.lake.local
    raw = raw_of(here)

    def moved(repository, uid, number, expected, instead=None):
        return True

    with monkeypatch.context() as patched:
        patched.setattr(bury, "take_away", moved)
        with pytest.raises(UIDConflictError, match="a was changed by another process") as caught:
            offline.delete("a")
    assert caught.value.hint == "run the same command again"
    assert raw_of(here) == raw
    assert offline.delete("a") == ["a"]
