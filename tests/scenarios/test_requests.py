"""How often the remote is asked: on a real S3 server, counted by a proxy in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from directories.lakes import fill
from radops.data_lake import File, file_creator
from radops.repository.refs.slot_cache import RememberingSlots
from radops.repository.refs.slots import Slots
from radops.repository.sync import unpublished

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy


@file_creator(name="tests.counted")
def counted(f: File) -> File:
    out = File()
    out.write_text(f.read_text().upper())
    return out


@pytest.fixture
def bucket(faulty_seaweedfs: FaultProxy) -> str:
    name = faulty_seaweedfs.as_server.new_bucket()
    return f"s3://{name}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"


def test_every_step_asks_as_little_as_it_can(
    make_lake, write, bucket: str, faulty_seaweedfs: FaultProxy
) -> None:
    proxy = faulty_seaweedfs
    writer = make_lake("one", remote=bucket)
    writer.add(write("first.txt", "first"))
    writer.close()

    again = make_lake("one", remote=bucket)
    proxy.reset()
    again.add(write("second.txt", "second"))
    # The marker, the name, the object, the slot.
    assert proxy.count() == 4, proxy.counts()

    reader = make_lake("two", remote=bucket)
    reader.ls()
    reader.close()
    reader = make_lake("two", remote=bucket)
    proxy.reset()
    assert reader.file("second.txt").read_text() == "second"
    assert proxy.count() == 2, proxy.counts()
    assert reader.file("second.txt").read_text() == "second"
    assert proxy.count() == 2, proxy.counts()
    reader.info("second.txt")
    # Its description and tags may have changed: one listing.
    assert proxy.count() == 3, proxy.counts()

    with again.use():
        out = counted(File("second.txt"))
    proxy.reset()
    with again.use():
        assert counted(File("second.txt")) == out
    assert proxy.count() == 0, proxy.counts()
    with reader.use():
        assert counted(File("second.txt")) == out
    assert proxy.count(key="objects/") == 0
    assert proxy.count() <= 2, proxy.counts()


def test_one_file_of_a_directory_costs_few_requests(
    make_lake, tmp_path: Path, bucket: str, faulty_seaweedfs: FaultProxy
) -> None:
    """However many files it has: slot, root, layout, a page of each, and the file's own bytes."""
    proxy = faulty_seaweedfs
    files = {f"{n // 1000:02}/{n:05}.bin": b"%05d" % n * 20 for n in range(6000)}
    fill(tmp_path / "many", files)
    make_lake("one", remote=bucket).add(tmp_path / "many", "many")
    for name in ("two", "three"):
        reader = make_lake(name, remote=bucket)
        reader.join()
        reader.close()
        reader = make_lake(name, remote=bucket)
        directory = reader.directory("many")
        proxy.reset()
        if name == "two":
            assert directory["03/03333.bin"].read_bytes() == files["03/03333.bin"]
        else:
            assert reader.file("many/03/03333.bin").read_bytes() == files["03/03333.bin"]
        assert proxy.count() <= 6 + (name == "three"), proxy.counts()
        proxy.reset()
        assert directory["03/03335.bin"].read_bytes() == files["03/03335.bin"]
        assert proxy.count() == 1, proxy.counts()


def test_a_sync_asks_nothing_about_names_that_no_one_has(
    make_lake, write, bucket: str, faulty_seaweedfs: FaultProxy
) -> None:
    proxy = faulty_seaweedfs
    make_lake("one", remote=bucket).ls()
    offline = make_lake("one", remote=bucket, offline=True)
    offline.add_many((write(f"{n}.txt", str(n)), f"many/{n}.txt") for n in range(20))
    offline.close()

    lake = make_lake("one", remote=bucket)
    proxy.reset()
    assert len(lake.sync().published) == 20
    # An object and a slot for each, and the record of the folder.
    assert proxy.count("PUT", key="/(objects|refs)/") == 41
    # A listing says which names are taken: no slot is asked for.
    assert proxy.count("GET", key=r"refs/many/\d") == 0, proxy.counts()

    lake.close()
    lake = make_lake("one", remote=bucket)
    with pytest.MonkeyPatch.context() as patch:
        # Names that are there already cost a line of a listing on each side: no record is read.
        patch.setattr(RememberingSlots, "read", None)
        patch.setattr(Slots, "read_raw", None)
        proxy.reset()
        report = lake.sync()
    assert (report.published, report.adopted, report.dropped, report.conflicts) == ([], [], [], [])
    assert proxy.counts().keys() <= {"GET", "LIST"}, proxy.counts()
    assert proxy.count() <= 3, proxy.counts()

    reader = make_lake("two", remote=bucket)
    proxy.reset()
    paths = reader.download("many/")
    assert len(paths) == 20
    assert proxy.count("GET", key=r"/refs/many/") <= 20
    assert proxy.count("GET", key=r"/refs/many\.radops") <= 1  # it might be a directory
    assert proxy.count("GET", key="/objects/") == 20
    # By their names, all of which it knows by now.
    proxy.reset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Slots, "read_raw", None)  # nor is a cached record read again
        assert reader.download(*paths) == paths
    assert proxy.count() == 0, proxy.counts()


def test_what_was_deleted_elsewhere_costs_one_request_each(
    make_lake, write, bucket: str, faulty_seaweedfs: FaultProxy
) -> None:
    proxy = faulty_seaweedfs
    names = [f"many/{number}.txt" for number in range(6)]
    writer = make_lake("one", remote=bucket)
    writer.add_many((write(name, name), name) for name in names)
    other = make_lake("two", remote=bucket)
    other.download("many/")
    for name in names[1:]:
        writer.delete(name)
    proxy.reset()
    report = other.sync()
    assert (report.dropped, report.published, report.conflicts) == (names[1:], [], [])
    assert proxy.count("GET", key="/refs/many/") == 5
    assert [row.uid for row in other.ls("many/")] == names[:1]
    assert other.sync().dropped == []


def test_a_name_that_is_taken_while_a_sync_runs_is_a_conflict(
    make_lake, write, bucket: str, faulty_seaweedfs: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lake("one", remote=bucket).ls()
    offline = make_lake("one", remote=bucket, offline=True)
    offline.add(write("a.txt", "mine"))
    offline.add(write("b.txt", "mine too"))
    offline.close()
    real = unpublished.compare

    def slow(*given: Any, **options: Any) -> object:
        listed = real(*given, **options)
        other = make_lake("two", remote=bucket)
        other.add(write("a.txt", "theirs"))
        other.close()
        return listed

    monkeypatch.setattr(unpublished, "compare", slow)
    report = make_lake("one", remote=bucket).sync()
    assert report.published == ["b.txt"]
    assert [problem.uid for problem in report.conflicts] == ["a.txt"]
    assert make_lake("three", remote=bucket).file("a.txt").read_text() == "theirs"
