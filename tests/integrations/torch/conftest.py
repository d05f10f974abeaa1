"""A directory with classes in a remote, for machines that have nothing of it."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from lakes import clean_environment, make_lake, shared
from radops.data_lake import DataLake, Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["clean_environment", "make_lake", "shared"]


def image(path: str) -> bytes:
    """Return the bytes of a file of the directory: other ones for each path."""
    return hashlib.shake_256(path.encode()).digest(500 + len(path) * 7 % 50)


FILES = {
    path: image(path)
    for path in (f"c{label:02}/{number:02}.bin" for label in range(40) for number in range(25))
}
"""1,000 files in 40 classes."""

SMALL = {"run": "8KiB", "block": "60kB", "lanes": 8, "cache": "10MB", "prefetch": "40kB"}
"""Arguments of a stream that has as many runs and blocks with these files as others with GiB."""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the home `first` and the remote `shared`, which hold `images`."""
    base = tmp_path_factory.mktemp("streams")
    (base / "shared").mkdir()
    fill(base / "images", FILES)
    with closing(DataLake(home=base / "first", remote=(base / "shared").as_uri())) as lake:
        lake.add(base / "images", "images")
    return base


@pytest.fixture
def here(published: Path) -> Iterator[Directory]:
    """The directory on the machine where it was added."""
    with closing(
        DataLake(home=published / "first", remote=(published / "shared").as_uri())
    ) as lake:
        yield Directory("images", lake=lake)


@pytest.fixture
def elsewhere(published: Path, tmp_path: Path) -> Iterator[Directory]:
    """The directory on a machine that has nothing of it."""
    with closing(DataLake(home=tmp_path / "home", remote=(published / "shared").as_uri())) as lake:
        yield Directory("images", lake=lake)


@pytest.fixture
def small(make_lake: Callable[..., DataLake], tmp_path: Path, shared: str) -> Directory:
    """A directory of few files in a remote of its own, on a machine that has nothing of it."""
    fill(tmp_path / "few", {path: FILES[path] for path in list(FILES)[:100]})
    make_lake("one", remote=shared).add(tmp_path / "few", "few")
    return Directory("few", lake=make_lake("two", remote=shared))
