"""Checkouts into folders that others use too: what is not theirs stays, and one is whole."""

from __future__ import annotations

import json
import random
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from directories.lakes import content, fill, many
from full_disk import no_file_above
from radops.errors import ConflictError, LocalStorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

FILES = {"a/b": b"of the lake", "a/c": b"too", "d": b"1"}


MIB = 1 << 20
BIG = random.Random(1).randbytes(2 * MIB)


def with_directory(
    lake: DataLake, tmp_path: Path, files: dict[str, bytes], uid: str = "v1"
) -> None:
    fill(tmp_path / f"source-{uid}", files)
    lake.add(tmp_path / f"source-{uid}", uid)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a checkout without the one that says what it is."""
    found = content(folder)
    del found[".radops-checkout"]
    return found


def unfinished(folder: Path) -> list[Path]:
    return list(folder.rglob(".radops-unfinished-*"))


@pytest.mark.parametrize("delete", [False, True])
def test_nothing_is_removed_behind_a_link_in_the_place_of_a_folder(lake, tmp_path, delete):
    with_directory(lake, tmp_path, FILES)
    fill(tmp_path / "elsewhere", {"b": b"mine", "c/deep": b"mine too"})
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConflictError):
        lake.directory("v1").download(to=out, delete=delete)
    lake.directory("v1").download(to=out, force=True, delete=delete)
    assert content(tmp_path / "elsewhere") == {"b": b"mine", "c/deep": b"mine too"}
    (out / ".radops-checkout").unlink()
    assert content(out) == FILES
    assert not (out / "a").is_symlink()


def test_a_file_in_the_place_of_a_folder_is_replaced(lake, tmp_path):
    with_directory(lake, tmp_path, FILES)
    fill(tmp_path / "out", {"a": b"a file"})
    done = lake.directory("v1").download(to=tmp_path / "out", force=True)
    assert (done.written, done.extra) == (3, 0)
    assert files_of(tmp_path / "out") == FILES


def test_what_a_killed_process_left_is_removed_and_never_added(lake, tmp_path):
    with_directory(lake, tmp_path, FILES)
    out = tmp_path / "out"
    directory = lake.directory("v1")
    directory.download(to=out)
    left = [out / ".radops-unfinished-0123456789ab", out / "a/.radops-unfinished-0123456789ab"]
    for path in left:
        path.write_bytes(b"torn")
    lake.add(out, "v2")
    assert lake.directory("v2").digest() == directory.digest()
    assert directory.download(to=out).extra == 0
    assert not any(path.exists() for path in left)


def test_several_that_write_one_folder_at_once_do_not_disturb_each_other(
    make_lake, shared, tmp_path
):
    """As the processes of one training do, which all ask for the same files."""
    files = many(700, size=20_000)
    with_directory(make_lake("one", remote=shared), tmp_path, files)
    lakes = [make_lake("two", remote=shared) for _ in range(4)]
    lakes[0].directory("v1").download()
    out = tmp_path / "out"
    with ThreadPoolExecutor(len(lakes)) as pool:
        done = list(pool.map(lambda lake: lake.directory("v1").download(to=out), lakes))
    assert sorted(one.written for one in done) == [0, 0, 0, len(files)]
    (out / ".radops-checkout").unlink()
    assert content(out) == files
    assert unfinished(tmp_path) == []


def test_a_file_that_cannot_be_replaced_stays_and_the_folder_is_not_added(lake, tmp_path):
    with_directory(lake, tmp_path, {"a": b"of the lake", "big": BIG, "c": b"too"})
    directory, work = lake.directory("v1"), tmp_path / "work"
    directory.download(to=work)
    mine = {"a": b"mine", "big": b"mine as well"}
    fill(work, mine)
    with no_file_above(MIB), pytest.raises(LocalStorageError, match="File too large"):
        directory.download(to=work, force=True)
    left = files_of(work)
    assert (left["big"], left["c"]) == (mine["big"], b"too")
    assert unfinished(work) == []
    marker = json.loads((work / ".radops-checkout").read_text())
    assert (marker["uid"], marker["unfinished"]) == ("v1", True)
    for options in ({}, {"update": True}, {"exact": True}, {"dry_run": True}):
        with pytest.raises(UsageError, match="unfinished checkout of v1"):
            lake.add(work, "v2", **options)
    assert not lake.directory("v2").exists()
    done = directory.download(to=work, force=True)
    assert (done.written, done.left) == (1, 2)
    assert "unfinished" not in json.loads((work / ".radops-checkout").read_text())
    assert lake.add(work, "v2").digest == directory.digest()


def test_a_checkout_is_unfinished_until_the_last_missing_file_is_there(lake, tmp_path):
    with_directory(lake, tmp_path, {"a": b"1", "big": BIG})
    directory, work = lake.directory("v1"), tmp_path / "work"
    fill(work, {"mine": b"mine"})
    with no_file_above(MIB), pytest.raises(LocalStorageError):
        directory.download(to=work)
    assert files_of(work) == {"a": b"1", "mine": b"mine"}
    with pytest.raises(UsageError, match="unfinished"):
        lake.add(work, "v2")
    (work / ".radops-checkout").unlink()  # as the message says
    assert lake.add(work, "v2").files == 2


def test_links_and_folders_are_replaced_and_replace(lake, tmp_path):
    source, work = tmp_path / "source", tmp_path / "work"
    fill(source, {"a": b"1", "d/e": b"2"})
    (source / "link").symlink_to("a")
    (source / "empty").mkdir()
    lake.add(source, "v1")
    fill(work, {"link": b"a file", "empty": b"a file"})
    (work / "a").symlink_to(tmp_path / "source/a")
    (work / "d/e/f").mkdir(parents=True)
    lake.directory("v1").download(to=work, force=True)
    assert (source / "a").read_bytes() == b"1"
    assert not (work / "a").is_symlink()
    assert (work / "link").readlink().name == "a"
    assert lake.add(work, "v2").digest == lake.directory("v1").digest()


def test_a_folder_in_the_place_of_a_file_keeps_what_is_in_it(lake, tmp_path):
    with_directory(lake, tmp_path, {"a": b"1", "x": b"2"})
    directory, work = lake.directory("v1"), tmp_path / "work"
    before = {"x/mine.txt": b"mine", "x/deep/too": b"mine", "a": b"other"}
    fill(work, before)
    with pytest.raises(ConflictError, match=r"x/deep/too, x/mine\.txt.*Nothing was changed"):
        directory.download(to=work, force=True)
    assert content(work) == before
    fill(work, {"x/.git/config": b"of git"})
    with pytest.raises(ConflictError, match=r"in them: x/\.git\. Nothing"):
        directory.download(to=work, force=True, delete=True)
    assert content(work) == {**before, "x/.git/config": b"of git"}
    (work / "x/.git/config").unlink()
    (work / "x/.git").rmdir()
    assert directory.download(to=work, force=True, delete=True).removed == 2
    assert files_of(work) == {"a": b"1", "x": b"2"}


def test_a_first_checkout_that_failed_is_not_added_and_goes_on_with_another_version(lake, tmp_path):
    fill(tmp_path / "source", {"d/a": b"1", "d/old": b"old", "big": BIG})
    (tmp_path / "source/d/a").chmod(0o755)
    lake.add(tmp_path / "source", "v1", executables=True)
    with_directory(lake, tmp_path, {"d/a": b"1", "e/f": b"2", "big": BIG}, "v2")
    parent = tmp_path / "parent"
    fill(parent, {"other": b"mine"})
    with no_file_above(MIB), pytest.raises(LocalStorageError):
        lake.directory("v1").download(to=parent / "train")
    (begun,) = parent.glob(".radops-unfinished-*")
    assert stat.S_IMODE(begun.stat().st_mode) == 0o700
    fill(begun, {".DS_Store": b"of another version"})
    assert lake.add(parent, "parent").files == 1
    lake.directory("v2").download(to=parent / "train")
    assert unfinished(tmp_path) == []
    train = parent / "train"
    assert files_of(train) == {"d/a": b"1", "e/f": b"2", "big": BIG}
    assert {stat.S_IMODE(p.stat().st_mode) for p in (train, train / "d", train / "e")} == {0o755}
    assert {stat.S_IMODE(p.stat().st_mode) for p in train.rglob("*") if p.is_file()} == {0o644}


def test_what_a_failed_checkout_left_goes_with_the_next_one(lake, tmp_path):
    with_directory(lake, tmp_path, {"a": b"1", "big": BIG})
    with no_file_above(MIB), pytest.raises(LocalStorageError):
        lake.directory("v1").download(to=tmp_path / "train")
    assert len(unfinished(tmp_path)) == 1
    fill(tmp_path / "train", {"a": b"1"})
    lake.directory("v1").download(to=tmp_path / "train")
    assert unfinished(tmp_path) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_forced_checkout_that_is_stopped_has_each_file_whole(lake, tmp_path, how):
    files = many(5000, size=100)
    with_directory(lake, tmp_path, files)
    work = tmp_path / "work"
    mine = dict.fromkeys(files, b"mine")
    fill(work, {**mine, "other": b"mine"})
    command = [sys.executable, "-m", "radops", "datalake", "download", "v1", "--to", str(work)]
    marker = work / ".radops-checkout"
    with subprocess.Popen([*command, "--force", "-q"], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not marker.exists():
            time.sleep(0.001)
        process.send_signal(how)
    assert json.loads(marker.read_text())["unfinished"]
    for path, data in files.items():
        assert (work / path).read_bytes() in {mine[path], data}
    with pytest.raises(UsageError, match="unfinished"):
        lake.add(work, "v2")
    lake.directory("v1").download(to=work, force=True)
    assert files_of(work) == {**files, "other": b"mine"}
    assert unfinished(work) == []
