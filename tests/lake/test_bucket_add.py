"""A prefix of a bucket becomes one directory, streamed, and resumed after a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from directories.lakes import LARGE, fill, many
from radops.data_lake import DataLake
from radops.errors import (
    FolderRefusedError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UsageError,
)
from servers.http_faults import Answer, Cut, Reply, Stall
from servers.server import REGION

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy
    from servers.server import S3Server

FILES = {
    **many(60),
    "a.txt": b"a",
    "again/a.txt": b"a",
    "empty": b"",
    "deep/er/large.bin": random.Random(1).randbytes(LARGE),
    "ü/ñ o#1?.txt": b"plain",
}
# Several packs of 8 MiB or more.
PACKED = {f"p/{n:02}.bin": random.Random(n).randbytes(3 << 20) for n in range(12)}


def put(server: S3Server, bucket: str, files: dict[str, bytes], prefix: str = "data/") -> None:
    client = server.client()
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda one: client.put_object(Bucket=bucket, Key=prefix + one[0], Body=one[1]),
                files.items(),
            )
        )


def url_of(server: S3Server, bucket: str, prefix: str = "data/") -> str:
    return f"s3://{bucket}/{prefix}?endpoint_url={server.endpoint_url}&region={REGION}"


@pytest.fixture
def bucket(seaweedfs: S3Server) -> str:
    return seaweedfs.new_bucket()


@pytest.fixture
def source(seaweedfs: S3Server, bucket: str) -> str:
    put(seaweedfs, bucket, FILES)
    put(seaweedfs, bucket, {"other.txt": b"beside the prefix"}, "data2/")
    return url_of(seaweedfs, bucket)


def stored(home: Path) -> int:
    """Return the bytes of all objects and temporary files of a home."""
    folders = [home / "storage" / name for name in ("objects", "tmp")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


def test_a_prefix_is_the_directory_that_its_folder_would_be(lake, source, tmp_path):
    added = lake.add(source, "images/v1")
    assert (added.files, added.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert dict(lake.directory("images/v1").read()) == FILES
    fill(tmp_path / "folder", FILES)
    assert lake.add(tmp_path / "folder", "images/same").digest == added.digest
    assert not list((tmp_path / "home/storage").rglob("*.bucket"))
    assert lake.verify().ok
    again = lake.add(source, "images/v1")
    assert again.already_there
    origin = lake.info("images/v1").source
    assert origin is not None
    assert origin.startswith("s3://")
    assert "endpoint_url" not in origin


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_with_a_remote_nothing_of_it_stays_here(
    make_lake, source, seaweedfs, tmp_path, request, kind
):
    remote = (
        request.getfixturevalue("shared")
        if kind == "folder"
        else seaweedfs.url(seaweedfs.new_bucket(), "lake")
    )
    lake = make_lake(remote=remote)
    added = lake.add(source, "images/v1")
    assert stored(tmp_path / "home") < 100_000 < added.bytes
    other = make_lake("other", remote=remote)
    assert dict(other.directory("images/v1").read()) == FILES
    report = other.verify(remote=True)
    assert report.ok
    assert lake.add(source, "images/v1").already_there


def test_what_the_rules_leave_out(lake, seaweedfs, bucket):
    put(
        seaweedfs,
        bucket,
        {
            ".radopsignore": b"*.tmp\nscratch/\n",
            "a.csv": b"a",
            "b.tmp": b"b",
            "scratch/c.csv": b"c",
            "x/.DS_Store": b"junk",
            "x/d.csv": b"d",
        },
    )
    source = url_of(seaweedfs, bucket)
    dry = lake.add(source, "rules", exclude=["x/*.csv"], dry_run=True)
    assert (dry.files, dry.left_out, dry.rules) == (2, 4, 4)
    assert lake.ls() == []
    added = lake.add(source, "rules", exclude=["x/*.csv"])
    assert sorted(file.inner for file in lake.directory("rules")) == [".radopsignore", "a.csv"]
    assert added.left_out == 4
    assert lake.add(source, "all", ignore=False).files == 6


PROGRAM = (
    "import sys; from radops.data_lake import DataLake;"
    "DataLake(home=sys.argv[1], remote=sys.argv[2]).add(sys.argv[3], 'images')"
)


def journal_of(home: Path, child: subprocess.Popen[bytes]) -> Path:
    """Wait for the first entries in the journal of an add that runs, and return it."""
    until = time.monotonic() + 120
    while not (found := [path for path in home.rglob("*.bucket") if path.stat().st_size]):
        assert child.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    return found[0]


def test_it_goes_on_after_a_kill(make_lake, seaweedfs, bucket, faulty_seaweedfs, tmp_path):
    put(seaweedfs, bucket, PACKED)
    proxy: FaultProxy = faulty_seaweedfs
    remote = (tmp_path / "shared").as_uri()
    (tmp_path / "shared").mkdir()
    source = url_of(proxy.as_server, bucket)
    proxy.inject(Stall(), method="GET", key="data/p/10.bin", times=None)
    home = tmp_path / "home"
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(home), remote, source])
    try:
        journal_of(home, child)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    proxy.reset()
    lake = make_lake(remote=remote)
    added = lake.add(source, "images")
    read = proxy.count("GET", key="data/p/..[.]bin")
    assert 0 < read == added.read < len(PACKED)
    assert not list(home.rglob("*.bucket"))
    fresh = make_lake("fresh", remote=remote)
    assert dict(fresh.directory("images").read()) == PACKED
    fill(tmp_path / "folder", PACKED)
    assert make_lake("third").add(tmp_path / "folder", "x").digest == added.digest


def test_a_connection_that_is_cut_is_taken_up_again(lake, source, bucket, faulty_seaweedfs):
    proxy: FaultProxy = faulty_seaweedfs
    for key in ("deep/er/large.bin", "data/a.txt", "list-type"):
        proxy.inject(Cut(after=0 if key == "data/a.txt" else 100), method="GET", key=key)
    expected = lake.add(source, "right").digest
    assert lake.add(url_of(proxy.as_server, bucket), "cut").digest == expected


def test_a_server_that_goes_away_leaves_nothing_but_what_to_go_on_with(
    make_lake, seaweedfs, bucket, faulty_seaweedfs, tmp_path
):
    put(seaweedfs, bucket, {**PACKED, "q/large.bin": b"x" * LARGE})
    proxy: FaultProxy = faulty_seaweedfs
    proxy.inject(Answer(403, "AccessDenied"), method="GET", key="q/large.bin")
    lake = make_lake()
    source = url_of(proxy.as_server, bucket)
    with pytest.raises(RemoteRefusedError):
        lake.add(source, "images")
    assert lake.ls() == []
    assert not [path for path in (tmp_path / "home/storage/tmp").rglob("*") if path.is_file()]
    # A damaged journal, or packs that were lost since, only mean that more is read again.
    (journal,) = (tmp_path / "home").rglob("*.bucket")
    text = journal.read_text()
    journal.write_text(text[: len(text) * 3 // 4])
    objects = sorted(
        path for path in (tmp_path / "home/storage/objects").rglob("*") if path.is_file()
    )
    objects[0].chmod(0o644)
    objects[0].write_bytes(b"wrong")
    added = lake.add(source, "images")
    assert added.read is not None
    assert added.read > 1
    assert lake.verify().ok
    assert {f.inner: f.read_bytes() for f in lake.directory("images")} == {
        **PACKED,
        "q/large.bin": b"x" * LARGE,
    }


class Changing:
    """A progress display that changes the bucket once the first file is read."""

    def __init__(self, change) -> None:
        self._change = change

    def start(self, _label, _total_bytes, _total_files) -> None: ...

    def advance(self, _size: int, _files: int) -> None:
        change, self._change = self._change, lambda: None
        change()

    def finish(self) -> None: ...


@pytest.mark.usefixtures("nothing_is_slow")  # or it would change before it is listed
@pytest.mark.parametrize("change", ["other bytes", "other size", "gone", "new"])
def test_what_changes_while_it_is_read_is_refused(lake, source, bucket, seaweedfs, change):
    client = seaweedfs.client()
    key = "data/late.txt" if change == "new" else "data/a.txt"

    def act() -> None:
        if change == "gone":
            client.delete_object(Bucket=bucket, Key=key)
        else:
            body = b"bb" if change == "other size" else b"b"
            client.put_object(Bucket=bucket, Key=key, Body=body)

    with pytest.raises(FolderRefusedError, match="changed, appeared or vanished") as raised:
        lake.add(source, "images", progress=Changing(act))
    assert raised.value.reasons == (("changed", 1, (key.removeprefix("data/"),)),)
    assert lake.ls() == []
    assert lake.add(source, "images").files == len(FILES) + {"new": 1, "gone": -1}.get(change, 0)


def test_a_file_that_shrinks_or_vanishes_before_it_is_read(lake, source, bucket, faulty_seaweedfs):
    proxy: FaultProxy = faulty_seaweedfs
    proxy.inject(Answer(404, "NoSuchKey"), method="GET", key="data/deep/er/large.bin")
    with pytest.raises(FolderRefusedError, match=r"deep/er/large\.bin"):
        lake.add(url_of(proxy.as_server, bucket), "images")
    assert lake.ls() == []


LISTING = "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"
ITEM = (
    "<Contents><Key>{}</Key><Size>{}</Size><ETag>&quot;x&quot;</ETag>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
)


def listed(proxy: FaultProxy, **sizes: int) -> None:
    items = "".join(ITEM.format(key, size) for key, size in sizes.items())
    reply = Reply(200, LISTING.format(items), (("Content-Type", "application/xml"),))
    proxy.inject(reply, method="GET", key="list-type", times=None)


def test_keys_that_are_no_paths_are_named(lake, bucket, faulty_seaweedfs):
    keys = ["a//b", "../up", "x/./y", "bytes/", "n" * 256, "f", "f/below", "g/.git/HEAD", "ok"]
    listed(faulty_seaweedfs, **{f"data/{key}": 1 for key in keys})
    with pytest.raises(FolderRefusedError) as raised:
        lake.add(url_of(faulty_seaweedfs.as_server, bucket), "images")
    assert {word: names for word, _, names in raised.value.reasons} == {
        "no-path": ("../up", "a//b", "bytes/", "n" * 256, "x/./y"),
        "clash": ("f",),
        "git": ("g/.git/HEAD",),
    }
    assert faulty_seaweedfs.count("GET", key="data/ok") == 0


def test_marked_folders_are_kept_if_they_are_empty(lake, bucket, faulty_seaweedfs):
    keys = {"data/": 0, "data/full/": 0, "data/full/a": 0, "data/none/": 0, "data/x/y/": 0}
    listed(faulty_seaweedfs, **keys, **{"data/x/": 0})
    added = lake.add(url_of(faulty_seaweedfs.as_server, bucket), "images")
    assert added.files == 1
    directory = lake.directory("images")
    assert directory.ls() == ["full/", "none/", "x/"]
    assert directory.ls("x") == ["y/"]


def test_a_lake_is_refused(make_lake, seaweedfs, bucket, write):
    lake = make_lake(remote=seaweedfs.url(bucket, "data/lake"))
    put(seaweedfs, bucket, {"a.txt": b"a"})
    lake.add_many([(write("a.txt", "a"), "first")])
    with pytest.raises(FolderRefusedError, match="belong to a lake"):
        lake.add(url_of(seaweedfs, bucket), "second")
    # What the add itself writes below the prefix is no change, where it is left out.
    assert lake.add(url_of(seaweedfs, bucket), "third", exclude=["/lake/"]).files == 1


def test_an_empty_prefix_and_missing_credentials(lake, seaweedfs, bucket, monkeypatch):
    with pytest.raises(RemoteRefusedError, match=r"no files below s3://.*/nothing/"):
        lake.add(url_of(seaweedfs, bucket, "nothing/"), "images")
    for name in seaweedfs.environment:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteRefusedError, match="credentials"):
        lake.add(url_of(seaweedfs, bucket), "images")
    monkeypatch.undo()


def test_a_name_that_has_other_bytes(lake, source, seaweedfs, bucket):
    lake.add(source, "images")
    put(seaweedfs, bucket, {"more.txt": b"more"})
    with pytest.raises(UIDConflictError):
        lake.add(source, "images")
    lake.add(source, "images2")
    with pytest.raises(UsageError, match="base"):
        lake.add(source, "images3", base="images")
    with pytest.raises(UsageError, match="move"):
        lake.add(source, "images3", move=True)


def test_a_remote_that_goes_away_is_told_and_the_add_goes_on(make_lake, source, faulty_seaweedfs):
    proxy: FaultProxy = faulty_seaweedfs
    bucket = proxy.server.new_bucket()
    lake: DataLake = make_lake(remote=proxy.as_server.url(bucket, "lake"))
    proxy.inject(Answer(403, "AccessDenied"), method="PUT", key="refs/images", times=1)
    with pytest.raises((RemoteUnavailableError, RemoteRefusedError)):
        lake.add(source, "images")
    assert lake.ls() == []
    added = lake.add(source, "images")
    assert added.read == 0
    assert len(lake.directory("images")) == len(FILES)


def test_the_journal_of_an_add_that_was_given_up_is_removed_when_it_is_old(
    make_lake, bucket, faulty_seaweedfs, tmp_path
):
    """But never while its process runs: it may only be slow."""
    put(faulty_seaweedfs.server, bucket, PACKED)
    proxy: FaultProxy = faulty_seaweedfs
    (tmp_path / "shared").mkdir()
    remote = (tmp_path / "shared").as_uri()
    proxy.inject(Stall(), method="GET", key="data/p/10.bin", times=None)
    home = tmp_path / "home"
    source = url_of(proxy.as_server, bucket)
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(home), remote, source])
    try:
        journal = journal_of(home, child)
        month = time.time() - 30 * 24 * 3600
        os.utime(journal, (month, month))
        lake = make_lake(remote=remote)
        assert lake.gc(dry_run=False).local.leftovers == 0
        lake.purge_local_storage()
        assert journal.exists()
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    os.utime(journal)
    lake.gc(dry_run=False)
    lake.purge_local_storage()
    assert journal.exists()
    size = journal.stat().st_size
    for clear in (gc_journals, purge_journals):
        days = time.time() - 2 * 24 * 3600
        os.utime(journal, (days, days))
        text = journal.read_bytes()
        assert clear(lake, dry_run=True) >= 1
        assert journal.exists()
        assert clear(lake, dry_run=False) in (1, size)
        assert not journal.exists()
        journal.write_bytes(text)
    # Of a process of another machine it is not known whether it runs.
    journal.write_text(journal.read_text().replace("pid:", "pod:"))
    os.utime(journal, (days, days))
    lake.gc(dry_run=False)
    assert journal.exists()
    os.utime(journal, (month, month))
    lake.gc(dry_run=False)
    assert not journal.exists()


def gc_journals(lake: DataLake, *, dry_run: bool) -> int:
    return lake.gc(dry_run=dry_run).local.leftovers


def purge_journals(lake: DataLake, *, dry_run: bool) -> int:
    return lake.purge_local_storage(dry_run=dry_run).bytes
