"""What tests of the S3 backend share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.backends.parts import MIB
from radops.backends.s3.client import Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.s3.backend import S3Backend
    from servers.proxy import FaultProxy


@pytest.fixture
def proxy(faulty_seaweedfs: FaultProxy) -> FaultProxy:
    """Give a server whose answers can be spoiled."""
    return faulty_seaweedfs


@pytest.fixture
def timeouts() -> Timeouts:
    """Give short limits, so that the tests are short; what they show does not depend on them."""
    return Timeouts(connect=1, read=1.5, transfer=1.5, throttled=1)


@pytest.fixture
def backend(proxy: FaultProxy, timeouts: Timeouts) -> Iterator[S3Backend]:
    """Give a backend over that server which gives up soon."""
    backend = proxy.backend(prefix="p", timeouts=timeouts, part_size=5 * MIB)
    yield backend
    backend.close()
