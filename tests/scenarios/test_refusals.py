"""Remotes that say no, hold what they should not, or cannot be written to safely."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from radops.config import resolve
from radops.data_lake import DataLake, File, check_remote, file_creator
from radops.errors import (
    CorruptObjectError,
    CorruptRecordError,
    NewerFormatError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UnsafeRemoteError,
)
from radops.format import cbor
from servers.http_faults import Answer, IgnoreIfNoneMatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.proxy import FaultProxy
    from servers.server import S3Server


def below(url: str) -> Path:
    return Path(urlsplit(url).path)


def files(folder: Path) -> dict[str, bytes]:
    """Return everything that is stored below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "tmp" not in path.relative_to(folder).parts
    }


def replace(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.fixture
def with_file(make_lake, shared: str, write) -> DataLake:
    lake = make_lake("one", remote=shared)
    lake.add(write("a.txt", "hello"))
    return lake


# -- servers -----------------------------------------------------------------------------------


def test_wrong_credentials(make_lake, seaweedfs: S3Server, write, monkeypatch) -> None:
    bucket = seaweedfs.new_bucket()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-key")
    url = f"s3://{bucket}?endpoint_url={seaweedfs.endpoint_url}"
    with pytest.raises(RemoteRefusedError) as caught:
        make_lake("one", remote=url).add(write("a.txt", "1"))
    assert caught.value.exit_code == 7
    assert "not-the-secret-key" not in str(caught.value)
    assert not (make_lake("one").home / "storage" / "lakes").exists()


def test_a_bucket_that_is_not_there(make_lake, seaweedfs: S3Server, write) -> None:
    url = f"s3://no-such-bucket-here?endpoint_url={seaweedfs.endpoint_url}"
    with pytest.raises(RemoteRefusedError, match="bucket"):
        make_lake("one", remote=url).ls()
    with pytest.raises(RemoteRefusedError, match="bucket"):
        make_lake("one", remote=url).add(write("a.txt", "1"))


def test_a_server_that_ignores_create_if_absent(
    make_lake, faulty_seaweedfs: FaultProxy, write, monkeypatch
) -> None:
    bucket = faulty_seaweedfs.as_server.new_bucket()
    url = f"s3://{bucket}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"
    faulty_seaweedfs.inject(IgnoreIfNoneMatch(), times=None)
    lake = make_lake("one", remote=url)
    with pytest.raises(UnsafeRemoteError, match="create-if-absent") as caught:
        lake.add(write("a.txt", "1"))
    assert caught.value.exit_code == 7
    found = faulty_seaweedfs.as_server.client().list_objects_v2(Bucket=bucket)
    assert [one["Key"] for one in found["Contents"]] == ["lake/radops.cbor"]
    monkeypatch.setenv("RADOPS_REMOTE", url)
    steps = check_remote(resolve(home=lake.home, remote=url))
    assert [step.name for step in steps if not step.ok] == ["create once"]


def test_check_remote_leaves_nothing_behind(tmp_path, seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    url = f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}"
    steps = check_remote(resolve(home=tmp_path / "home", remote=url))
    assert all(step.ok for step in steps), steps
    assert "Contents" not in seaweedfs.client().list_objects_v2(Bucket=bucket)


def test_a_result_survives_a_server_that_went_away(
    make_lake, faulty_seaweedfs: FaultProxy, write
) -> None:
    bucket = faulty_seaweedfs.as_server.new_bucket()
    url = f"s3://{bucket}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"
    lake = make_lake("one", remote=url)
    lake.add(write("a.txt", "hello"))
    runs = []

    @file_creator(name="tests.far")
    def far(f: File) -> File:
        runs.append(1)
        out = File()
        out.write_text("done")
        faulty_seaweedfs.inject(Answer(500), times=None)
        return out

    with lake.use():
        with pytest.raises(RemoteUnavailableError, match="kept"):
            far(File("a.txt"))
        faulty_seaweedfs.reset()
        assert far(File("a.txt")).read_text() == "done"
    assert runs == [1]


# -- formats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"v": 2}, {"kind": "radops/other"}, {"read": ["packs"]}])
def test_a_newer_lake_is_refused(make_lake, with_file: DataLake, shared: str, change: Any) -> None:
    marker = below(shared) / "radops.cbor"
    replace(marker, cbor.encode({**cbor.decode(marker.read_bytes()), **change}))
    before = files(below(shared))
    with pytest.raises(NewerFormatError) as caught:
        make_lake("two", remote=shared).ls()
    assert caught.value.exit_code == 7
    with pytest.raises(NewerFormatError):
        make_lake("two", remote=shared).file("b").write_text("x")
    with pytest.raises(NewerFormatError):
        with_file.sync()
    assert files(below(shared)) == before


def test_a_feature_of_writers_leaves_it_readable(make_lake, with_file, shared: str, write) -> None:
    marker = below(shared) / "radops.cbor"
    replace(marker, cbor.encode({**cbor.decode(marker.read_bytes()), "write": ["packs"]}))
    before = files(below(shared))
    two = make_lake("two", remote=shared)
    assert two.file("a.txt").read_text() == "hello"
    with pytest.raises(NewerFormatError, match="packs"):
        two.add(write("b.txt", "x"))
    assert files(below(shared)) == before


def _truncate(raw: bytes) -> bytes:
    return raw[:-1]


def _flip(raw: bytes) -> bytes:
    return raw[:40] + bytes([raw[40] ^ 1]) + raw[41:]


def _oversize(raw: bytes) -> bytes:
    return raw + bytes(9 << 20)


def _nest(raw: bytes) -> bytes:
    return b"\x81" * 100_000 + b"\x00"


def _duplicate(raw: bytes) -> bytes:
    return b"\xa2\x61v\x01\x61v\x01"


def _empty(raw: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_truncate, _flip, _oversize, _nest, _duplicate, _empty])
def test_a_damaged_record_is_named_and_not_served(
    make_lake, with_file: DataLake, shared: str, damage: Callable[[bytes], bytes]
) -> None:
    slot = below(shared) / "refs/a.txt.radops"
    replace(slot, damage(slot.read_bytes()))
    two = make_lake("two", remote=shared)
    with pytest.raises((CorruptRecordError, NewerFormatError)) as caught:
        two.file("a.txt").read_text()
    assert caught.value.exit_code in (5, 7)
    assert "a.txt" in f"{caught.value} {caught.value.uid}"
    # Nothing is written over it.
    with pytest.raises(RadopsError):
        two.file("a.txt").write_text("x")
    # A machine that has the record continues; its own cache is damaged too, and repaired.
    assert with_file.file("a.txt").read_text() == "hello"


