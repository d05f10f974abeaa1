"""What streams ask of a bucket, and what their workers share."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

from directories.lakes import fill, many
from radops.data_lake import DataLake, Directory
from radops.integrations.torch import Loader, StreamDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.proxy import FaultProxy
    from servers.server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


@pytest.fixture(scope="module")
def bucket(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bucket with a directory whose table of contents has several pages."""
    name, folder = seaweedfs.new_bucket(), tmp_path_factory.mktemp("writer")
    fill(folder / "files", many(12_000, size=20))
    remote = f"s3://{name}/lake?endpoint_url={seaweedfs.endpoint_url}"
    with closing(DataLake(home=folder / "home", remote=remote)) as lake:
        lake.add(folder / "files", "files")
    return name


@pytest.fixture
def reader(
    bucket: str, make_lake: Callable[..., DataLake], faulty_seaweedfs: FaultProxy
) -> Callable[[str], DataLake]:
    """Opens the lake on a machine of some name, through a proxy that counts."""
    remote = f"s3://{bucket}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"
    return lambda name: make_lake(name, remote=remote)


def objects(proxy: FaultProxy) -> Counter[str]:
    """Return how often each object was fetched."""
    return Counter(request.key for request in proxy.matching("GET", "/objects/"))


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_do_not_fetch_the_same_pages(
    reader: Callable[[str], DataLake], faulty_seaweedfs: FaultProxy, workers: int
) -> None:
    directory = Directory("files", lake=reader("lists"))
    len(directory.index())
    faulty_seaweedfs.reset()
    directory.fetch_contents()
    pages = set(objects(faulty_seaweedfs))
    assert len(pages) >= 6
    stream = StreamDirectory(Directory("files", lake=reader(f"trains-{workers}")), batch_size=64)
    faulty_seaweedfs.reset()
    paths = [path for batch in Loader(stream, num_workers=workers) for path in batch[0]]
    assert paths == list(stream.names(0, 0, len(paths)))
    found = objects(faulty_seaweedfs)
    assert {page: found[page] for page in pages} == dict.fromkeys(pages, 1)


def test_an_order_is_found_out_once_for_all_workers(reader: Callable[[str], DataLake]) -> None:
    stream = StreamDirectory(Directory("files", lake=reader("trains")), batch_size=64)
    first, second = stream.order(0), stream.order(0)
    assert first is not second
    assert first._line is second._line
    # Readers do not disturb one another.
    places = [first[position] for position in range(100)]
    assert [second[position] for position in range(100)] == places
    assert stream.order(1)[0] != places[0]
