"""Readers of a directory while another process makes room in their home."""

from __future__ import annotations

import contextlib
import os
import random
from typing import TYPE_CHECKING

import pytest

from directories.lakes import LARGE, fill, many
from protocols.purging import Cut, Cuts, purging
from protocols.scenario import DEEP, Count
from radops import native
from radops.data_lake import DataLake
from radops.errors import CorruptObjectError
from radops.lake.holdings import Held
from radops.lake.leaving import Leaving
from radops.repository.trees.fetching import Fetching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# As many tiny files as make two pages, so that there is more than a root and a layout.
TINY = {f"tiny/{number:05}": b"%d" % (number % 50) for number in range(1300)}
FILES = {**many(20, size=300), **TINY, "large.bin": os.urandom(LARGE)}
INNER = "f3/000003.bin"

MOST_PAIRS = 2000 if DEEP else 5


def read_one(lake: DataLake) -> None:
    assert lake.directory("v1")[INNER].read_bytes() == FILES[INNER]


def read_many(lake: DataLake) -> None:
    found = dict(lake.directory("v1").read("f3/**"))
    assert found == {name: data for name, data in FILES.items() if name.startswith("f3/")}


def read_range(lake: DataLake) -> None:
    ranges = [(5, 100), (LARGE - 50, 50)]
    found = lake.directory("v1")["large.bin"].read_ranges(ranges)
    assert found == [FILES["large.bin"][start : start + length] for start, length in ranges]


def read_on(lake: DataLake) -> None:
    """A file that is open stays readable."""
    with lake.directory("v1")["large.bin"].open("rb") as reader:
        parts = [reader.read(1 << 20) for _ in range(5)]
    assert b"".join(parts) == FILES["large.bin"]


def list_all(lake: DataLake) -> None:
    directory = lake.directory("v1")
    assert sorted(file.inner for file in directory) == sorted(FILES)
    assert directory.ls() == [*(f"f{number}/" for number in range(7)), "large.bin", "tiny/"]


READERS = (read_one, read_many, read_range, read_on, list_all)


class Machines:
    """One that added the directory, and a home on another that is purged while it is read."""

    def __init__(
        self,
        make_lake: Callable[..., DataLake],
        shared: str,
        tmp_path: Path,
        patch: pytest.MonkeyPatch,
    ) -> None:
        fill(tmp_path / "images", FILES)
        make_lake("one", remote=shared).add(tmp_path / "images", "v1")
        self.home, self._shared, self._patch = tmp_path / "two", shared, patch

    def open(self) -> contextlib.closing[DataLake]:
        """Open the lake as a process does that has just begun."""
        return contextlib.closing(DataLake(home=self.home, remote=self._shared))

    def count(self) -> int:
        """Return how many objects are here."""
        return sum(path.is_file() for path in (self.home / "storage" / "objects").rglob("*"))

    def fetch(self) -> None:
        """Bring all of the directory here."""
        with self.open() as lake:
            lake.directory("v1").download()

    def run(self, read: Callable[[DataLake], None], cut: Cut) -> tuple[int, int]:
        """Return how many cuts there were, and how many objects went."""
        self.fetch()
        with (
            purging(self.home, self._shared, self._patch) as purge,
            self.open() as lake,
            Cuts(cut, purge.begin, purge.end) as cuts,
        ):
            read(lake)
        with self.open() as lake:
            read(lake)  # again, with what the first one fetched
        return cuts.count, purge.removed

    def explore(self, read: Callable[[DataLake], None]) -> Count:
        """Purge at each cut, and at pairs of them."""
        cuts, gone = self.run(read, Cut(None))
        assert gone == 0
        assert cuts > 5
        chosen = [Cut(first) for first in range(cuts)]
        pairs = [Cut(first, second) for first in range(cuts) for second in range(first + 1, cuts)]
        chosen += random.Random(7).sample(pairs, min(len(pairs), MOST_PAIRS))
        went = [self.run(read, cut)[1] for cut in chosen]
        self.fetch()
        assert max(went) == self.count(), "the purge left what it was to remove"
        return Count(f"purge, {read.__name__}", runs=len(chosen), interleavings=len(chosen))


@pytest.fixture
def machines(
    make_lake: Callable[..., DataLake], shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Machines:
    return Machines(make_lake, shared, tmp_path, monkeypatch)


@pytest.mark.parametrize("read", READERS, ids=lambda one: one.__name__)
def test_readers_of_a_directory_while_another_makes_room(machines, read, tell):
    """They read the right bytes, whatever goes meanwhile, and again afterwards."""
    tell(machines.explore(read))
    machines.fetch()
    with machines.open() as lake:
        assert lake.verify().ok


# -- readers and purges that are broken -----------------------------------------------------------


def test_a_reader_that_does_not_fetch_again_is_found_out(machines, monkeypatch):
    machines.fetch()
    monkeypatch.setattr(Fetching, "call", lambda _self, work, **_options: work())
    machines.run(read_one, Cut(None))  # which goes well
    with pytest.raises(native.MissingObjectsError):
        machines.explore(read_one)


def test_a_purge_that_removes_parts_first_is_found_out(machines, monkeypatch):
    monkeypatch.setattr(Held, "turn", property(lambda self: 0 if self.is_part else 1))
    with pytest.raises(AssertionError, match="parts went before what they tell of"):
        machines.explore(read_one)


def test_a_purge_that_empties_files_is_found_out(machines, monkeypatch):
    """A file that is removed can still be read by a process that has it open."""
    move = Leaving.move

    def empty_all(leaving, objects):
        for one in objects:
            path = leaving.store.object_path(one.digest)
            path.chmod(0o644)
            os.truncate(path, 0)
        return move(leaving, objects)

    monkeypatch.setattr(Leaving, "move", empty_all)
    with pytest.raises((AssertionError, CorruptObjectError)) as caught:
        machines.explore(read_on)
    assert "the purge" not in str(caught.value)
