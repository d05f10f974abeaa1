from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from radops.backends.base import check_key, is_key
from radops.backends.folder.backend import FolderBackend
from radops.backends.memory import MemoryBackend
from radops.backends.open import RemoteOptions, open_backend
from radops.backends.parts import MIB, Parts
from radops.backends.s3.backend import S3Backend
from radops.backends.s3.upload import part_size_for
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1024 * MIB


def test_a_bucket() -> None:
    backend = open_backend("s3://my-bucket.x/a prefix/é/?region=eu-west-1", RemoteOptions())
    assert isinstance(backend, S3Backend)
    assert backend.url == "s3://my-bucket.x/a prefix/é"
    assert open_backend("s3://bucket").url == "s3://bucket"
    assert open_backend("s3://bucket/").url == "s3://bucket"


def test_a_folder(tmp_path: Path) -> None:
    for url in (
        f"file://{tmp_path}/a%20b",
        (tmp_path / "a b").as_uri(),
        f"file://localhost{tmp_path}/a b",
    ):
        backend = open_backend(url)
        assert isinstance(backend, FolderBackend)
        assert backend.root == tmp_path / "a b"
        assert backend.url == (tmp_path / "a b").as_uri()


@pytest.mark.parametrize(("root", "made"), [(0o775, 0o2775), (0o770, 0o2770)])
def test_a_folder_shared_by_a_group(tmp_path: Path, root: int, made: int) -> None:
    """Folders inside are open to others as far as the root is."""
    tmp_path.chmod(root)
    backend = open_backend(tmp_path.as_uri(), shared="group")
    backend.put([("a/b", b"1")])
    assert (tmp_path / "a").stat().st_mode & 0o7777 == made


def test_memory_by_name() -> None:
    backend = open_backend("memory://test-memory-by-name")
    assert isinstance(backend, MemoryBackend)
    assert open_backend("memory://test-memory-by-name") is backend
    assert open_backend("memory://test-memory-by-another") is not backend


def test_a_query_is_put_over_the_options() -> None:
    given = RemoteOptions(region="eu-west-1", profile="team")
    merged = given.merged({"region": "us-east-1", "endpoint_url": "http://h:1"})
    assert merged == RemoteOptions(region="us-east-1", profile="team", endpoint_url="http://h:1")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bucket",
        "/a/folder",
        "http://host/bucket",
        "S4://bucket",
        "s3://",
        "s3:///prefix",
        "s3://b",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/a\\b",
        "s3://bucket/a\x01b",
        f"s3://bucket/{'x' * 301}",
        "s3://bucket/a#b",
        "s3://bucket#",
        "s3://buck et/a",
        "s3://bucket?regoin=x",
        "s3://bucket?region",
        "s3://bucket?region=",
        "s3://bucket?region=a&region=b",
        "s3://bucket?endpoint_url=host:9000",
        "s3://bucket?endpoint_url=ftp://host",
        "s3://bucket?endpoint_url=http://host:99999999",
        "s3://bucket?endpoint_url=http://host?x=1",
        "s3://bucket?addressing_style=sideways",
        "s3://bucket?sse=rot13",
        "s3://bucket?sse_kms_key_id=1",
        "s3://bucket:99999999/",
        "s3://[bucket/",
        "file://relative/path",
        "file://~/path",
        "file:path",
        "file:///a%00b",
        "file:///a?region=b",
        "memory://",
        "memory:///name",
        "memory://name?region=b",
    ],
)
def test_what_is_no_remote(url: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        open_backend(url)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("url", "named"),
    [("s3://b-1?regoin=x", "regoin"), ("s3://b-1?sse=rot13", "sse"), ("s3://B_", "B_")],
)
def test_errors_name_what_is_wrong(url: str, named: str) -> None:
    with pytest.raises(InvalidConfigError, match=named):
        open_backend(url)


@pytest.mark.parametrize(
    "url",
    [
        "s3://user:hunter2@bucket/a",
        "s3://bucket/a?endpoint_url=https://user:hunter2@host",
        "gopher://user:hunter2@host",
        "file://user:hunter2@host/a",
        "azure://container?key=hunter2",
        "s3://bucket#?key=hunter2",
    ],
)
def test_no_secret_of_a_url_is_shown(url: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        open_backend(url)
    assert "hunter2" not in f"{caught.value!r} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_opening_costs_nothing() -> None:
    program = (
        "import sys, radops.backends.open as o; o.open_backend('file:///tmp');"
        "o.open_backend('memory://a');"
        "print([m for m in ('boto3', 'botocore', 'urllib3', 'ssl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_keys() -> None:
    assert is_key("a/b c/é/.x")
    assert is_key("x" * 1024)
    assert not is_key("é" * 513)
    with pytest.raises(ValueError, match="not a key"):
        check_key("a/../b")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, 16 * MIB),
        (16 * MIB, 16 * MIB),
        (160_000 * MIB, 16 * MIB),  # 10,000 parts exactly
        (160_000 * MIB + 1, 17 * MIB),
        (5 * 1024 * GIB, 525 * MIB),
    ],
)
def test_parts_are_at_most_ten_thousand(size: int, expected: int) -> None:
    part_size = part_size_for(size)
    assert part_size == expected
    assert Parts("a", size, part_size).count <= 10_000
