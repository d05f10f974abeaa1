"""A folder becomes a directory under one name, and comes out of it the same on another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from directories.lakes import LARGE, add, content, fill, many, record_of, tree_of
from radops.data_lake import DataLake
from radops.errors import (
    CorruptObjectError,
    FolderRefusedError,
    InvalidUIDError,
    MissingFileError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)
from radops.lake.directory import add as directory_add

FILES = {
    **many(300),
    "a.txt": b"a",
    "again/a.txt": b"a",
    "empty": b"",
    "deep/er/large.bin": os.urandom(LARGE),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    fill(path, FILES)
    return path


@pytest.fixture(params=["folder", "seaweedfs"])
def remote(request, tmp_path, s3_environment):
    if request.param == "folder":
        return request.getfixturevalue("shared")
    server = request.getfixturevalue("seaweedfs")
    return server.url(server.new_bucket(), "lake")


def test_a_directory_has_one_record_and_its_files(lake, folder, tmp_path):
    added = add(lake, folder, "images/v1")
    assert (added.files, added.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert added.read == len(FILES)
    record = record_of(lake, "images/v1")
    assert (record.digest, record.files, record.bytes) == (added.digest, added.files, added.bytes)
    tree = tree_of(lake, "images/v1")
    assert tree.read("a.txt") == b"a"
    assert tree.read("empty") == b""
    with tree.open("deep/er/large.bin") as file:
        assert file.read() == FILES["deep/er/large.bin"]
    assert [one.path for one in tree.each()] == sorted(FILES, key=str.encode)
    tree.write(tmp_path / "out", time=0)
    assert content(tmp_path / "out") == FILES


def test_a_second_machine_fetches_what_it_reads(make_lake, folder, remote, tmp_path):
    first, second = make_lake("one", remote=remote), make_lake("two", remote=remote)
    added = add(first, folder, "images/v1")
    assert added.sent > sum(map(len, FILES.values())) - 2
    tree = tree_of(second, "images/v1")
    assert tree.find("f0/000000.bin") is not None
    assert tree.read("f0/000000.bin") == FILES["f0/000000.bin"]
    objects = list((tmp_path / "two/storage/objects").rglob("*"))
    assert sum(path.stat().st_size for path in objects if path.is_file()) < 100_000
    tree.write(tmp_path / "out", time=0)
    assert content(tmp_path / "out") == FILES
    assert tree.absent() == []


def test_one_folder_of_a_directory_is_written(make_lake, folder, shared, tmp_path):
    first, second = make_lake("one", remote=shared), make_lake("two", remote=shared)
    add(first, folder, "images/v1")
    tree_of(second, "images/v1").write(tmp_path / "out", ["f3", "a.txt"], time=0)
    assert content(tmp_path / "out") == {
        name: data for name, data in FILES.items() if name.startswith("f3/") or name == "a.txt"
    }


def test_adding_it_again_reads_nothing(lake, folder):
    add(lake, folder, "images/v1")
    os.utime(folder / "a.txt")
    add(lake, folder, "images/v2")  # by now every change is older than the clock's step
    again = add(lake, folder, "images/v2")
    assert again.already_there
    third = add(lake, folder, "images/v3")
    assert not third.already_there
    assert third.digest == again.digest == record_of(lake, "images/v1").digest


def test_a_name_with_other_files_is_a_conflict(lake, folder):
    add(lake, folder, "images/v1")
    (folder / "a.txt").write_bytes(b"other")
    with pytest.raises(UIDConflictError):
        add(lake, folder, "images/v1")
    assert tree_of(lake, "images/v1").read("a.txt") == b"a"
    lake.add(folder / "a.txt", "single")
    with pytest.raises(UIDConflictError, match="is a file"):
        add(lake, folder, "single")
    with pytest.raises(UIDConflictError, match="is a folder"):
        add(lake, folder, "images")


def test_two_machines_that_add_one_folder_agree(make_lake, folder, remote):
    first, second = make_lake("one", remote=remote), make_lake("two", remote=remote)
    assert not add(first, folder, "images/v1").already_there
    assert add(second, folder, "images/v1").already_there


def test_what_cannot_be_a_directory_is_refused(lake, folder, tmp_path):
    with pytest.raises(MissingFileError):
        add(lake, tmp_path / "nothing", "x")
    with pytest.raises(UsageError, match="not a folder"):
        add(lake, folder / "a.txt", "x")
    with pytest.raises(UsageError, match="home"):
        add(lake, tmp_path, "x")
    lake.add(folder / "a.txt", "a.txt")
    with pytest.raises(UsageError, match="belongs to"):
        add(lake, lake.session.store.root / "objects", "x")
    with pytest.raises(InvalidUIDError):
        add(lake, folder, ".generated_uids/x")
    with pytest.raises(UIDNotFoundError):
        add(lake, folder, "x", base=["nothing"])
    os.mkfifo(folder / "pipe")
    with pytest.raises(FolderRefusedError, match="pipe") as caught:
        add(lake, folder, "x")
    assert caught.value.reasons == (("special", 1, ("pipe",)),)
    assert lake.session.lake.find("x") is None
    assert list((lake.session.store.root / "tmp").iterdir()) == []


def test_a_dry_run_changes_nothing(lake, folder):
    found = add(lake, folder, "x", dry_run=True, exclude=["f*/"])
    assert (found.files, found.left_out, found.digest) == (4, 300, None)
    assert lake.session.lake.find("x") is None


def test_a_move_removes_what_it_added_and_no_more(lake, folder):
    (folder / ".DS_Store").write_bytes(b"left out")
    added = add(lake, folder, "images/v1", move=True)
    assert added.sources_left == ()
    assert content(folder) == {".DS_Store": b"left out"}
    assert tree_of(lake, "images/v1").read("a.txt") == b"a"


def test_a_pack_that_rots_is_not_used_again(lake, folder):
    add(lake, folder, "images/v1")
    tree = tree_of(lake, "images/v1")
    for digest, _ in tree.sources():
        path = lake.session.store.object_path(digest)
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    with pytest.raises(CorruptObjectError):
        tree.fetch()
    (folder / "new.txt").write_bytes(b"new")
    add(lake, folder, "images/v2")
    tree = tree_of(lake, "images/v2")
    tree.fetch()
    assert tree.read("deep/er/large.bin") == FILES["deep/er/large.bin"]
    assert tree.read("f0/000000.bin") == FILES["f0/000000.bin"]


@pytest.mark.parametrize("move", [False, True])
def test_what_the_remote_lost_comes_back_when_it_is_added_again(
    make_lake, folder, shared, move, tmp_path
):
    lake = make_lake("one", remote=shared)
    add(lake, folder, "images/v1")
    tree = tree_of(lake, "images/v1")
    backend = lake.session.lake.remote.backend
    lost = [tree.layout, *(digest for digest, _ in tree.sources())]
    backend.delete([f"objects/{digest.path}" for digest in lost])
    three = make_lake("three", remote=shared)
    again = add(three, folder, "images/v1", move=move)
    assert (again.already_there, again.restored) == (True, True)
    if not move:
        again = add(three, folder, "images/v1")
        assert (again.already_there, again.restored) == (True, False)
    tree_of(make_lake("two", remote=shared), "images/v1").write(tmp_path / "out", time=0)
    assert content(tmp_path / "out") == FILES
    assert content(folder) == ({} if move else FILES)


def test_sources_stay_if_what_they_are_is_lost_for_good(make_lake, folder, shared, tmp_path):
    """The packs of the directory are not those that this folder gives, and they are gone."""
    lake = make_lake("one", remote=shared)
    before = tmp_path / "before"
    fill(before, many(300, seed=1) | {"a.txt": b"a"})
    add(lake, before, "old")
    fill(before, {"f0/000000.bin": b"changed"})
    added = add(lake, before, "new", base=["old"])
    pack = max(tree_of(lake, "new").sources(), key=lambda one: one[1])[0]
    lake.session.lake.remote.backend.delete([f"objects/{pack.path}"])
    other = make_lake("two", remote=shared)
    with pytest.raises(CorruptObjectError, match="missing"):
        add(other, before, "new", move=True)
    assert len(content(before)) == added.files


def test_what_this_machine_lost_comes_back_and_is_told(lake, folder):
    add(lake, folder, "images/v1")
    pack = min(tree_of(lake, "images/v1").sources(), key=lambda one: one[1])[0]
    lake.session.store.object_path(pack).unlink()
    assert lake.add(folder, "images/v1").restored
    assert lake.verify().ok
    again = lake.add(folder, "images/v1")
    assert (again.already_there, again.restored) == (True, False)


@pytest.mark.parametrize("move", [False, True])
def test_no_data_of_a_lake_is_taken_along(make_lake, lake, folder, write, move):
    """A home, and a folder that is a remote, somewhere below what is added."""
    (folder / "shared").mkdir()
    other = DataLake(home=folder / "deep/home", remote=(folder / "shared").as_uri())
    other.add(write("x", b"x"), "x")
    other.close()
    (folder / "deep/home/config.toml").write_text("")
    before = content(folder)
    with pytest.raises(FolderRefusedError) as caught:
        add(lake, folder, "images/v1", move=move)
    assert f"the local storage of a lake ({folder}/deep/home/storage)" in str(caught.value)
    assert f"a lake's remote ({folder}/shared)" in str(caught.value)
    assert "--exclude" in caught.value.hint
    assert content(folder) == before
    assert lake.session.lake.find("images/v1") is None
    with pytest.raises(FolderRefusedError):  # its configuration is of no use without the storage
        add(lake, folder, "images/v1", move=move, exclude=["deep/home/storage", "shared"])
    added = add(lake, folder, "images/v1", move=move, exclude=["deep/home", "shared"])
    assert added.files == len(FILES)
    assert DataLake(home=folder / "deep/home").file("x").read_bytes() == b"x"


def test_a_name_that_lakes_use_is_nothing_by_itself(lake, folder):
    fill(folder, {"radops.cbor": b"no marker", "config.toml": b"of another program"})
    assert add(lake, folder, "images/v1").files == len(FILES) + 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes to a file")
def test_a_file_that_is_written_to_is_not_moved(lake, folder):
    with (folder / "a.txt").open("ab") as file:
        added = add(lake, folder, "images/v1", move=True)
        file.write(b" and more")
    assert added.sources_left == ("a.txt",)
    assert content(folder) == {"a.txt": b"a and more"}


def test_a_newer_version_is_not_moved(lake, folder, monkeypatch):
    """It is renamed into place after the folder was read."""
    real = directory_add.commit_directory

    def commit(*arguments):
        (folder / "new").write_bytes(b"b")
        (folder / "new").rename(folder / "a.txt")
        return real(*arguments)

    monkeypatch.setattr(directory_add, "commit_directory", commit)
    added = add(lake, folder, "images/v1", move=True)
    assert added.sources_left == ("a.txt",)
    assert content(folder) == {"a.txt": b"b"}


def test_a_move_follows_no_links(lake, folder, tmp_path):
    fill(tmp_path / "elsewhere", {"b.txt": b"b"})
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="links"):
        add(lake, folder, "images/v1", move=True, follow_links=True)
    assert content(tmp_path / "elsewhere") == {"b.txt": b"b"}
    assert content(folder).keys() >= FILES.keys()


def test_a_kill_in_the_middle_of_a_move_leaves_no_other_names(make_lake, folder):
    lake = make_lake("home")
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from radops.data_lake import DataLake\n"
        "real = os.unlink\n"
        "def unlink(path, *a, **k):\n"
        "    if os.path.basename(os.fspath(path)).startswith('.radops-'):\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return real(path, *a, **k)\n"
        "os.unlink = unlink\n"
        "Path.unlink = lambda path, missing_ok=False: unlink(path)\n"
        "DataLake(home=sys.argv[1]).add(sys.argv[2], 'images/v1', move=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, lake.home, folder], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(folder.rglob(".radops-*"))) == 1
    assert make_lake("home").add(folder, "images/v1", move=True) is not None
    assert content(folder) == {}
