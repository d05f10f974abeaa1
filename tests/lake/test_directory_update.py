"""A directory that is updated by a folder: paths of the base are kept, replaced or removed."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

from directories.lakes import LARGE, fill, many
from radops.errors import (
    FolderRefusedError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from radops.data_lake import DataLake

BASE = {
    **many(1500),
    "cats/1.jpg": b"cat 1",
    "cats/2.jpg": b"cat 2",
    "dogs/1.jpg": b"dog 1",
    "large.bin": random.Random(1).randbytes(LARGE),
    "old.bin": random.Random(2).randbytes(LARGE),
}
NEW = {
    "cats/2.jpg": b"another cat 2",
    "cats/3.jpg": b"cat 3",
    "a.txt": b"first",
    "z.txt": b"last",
    "same.jpg": b"dog 1",
    "old.bin": random.Random(3).randbytes(LARGE),
}


def content(lake: DataLake, uid: str) -> dict[str, bytes]:
    return {file.inner: file.read_bytes() for file in lake.directory(uid)}


def plain(lake: DataLake, folder: Path, files: dict[str, bytes], uid: str):
    """Add files as a directory that has no history."""
    fill(folder, files)
    return lake.add(folder, uid, base=())


@pytest.fixture(params=["local", "remote"])
def lake(request, make_lake, shared):
    return make_lake(remote=shared if request.param == "remote" else None)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    fill(tmp_path / "new", NEW)
    return tmp_path / "new"


def test_paths_of_the_base_are_kept(lake, new, tmp_path):
    plain(lake, tmp_path / "base", BASE, "v1")
    added = lake.add(new, "v2", base="v1", update=True)
    expected = {**BASE, **NEW}
    assert (added.files, added.bytes) == (len(expected), sum(map(len, expected.values())))
    assert content(lake, "v2") == expected
    assert added.digest == plain(lake, tmp_path / "whole", expected, "whole").digest
    assert lake.verify().ok
    assert lake.add(new, "v2", base="v1", update=True).already_there


def test_paths_are_removed(lake, new, tmp_path):
    plain(lake, tmp_path / "base", BASE, "v1")
    added = lake.add(new, "v2", base="v1", update=True, remove=["cats/*.jpg", "f[0-2]"])
    kept = {
        name: data
        for name, data in BASE.items()
        if not name.startswith(("cats/", "f0/", "f1/", "f2/"))
    }
    expected = {**kept, **NEW}  # what the folder has is not removed
    assert content(lake, "v2") == expected
    assert added.digest == plain(lake, tmp_path / "whole", expected, "whole").digest
    with pytest.raises(UIDNotFoundError, match="birds"):
        lake.add(new, "v3", base="v1", update=True, remove=["cats/*", "birds/**"])


def test_files_replace_folders_and_the_other_way_round(lake, tmp_path):
    base = {"a/b/c": b"1", "a/b!": b"2", "f": b"3", "g/h": b"4", "k": b"5"}
    fill(tmp_path / "base", base)
    (tmp_path / "base/empty").mkdir()
    (tmp_path / "base/link").symlink_to("k")
    lake.add(tmp_path / "base", "v1")
    fill(tmp_path / "new", {"a": b"file now", "f/x": b"folder now", "f!": b"", "empty/y": b"6"})
    lake.add(tmp_path / "new", "v2", base="v1", update=True)
    assert content(lake, "v2") == {
        "a": b"file now",
        "empty/y": b"6",
        "f!": b"",
        "f/x": b"folder now",
        "g/h": b"4",
        "k": b"5",
    }
    assert "link" in lake.directory("v2").ls()


# Names that sort before and after what is below a folder of a name that they begin with.
NAMES = ("a", "a!", "a-b", "a0", "b", "b.c")


def random_tree(source: random.Random) -> dict[str, bytes]:
    """Return files of which none is below another."""
    files: dict[str, bytes] = {}
    for _ in range(source.randrange(1, 12)):
        path = "/".join(source.choices(NAMES, k=source.randrange(1, 4)))
        if not clashes(files, path):
            files[path] = b"%d" % source.randrange(100)
    return files


def clashes(files: Iterable[str], path: str) -> bool:
    """Return whether a path is below one of some files, or one of them below it."""
    return any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in files)


def test_random_trees_are_merged_as_paths_say(make_lake, tmp_path):
    lake = make_lake()
    source = random.Random(17)
    replaced = 0
    for number in range(60):
        base, new = random_tree(source), random_tree(source)
        plain(lake, tmp_path / f"base{number}", base, f"base{number}")
        fill(tmp_path / f"new{number}", new)
        lake.add(tmp_path / f"new{number}", f"new{number}", base=f"base{number}", update=True)
        kept = {path: data for path, data in base.items() if not clashes(new, path)}
        replaced += len(base) - len(kept)
        assert content(lake, f"new{number}") == {**kept, **new}
    assert replaced > 50


def test_an_empty_folder_is_filled_by_what_is_kept(lake, tmp_path):
    """It says nothing of the files that the earlier version has in it."""
    base = {"cats/1": b"1", "cats/deep/2": b"2", "dogs/1": b"3", "file": b"4", "mice/old/1": b"5"}
    fill(tmp_path / "base", base)
    (tmp_path / "base/birds/none").mkdir(parents=True)
    lake.add(tmp_path / "base", "v1")
    fill(tmp_path / "new", {"cats/left-out.tmp": b"", "a": b"a"})
    for folder in ("dogs", "birds", "file", "fresh", "mice/old"):
        (tmp_path / "new" / folder).mkdir(parents=True)
    options = {"base": "v1", "update": True, "exclude": ["*.tmp"], "remove": ["dogs/**"]}
    added = lake.add(tmp_path / "new", "v2", **options)
    fill(tmp_path / "whole", {"a": b"a", "cats/1": b"1", "cats/deep/2": b"2", "mice/old/1": b"5"})
    for folder in ("birds/none", "dogs", "file", "fresh"):
        (tmp_path / "whole" / folder).mkdir(parents=True)
    assert added.digest == lake.add(tmp_path / "whole", "whole", base=()).digest
    assert lake.verify().ok


def test_a_part_of_a_checkout_goes_back(make_lake, shared, tmp_path):
    first = make_lake("one", remote=shared)
    plain(first, tmp_path / "base", BASE, "v1")
    second = make_lake("two", remote=shared)
    second.directory("v1").download("cats/*.jpg", to=tmp_path / "work")
    (tmp_path / "work/cats/9.jpg").write_bytes(b"cat 9")
    (tmp_path / "work/cats/1.jpg").write_bytes(b"other")
    with pytest.raises(UsageError, match="--update"):
        second.add(tmp_path / "work", "v2")
    added = second.add(tmp_path / "work", "v2", update=True)
    expected = {**BASE, "cats/9.jpg": b"cat 9", "cats/1.jpg": b"other"}
    assert content(first, "v2") == expected
    assert added.digest == plain(first, tmp_path / "whole", expected, "whole").digest
    # Another home of the same lake goes by what the checkout itself says, and fetches no packs.
    third = make_lake("three", remote=shared)
    assert third.add(tmp_path / "work", "v2", update=True).already_there
    objects = [path for path in (tmp_path / "three/storage/objects").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in objects) < 1_000_000


@pytest.mark.parametrize("how", ["renamed", "another home"])
def test_a_checkout_that_got_the_path_of_another_is_updated(make_lake, shared, tmp_path, how):
    lake = make_lake("one", remote=shared)
    plain(lake, tmp_path / "base", {"cats/1": b"1", "dogs/1": b"old"}, "v1")
    changed = {"cats/1": b"1", "dogs/1": b"new"}
    plain(lake, tmp_path / "changed", changed, "v2")
    lake.directory("v1").download(to=tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    if how == "renamed":
        lake.directory("v2").download("cats/**", to=tmp_path / "b")
        (tmp_path / "b").rename(tmp_path / "a")
    else:
        make_lake("two", remote=shared).directory("v2").download("cats/**", to=tmp_path / "a")
    fill(tmp_path / "a", {"cats/2": b"2"})
    lake.add(tmp_path / "a", "v3", update=True)
    assert content(lake, "v3") == {**changed, "cats/2": b"2"}
    # Its marker still names v2, and what it became last is v3.
    fill(tmp_path / "a", {"cats/3": b"3"})
    lake.add(tmp_path / "a", "v4", update=True)
    assert content(lake, "v4") == {**changed, "cats/2": b"2", "cats/3": b"3"}


def test_a_checkout_that_was_written_anew_elsewhere_needs_a_base(make_lake, shared, tmp_path):
    lake = make_lake("one", remote=shared)
    plain(lake, tmp_path / "base", {"cats/1": b"1", "dogs/1": b"1"}, "v1")
    lake.directory("v1").download("cats/**", to=tmp_path / "a")
    fill(tmp_path / "a", {"cats/2": b"2"})
    lake.add(tmp_path / "a", "v2", update=True)
    shutil.rmtree(tmp_path / "a")
    make_lake("two", remote=shared).directory("v1").download("cats/**", to=tmp_path / "a")
    fill(tmp_path / "a", {"cats/3": b"3"})
    with pytest.raises(UsageError, match="which directory"):
        lake.add(tmp_path / "a", "v3", update=True)
    lake.add(tmp_path / "a", "v3", update=True, base="v1")
    assert set(content(lake, "v3")) == {"cats/1", "cats/3", "dogs/1"}


def test_packs_of_which_too_little_is_needed_are_packed_again(make_lake, shared, tmp_path):
    first = make_lake("one", remote=shared)
    plain(first, tmp_path / "base", BASE, "v1")
    second = make_lake("two", remote=shared)
    fill(tmp_path / "new", {"new.txt": b"new"})
    second.add(tmp_path / "new", "v2", base="v1", update=True, remove=[f"f{n}" for n in range(6)])
    assert second.directory("v2").summary().live_share == 1.0
    assert content(first, "v2") == {
        name: data
        for name, data in {**BASE, "new.txt": b"new"}.items()
        if name[:2] not in {f"f{n}" for n in range(6)}
    }


def test_what_does_not_go_together_is_refused(lake, new, tmp_path):
    plain(lake, tmp_path / "base", BASE, "v1")
    with pytest.raises(UsageError, match="which directory"):
        lake.add(new, "v2", update=True)
    with pytest.raises(UsageError, match="which directory"):
        lake.add(new, "v2", update=True, base=())
    with pytest.raises(UsageError, match="--update"):
        lake.add(new, "v2", base="v1", remove=["cats"])
    with pytest.raises(UsageError, match="move"):
        lake.add(new, "v2", base="v1", update=True, move=True)
    with pytest.raises(UIDConflictError):
        lake.add(new, "v1", base="v1", update=True)
    os.mkfifo(new / "pipe")
    with pytest.raises(FolderRefusedError):
        lake.add(new, "v2", base="v1", update=True)
    assert [one.uid for one in lake.ls()] == ["v1"]
