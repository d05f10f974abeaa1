"""Making room on one machine: what may go, what goes first, and what never does."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from faults import FailingBackend
from lake.evicting import DAY, lake_of_four, used
from lakes import folder, local_uids, storage
from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    CorruptRecordError,
    LocalStorageError,
    RemoteUnavailableError,
    UIDNotFoundError,
    UsageError,
)
from radops.repository.layout import object_key

LARGE = b"x" * (1024 * 1024 + 1)


def views(lake: DataLake) -> list[Path]:
    root = storage(lake) / "lakes" / lake.lake_id / "files"
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def lake(make_lake, shared: str, write) -> DataLake:
    return lake_of_four(make_lake, shared, write)


def test_everything_that_the_remote_has_goes_and_can_be_read_again(lake: DataLake) -> None:
    lake.file("files/1").path()
    plan = lake.purge_local_storage(dry_run=True)
    assert plan.purged == ["files/1", "files/2", "files/3", "files/4"]
    assert len(local_uids(lake)) == 4
    report = lake.purge_local_storage()
    assert report.purged == plan.purged
    assert report.kept == []
    assert report.bytes == plan.bytes >= 10_000
    assert report.size == report.size_before - report.bytes
    assert local_uids(lake) == []
    assert not list((storage(lake) / "objects").rglob("*"))
    assert not views(lake)
    assert not (storage(lake) / "trash").exists()
    assert [row.uid for row in lake.ls(recursive=True)] == plan.purged
    for number in range(1, 5):
        assert lake.file(f"files/{number}").read_bytes() == bytes([number]) * 1000 * number
    assert lake.purge_local_storage("files/1").purged == ["files/1"]


def test_targets(lake: DataLake, write) -> None:
    lake.add(write("x", b"x"), "other")
    assert lake.purge_local_storage("files/[12]").purged == ["files/1", "files/2"]
    assert lake.purge_local_storage("files/3").purged == ["files/3"]
    assert lake.purge_local_storage("files/3").purged == []
    assert lake.purge_local_storage("files/").purged == ["files/4"]
    assert local_uids(lake) == ["other"]
    with pytest.raises(UIDNotFoundError):
        lake.purge_local_storage("nowhere")


def test_what_was_used_longest_ago_goes_first_until_there_is_room(lake: DataLake) -> None:
    whole = lake.purge_local_storage(dry_run=True)
    report = lake.purge_local_storage(max_size=whole.size_before - 5_000)
    assert report.purged == ["files/3", "files/4"]
    assert report.size <= whole.size_before - 5_000
    assert lake.purge_local_storage(max_size=whole.size_before).purged == []
    assert lake.purge_local_storage(max_size=0).purged == ["files/1", "files/2"]


def test_only_what_was_not_used_for_so_long(lake: DataLake) -> None:
    assert lake.purge_local_storage(older_than=2.5 * DAY).purged == ["files/3", "files/4"]
    # Both: what is old, and only while there is too much.
    whole = lake.purge_local_storage(dry_run=True)
    report = lake.purge_local_storage(older_than=1.5 * DAY, max_size=whole.size_before - 1)
    assert report.purged == ["files/2"]
    report = lake.purge_local_storage(older_than=1.5 * DAY, max_size=0)
    assert report.purged == []


def test_reading_is_using_and_proving_is_not(lake: DataLake, make_lake, shared) -> None:
    for uid in ("files/2", "files/3"):
        digest = lake.info(uid).digest
        storage(lake).joinpath(object_key(digest)).read_bytes()  # as a backup or `verify` does
    lake.close()
    other = make_lake("one", remote=shared)
    assert other.file("files/4").read_bytes()
    other.close()
    lake = make_lake("one", remote=shared)
    plan = lake.purge_local_storage(older_than=1.5 * DAY, dry_run=True)
    assert plan.purged == ["files/2", "files/3"]
    lake.file("files/2").path()
    assert lake.purge_local_storage(older_than=1.5 * DAY).purged == ["files/3"]


def test_many_uses_are_noted_in_few_writes(lake: DataLake, monkeypatch) -> None:
    catalog = lake.session.store.catalog
    writes = []
    note = catalog.note_uses
    monkeypatch.setattr(catalog, "note_uses", lambda uses: writes.append(1) or note(uses))
    began = time.time()
    for _ in range(200):
        for number in range(1, 5):
            lake.file(f"files/{number}").read_bytes()
    took = time.time() - began
    assert len(writes) <= took + 2
    lake.close()
    for number in range(1, 5):
        assert catalog.last_used(lake.info(f"files/{number}").digest) >= began


def test_the_loss_of_the_catalogue_costs_only_the_order(lake: DataLake, make_lake, shared) -> None:
    lake.close()
    for path in storage(lake).glob("catalog*"):
        path.unlink()
    again = make_lake("one", remote=shared)
    # Nothing is known of the remote either, so nothing goes before it was asked.
    report = again.purge_local_storage()
    assert report.purged == []
    assert len(report.kept) == 4
    again.sync()
    assert len(again.purge_local_storage(older_than=1.5 * DAY).purged) == 3


# -- never the last copy ---------------------------------------------------------------------------


def test_without_a_remote_nothing_goes(make_lake, write) -> None:
    lake = make_lake("alone")
    lake.add(write("a", b"a"))
    with pytest.raises(UsageError, match="no remote"):
        lake.purge_local_storage()
    assert local_uids(lake) == ["a"]


def test_what_is_only_here_stays(lake: DataLake, make_lake, shared, write) -> None:
    make_lake("one", remote=shared, offline=True).add(write("mine", b"mine"))
    report = lake.purge_local_storage()
    assert len(report.purged) == 4
    assert report.kept == ["mine"]
    assert local_uids(lake) == ["mine"]
    assert lake.sync().published == ["mine"]
    assert lake.purge_local_storage().purged == ["mine"]


def test_bytes_that_something_unpublished_shares_stay(
    lake: DataLake, make_lake, shared, write
) -> None:
    (lake.home / "config.toml").write_text("[contexts.alone]\n")
    alone = make_lake("one", context="alone")
    alone.add(write("same", b"\x01" * 1000), "mine")
    report = lake.purge_local_storage()
    assert report.kept == ["files/1"]
    assert alone.file("mine").read_bytes() == b"\x01" * 1000


def test_pending_results_stay(lake: DataLake, make_lake, shared) -> None:
    away = folder(shared).with_name("away")

    @file_creator(name="tests.leave")
    def leave(f: File) -> File:
        out = File()
        out.write_bytes(b"\x02" * 2000)  # equal to a file that the remote has
        folder(shared).rename(away)
        return out

    with lake.use(), pytest.raises(Exception, match="kept on this machine"):
        leave(File("files/1"))
    away.rename(folder(shared))
    report = make_lake("one", remote=shared).purge_local_storage()
    assert report.kept == ["files/2"]
    assert make_lake("one", remote=shared).sync().published


def test_what_the_remote_has_lost_stays(lake: DataLake, shared) -> None:
    one, two, three = (lake.info(f"files/{number}").digest for number in (1, 2, 3))
    (folder(shared) / object_key(one)).unlink()
    path = folder(shared) / object_key(two)
    path.chmod(0o644)
    path.write_bytes(b"short")
    # Set back to an older state, in which the name was not there: nothing keeps the bytes.
    (folder(shared) / "refs/files/3.radops").unlink()
    assert (folder(shared) / object_key(three)).exists()
    report = lake.purge_local_storage()
    assert report.purged == ["files/4"]
    assert report.kept == ["files/1", "files/2", "files/3"]
    with pytest.raises(LocalStorageError, match="needed here"):
        lake.delete_local("files/3")


def test_what_was_deleted_from_the_lake_meanwhile_stays_for_gc(
    lake: DataLake, make_lake, shared
) -> None:
    make_lake("two", remote=shared).delete("files/1")
    report = lake.purge_local_storage()
    assert report.kept == ["files/1"]
    lake.sync()
    assert lake.purge_local_storage().purged == []
    assert lake.gc(dry_run=False, grace=0, where="local").moved == 1


def test_a_record_that_does_not_decode_stops_it(lake: DataLake) -> None:
    path = storage(lake) / f"lakes/{lake.lake_id}/refs/files/1.radops"
    path.chmod(0o644)
    path.write_bytes(b"garbage")
    with pytest.raises(CorruptRecordError):
        lake.purge_local_storage("files/2")
    with pytest.raises(CorruptRecordError):
        lake.delete_local("files/2")
    assert "files/2" in local_uids(lake)


def test_a_remote_that_cannot_be_reached(lake: DataLake) -> None:
    lake.session.lake.remote.backend = FailingBackend(
        lake.session.lake.remote.backend, at=1, times=1000
    )
    with pytest.raises(RemoteUnavailableError):
        lake.purge_local_storage()
    assert len(local_uids(lake)) == 4


def test_negative_limits_are_refused(lake: DataLake) -> None:
    for options in ({"older_than": -1}, {"older_than": float("nan")}, {"max_size": -1}):
        with pytest.raises(UsageError, match=r"older_than is|max_size is"):
            lake.purge_local_storage(**options)


# -- bytes with several names ----------------------------------------------------------------------


def test_files_with_equal_bytes_go_together_with_all_views(lake: DataLake, write) -> None:
    lake.add(write("twin", b"\x01" * 1000), "twin")
    used(lake, "twin", 3)
    for uid in ("files/1", "twin"):
        lake.file(uid).path()
    report = lake.purge_local_storage("twin")
    assert report.purged == ["twin"]
    assert "files/1" not in local_uids(lake)
    assert not views(lake)
    assert lake.file("files/1").read_bytes() == b"\x01" * 1000
    assert lake.delete_local("files/1", "twin") == ["files/1", "twin"]


def test_large_files_go_with_their_outlines(lake: DataLake, write) -> None:
    lake.add(write("large", LARGE), "large")
    assert lake.purge_local_storage("large").bytes == len(LARGE) + 64
    assert not [path for path in (storage(lake) / "outlines").rglob("*") if path.is_file()]
    assert lake.file("large").read_bytes() == LARGE


# -- with a server ---------------------------------------------------------------------------------


def test_with_a_server(make_lake, seaweedfs, write) -> None:
    bucket = seaweedfs.new_bucket()
    lake = make_lake(remote=f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}")
    lake.add_many((write(f"{number}", b"%d" % number), f"n/{number:03}") for number in range(150))
    report = lake.purge_local_storage()
    assert len(report.purged) == 150
    assert lake.file("n/077").read_bytes() == b"77"


def test_a_slot_that_is_not_as_the_remote_confirmed_it_keeps_its_bytes(
    lake: DataLake, make_lake, write
) -> None:
    """Put there by hand, or by a copy of another home."""
    offline = make_lake("three")
    offline.add(write("other", b"\x01" * 1000), "files/1")
    (theirs,) = (storage(offline) / "lakes").glob("*/refs/files/1.radops")
    (mine,) = (storage(lake) / "lakes").glob("*/refs/files/1.radops")
    mine.chmod(0o644)
    mine.write_bytes(theirs.read_bytes())
    again = DataLake(home=lake.home, remote=lake.session.settings.remote)
    with pytest.raises(LocalStorageError, match="not in a remote"):
        again.delete_local("files/1")
    again.close()
    digest = offline.info("files/1").digest
    assert (storage(lake) / object_key(digest)).exists()


@pytest.mark.parametrize("targets", [(), ("one",)], ids=["all", "named"])
def test_bytes_that_another_file_needs_stay_if_only_an_earlier_remote_had_it(
    make_lake, tmp_path: Path, write, targets: tuple[str, ...]
) -> None:
    """The present remote was copied from that one before the other file was published."""
    source, old, new = write("x", b"x" * 1000), tmp_path / "old", tmp_path / "new"
    old.mkdir()
    lake = make_lake("home", remote=old.as_uri())
    lake.add(source, "one")
    shutil.copytree(old, new)
    lake.add(source, "two")
    shutil.rmtree(old)
    lake = make_lake("home", remote=new.as_uri())
    assert lake.purge_local_storage(*targets).purged == []
    lake.delete("one")
    for _ in range(2):
        lake.gc(dry_run=False, grace=0)
    assert lake.sync().published == ["two"]
    assert make_lake("reader", remote=new.as_uri()).file("two").read_bytes() == b"x" * 1000


def test_bytes_that_another_file_needs_stay_if_the_remote_was_set_back(
    make_lake, shared: str, tmp_path: Path, write
) -> None:
    source, remote = write("x", b"x" * 1000), folder(shared)
    lake = make_lake(remote=shared)
    lake.add(source, "one")
    shutil.copytree(remote, tmp_path / "backup")
    lake.add(source, "two")
    shutil.rmtree(remote)
    (tmp_path / "backup").rename(remote)
    assert lake.purge_local_storage().purged == []
    lake.delete("one")
    for _ in range(2):
        lake.gc(dry_run=False, grace=0)
    assert lake.sync().published == ["two"]
    assert make_lake("reader", remote=shared).file("two").read_bytes() == b"x" * 1000
