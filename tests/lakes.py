"""Lakes of every kind, each test with homes of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from radops.data_lake import DataLake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the person's own: no configuration, no variables."""
    for name in [name for name in os.environ if name.startswith("RADOPS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("RADOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RADOPS_EMAIL", "ada@example.com")


@pytest.fixture
def make_lake(tmp_path: Path) -> Iterator[Callable[..., DataLake]]:
    """Open lakes by name of their home, as if on machines of their own."""
    opened = []

    def make(home: str = "home", **options: object) -> DataLake:
        lake = DataLake(home=tmp_path / home, **options)
        opened.append(lake)
        return lake

    yield make
    for lake in opened:
        lake.close()


@pytest.fixture
def lake(make_lake: Callable[..., DataLake]) -> Iterator[DataLake]:
    """A lake on this machine only, the current one."""
    lake = make_lake()
    with lake.use():
        yield lake


@pytest.fixture
def shared(tmp_path: Path) -> str:
    """The URL of a shared folder."""
    (tmp_path / "shared").mkdir()
    return (tmp_path / "shared").as_uri()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file outside any lake."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / "outside" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def folder(url: str) -> Path:
    """Return the folder of a remote with a `file:` URL."""
    return Path(urlsplit(url).path)


def storage(lake: DataLake) -> Path:
    """Return the local storage of a lake."""
    return lake.home / "storage"


def local_uids(lake: DataLake) -> list[str]:
    """Return the names of the files whose bytes are on this machine."""
    return [row.uid for row in lake.ls(recursive=True, where="local")]
