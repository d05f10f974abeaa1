"""Adding more files than one batch holds: one batch is staged while another is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.errors import CorruptObjectError, RadopsError
from radops.lake import add_items
from radops.repository.objects import proof
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

COUNT = 23


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add_items, "BATCH_FILES", 5)


@pytest.fixture
def pairs(write) -> list[tuple[Path, str]]:
    return [
        (write(f"{number}", f"content {number // 2}"), f"x/{number}") for number in range(COUNT)
    ]


class Shown:
    """Progress as a person sees it."""

    def __init__(self) -> None:
        self.stages: list[list[object]] = []

    def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        self.stages.append([label, total_bytes, total_files, 0, 0, False])

    def advance(self, count: int, files: int) -> None:
        self.stages[-1][3] += count
        self.stages[-1][4] += files

    def finish(self) -> None:
        self.stages[-1][5] = True


def left(lake: DataLake) -> list[Path]:
    return [path for path in (lake.home / "storage" / "tmp").iterdir() if path.is_file()]


@pytest.mark.usefixtures("nothing_is_slow")
@pytest.mark.parametrize("move", [False, True])
@pytest.mark.parametrize("far", [False, True])
def test_all_come_in(make_lake, shared: str, pairs, far: bool, move: bool) -> None:
    lake = make_lake(remote=shared) if far else make_lake()
    shown = Shown()
    results = lake.add_many(pairs, move=move, progress=shown)
    assert [result.uid for result in results] == [uid for _, uid in pairs]
    for number, (path, uid) in enumerate(pairs):
        assert lake.file(uid).read_text() == f"content {number // 2}"
        assert path.exists() is not move
    assert lake.verify().ok
    assert left(lake) == []
    size = sum(result.size for result in results)
    everything = [size, COUNT, size, COUNT, True]
    if far:
        first, second = shown.stages
        assert (first[0], first[2]) == ("adding", 5)
        assert second == ["uploading", *everything]
    else:
        assert shown.stages == [["adding", *everything]]


@pytest.mark.parametrize("move", [False, True])
@pytest.mark.parametrize("failing", [2, 3, 5])
def test_what_cannot_be_read_stops_the_rest(
    lake: DataLake, pairs, monkeypatch: pytest.MonkeyPatch, failing: int, move: bool
) -> None:
    """A batch that fails, in its staging or in its commit, leaves those before it and no other."""
    real, calls = WorkingLake.make, []

    def make(working: WorkingLake, drafts, states, count):
        calls.append(len(drafts))
        if len(calls) == failing:
            raise RadopsError("not this one")
        return real(working, drafts, states, count)

    monkeypatch.setattr(WorkingLake, "make", make)
    before = {path: path.stat().st_mode for path, _ in pairs}
    with pytest.raises(RadopsError, match="not this one"):
        lake.add_many(pairs, move=move)
    done = 5 * (failing - 1)
    assert sorted(file.uid for file in lake.ls(recursive=True)) == sorted(
        uid for _, uid in pairs[:done]
    )
    assert left(lake) == []
    for path, _ in pairs[done:]:
        assert path.stat().st_mode == before[path]
        assert path.stat().st_nlink == 1
    monkeypatch.undo()
    results = lake.add_many(pairs[done:] if move else pairs, move=move)
    assert [result.already_there for result in results] == ([] if move else [True] * done) + [
        False
    ] * (COUNT - done)
    assert lake.verify().ok


def test_a_source_that_goes_away_between_batches(
    lake: DataLake, pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, last = WorkingLake.make, pairs[-1][0]

    def make(*arguments):
        last.unlink(missing_ok=True)  # while the second of five batches may be on its way
        return real(*arguments)

    monkeypatch.setattr(WorkingLake, "make", make)
    with pytest.raises(RadopsError, match=str(last)):
        lake.add_many(pairs)
    assert len(lake.ls(recursive=True)) == 20
    assert left(lake) == []
    assert lake.verify().ok


def test_a_process_remembers_few_objects_and_still_serves_no_wrong_bytes(
    lake: DataLake, pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "_MOST_PROVEN", 3)
    lake.add_many(pairs)
    for number, (_, uid) in enumerate(pairs):
        assert lake.file(uid).read_text() == f"content {number // 2}"
    bad = lake.home / "storage" / "objects" / lake.info("x/0").digest.path
    bad.chmod(0o644)
    bad.write_text("CONTENT 0")
    with pytest.raises(CorruptObjectError):
        lake.file("x/0").read_text()
    assert lake.file("x/2").read_text() == "content 1"
