"""The contract over two real S3 servers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from backends.contract import BackendContract
from backends.file_moves import FilesContract
from radops.backends.parts import MIB
from servers.fixtures import needs_ceph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.s3.backend import S3Backend
    from servers.server import S3Server


_buckets: dict[str, str] = {}  # one for each server; every test has a prefix of its own


class S3Contract(BackendContract, FilesContract):
    many = 1500  # a page holds a thousand
    multiple = 12 * MIB  # S3 takes no part below 5 MiB but the last

    @pytest.fixture
    def backend(self, server: S3Server) -> Iterator[S3Backend]:
        bucket = _buckets.get(server.name) or _buckets.setdefault(server.name, server.new_bucket())
        prefix = f"pre fix/{secrets.token_hex(4)}+é"
        backend = server.backend(bucket, prefix, part_size=5 * MIB)
        # A neighbour that must never be seen.
        server.client().put_object(Bucket=bucket, Key=f"{prefix}-2/neighbour", Body=b"")
        yield backend
        backend.close()


class TestSeaweedFS(S3Contract):
    creators = 4  # of one absent key: they wait for each other by the second
    forgets_folders = False

    @pytest.fixture
    def server(self, seaweedfs: S3Server) -> S3Server:
        return seaweedfs


class TestCeph(S3Contract):
    pytestmark = needs_ceph

    @pytest.fixture
    def server(self, ceph: S3Server) -> S3Server:
        return ceph
