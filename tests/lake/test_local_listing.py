"""Listings read records many at once; they show what reading each slot would show."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lake.mischief import damage, fill
from radops import native


class LeavesAll:
    """A reader that leaves every slot, so that each is read as if there were none."""

    def __init__(self, store: Path, lake: Path, prefix: str, *, recursive: bool) -> None:
        self._refs = lake / "refs"
        self._prefix = prefix
        self._recursive = recursive
        self._read = False

    def read(self, most: int) -> tuple[list[object], list[tuple[str, bool]]] | None:
        if self._read:
            return None
        self._read = True
        left = []
        for path in self._refs.rglob("*"):
            key = path.relative_to(self._refs).as_posix()
            if path.is_dir() and not path.is_symlink():
                key += "/"
            rest = key.removeprefix(self._prefix)
            deep = "/" in rest[:-1] if rest else True
            if key.startswith(self._prefix) and (self._recursive or not deep):
                left.append((key, path.is_file() and not path.is_symlink()))
        return [], [one for one in left if not (self._recursive and one[0].endswith("/"))]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("where", ["alone", "remote"])
def test_listings_are_the_same(
    make_lake, write, shared: str, seed: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(remote=shared) if where == "remote" else make_lake()
    uids = fill(lake, write)
    lake.delete("set/08.txt")
    damage(lake, uids, random.Random(seed))
    for changes in (
        {"recursive": False},
        {"recursive": False, "prefix": "set/"},
        {"recursive": False, "prefix": "se"},
        {"recursive": False, "prefix": "set", "generated": True},
        {},
        {"details": True},
        {"generated": True},
        {"prefix": "set/"},
        {"prefix": "set/0", "where": "local"},
    ):
        options = {"recursive": True, **changes}
        shown = lake.ls(**options)
        assert shown
        with monkeypatch.context() as patch:
            patch.setattr(native, "FileRows", LeavesAll)
            assert lake.ls(**options) == shown
