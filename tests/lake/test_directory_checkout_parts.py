"""Parts of directories that are written into folders which are checkouts already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from directories.lakes import content, fill
from full_disk import no_file_above
from radops.errors import ConflictError, LocalStorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake

MIB = 1 << 20
VERSIONS = {
    "v1": {"cats/1": b"cat 1", "cats/2": b"cat 2", "dogs/1": b"dog 1", "top": b"1"},
    "v2": {"cats/1": b"cat 1", "cats/2": b"new 2", "dogs/1": b"new 1", "top": b"2"},
    "other": {"cats/1": b"another", "birds/1": b"bird 1"},
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def lake(make_lake: Callable[..., DataLake], tmp_path: Path) -> DataLake:
    lake = make_lake()
    for uid, files in VERSIONS.items():
        fill(tmp_path / uid, files)
        lake.add(tmp_path / uid, uid, base=())
    return lake


def marker(work: Path) -> tuple[str, list[str]]:
    tree = json.loads((work / ".radops-checkout").read_text())
    assert set(tree) == {"uid", "digest", "patterns"}
    return tree["uid"], tree["patterns"]


def added(lake: DataLake, work: Path, uid: str, **options: Any) -> dict[str, bytes]:
    lake.add(work, uid, **options)
    return {file.inner: file.read_bytes() for file in lake.directory(uid)}


ALL: tuple[str, ...] = ()


@pytest.mark.parametrize("options", [{}, {"force": True}, {"force": True, "delete": True}])
@pytest.mark.parametrize(
    ("before", "uid", "patterns", "named"),
    [
        (ALL, "v2", ("cats/**",), "dogs/1, top"),
        (ALL, "v2", ("cats", "top"), "dogs/1"),
        (ALL, "other", ("birds/",), "cats/1, cats/2, dogs/1, top"),
        (("cats/**",), "v2", ("cats/1",), "cats/2"),
        (("cats/**",), "v2", ("dogs/**",), "cats/1, cats/2"),
        (("cats", "dogs/1"), "v2", ("c?ts/*",), "dogs/1"),
        (("cats/*",), "other", ("birds/*",), "cats/1, cats/2"),
    ],
)
def test_a_part_is_not_written_beside_files_of_another_directory(
    lake: DataLake,
    work: Path,
    before: tuple[str, ...],
    uid: str,
    patterns: tuple[str, ...],
    named: str,
    options: dict[str, bool],
) -> None:
    """An update would take these files for what was changed in the directory of the part."""
    lake.directory("v1").download(*before, to=work)
    there = content(work)
    with pytest.raises(ConflictError, match=f"checkout of .*v1.*: {named}. Nothing") as caught:
        lake.directory(uid).download(*patterns, to=work, **options)
    assert caught.value.exit_code == 4
    assert f"all of {uid}" in str(caught.value.hint)
    assert content(work) == there


@pytest.mark.parametrize(
    ("before", "patterns"),
    [
        (ALL, ALL),
        (("cats/**",), ALL),
        (("cats/**",), ("cats/**",)),
        (("cats/1", "cats/2"), ("cats",)),
        (("cats/**",), ("dogs", "cats")),
    ],
)
def test_what_holds_the_part_that_is_there_is_written_over_it(
    lake: DataLake, work: Path, before: tuple[str, ...], patterns: tuple[str, ...]
) -> None:
    lake.directory("v1").download(*before, to=work)
    fill(work, {"mine": b"mine"} if before else {})
    with pytest.raises(ConflictError, match="not as in v2"):
        lake.directory("v2").download(*patterns, to=work)
    lake.directory("v2").download(*patterns, to=work, force=True)
    assert marker(work) == ("v2", list(patterns))
    mine = {"mine": b"mine"} if before else {}
    assert added(lake, work, "v3", update=True) == {**VERSIONS["v2"], **mine}


def test_a_part_of_which_nothing_is_left_does_not_count(lake: DataLake, work: Path) -> None:
    lake.directory("v1").download(to=work)
    for name in ("dogs/1", "top"):
        (work / name).unlink()
    lake.directory("v2").download("cats", to=work, force=True)
    assert added(lake, work, "v3", update=True) == VERSIONS["v2"]


def test_other_parts_of_the_same_directory_extend_a_checkout(lake: DataLake, work: Path) -> None:
    lake.directory("v1").download("cats/1", to=work)
    lake.directory("v1").download("dogs", to=work, force=True, delete=True)
    assert marker(work) == ("v1", ["cats/1", "dogs"])
    lake.directory("v1").download("dogs", to=work)
    assert marker(work) == ("v1", ["cats/1", "dogs"])
    with pytest.raises(ConflictError, match="cats/1"):
        lake.directory("v2").download("dogs", to=work, force=True)
    lake.directory("v1").download(to=work)
    assert marker(work) == ("v1", [])
    (work / "cats/1").unlink()
    lake.directory("v1").download("cats", to=work)
    assert marker(work) == ("v1", [])
    assert added(lake, work, "v3") == VERSIONS["v1"]


def test_an_equal_directory_under_another_name_is_the_same(
    lake: DataLake, work: Path, tmp_path: Path
) -> None:
    lake.add(tmp_path / "v1", "v1-again")
    lake.directory("v1").download("cats", to=work)
    lake.directory("v1-again").download("dogs", to=work)
    assert marker(work) == ("v1-again", ["cats", "dogs"])


def test_of_a_folder_that_was_emptied_only_the_part_counts(lake: DataLake, work: Path) -> None:
    """Its marker can be there still: `rm -r work/*` leaves it."""
    lake.directory("v1").download(to=work)
    for name in VERSIONS["v1"]:
        (work / name).unlink()
    lake.directory("v1").download("cats", to=work)
    assert marker(work) == ("v1", ["cats"])
    with pytest.raises(UsageError, match="a part of v1"):
        lake.add(work, "v3")


def test_an_interrupted_part_is_finished_by_the_same_download(
    lake: DataLake, work: Path, tmp_path: Path
) -> None:
    fill(tmp_path / "big", {"a/1": b"1", "b/1": b"2", "b/2": bytes(2 * MIB), "c/1": b"3"})
    lake.add(tmp_path / "big", "big")
    directory = lake.directory("big")
    directory.download("a", to=work)
    fill(work, {"a/1": b"mine"})
    with no_file_above(MIB), pytest.raises(LocalStorageError):
        directory.download("b", to=work)
    for uid, part in (("big", "c"), ("v1", "cats")):
        with pytest.raises(ConflictError, match="unfinished checkout of part of big") as caught:
            lake.directory(uid).download(part, to=work)
        assert "interrupted" in str(caught.value.hint)
    with pytest.raises(UsageError, match="unfinished"):
        lake.add(work, "v3", update=True)
    directory.download("b", to=work)
    assert marker(work) == ("big", ["a", "b"])
    assert content(work)["a/1"] == b"mine"


def test_files_of_users_beside_a_part_do_not_count(lake: DataLake, work: Path) -> None:
    fill(work, {"dogs/1": b"mine"})
    lake.directory("v1").download("cats", to=work)
    lake.directory("v2").download("cats", to=work, force=True)
    assert added(lake, work, "v3", update=True) == {**VERSIONS["v2"], "dogs/1": b"mine"}


def test_very_many_paths_are_kept_in_the_marker(lake: DataLake, work: Path) -> None:
    # As much as would be left of many downloads of single files.
    names = [f"cats/{'long' * 50}{number:06}" for number in range(6000)]
    fill(work, {"cats/1": b"cat 1"})
    lake.directory("v1").download("cats/1", to=work)
    tree = json.loads((work / ".radops-checkout").read_text())
    tree["patterns"] = [*names, "cats/1"]
    (work / ".radops-checkout").write_text(json.dumps(tree))
    with pytest.raises(UsageError, match="a part of v1"):
        lake.add(work, "v3")