def test_a_record_of_another_name_is_told(make_lake, with_file, shared: str, write) -> None:
    with_file.add(write("b.txt", "other"))
    refs = below(shared) / "refs"
    replace(refs / "b.txt.radops", (refs / "a.txt.radops").read_bytes())
    with pytest.raises(CorruptRecordError, match=r"a\.txt"):
        make_lake("two", remote=shared).file("b.txt").read_text()


def test_a_damaged_local_record_is_fetched_anew(make_lake, with_file, shared: str) -> None:
    (slot,) = with_file.home.glob("storage/lakes/*/refs/a.txt.radops")
    good = slot.read_bytes()
    replace(slot, b"garbage")
    assert make_lake("one", remote=shared).file("a.txt").read_text() == "hello"
    assert slot.read_bytes() == good


def test_bytes_that_are_wrong_in_the_remote_are_not_served(make_lake, with_file, shared) -> None:
    (body,) = below(shared).glob("objects/*/*")
    replace(body, b"hellO")
    two = make_lake("two", remote=shared)
    with pytest.raises(CorruptObjectError) as caught:
        two.file("a.txt").read_text()
    assert caught.value.exit_code == 5
    assert not list(two.home.glob("storage/objects/*/*"))
    body.unlink()
    with pytest.raises(CorruptObjectError, match="missing"):
        two.file("a.txt").read_text()


def test_crafted_keys_lead_nowhere(make_lake, with_file: DataLake, shared: str) -> None:
    refs = below(shared) / "refs"
    for name in ("-x.radops", "x.radops-0", "x.radops-01", "a:b.radops", "x", "y.radops.radops"):
        (refs / name).write_bytes(b"x")
    assert [row.uid for row in make_lake("two", remote=shared).ls(recursive=True)] == ["a.txt"]
