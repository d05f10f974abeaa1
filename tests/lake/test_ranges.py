"""Parts of files that are not on this machine: what is fetched, verified and kept."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import CorruptObjectError, UsageError
from radops.repository.layout import object_key, outline_key

if TYPE_CHECKING:
    from servers.proxy import FaultProxy
    from servers.server import S3Server

MIB = 1024 * 1024
LARGE = random.Random(1).randbytes(17 * MIB + 5)
MEDIUM = LARGE[: 3 * MIB + 7]


@pytest.fixture(scope="module")
def bucket(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bucket with a lake that has these files; the tests only read it."""
    name, folder = seaweedfs.new_bucket(), tmp_path_factory.mktemp("writer")
    remote = f"s3://{name}/lake?endpoint_url={seaweedfs.endpoint_url}"
    files = {"large.bin": LARGE, "medium.bin": MEDIUM}
    fill(folder / "files", files)
    fill(folder / "dir", {"a/large.bin": LARGE, "a/small.bin": MEDIUM, "b/1.txt": b"one"})
    writer = DataLake(home=folder / "home", remote=remote)
    writer.add_many((folder / "files" / file, file) for file in files)
    writer.add(folder / "dir", "dir")
    writer.close()
    return name


@pytest.fixture
def remote(bucket: str, faulty_seaweedfs: FaultProxy) -> str:
    return f"s3://{bucket}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"


@pytest.fixture
def reader(make_lake, remote: str, faulty_seaweedfs: FaultProxy) -> DataLake:
    """A machine that has none of the bytes; requests are counted from here on."""
    lake = make_lake("reader", remote=remote)
    for uid in ("large.bin", "medium.bin", "dir"):
        lake.info(uid)
    assert len(Directory("dir", lake=lake).ls("a")) == 2
    faulty_seaweedfs.reset()
    return lake


def fetched(proxy: FaultProxy) -> int:
    """Return how many bytes of objects were sent."""
    return sum(request.sent for request in proxy.matching("GET", "/objects/"))


def stored(lake: DataLake, part: str) -> list[Path]:
    return [path for path in (lake.home / "storage" / part).rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["large.bin", "dir/a/large.bin"])
def test_only_what_is_read_is_fetched(reader, faulty_seaweedfs: FaultProxy, name: str) -> None:
    f = reader.file(name)
    before = len(stored(reader, "objects"))
    with f.open("rb") as stream:
        stream.seek(-4, io.SEEK_END)
        assert stream.read() == LARGE[-4:]
        assert stream.pread(10, 5 * MIB) == LARGE[5 * MIB : 5 * MIB + 10]
        assert stream.tell() == len(LARGE)
    assert fetched(faulty_seaweedfs) == MIB + 5
    assert not f.is_local()
    assert len(stored(reader, "objects")) == before
    # An outline and two blocks; then they are in the cache, also for another process.
    asked = faulty_seaweedfs.count()
    assert asked <= 3 + ("/" in name), faulty_seaweedfs.counts()
    with f.open("rb", fetch="ranges") as stream:
        assert stream.pread(MIB, 5 * MIB) == LARGE[5 * MIB : 6 * MIB]
    assert faulty_seaweedfs.count() == asked


