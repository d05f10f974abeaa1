"""How often the remote is asked: on a real S3 server, counted by a proxy in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.data_lake import File, file_creator
from radops.repository import sync as sync_module

if TYPE_CHECKING:
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
    # Whose lake it is, whether the name stands, the object, the slot.
    assert proxy.count() == 4, proxy.counts()

    reader = make_lake("two", remote=bucket)
    reader.ls()
    reader.close()
    reader = make_lake("two", remote=bucket)
    proxy.reset()
    assert reader.file("second.txt").read_text() == "second"
    assert proxy.count() == 2, proxy.counts()
    assert reader.file("second.txt").read_text() == "second"
    reader.info("second.txt")
    assert proxy.count() == 2, proxy.counts()

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


def test_a_sync_asks_nothing_about_names_that_no_one_has(
    make_lake, write, bucket: str, faulty_seaweedfs: FaultProxy
) -> None:
    proxy = faulty_seaweedfs
    make_lake("one", remote=bucket).ls()
    apart = make_lake("one", remote=bucket, offline=True)
    apart.add_many((write(f"{n}.txt", str(n)), f"many/{n}.txt") for n in range(20))
    apart.close()

    lake = make_lake("one", remote=bucket)
    proxy.reset()
    assert len(lake.sync().published) == 20
    # An object and a slot for each, and the record of the folder.
    assert proxy.count("PUT", key="/(objects|refs)/") == 41
    # A listing says which names are taken: no slot is asked for.
    assert proxy.count("GET", key=r"refs/many/\d") == 0, proxy.counts()

    reader = make_lake("two", remote=bucket)
    proxy.reset()
    assert len(reader.download("many/")) == 20
    assert proxy.count("GET", key="/(objects|refs)/many") <= 20
    assert proxy.count("GET", key="/objects/") == 20


def test_a_name_that_is_taken_while_a_sync_runs_is_a_conflict(
    make_lake, write, bucket: str, faulty_seaweedfs: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lake("one", remote=bucket).ls()
    apart = make_lake("one", remote=bucket, offline=True)
    apart.add(write("a.txt", "mine"))
    apart.add(write("b.txt", "mine too"))
    apart.close()
    real = sync_module._compare

    def slow(*given: object) -> object:
        listed = real(*given)
        other = make_lake("two", remote=bucket)
        other.add(write("a.txt", "theirs"))
        other.close()
        return listed

    monkeypatch.setattr(sync_module, "_compare", slow)
    report = make_lake("one", remote=bucket).sync()
    assert report.published == ["b.txt"]
    assert [problem.uid for problem in report.conflicts] == ["a.txt"]
    assert make_lake("three", remote=bucket).file("a.txt").read_text() == "theirs"
