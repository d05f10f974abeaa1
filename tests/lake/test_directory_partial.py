"""Parts of directories: what is fetched of them, what is kept, and what goes again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directories.lakes import LARGE, content, fill, record_of, tree_of
from directories.parts import FILES, MIB, SMALL, chosen, has, packs, packs_here
from lake.test_directory_verify import flip
from lakes import storage
from radops.data_lake import DataLake, Directory
from radops.errors import RemoteUnavailableError
from radops.format.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.proxy import FaultProxy


class Counted:
    """How many requests for objects were made of a remote, and how many bytes came."""

    def __init__(self, lake: DataLake, proxy: FaultProxy | None) -> None:
        self._proxy = proxy
        self._read: list[int] = []
        if proxy is None:
            backend: Any = lake.session.lake.remote.backend
            plain = backend.open

            def counting(key: str, start: int = 0, length: int | None = None) -> Any:
                reader = plain(key, start, length)
                if key.startswith("objects/"):
                    size = backend.stat(key).size - start
                    self._read.append(size if length is None else min(length, size))
                return reader

            backend.open = counting

    def reset(self) -> None:
        self._read.clear()
        if self._proxy is not None:
            self._proxy.reset()

    @property
    def requests(self) -> int:
        return len(self._all())

    @property
    def bytes(self) -> int:
        return sum(self._all())

    def _all(self) -> list[int]:
        if self._proxy is None:
            return self._read
        return [one.sent for one in self._proxy.matching("GET", "/objects/")]


@pytest.fixture(scope="module", params=["folder", "s3"])
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str | None]:
    """A remote with the directory, and the name of its bucket; the tests only read it."""
    place = tmp_path_factory.mktemp("published")
    bucket = None
    if request.param == "folder":
        (place / "shared").mkdir()
        remote = (place / "shared").as_uri()
    else:
        server = request.getfixturevalue("seaweedfs")
        bucket = server.new_bucket()
        remote = f"s3://{bucket}/lake?endpoint_url={server.endpoint_url}"
    fill(place / "images", FILES)
    (place / "images/link").symlink_to("f0/000007.bin")
    writer = DataLake(home=place / "home", remote=remote)
    writer.add(place / "images", "v1")
    writer.close()
    return remote, bucket


@pytest.fixture
def proxy(published: tuple[str, str | None], request: pytest.FixtureRequest) -> FaultProxy | None:
    return None if published[1] is None else request.getfixturevalue("faulty_seaweedfs")


@pytest.fixture
def reader(
    make_lake: Callable[..., DataLake],
    published: tuple[str, str | None],
    proxy: FaultProxy | None,
) -> DataLake:
    """A machine that has the table of contents, and none of the files."""
    remote, bucket = published
    if proxy is not None:
        remote = f"s3://{bucket}/lake?endpoint_url={proxy.endpoint_url}"
    lake = make_lake("reader", remote=remote)
    lake.directory("v1").fetch_contents()
    return lake


@pytest.fixture
def counted(reader: DataLake, proxy: FaultProxy | None) -> Counted:
    counted = Counted(reader, proxy)
    counted.reset()
    return counted


# -- what is fetched -----------------------------------------------------------------------------


def test_less_than_half_of_a_pack_comes_as_objects_of_its_own(
    reader: DataLake, counted: Counted
) -> None:
    wanted = chosen("f0")
    directory = reader.directory("v1")
    directory.download("f0")
    size = sum(map(len, wanted.values()))
    assert size <= counted.bytes <= size + MIB
    assert counted.requests <= 3
    assert packs_here(reader) == []
    assert all(has(reader, data) for data in wanted.values())
    counted.reset()
    directory.download("f0/")
    directory.download("f0/*.bin", "f0/empty")
    assert dict(directory.read("f0/*")) == {**wanted, "f0/empty": b""}
    assert directory["f0/000007.bin"].path().read_bytes() == wanted["f0/000007.bin"]
    assert counted.requests == 0
    # Of what overlaps, only the rest comes.
    directory.download("f0", "f1/000001.bin")
    assert 100_000 <= counted.bytes <= 100_000 + MIB
    assert counted.requests == 1


def test_half_of_a_pack_or_more_comes_whole(reader: DataLake, counted: Counted) -> None:
    first = min(FILES), max(path for path in FILES if path.startswith("f2"))
    tree = tree_of(reader, "v1")
    pack = tree.opened.place(first[0])[0]
    of_it = [path for path in sorted(SMALL) if tree.opened.place(path)[0] == pack]
    half = of_it[: len(of_it) // 2 + 1]
    reader.directory("v1").download(*half)
    assert packs_here(reader) == [(Digest(pack[0]), pack[1])]
    assert not any(has(reader, SMALL[path]) for path in half)
    assert counted.bytes <= pack[1] + MIB
    counted.reset()
    reader.directory("v1").download(*of_it)
    assert counted.requests == 0


def test_a_large_file_comes_whole_and_alone(reader: DataLake, counted: Counted) -> None:
    reader.directory("v1").download("g/large.bin")
    assert packs_here(reader) == []
    assert counted.bytes == LARGE
    assert reader.directory("v1")["g/large.bin"].is_local()


def test_all_of_it_comes_as_packs_whatever_is_here(reader: DataLake, counted: Counted) -> None:
    directory = reader.directory("v1")
    directory.download("f0")
    assert not directory.is_local()
    directory.download()
    assert packs_here(reader) == packs(reader)
    assert directory.is_local()
    reader.session.store.object_path(packs(reader)[0][0]).unlink()
    directory.download("**")
    assert packs_here(reader) == packs(reader)


@pytest.mark.parametrize("patterns", [("f0",), ("f0", "f1", "f2", "f3", "g"), ("link",)])
def test_parts_are_written_as_folders(
    reader: DataLake, counted: Counted, tmp_path: Path, patterns: tuple[str, ...]
) -> None:
    wanted = {path: data for path, data in FILES.items() if path.partition("/")[0] in patterns}
    directory = reader.directory("v1")
    done = directory.download(*patterns, to=tmp_path / "out")
    found = content(tmp_path / "out")
    del found[".radops-checkout"]
    assert found == wanted
    assert done is not None
    assert done.written == len(wanted) + ("link" in patterns)
    counted.reset()
    assert content(directory.path(*patterns)) == wanted
    assert counted.requests == 0
    (tmp_path / "out" / min(wanted)).unlink() if wanted else None
    directory.download(*patterns, to=tmp_path / "out")
    assert len(content(tmp_path / "out")) == len(wanted) + 1


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_selection_is_written_and_costs_at_most_twice_its_bytes(
    data: st.DataObject,
    published: tuple[str, str | None],
    proxy: FaultProxy | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    remote, bucket = published
    if proxy is not None:
        remote = f"s3://{bucket}/lake?endpoint_url={proxy.endpoint_url}"
    share = data.draw(st.sampled_from([0.02, 0.2, 0.5, 0.8]))
    wanted = sorted(data.draw(st.sets(st.sampled_from(sorted(FILES)), min_size=1)))
    source = random.Random(data.draw(st.integers(0, 99)))
    wanted += [path for path in sorted(FILES) if source.random() < share and path not in wanted]
    place = tmp_path_factory.mktemp("any")
    lake = DataLake(home=place / "home", remote=remote)
    try:
        directory = lake.directory("v1")
        directory.fetch_contents()
        counted = Counted(lake, proxy)
        counted.reset()
        directory.download(*wanted, to=place / "out")
        found = content(place / "out")
        del found[".radops-checkout"]
        assert found == {path: FILES[path] for path in wanted}
        unique = {FILES[path] for path in wanted}
        assert counted.bytes <= 2 * sum(map(len, unique)) + MIB * len(packs(lake))
        assert directory.index(*wanted).are_local(directory.index(*wanted).between(0, 999))
        counted.reset()
        directory.download(*wanted)
        assert counted.requests == 0
    finally:
        lake.close()


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_download_that_stopped_goes_on(reader: DataLake, monkeypatch: Any) -> None:
    objects = reader.session.lake.reader
    plain, asked = objects.read_slices, []

    def failing(digest: Digest, size: int, slices: Any) -> Any:
        asked.append(slices)
        if len(asked) == 8:
            raise RemoteUnavailableError("the line is cut")
        return plain(digest, size, slices)

    monkeypatch.setattr(objects, "read_slices", failing)
    monkeypatch.setattr(type(objects), "workers", 1)
    monkeypatch.setattr("radops.repository.trees.runs.MAX_GAP", 1000)
    # Every third file, so that each is a request.
    wanted = sorted(SMALL)[:60:3]
    with pytest.raises(RemoteUnavailableError, match="line is cut"):
        reader.directory("v1").download(*wanted)
    there = {path for path in wanted if has(reader, SMALL[path])}
    assert len(there) == 7
    assert not list((storage(reader) / "tmp").glob("*.*"))
    asked[:] = [None] * 8
    reader.directory("v1").download(*wanted)
    again = {one.digest for some in asked[8:] for one in some}
    assert again == {Digest.of(SMALL[path]) for path in set(wanted) - there}
    assert dict(reader.directory("v1").read_files(wanted)) == {one: SMALL[one] for one in wanted}


def test_wrong_bytes_here_are_fetched_again(reader: DataLake, counted: Counted) -> None:
    directory = reader.directory("v1")
    directory.download("f0")
    bad = reader.session.store.object_path(Digest.of(SMALL["f0/000007.bin"]))
    flip(bad)
    counted.reset()
    assert directory["f0/000007.bin"].read_bytes() == SMALL["f0/000007.bin"]
    assert not bad.exists()
    assert counted.requests == 1
    directory.download("f0")
    flip(bad)
    directory.download("f0")
    assert bad.read_bytes() == SMALL["f0/000007.bin"]
    flip(bad)
    assert directory["f0/000007.bin"].path().read_bytes() == SMALL["f0/000007.bin"]


def test_what_is_here_is_told(reader: DataLake, make_lake: Any) -> None:
    directory = reader.directory("v1")
    directory.download("f0", "g/large.bin")
    size = sum(map(len, chosen("f0").values()))
    summary = directory.summary()
    # The file in `g` has the bytes of one in `f0`.
    assert summary.local_files == len(chosen("f0")) + 3
    assert summary.local_bytes == size + LARGE + 100_000
    assert not directory.is_local()
    assert directory["f0/000007.bin"].is_local()
    assert directory["g/same.bin"].is_local()
    assert not directory["f1/000001.bin"].is_local()
    rows = {row.uid: row.local for row in reader.ls("v1/", recursive=True)}
    assert rows["v1/f0/000007.bin"]
    assert not rows["v1/f1/000001.bin"]
    directory.download(*(f"f{n}" for n in range(7)))
    assert directory.is_local()
    assert directory.summary().local_files == len(FILES)


def test_it_is_read_without_the_remote(
    reader: DataLake, make_lake: Callable[..., DataLake], published: tuple[str, str | None]
) -> None:
    reader.directory("v1").download("f0")
    reader.close()
    offline = make_lake("reader", remote=published[0], offline=True)
    directory = offline.directory("v1")
    assert dict(directory.read("f0/*.bin")) == chosen("f0")
    assert content(directory.path("f0")) == {**chosen("f0"), "f0/empty": b""}
    index = directory.index("f0")
    assert index.stretch(0, len(index)).is_local
    with pytest.raises(RemoteUnavailableError):
        directory["f1/000001.bin"].read_bytes()
    with pytest.raises(RemoteUnavailableError):
        directory.download("f1")


def test_links_lead_to_files_that_are_here(reader: DataLake) -> None:
    directory = reader.directory("v1")
    directory.download("f0")
    assert directory["link"].read_bytes() == SMALL["f0/000007.bin"]
    assert isinstance(directory, Directory)
    assert record_of(reader, "v1").layout is not None


def test_progress_is_told_in_bytes(reader: DataLake) -> None:
    seen: list[Any] = []

    class Told:
        def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
            seen.append([label, total_bytes, total_files, 0, 0])

        def advance(self, size: int, files: int) -> None:
            seen[-1][3] += size
            seen[-1][4] += files

        def finish(self) -> None:
            pass

    reader.directory("v1").download("f0", "g/large.bin", progress=Told())
    size = sum(map(len, chosen("f0").values())) + LARGE
    assert seen == [["downloading v1", size, len(chosen("f0")) + 1, size, len(chosen("f0")) + 1]]
