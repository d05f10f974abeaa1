"""A lake as a file system of fsspec."""

from __future__ import annotations

import gc
import io
import random
from typing import TYPE_CHECKING

import fsspec
import pytest

from directories.lakes import fill
from integrations.places import LARGE, MIB, fetched
from radops import config
from radops.data_lake import DataLake, Directory, File
from radops.errors import RemoteUnavailableError, UIDConflictError
from radops.integrations.fsspec import RadopsFileSystem

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy


@pytest.fixture
def fs(filled: DataLake) -> RadopsFileSystem:
    return fsspec.filesystem("radops")


def names(rows: list[dict]) -> dict[str, str]:
    return {row["name"]: row["type"] for row in rows}


def test_what_paths_are(fs: RadopsFileSystem) -> None:
    assert fs.info("radops://notes/a.txt") == {
        "name": "notes/a.txt",
        "size": 3,
        "type": "file",
        "digest": File("notes/a.txt").digest().hex,
        "mtime": File("notes/a.txt").created().timestamp(),
    }
    assert fs.info("images/v1/cats/1.jpg")["size"] == 3
    assert fs.info("images/v1")["digest"] == Directory("images/v1").digest().hex
    for folder in ("", "notes", "notes/deep", "images", "images/v1", "images/v1/cats/big"):
        assert fs.info(folder)["type"] == "directory", folder
        assert fs.isdir(folder)
        assert not fs.isfile(folder)
    for nothing in (
        "no",
        "notes/c",
        "images/v1/dogs",
        "images/v1/cats/1.jpg/x",
        "bad:name",
        "a//b",
    ):
        assert not fs.exists(nothing), nothing
        assert not fs.isfile(nothing)
        assert not fs.isdir(nothing)
        with pytest.raises(FileNotFoundError, match="nothing at radops://"):
            fs.info(nothing)
    assert fs.created("notes/a.txt") == fs.modified("notes/a.txt") == File("notes/a.txt").created()
    assert fs.ukey("images/v1/x.csv") == File("images/v1/x.csv").digest().hex
    assert fs.checksum("images/v1/x.csv") == int(fs.ukey("images/v1/x.csv"), 16)


def test_listings(fs: RadopsFileSystem) -> None:
    assert names(fs.ls("")) == {"images": "directory", "notes": "directory"}
    assert names(fs.ls("radops://notes/")) == {"notes/a.txt": "file", "notes/deep": "directory"}
    assert fs.ls("images/v1/cats", detail=False) == ["images/v1/cats/big", "images/v1/cats/1.jpg"]
    assert fs.ls("notes/a.txt", detail=False) == ["notes/a.txt"]
    everything = [
        "images/v1/cats/1.jpg", "images/v1/cats/big/2.jpg", "images/v1/x.csv",
        "notes/a.txt", "notes/deep/b.txt",
    ]  # fmt: skip
    assert fs.find("") == everything
    assert fs.find("images/v1") == everything[:3]
    assert fs.find("images/v1/cats", withdirs=True) == [
        "images/v1/cats", "images/v1/cats/1.jpg", "images/v1/cats/big", everything[1],
    ]  # fmt: skip
    assert fs.find("images/v1", maxdepth=1) == ["images/v1/x.csv"]
    assert fs.find("notes/a.txt") == ["notes/a.txt"]
    assert fs.find("nothing") == []
    assert fs.find("images", detail=True)["images/v1/x.csv"]["size"] == 4
    assert fs.glob("images/v1/**/*.jpg") == everything[:2]
    assert fs.glob("radops://notes/*.txt") == ["notes/a.txt"]
    assert fs.glob("images/*/cats/?.jpg") == ["images/v1/cats/1.jpg"]
    assert fs.du("images") == 14
    assert [(top, sorted(dirs), files) for top, dirs, files in fs.walk("images/v1")] == [
        ("images/v1", ["cats"], ["x.csv"]),
        ("images/v1/cats", ["big"], ["1.jpg"]),
        ("images/v1/cats/big", [], ["2.jpg"]),
    ]
    with pytest.raises(FileNotFoundError):
        fs.ls("nothing")


def test_names_that_are_odd(lake: DataLake, tmp_path: Path) -> None:
    """Paths are not percent-decoded, and characters of patterns are only characters in names."""
    inside = {"a%20b.txt": b"1", "c d#e?.txt": b"2", "[x]/y.txt": b"3", "ü/é.txt": b"4"}
    fill(tmp_path / "in", inside)
    lake.add(tmp_path / "in", "odd%41/v1")
    fs = RadopsFileSystem()
    for path, data in inside.items():
        assert fs.cat_file(f"radops://odd%41/v1/{path}") == data
        assert fs.info(f"odd%41/v1/{path}")["name"] == f"odd%41/v1/{path}"
    assert fs.find("odd%41/v1/[x]") == ["odd%41/v1/[x]/y.txt"]


