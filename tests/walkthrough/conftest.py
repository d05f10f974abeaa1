"""The places of the walkthrough: one machine alone, a shared folder, a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from walkthrough.places import Place, World

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _bucket(request: pytest.FixtureRequest) -> Place:
    proxy: FaultProxy = request.getfixturevalue("faulty_seaweedfs")
    bucket = proxy.server.new_bucket()
    return Place(
        "bucket",
        f"s3://{bucket}/team/lake",
        ("--endpoint-url", proxy.endpoint_url, "--region", "us-east-1"),
        proxy.server.environment,
        lambda: [seen.key for seen in proxy.matching("GET")],
    )


@pytest.fixture(params=["folder", "bucket"])
def remote_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "bucket":
        return _bucket(request)
    (tmp_path / "shared").mkdir()
    return Place("folder", f"file://{tmp_path}/shared/lake")


@pytest.fixture(params=["alone", "folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "bucket":
        return _bucket(request)
    if request.param == "alone":
        return Place("alone")
    (tmp_path / "shared").mkdir()
    return Place("folder", f"file://{tmp_path}/shared/lake")
