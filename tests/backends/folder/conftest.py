"""A folder to store in."""

from __future__ import annotations

from pathlib import Path

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.backends.parts import MIB


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def home(root: Path) -> FolderBackend:
    return FolderBackend(root, part_size=MIB)