def test_versions_and_contexts(filled: DataLake, tmp_path: Path) -> None:
    config.create_context("team", {"remote": (tmp_path / "team").as_uri()})
    team = DataLake("team")
    (tmp_path / "team").mkdir()
    team.file("notes/a.txt").write_text("of the team")
    fs = RadopsFileSystem()
    assert fs.cat_file("radops://team@notes/a.txt") == b"of the team"
    assert fs.cat_file("radops://notes/a.txt") == b"one"
    assert fs.ls("team@", detail=False) == ["team@notes"]
    assert fs.find("radops://team@notes") == ["team@notes/a.txt"]
    assert RadopsFileSystem(context="team").cat_file("notes/a.txt") == b"of the team"
    assert fs.cat_file("images/@latest/cats/1.jpg") == b"cat"
    assert fs.find("images/@latest/cats") == [
        "images/@latest/cats/1.jpg",
        "images/@latest/cats/big/2.jpg",
    ]
    team.close()


def test_reading(fs: RadopsFileSystem, tmp_path: Path) -> None:
    assert fs.cat_file("notes/a.txt", 1) == b"ne"
    assert fs.cat_file("notes/a.txt", -2, -1) == b"n"
    assert fs.cat("notes/a.txt") == b"one"
    assert fs.cat(["notes/a.txt", "images/v1/x.csv", "images/v1/cats/1.jpg"]) == {
        "notes/a.txt": b"one", "images/v1/x.csv": b"a,b\n", "images/v1/cats/1.jpg": b"cat",
    }  # fmt: skip
    assert fs.cat("images/v1/cats", recursive=True) == {
        "images/v1/cats/1.jpg": b"cat",
        "images/v1/cats/big/2.jpg": b"cat two",
    }
    got = fs.cat(["notes/a.txt", "nothing"], on_error="return")
    assert isinstance(got["nothing"], FileNotFoundError)
    assert fs.cat(["notes/a.txt", "nothing"], on_error="omit") == {"notes/a.txt": b"one"}
    assert fs.cat_ranges(["notes/a.txt"] * 2, [0, 1], [1, None]) == [b"o", b"ne"]
    with fs.open("notes/a.txt") as stream:
        assert stream.read() == b"one"
    with fs.open("radops://notes/deep/b.txt", "r") as stream:
        assert stream.read() == "two!"
    with fsspec.open("radops://images/v1/x.csv", "rt") as stream:
        assert stream.readlines() == ["a,b\n"]
    fs.get("images/v1", str(tmp_path / "got"), recursive=True)
    assert (tmp_path / "got/cats/big/2.jpg").read_bytes() == b"cat two"
    (tmp_path / "got/x.csv").write_text("it can be written to")
    into = io.BytesIO()
    fs.get_file("notes/a.txt", into)
    assert into.getvalue() == b"one"
    with pytest.raises(IsADirectoryError):
        fs.open("notes")
    with pytest.raises(IsADirectoryError):
        fs.open("images/v1/cats")
    with pytest.raises(FileNotFoundError):
        fs.open("notes/nothing")
    with fsspec.open("simplecache::radops://notes/a.txt", simplecache={
        "cache_storage": str(tmp_path / "cache")
    }) as stream:  # fmt: skip
        assert stream.read() == b"one"
    mapper = fs.get_mapper("images/v1")
    assert mapper["x.csv"] == b"a,b\n"
    assert sorted(mapper) == ["cats/1.jpg", "cats/big/2.jpg", "x.csv"]


# -- writing ---------------------------------------------------------------------------------------


def test_what_is_written_is_published_when_it_is_closed(fs: RadopsFileSystem) -> None:
    assert fs.ls("notes", detail=False) == ["notes/deep", "notes/a.txt"]
    with fs.open("notes/new.txt", "wb") as stream:
        stream.write(b"new")
        assert not File("notes/new.txt").exists()
    assert File("notes/new.txt").read_bytes() == b"new"
    assert "notes/new.txt" in fs.ls("notes", detail=False)  # no listing from before
    stream = fs.open("notes/text.txt", "w")
    stream.write("text")
    stream.close()
    assert File("notes/text.txt").read_text() == "text"
    fs.pipe("piped", b"bytes")
    assert fs.cat("piped") == b"bytes"
    fs.touch("empty")
    assert fs.cat("empty") == b""
    for mode in ("wb", "xb", "w"):
        with pytest.raises(UIDConflictError):
            fs.open("piped", mode)


