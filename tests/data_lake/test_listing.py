"""Listings read plain records many at once; they show what reading each slot would show."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from radops import native

from .mischief import damage, fill


class LeavesAll:
    """A reader that finds no record plain, so that each slot is read as if there were none."""

    def __init__(self, store: Path, lake: Path, prefix: str) -> None:
        self._refs = lake / "refs"
        self._prefix = prefix
        self._read = False

    def read(self, most: int) -> tuple[list[object], list[tuple[str, bool]]] | None:
        if self._read:
            return None
        self._read = True
        paths = [path for path in self._refs.rglob("*") if path.is_symlink() or not path.is_dir()]
        keys = ((path.relative_to(self._refs).as_posix(), path) for path in paths)
        return [], [
            (key, path.is_file() and not path.is_symlink())
            for key, path in keys
            if key.startswith(self._prefix)
        ]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("where", ["alone", "remote"])
def test_listings_are_the_same(
    make_lake, write, shared: str, seed: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(remote=shared) if where == "remote" else make_lake()
    uids = fill(lake, write)
    lake.delete("set/08.txt")
    damage(lake, uids, random.Random(seed))
    for options in (
        {},
        {"details": True},
        {"generated": True},
        {"prefix": "set/"},
        {"prefix": "set/0", "where": "local"},
    ):
        shown = lake.ls(recursive=True, **options)
        assert shown
        with monkeypatch.context() as patch:
            patch.setattr(native, "PlainRecords", LeavesAll)
            assert lake.ls(recursive=True, **options) == shown
