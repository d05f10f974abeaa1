"""A local store."""

from __future__ import annotations

from pathlib import Path

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.repository.objects.store import LocalStore


@pytest.fixture
def store(tmp_path: Path):
    store = LocalStore(FolderBackend(tmp_path / "home"))
    yield store
    store.close()