@pytest.mark.parametrize("mode", ["wb", "w"])
def test_an_error_while_it_is_written_discards_it(
    fs: RadopsFileSystem, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    part = b"part" if mode == "wb" else "part"
    with pytest.raises(ZeroDivisionError), fs.open("new", mode) as stream:
        stream.write(part)
        1 / 0  # noqa: B018
    assert not File("new").exists()
    assert "new was not published: ZeroDivisionError was raised" in caplog.text
    stream = fs.open("new", mode)
    try:
        stream.write(part)
        raise OSError
    except OSError:
        stream.close()
    assert not File("new").exists()
    stream = fs.open("new", mode)
    stream.write(part)
    del stream
    gc.collect()
    assert not File("new").exists()
    assert "new was not published: it was never closed" in caplog.text
    try:
        raise OSError
    except OSError:  # an error from before it was opened is none of it
        with fs.open("new", mode) as stream:
            stream.write(part)
    assert File("new").read_text() == "part"


def test_what_cannot_be_done_says_what_to_do_instead(fs: RadopsFileSystem) -> None:
    for work, instead in [
        (lambda: fs.open("notes/a.txt", "ab"), "staged"),
        (lambda: fs.open("notes/a.txt", "r+b"), "staged"),
        (lambda: fs.open("images/v1/new.jpg", "wb"), "edit"),
        (lambda: fs.open("images/v1/x.csv", "wb"), "edit"),
        (lambda: fs.pipe("images/v1/cats/3.jpg", b""), "edit"),
        (lambda: fs.mv("notes/a.txt", "b"), "staged"),
        (lambda: fs.cp_file("notes/a.txt", "b"), "staged"),
        (lambda: fs.rm("notes/a.txt"), "delete"),
        (lambda: fs.rm_file("notes/a.txt"), "delete"),
        (lambda: fs.rmdir("notes"), "delete"),
        (fs.start_transaction, "staged"),
        (lambda: fs.transaction, "staged"),
    ]:
        with pytest.raises(io.UnsupportedOperation, match=instead):
            work()
    assert File("notes/a.txt").exists()
    fs.makedirs("any/folder", exist_ok=True)
    fs.mkdir("any/folder")


# -- a remote --------------------------------------------------------------------------------------


def test_no_request_is_made_twice(remote_fs: RadopsFileSystem, faulty_seaweedfs: FaultProxy):
    for _ in range(3):
        assert remote_fs.info("files/large.bin")["size"] == len(LARGE)
    first = faulty_seaweedfs.count()
    remote_fs.info("files/large.bin")
    remote_fs.isfile("files/large.bin")
    remote_fs.exists("files/large.bin")
    assert faulty_seaweedfs.count() == first
    remote_fs.ls("files")
    remote_fs.info("dir/a/0001.bin")
    after = faulty_seaweedfs.count()
    for _ in range(5):
        assert len(remote_fs.ls("files")) == 2
        assert remote_fs.info("dir/a/0001.bin")["size"] == 3000
        assert not remote_fs.exists("dir/a/nothing")
    assert len(remote_fs.find("dir")) == 300
    assert faulty_seaweedfs.count() == after, faulty_seaweedfs.requests[after:]


def test_ranges_are_merged_and_nothing_else_is_fetched(
    remote_fs: RadopsFileSystem, faulty_seaweedfs: FaultProxy
) -> None:
    starts = [5, 100, 9 * MIB, 2000, 9 * MIB + 17]
    ends = [start + 6 for start in starts]
    found = remote_fs.cat_ranges(["files/large.bin"] * 5, starts, ends)
    assert found == [LARGE[start:end] for start, end in zip(starts, ends, strict=True)]
    assert faulty_seaweedfs.count(key="/objects/") == 2
    assert fetched(faulty_seaweedfs) == 2 * MIB


def test_many_small_files_cost_few_requests(
    remote_fs: RadopsFileSystem, faulty_seaweedfs: FaultProxy
) -> None:
    paths = random.Random(3).sample(remote_fs.find("dir"), 60)
    faulty_seaweedfs.reset()
    found = remote_fs.cat(paths)
    assert sorted(found) == sorted(paths)
    assert {len(data) for data in found.values()} == {3000}
    assert faulty_seaweedfs.count() <= 3, faulty_seaweedfs.requests


def test_an_outage_is_never_an_absence(make_lake, shared: str, tmp_path: Path) -> None:
    lake = make_lake("reader", remote=shared)
    lake.file("a").write_text("a")
    fs = RadopsFileSystem.of(lake)
    assert not fs.exists("other/name")
    (tmp_path / "shared").rename(tmp_path / "unmounted")
    for ask in (
        fs.exists, fs.isfile, fs.isdir, fs.info, fs.ls, fs.find, fs.open, fs.cat,
        lambda path: list(fs.walk(path)), lambda path: fs.glob(f"{path}/*"),
    ):  # fmt: skip
        with pytest.raises(RemoteUnavailableError):
            ask("another/name")
