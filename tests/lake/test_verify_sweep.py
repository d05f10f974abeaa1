"""A check in bulk finds what a check of each file finds, whatever was done to the lake."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from lake.mischief import damage, fill
from lake.tampering import kinds, settle, told
from radops import native

if TYPE_CHECKING:
    from pathlib import Path


SEEDS = range(6)


class LeavesAll:
    """A sweep that leaves every file, so that each is checked as if there were none."""

    def __init__(self, store: Path, lake: Path, prefix: str, *, threads: int = 0) -> None:
        self._objects = store / "objects"
        self._refs = lake / "refs"
        self._prefix = prefix
        self._batches = {self._refs, self._objects}

    def _once(self, folder: Path) -> list[tuple[str, bool]] | None:
        if folder not in self._batches:
            return None
        self._batches.remove(folder)
        found = ((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*"))
        return [
            (key, path.is_file() and not path.is_symlink())
            for key, path in found
            if path.is_symlink() or not path.is_dir()
        ]

    def read(self, most: int) -> tuple[list[str], list[tuple[str, bool]]] | None:
        found = self._once(self._refs)
        return None if found is None else ([], [e for e in found if e[0].startswith(self._prefix)])

    def strangers(self, most: int) -> list[tuple[str, bool]] | None:
        return self._once(self._objects)

    def sort(self) -> int:
        return 0

    def totals(self) -> tuple[int, int, int, int]:
        return 0, 0, 0, 0

    def left(self) -> int:
        return 0

    def leave(self, digests: object) -> None:
        pass


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("where", ["alone", "remote"])
def test_findings_are_the_same(
    make_lake, write, tmp_path, seed: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = []
    for sweeps in (False, True):
        name = "swept" if sweeps else "looked"
        options = {}
        if where == "remote":
            folder = tmp_path / f"remote-{name}"
            folder.mkdir()
            options["remote"] = folder.as_uri()
        lake = make_lake(name, **options)
        uids = fill(lake, write)
        settle()
        with monkeypatch.context() as patch:
            if not sweeps:
                patch.setattr(native, "Sweep", LeavesAll)
            before = [lake.verify(), lake.verify(quick=True), lake.verify("set/")]
            if where == "remote":
                lake.delete_local("set/07.txt", "made/one", "large")
            done = damage(lake, uids, random.Random(seed))
            settle()
            lake = make_lake(name, **options)  # remembers no commits that it saw before
            after = [
                lake.verify(quick=True),
                lake.verify("set/"),
                lake.verify(),
                lake.verify(quick=True),
            ]
            if where == "remote":
                after.append(lake.verify(complete=True))
        assert [kinds(report) for report in before] == [[], [], []]
        assert done
        assert kinds(after[2]), f"a full verify found nothing after {done}"
        reports.append([told(report, lake) for report in (*before, *after)])
    looked, swept = reports
    for one, other in zip(looked, swept, strict=True):
        assert other == one


def test_small_files_and_results_of_calls_are_checked_in_bulk(make_lake, write) -> None:
    lake = make_lake()
    uids = fill(lake, write)
    sweep = native.Sweep(lake.home / "storage", lake.home / f"storage/lakes/{lake.lake_id}", "")
    taken: set[str] = set()
    while (batch := sweep.read(16)) is not None:
        taken |= set(batch[0])
    # Only the object with the call says which edges lead to the first output of many.
    left = {"set/02.txt", "medium", "large", "set/gre\N{GREEK SMALL LETTER ALPHA}k", "again"}
    assert {*uids} - taken == {*left, "made/many/00.txt"}
    count = sweep.sort()
    assert len(sweep.check(0, count, [], quick=False, began=0)) == count
    assert sweep.left() == 0
    files, objects, _, trusted = sweep.totals()
    assert (files, objects, trusted) == (len(taken), count, 0)
