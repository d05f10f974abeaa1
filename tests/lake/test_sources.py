"""Sources taken apart: what a URL names, and what goes into a record of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.errors import RemoteRefusedError, UsageError
from radops.lake.sources import name_of, recorded_source, split_s3

if TYPE_CHECKING:
    from radops.data_lake import DataLake
    from servers.server import S3Server

KEYS = ("seg#1.dcm", "seg", "a%25b.csv", "%41.csv", "what?.txt", "q?x=1", "sp ace.txt", "ü/é.txt",
        "a+b&c=d.txt")  # fmt: skip


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("s3://b/seg#1.dcm", "s3://b", "seg#1.dcm"),
        ("s3://b/a%25%41.csv", "s3://b", "a%25%41.csv"),
        ("s3://b/what?.txt", "s3://b", "what?.txt"),
        ("s3://b/a?region=x&profile=y", "s3://b?region=x&profile=y", "a"),
        ("s3://b/a?b?region=x", "s3://b?region=x", "a?b"),
        ("s3://b/a?region=x&other=y", "s3://b", "a?region=x&other=y"),
        ("s3://b//a", "s3://b", "/a"),
        ("S3://b/A", "s3://b", "A"),
    ],
)
def test_keys_are_exact(url: str, bucket: str, key: str) -> None:
    assert split_s3(url) == (bucket, key)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("data/a%20b.csv", "a%20b.csv"),
        ("https://example.com/x/a%20b.csv?x=/y#/z", "a b.csv"),
        ("https://example.com/x%2Fy.csv", "y.csv"),
        ("s3://b/x/seg#1%20.dcm", "seg#1%20.dcm"),
        ("s3://b/x/a.csv?region=eu/x", "a.csv"),
        ("file:///tmp/a%20b.csv", "a b.csv"),
    ],
)
def test_names(source: str, name: str) -> None:
    assert name_of(source) == name


@pytest.mark.parametrize("source", ["https://example.com/", "s3://b/x/", "s3://b", "/"])
def test_no_name(source: str) -> None:
    with pytest.raises(UsageError, match="no file name"):
        name_of(source)


@pytest.mark.parametrize(
    ("source", "recorded"),
    [
        ("a?b#c.csv", "a?b#c.csv"),
        ("https://user:SECRET@example.com/a.csv?SECRET#x", "https://example.com/a.csv"),
        ("s3://b/seg#1.dcm", "s3://b/seg%231.dcm"),
        ("s3://b/a.csv?region=x", "s3://b/a.csv"),
        ("s3://b/50%.csv", "s3://b/50%25.csv"),
    ],
)
def test_records(source: str, recorded: str) -> None:
    assert recorded_source(source) == recorded
    assert recorded_source(recorded.replace("%25", "x").replace("%23", "x")) == recorded.replace(
        "%25", "x"
    ).replace("%23", "x")


def test_exact_keys_of_a_bucket(lake: DataLake, seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    client = seaweedfs.client()
    for key in KEYS:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    options = f"?endpoint_url={seaweedfs.endpoint_url}"
    for number, key in enumerate(KEYS):
        lake.add(f"s3://{bucket}/{key}{options}", f"file-{number}")
        assert lake.file(f"file-{number}").read_bytes() == key.encode()
    with pytest.raises(RemoteRefusedError, match="does not exist") as raised:
        lake.add(f"s3://{bucket}/sp%20ace.txt{options}", "x")
    assert "taken as it is written" in (raised.value.hint or "")
