"""How often the remote is asked: on a real S3 server, counted by a proxy in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.data_lake import File, file_creator

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
