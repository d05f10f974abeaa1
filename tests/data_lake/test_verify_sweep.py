"""What Rust confirms in bulk is what a look at each file finds good, whatever was done."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from radops import native

from .mischief import damage, fill
from .tampering import kinds, settle

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake
    from radops.data_lake.verify import VerifyReport

SEEDS = range(6)


class LeavesAll:
    """A sweep that confirms nothing, so that each file is looked at as if there were none."""

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

    def totals(self) -> tuple[int, int, int]:
        return 0, 0, 0

    def left(self) -> int:
        return 0

    def leave(self, digests: object) -> None:
        pass


def told(report: VerifyReport, lake: DataLake) -> tuple[object, ...]:
    """All that a report says, but for where the home is."""
    place = [str(lake.home), lake.lake_id]

    def plain(text: str | None) -> str | None:
        for part in place:
            text = text and text.replace(part, "")
        return text

    found = [
        (
            f.kind,
            plain(f.message),
            f.hint,
            f.uids,
            f.digest,
            plain(f.path),
            f.ranges,
            f.edge,
            f.size,
        )
        for f in report.findings
    ]
    numbers = report.files, report.objects, report.bytes, report.trusted, report.not_local
    return numbers, found


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
            damage(lake, uids, random.Random(seed))
            after = [
                lake.verify(quick=True),
                lake.verify("set/"),
                lake.verify(),
                lake.verify(quick=True),
            ]
            if where == "remote":
                after.append(lake.verify(complete=True))
        assert [kinds(report) for report in before] == [[], [], []]
        reports.append([told(report, lake) for report in (*before, *after)])
    looked, swept = reports
    for one, other in zip(looked, swept, strict=True):
        assert other == one
