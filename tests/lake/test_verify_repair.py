"""Repairing local storage from a remote."""

from __future__ import annotations

import pytest

from lake.tampering import MIB, flip, in_folder, kinds, noise, object_of, overwrite, settle, slot_of
from radops.data_lake import DataLake
from radops.errors import CorruptObjectError


@pytest.fixture
def lake(online: DataLake) -> DataLake:
    """A lake with a shared folder behind it."""
    return online


def test_only_wrong_blocks_are_fetched(lake: DataLake, write) -> None:
    lake.add(write("big", noise(20 * MIB + 3)), "big")
    flip(object_of(lake, "big"), 7 * MIB)
    report = lake.verify(repair=True)
    (finding,) = report.findings
    assert (report.ok, finding.ranges) == (True, ((7 * MIB, 8 * MIB),))
    assert report.bytes_fetched == MIB
    assert lake.verify().ok
    assert not list((lake.home / "storage" / "quarantine").iterdir())
    assert object_of(lake, "big").read_bytes() == noise(20 * MIB + 3)


@pytest.mark.parametrize("size", [5 * MIB + 1, 3 * MIB - 1, 0, 9 * MIB])
def test_objects_of_the_wrong_size_are_mended(lake: DataLake, write, size: int) -> None:
    lake.add(write("big", noise(5 * MIB)), "big")
    path = object_of(lake, "big")
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(size)
    path.chmod(0o444)
    report = lake.verify(repair=True)
    assert (report.ok, kinds(report)) == (True, ["size"])
    assert report.bytes_fetched <= max(0, 5 * MIB - size) + MIB
    assert lake.verify().ok


def test_small_deleted_swapped_and_unreadable_objects_are_mended(lake: DataLake, write) -> None:
    for uid in "abcd":
        lake.add(write(uid, uid * 9), uid)
    one, two = object_of(lake, "a"), object_of(lake, "b")
    swapped = one.with_name("x")
    one.rename(swapped)
    two.rename(one)
    swapped.rename(two)
    path = object_of(lake, "c")
    path.unlink()
    path.symlink_to("/dev/zero")
    report = lake.verify(repair=True)
    assert report.ok
    assert sorted(kinds(report)) == ["bytes", "bytes", "stray"]
    assert lake.verify(complete=True).ok


def test_an_ordinary_read_of_a_bad_file_fetches_its_bad_blocks_only(lake: DataLake, write) -> None:
    lake.add(write("big", noise(8 * MIB)), "big")
    settle()
    flip(object_of(lake, "big"), 3 * MIB)
    fetched = []
    backend = lake.session.lake.remote.backend
    opened = backend.open

    def counting(key, start=0, length=None):
        fetched.append((key.partition("/")[0], length))
        return opened(key, start, length)

    backend.open = counting
    lake.session.store._proven.clear()
    assert lake.path("big").read_bytes() == noise(8 * MIB)
    assert fetched == [("objects", MIB)]


def test_what_cannot_be_repaired_stays_in_quarantine_and_is_never_served(
    lake: DataLake, shared: str, write
) -> None:
    lake.add(write("a", b"one"), "a")
    digest = lake.info("a").digest
    overwrite(in_folder(shared, digest), b"xxx")
    overwrite(object_of(lake, "a"), b"0ne")
    (finding,) = lake.verify(repair=True).findings
    assert not finding.repaired
    assert "kept in" in finding.repair
    (kept,) = (lake.home / "storage" / "quarantine").iterdir()
    assert kept.read_bytes() == b"0ne"
    with pytest.raises(CorruptObjectError):
        lake.path("a")


def test_repair_without_the_remote_says_so(make_lake, lake: DataLake, shared: str, write) -> None:
    lake.add(write("a", b"one"), "a")
    overwrite(object_of(lake, "a"), b"0ne")
    offline = make_lake(remote=shared, offline=True)
    (finding,) = offline.verify(repair=True).findings
    assert "no remote to fetch it from" in finding.repair
    assert lake.verify(repair=True).ok  # its bytes are no longer here, which is no finding
    assert lake.path("a").read_bytes() == b"one"


def test_a_good_view_mends_its_object(make_lake, write) -> None:
    lake = make_lake()
    lake.add(write("a", b"one"), "a")
    view = lake.path("a")
    if view.samefile(object_of(lake, "a")):  # as on a file system without hard links
        view.unlink()
        view.write_bytes(b"one")
    overwrite(object_of(lake, "a"), b"0ne")
    assert lake.verify(repair=True).ok
    assert lake.verify().ok


def test_corrupt_local_records_are_restored_from_the_remote(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "sets/a")
    for name in ("sets/a", "sets"):
        if slot_of(lake, name).exists():
            flip(slot_of(lake, name), 20)
    assert "record" in kinds(lake.verify())
    assert lake.verify(repair=True).ok
    assert lake.verify().ok


def test_a_repair_that_was_killed_goes_on(lake: DataLake, write, monkeypatch) -> None:
    lake.add(write("big", noise(40 * MIB)), "big")
    for at in range(0, 40 * MIB, 2 * MIB):
        flip(object_of(lake, "big"), at)
    backend = lake.session.lake.remote.backend
    opened, calls = backend.open, []

    def failing(key, start=0, length=None):
        calls.append(key)
        if len(calls) > 10:
            raise KeyboardInterrupt
        return opened(key, start, length)

    backend.open = failing
    with pytest.raises(KeyboardInterrupt):
        lake.verify(repair=True)
    del backend.open
    assert lake.verify().not_local == 1  # never the bad one
    fetched = []
    lake.session.lake.reader.fetch(
        [(lake.info("big").digest, 40 * MIB)], lambda size, _files: fetched.append(size)
    )
    assert sum(fetched) == 10 * MIB
    assert lake.verify(complete=True).ok
