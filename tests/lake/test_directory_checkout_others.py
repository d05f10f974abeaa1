"""Other files where a checkout is written: what `delete` removes, and what belongs to lakes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from directories.lakes import content, fill
from radops.errors import ConflictError, FolderRefusedError, UsageError
from radops.lake.directory.checkout_others import refuse_two_of_one, without_other_spellings

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"cats/1": b"cat 1", "cats/2": b"cat 2", "dogs/1": b"dog 1", "dogs/2": b"dog 2"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source", FILES)
    return tmp_path / "source"


def files_of(folder: Path) -> dict[str, bytes]:
    found = content(folder)
    found.pop(".radops-checkout", None)
    return found


@pytest.mark.parametrize("options", [{"delete": True}, {"force": True}])
@pytest.mark.parametrize("held", ["home", "remote", "linked home"])
def test_a_folder_with_a_lake_in_it_is_not_cleared(make_lake, tmp_path, source, options, held):
    project = tmp_path / "project"
    fill(project, {"mine": b"mine", ".git/config": b"of git"})
    home = "project/.radops" if held == "home" else "home"
    remote = project / "remote" if held == "remote" else tmp_path / "remote"
    remote.mkdir()
    lake = make_lake(home, remote=remote.as_uri())
    lake.add(source, "v1")
    if held == "linked home":
        (project / ".radops").symlink_to(tmp_path / "home")
    before = set(content(project))
    with pytest.raises(FolderRefusedError, match=r"holds data of lakes.*(storage|remote)"):
        lake.directory("v1").download(to=project, **options)
    assert before <= set(content(project))
    lake.directory("v1").download(to=project)
    assert {**FILES, "mine": b"mine"}.items() <= files_of(project).items()


@pytest.mark.parametrize("options", [{}, {"delete": True, "force": True}])
@pytest.mark.parametrize("where", ["home", "home/new", "home/storage/objects", "shared/refs/new"])
def test_nothing_is_written_into_a_home_or_a_remote(
    make_lake, shared, tmp_path, source, options, where
):
    lake = make_lake(remote=shared)
    lake.add(source, "v1")
    before = {path for path in tmp_path.rglob("*") if "locks" not in path.parts}
    with pytest.raises(UsageError, match="belongs to"):
        lake.directory("v1").download(to=tmp_path / where, **options)
    assert {path for path in tmp_path.rglob("*") if "locks" not in path.parts} == before


def test_no_file_of_a_directory_is_written_into_a_lake_in_the_folder(make_lake, tmp_path):
    lake = make_lake("project/.radops")
    fill(tmp_path / "source", {".radops/storage/objects/aa": b"hostile", "a": b"1"})
    lake.add(tmp_path / "source", "v1")
    with pytest.raises(UsageError, match="belongs to"):
        lake.directory("v1").download(to=tmp_path / "project")
    assert not (tmp_path / "project/a").exists()


def test_a_folder_that_a_program_fills_can_be_written_into(lake, source):
    lake.add(source, "v1")
    with lake.directory("v2").staged() as folder:
        (folder / "own").write_bytes(b"own")
        lake.directory("v1").download("cats/**", to=folder / "part", delete=True, force=True)
        (folder / "part/.radops-checkout").unlink()
    assert [file.inner for file in lake.directory("v2")] == ["own", "part/cats/1", "part/cats/2"]


def test_only_what_an_add_would_take_is_deleted(lake, tmp_path, source):
    lake.add(source, "v1")
    work = tmp_path / "work"
    kept = {
        ".git/config": b"of git", "deep/.git/config": b"of git", ".DS_Store": b"junk",
        ".radopsignore": b"*.log\nbuild/\n", "run.log": b"mine", "build/x/y": b"mine",
    }  # fmt: skip
    fill(work, {**kept, "mine": b"other", "deep/mine": b"other", os.fsdecode(b"b\xffd"): b""})
    (work / "link").symlink_to(source)
    for removed in (4, 0):  # the rules hold the second time as well
        assert lake.directory("v1").download(to=work, delete=True).removed == removed
        assert files_of(work) == {**FILES, **kept}
    (work / ".radopsignore").write_bytes(b"a{b")
    with pytest.raises(UsageError, match="radopsignore cannot be used"):
        lake.directory("v1").download(to=work, delete=True)
    lake.directory("v1").download(to=work)


def test_of_a_part_only_what_the_whole_directory_does_not_have_is_deleted(lake, tmp_path, source):
    lake.add(source, "v1")
    work = tmp_path / "work"
    lake.directory("v1").download(to=work)
    fill(work, {"dogs/2": b"edited", "cats/mine": b"", "mine/deep": b""})
    done = lake.directory("v1").download("cats/**", to=work, delete=True)
    assert (done.left, done.removed, done.extra) == (2, 2, 2)
    assert files_of(work) == {**FILES, "dogs/2": b"edited"}


def test_folders_that_deleted_files_were_in_go_as_well(lake, tmp_path, source):
    (source / "empty").mkdir()
    lake.add(source, "v1")
    work = tmp_path / "work"
    lake.directory("v1").download(to=work)
    fill(work, {"new/deep/er/1": b"", "cats/new/1": b""})
    lake.directory("v1").download(to=work)
    assert (work / "new/deep/er/1").exists()
    lake.directory("v1").download(to=work, delete=True)
    assert sorted(path.name for path in work.iterdir()) == [
        ".radops-checkout", "cats", "dogs", "empty",
    ]  # fmt: skip
    assert lake.add(work, "v2").digest == lake.directory("v1").digest()


def test_a_second_name_of_a_file_is_deleted(lake, tmp_path, source):
    lake.add(source, "v1")
    work = tmp_path / "work"
    lake.directory("v1").download(to=work)
    (work / "again").hardlink_to(work / "cats/1")
    assert lake.directory("v1").download(to=work, delete=True).removed == 1
    assert files_of(work) == FILES


def test_a_file_is_not_deleted_by_another_spelling_of_its_name(lake, tmp_path):
    """As on file systems that do not distinguish upper and lower case."""
    (tmp_path / "Case").touch()
    if not (tmp_path / "case").exists():
        pytest.skip("this file system distinguishes upper and lower case")
    fill(tmp_path / "before", {"Cats/1": b"cat"})
    fill(tmp_path / "after", {"cats/1": b"cat"})
    lake.add(tmp_path / "before", "v1")
    lake.add(tmp_path / "after", "v2")
    lake.directory("v1").download(to=tmp_path / "work")
    done = lake.directory("v2").download(to=tmp_path / "work", delete=True)
    assert (done.left, done.removed) == (1, 0)
    assert (tmp_path / "work/cats/1").read_bytes() == b"cat"


def test_two_spellings_of_one_file_are_told_by_the_file(tmp_path):
    """Two names of one file stand for what such a file system gives."""
    fill(tmp_path, {"Cats/1": b"cat", "mine": b"mine", "cats/2": b""})
    (tmp_path / "cats/1").hardlink_to(tmp_path / "Cats/1")
    others = ["Cats/1", "mine"]
    assert without_other_spellings(tmp_path, others, {"cats/1", "dogs/1"}) == ["mine"]
    assert without_other_spellings(tmp_path, others, {"dogs/1"}) == others
    refuse_two_of_one(tmp_path, {"Cats/1"}, {"cats/1"}, "v1")
    refuse_two_of_one(tmp_path, {"Cats/1", "cats/2"}, {"Cats/1", "cats/2"}, "v1")
    with pytest.raises(ConflictError, match="cannot distinguish cats/1 from Cats/1"):
        refuse_two_of_one(tmp_path, {"Cats/1"}, {"Cats/1", "cats/1"}, "v1")
