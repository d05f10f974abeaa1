"""Lakes that libraries read: on this machine, and in a bucket of a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill, many
from integrations.places import LARGE
from lakes import clean_environment, lake, make_lake, shared, write
from radops.data_lake import DataLake, File

if TYPE_CHECKING:
    from pathlib import Path

    from radops.integrations.fsspec import RadopsFileSystem
    from servers.proxy import FaultProxy
    from servers.server import S3Server

__all__ = ["clean_environment", "lake", "make_lake", "shared", "write"]


@pytest.fixture(scope="module")
def bucket(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bucket with a lake; the tests of a module only read it."""
    name, folder = seaweedfs.new_bucket(), tmp_path_factory.mktemp("writer")
    fill(folder / "files", {"large.bin": LARGE, "small.txt": b"small"})
    inside = list(many(300, size=3000).values())
    fill(folder / "dir", {f"a/{number:04}.bin": data for number, data in enumerate(inside)})
    remote = f"s3://{name}/lake?endpoint_url={seaweedfs.endpoint_url}"
    writer = DataLake(home=folder / "home", remote=remote)
    for file in ("large.bin", "small.txt"):
        writer.add(folder / "files" / file, f"files/{file}")
    writer.add(folder / "dir", "dir")
    writer.close()
    return name


@pytest.fixture
def remote(bucket: str, faulty_seaweedfs: FaultProxy) -> str:
    """The URL of that lake, through a proxy that counts."""
    return f"s3://{bucket}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"


@pytest.fixture
def remote_fs(remote: str, make_lake, faulty_seaweedfs: FaultProxy) -> RadopsFileSystem:
    """The file system of a machine that has nothing of that lake but its names."""
    from radops.integrations.fsspec import RadopsFileSystem  # noqa: PLC0415 - optional

    reader = make_lake("reader", remote=remote)
    reader.ls()
    faulty_seaweedfs.reset()
    return RadopsFileSystem.of(reader)


@pytest.fixture
def filled(lake: DataLake, tmp_path: Path) -> DataLake:
    """The lake of this machine, with files and a directory."""
    File("notes/a.txt").write_text("one")
    File("notes/deep/b.txt").write_text("two!")
    fill(tmp_path / "in", {"cats/1.jpg": b"cat", "cats/big/2.jpg": b"cat two", "x.csv": b"a,b\n"})
    lake.add(tmp_path / "in", "images/v1")
    return lake
