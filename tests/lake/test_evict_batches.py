"""Making room among many files: few calls, and no more than is needed."""

from __future__ import annotations

import pytest

from lakes import local_uids, storage
from radops import native
from radops.data_lake import DataLake
from radops.repository.refs.slots import Slots


@pytest.fixture
def many(make_lake, shared, tmp_path, monkeypatch) -> tuple[DataLake, list[str]]:
    """A lake of 300 small files, and what is called to move and remove files from now on."""
    lake = make_lake("two", remote=shared)
    pairs = []
    for number in range(300):
        path = tmp_path / f"many-{number}"
        path.write_text(f"number {number}")
        pairs.append((path, f"many/{number}"))
    lake.add_many(pairs)
    assert lake.path("many/7").read_text() == "number 7"
    calls: list[str] = []

    def counting(name: str, real):
        def call(*arguments, **options):
            calls.append(name)
            return real(*arguments, **options)

        return call

    for name in ("place_files", "remove_files", "write_files"):
        monkeypatch.setattr(native, name, counting(name, getattr(native, name)))
    monkeypatch.setattr(Slots, "read", counting("read", Slots.read))
    return lake, calls


def test_many_files_are_removed_in_batches(many) -> None:
    lake, calls = many
    assert len(lake.delete_local("many/")) == 300
    assert local_uids(lake) == []
    assert not list((storage(lake) / "lakes").glob("*/files/many/7"))
    assert calls.count("place_files") + calls.count("remove_files") < 10
    # What the remote has confirmed is known by its digest: it is not decoded once more.
    assert calls.count("read") <= 300
    calls.clear()
    assert len(lake.delete_many("many/").deleted) == 300
    assert sum(calls.count(name) for name in ("place_files", "write_files")) < 20


def test_many_files_are_purged_in_batches(many) -> None:
    lake, calls = many
    plan = lake.purge_local_storage(dry_run=True)
    assert plan.purged == sorted(f"many/{number}" for number in range(300))
    report = lake.purge_local_storage()
    assert (report.purged, report.bytes, report.kept) == (plan.purged, plan.bytes, [])
    assert local_uids(lake) == []
    assert calls.count("place_files") + calls.count("remove_files") < 10


def test_a_batch_ends_where_there_is_room(many) -> None:
    lake, calls = many
    whole = lake.purge_local_storage(dry_run=True)
    most = whole.size_before - 1_500
    report = lake.purge_local_storage(max_size=most)
    # Each file takes 8 to 10 bytes: not one more goes than is needed.
    assert most - 10 < report.size <= most
    assert len(local_uids(lake)) == 300 - len(report.purged)
    assert calls.count("place_files") + calls.count("remove_files") < 20
