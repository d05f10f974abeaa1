"""Fixtures with real S3 servers: one of each per test process, started when first asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from servers.ceph import missing_programs, running_ceph
from servers.proxy import FaultProxy
from servers.server import S3Server
from servers.weed import running_weed

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRE_CEPH = "RADOPS_REQUIRE_CEPH"

needs_ceph = pytest.mark.xdist_group("Ceph")
"""Mark of tests that use `ceph`: one worker runs them all, so that one cluster is started.

They also have "Ceph" in their names, which is what `conftest.py` goes by."""


@pytest.fixture(scope="session")
def s3_environment() -> Iterator[None]:
    """Let boto3 find the keys of the test servers, and nothing of the person's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in S3Server("", "").environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory, s3_environment: None) -> Iterator[S3Server]:
    """A running SeaweedFS."""
    with running_weed(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory, s3_environment: None) -> Iterator[S3Server]:
    """A running Ceph gateway; mark such tests with `needs_ceph`."""
    if missing := missing_programs():
        reason = (
            f"Ceph is not installed, no {', '.join(missing)}; on Debian: apt-get install"
            " --no-install-recommends radosgw ceph-mon ceph-osd"
        )
        if os.environ.get(REQUIRE_CEPH) == "1":
            pytest.fail(f"{reason}, but {REQUIRE_CEPH}=1")
        pytest.skip(reason)
    with running_ceph(tmp_path_factory.mktemp("ceph")) as server:
        yield server


@pytest.fixture
def faulty_seaweedfs(seaweedfs: S3Server) -> Iterator[FaultProxy]:
    """A proxy in front of SeaweedFS that counts requests and can be told to fail."""
    with FaultProxy(seaweedfs) as proxy:
        yield proxy
