"""What tests of the collector share."""

from __future__ import annotations

import pytest

from repository.bucket import Bucket


@pytest.fixture
def bucket() -> Bucket:
    """An empty bucket with a clock that is set."""
    return Bucket()