def test_another_process_reads_from_the_cache(
    reader, faulty_seaweedfs: FaultProxy, remote: str
) -> None:
    assert reader.file("large.bin").read_ranges([(MIB, 5)]) == [LARGE[MIB : MIB + 5]]
    faulty_seaweedfs.reset()
    program = (
        "import sys; from radops.data_lake import DataLake;"
        "lake = DataLake(home=sys.argv[1], remote=sys.argv[2]);"
        "print(lake.file('large.bin').read_ranges([(1 << 20, 5)])[0].hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(reader.home), remote],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == LARGE[MIB : MIB + 5].hex()
    assert faulty_seaweedfs.count() == 0, faulty_seaweedfs.counts()


def test_small_files_are_fetched_whole_unless_ranges_are_wanted(
    reader, faulty_seaweedfs: FaultProxy
) -> None:
    f = reader.file("medium.bin")
    with f.open("rb", fetch="ranges") as stream:
        assert stream.read(4) == MEDIUM[:4]
        with pytest.raises(io.UnsupportedOperation):
            stream.fileno()
    assert fetched(faulty_seaweedfs) == MIB
    assert not f.is_local()
    with f.open("rb") as stream:
        assert os.pread(stream.fileno(), 4, 0) == MEDIUM[:4]
    assert f.is_local()
    with f.open("rb", fetch="ranges") as stream:
        assert stream.fileno() >= 0  # a file that is here is opened as it is
    with reader.file("large.bin").open("rb", fetch="whole") as stream:
        assert stream.read() == LARGE
    assert reader.file("large.bin").is_local()


def test_ranges_that_are_neighbours_cost_one_request(reader, faulty_seaweedfs: FaultProxy) -> None:
    f = reader.file("large.bin")
    ranges = [
        (12 * MIB, 10),
        (3 * MIB, 10),
        (3 * MIB + 500, 10),
        (4 * MIB - 5, 10),
        (len(LARGE), 9),
    ]
    assert f.read_ranges(ranges) == [LARGE[start : start + length] for start, length in ranges]
    assert faulty_seaweedfs.count(key="/objects/") == 2  # blocks 3 and 4, and block 12
    assert fetched(faulty_seaweedfs) == 3 * MIB
    assert f.read_ranges([]) == []
    with pytest.raises(ValueError, match="negative"):
        f.read_ranges([(-1, 5)])


def test_a_small_file_of_a_directory_costs_its_own_bytes_once(
    reader, faulty_seaweedfs: FaultProxy
) -> None:
    f = Directory("dir", lake=reader)["a/small.bin"]
    assert f.read_ranges([(5, 10), (2 * MIB, 3)]) == [MEDIUM[5:15], MEDIUM[2 * MIB : 2 * MIB + 3]]
    assert fetched(faulty_seaweedfs) == len(MEDIUM)
    for _ in range(5):  # from the cache, so these are no misses that fetch the pack
        assert f.read_bytes() == MEDIUM
    assert fetched(faulty_seaweedfs) == len(MEDIUM)
    assert not f.is_local()


def test_digests_of_files(reader) -> None:
    whole, inner = reader.file("large.bin"), Directory("dir", lake=reader)["a/large.bin"]
    assert whole.digest() == inner.digest() == reader.info("large.bin").digest
    assert reader.file("dir/b/1.txt").digest() == reader.info("dir/b/1.txt").digest
    assert inner.created() == Directory("dir", lake=reader).created() >= whole.created()


def test_wrong_bytes_are_never_seen(make_lake, write, shared: str) -> None:
    make_lake("writer", remote=shared).add(write("large.bin", LARGE), "large.bin")
    reader = make_lake("reader", remote=shared)
    f = reader.file("large.bin")
    path = Path(shared.removeprefix("file://")) / object_key(f.digest())
    path.chmod(0o644)
    wrong = bytearray(LARGE)
    wrong[7 * MIB] ^= 1
    path.write_bytes(wrong)
    with f.open("rb") as stream:
        assert stream.read(10) == LARGE[:10]
        stream.seek(8 * MIB - 1)
        with pytest.raises(CorruptObjectError, match="wrong in blocks 7 to 7"):
            stream.read(1)
        assert stream.pread(1, 8 * MIB) == LARGE[8 * MIB : 8 * MIB + 1]


def test_what_is_wrong_in_the_cache_is_fetched_again(reader, faulty_seaweedfs: FaultProxy) -> None:
    f = reader.file("large.bin")
    f.read_ranges([(0, 1)])
    inner = Directory("dir", lake=reader)["a/small.bin"]
    inner.read_bytes()
    kept = stored(reader, "cache")
    assert {path.suffix for path in kept} == {".0", ".outline", ".whole"}
    for path in kept:
        data = bytearray(path.read_bytes())
        data[5] ^= 1
        path.chmod(0o644)
        path.write_bytes(data[:-1] if path.suffix == ".0" else data)
    again = type(reader)(home=reader.home, remote=reader.remote_url + "?" + remote_query(reader))
    faulty_seaweedfs.reset()
    assert again.file("large.bin").read_ranges([(0, 9)]) == [LARGE[:9]]
    assert Directory("dir", lake=again)["a/small.bin"].read_bytes() == MEDIUM
    assert fetched(faulty_seaweedfs) == MIB + len(MEDIUM)
    assert faulty_seaweedfs.count(key="/outlines/") == 1
    again.close()
    assert reader.verify().problems == []


def remote_query(lake: DataLake) -> str:
    return f"endpoint_url={lake.session.settings.options.endpoint_url}"


def test_without_an_outline_the_whole_file_comes_with_a_warning(
    make_lake, write, shared: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_lake("writer", remote=shared).add(write("large.bin", LARGE), "large.bin")
    reader = make_lake("reader", remote=shared)
    f = reader.file("large.bin")
    (Path(shared.removeprefix("file://")) / outline_key(f.digest())).unlink()
    with f.open("rb", fetch="ranges") as stream:
        assert stream.read() == LARGE
    assert "fetched whole: the remote has no outline" in caplog.text
    assert f.is_local()


def test_purging_drops_the_cache_and_verify_takes_no_notice_of_it(reader) -> None:
    reader.file("large.bin").read_ranges([(0, 1), (9 * MIB, 1)])
    assert reader.verify().problems == []
    plan = reader.purge_local_storage(dry_run=True)
    assert plan.cache == sum(path.stat().st_size for path in stored(reader, "cache")) > 2 * MIB
    assert reader.purge_local_storage(older_than=3600).cache == 0
    assert reader.purge_local_storage(max_size=plan.size_before).cache == 0
    report = reader.purge_local_storage()
    assert report.cache == plan.cache
    assert report.bytes >= report.cache
    assert report.size == report.size_before - report.bytes
    assert stored(reader, "cache") == []
    assert reader.file("large.bin").read_ranges([(0, 1)]) == [LARGE[:1]]


def test_deleting_local_bytes_drops_what_was_read_in_parts(reader) -> None:
    reader.file("large.bin").read_ranges([(0, 1), (9 * MIB, 1)])
    reader.file("dir/a/small.bin").read_bytes()
    assert len(stored(reader, "cache")) == 4  # an outline, two blocks; a file of a pack
    assert reader.delete_local("large.bin") == []
    assert [path.read_bytes() for path in stored(reader, "cache")] == [MEDIUM]
    reader.delete_local("dir")
    assert stored(reader, "cache") == []


def test_what_was_streamed_goes_too(reader) -> None:
    """The layout of these files is that of `radops.integrations.torch.cache`."""
    streams = reader.home / "cache" / "streams"
    digests = [reader.file("large.bin").digest(), Directory("dir", lake=reader).digest()]
    for digest in digests:
        folder = streams / f"{digest.hex[:32]}-0123456789abcdef"
        fill(folder, {"0/0": b"1" * 100, "0/1": b"2" * 10, "notes/x": b"3", "0/2.unfinished": b""})
    fill(streams, {"used": b"222", ".used.lock": b"", ".run-0.lock": b""})
    plan = reader.purge_local_storage(dry_run=True)
    assert plan.streams == 222
    assert reader.purge_local_storage(older_than=3600).streams == 0
    assert reader.purge_local_storage(max_size=plan.size_before).streams == 0
    assert (streams / "used").exists()
    # Of what is deleted here, only that.
    reader.delete_local("dir")
    assert not (streams / "used").exists()  # it is counted again when room is made
    kept = [path for path in streams.glob("*/*/*") if path.stat().st_size]
    assert {path.parts[-3][:32] for path in kept} == {digests[0].hex[:32]}
    report = reader.purge_local_storage()
    assert report.streams == 111
    assert report.bytes >= 111
    assert report.size == report.size_before - report.bytes
    # One that is being written now stays.
    assert {path.name for path in streams.glob("*/*/*")} == {"2.unfinished"}


def test_the_size_of_the_cache_is_a_setting(
    reader, remote: str, make_lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADOPS_CACHE_SIZE", "0")
    none = make_lake("none", remote=remote)
    assert none.file("large.bin").read_ranges([(0, 1)]) == [LARGE[:1]]
    assert stored(none, "cache") == []
    monkeypatch.setenv("RADOPS_CACHE_SIZE", "4MiB")
    some = make_lake("some", remote=remote)
    for block in range(12):
        some.file("large.bin").read_ranges([(block * MIB, 1)])
    assert 1 * MIB < sum(path.stat().st_size for path in stored(some, "cache")) <= 5 * MIB


def test_threads_that_read_at_random(reader) -> None:
    offsets = [random.Random(number).randrange(len(LARGE)) for number in range(60)]
    with reader.file("large.bin").open("rb") as stream, ThreadPoolExecutor(6) as pool:
        found = pool.map(lambda offset: stream.pread(3000, offset), offsets)
        assert list(found) == [LARGE[offset : offset + 3000] for offset in offsets]


@file_creator(name="tests.part")
def part(f: File) -> File:
    out = File()
    with f.open("rb", fetch="ranges") as stream:
        out.write_bytes(stream.read(5))
    return out


def test_a_part_that_a_creator_reads_is_an_input(reader) -> None:
    with reader.use():
        out = part(File("large.bin"))
        assert out.read_bytes() == LARGE[:5]
        assert [one.uid for one in out.info().call.inputs] == ["large.bin"]


@pytest.mark.parametrize("mode", ["r", "wb"])
def test_fetch_goes_with_binary_reading_only(lake, mode: str) -> None:
    File("a").write_text("a")
    with pytest.raises(UsageError, match="takes no fetch"):
        File("a").open(mode, fetch="ranges")
    with pytest.raises(UsageError, match="rb takes auto, whole, ranges"):
        File("a").open("rb", fetch="some")


def test_a_stream_over_ranges_is_no_thing_to_pickle(reader) -> None:
    with reader.file("large.bin").open("rb") as stream, pytest.raises(TypeError):
        pickle.dumps(stream)
