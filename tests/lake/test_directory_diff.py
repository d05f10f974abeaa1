"""A directory beside a folder on disk, and what a directory is made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from directories.lakes import LARGE, add, fill, many
from lake.tampering import settle
from radops.data_lake import Directory
from radops.errors import FolderRefusedError

FILES = {
    **many(3000),
    "a.txt": b"a",
    "b.txt": b"moved",
    "gone.txt": b"gone",
    "large.bin": os.urandom(LARGE),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    fill(path, FILES)
    return path


def told(found) -> dict[str, list[object]]:
    return {
        "added": [one.path for one in found.added],
        "removed": [one.path for one in found.removed],
        "changed": [one.path for one in found.changed],
        "moved": [(one.before, one.after) for one in found.moved],
    }


NOTHING = {"added": [], "removed": [], "changed": [], "moved": []}


def test_a_folder_is_compared_as_it_is_now(lake, folder):
    add(lake, folder, "v1")
    directory = Directory("v1")
    assert not directory.diff(folder)
    (folder / "a.txt").write_bytes(b"b")
    (folder / "new.csv").write_bytes(b"new")
    (folder / "gone.txt").unlink()
    (folder / "b.txt").rename(folder / "f1" / "b.txt")
    with (folder / "large.bin").open("r+b") as file:
        file.seek(LARGE // 2)
        file.write(b"12345678")
    found = directory.diff(folder)
    assert told(found) == {
        "added": ["new.csv"],
        "removed": ["gone.txt"],
        "changed": ["a.txt", "large.bin"],
        "moved": [("b.txt", "f1/b.txt")],
    }
    assert told(directory.diff(folder, exclude=["*.csv"]))["added"] == []
    # It says of the folder what an add makes of it.
    add(lake, folder, "v2")
    assert told(directory.diff("v2")) == told(found)


def test_pages_that_are_equal_are_not_fetched_and_no_file_is(make_lake, folder, shared, tmp_path):
    with make_lake("one", remote=shared).use() as _:
        pass
    first = make_lake("one", remote=shared)
    add(first, folder, "v1")
    second = make_lake("two", remote=shared)
    (folder / "f1" / "z.bin").write_bytes(b"z")
    found = second.directory("v1").diff(folder)
    assert told(found) == {**NOTHING, "added": ["f1/z.bin"]}
    objects = [path for path in (tmp_path / "two/storage/objects").rglob("*") if path.is_file()]
    sizes = sum(path.stat().st_size for path in objects)
    assert sizes < 400_000 < sum(map(len, FILES.values()))


def test_files_that_are_as_they_were_are_not_read(lake, folder):
    add(lake, folder, "v1")
    settle()
    add(lake, folder, "v1")  # their stats are not racy any more
    path = folder / "f0" / "000000.bin"
    stat = path.stat()
    path.chmod(0)
    try:
        # A file that could not be read would be refused; but its ctime says that it changed.
        if os.geteuid() != 0:
            with pytest.raises(FolderRefusedError):
                lake.directory("v1").diff(folder)
    finally:
        path.chmod(stat.st_mode)
    assert not lake.directory("v1").diff(folder)


def test_what_a_directory_cannot_hold_is_refused(lake, folder):
    add(lake, folder, "v1")
    os.mkfifo(folder / "pipe")
    with pytest.raises(FolderRefusedError, match="pipe"):
        lake.directory("v1").diff(folder)
    assert told(lake.directory("v1").diff(folder, exclude=["pipe"])) == NOTHING


def test_modes_count_if_they_are_asked_for(lake, folder):
    (folder / "a.txt").chmod(0o755)
    add(lake, folder, "plain")
    assert not lake.directory("plain").diff(folder)
    found = lake.directory("plain").diff(folder, executables=True)
    assert told(found) == {**NOTHING, "changed": ["a.txt"]}


def test_a_directory_is_summed_up(make_lake, folder, shared):
    lake = make_lake("one", remote=shared)
    (folder / "link").symlink_to("a.txt")
    (folder / "nothing").mkdir()
    (folder / "README").write_bytes(b"read me")
    (folder / "PHOTO.JPG").write_bytes(b"photo")
    (folder / "empty.jpg").write_bytes(b"")
    add(lake, folder, "v1")
    summary = lake.directory("v1").summary()
    by_name = {one.name: (one.files, one.bytes) for one in summary.extensions}
    assert by_name == {
        ".bin": (3001, 3000 * 2000 + LARGE),
        ".txt": (3, 10),
        ".jpg": (2, 5),
        "": (1, 7),
    }
    assert [one.name for one in summary.extensions] == [".bin", ".txt", "", ".jpg"]
    assert (summary.links, summary.empty_folders) == (1, 1)
    assert (summary.local_files, summary.local_bytes) == (3007, 6_000_022 + LARGE)
    assert (summary.packs, summary.live_share) == (1, 1.0)
    for path in list(folder.glob("f[0-4]/*.bin")):
        path.unlink()
    add(lake, folder, "v2")
    later = lake.directory("v2").summary()
    assert 0.25 <= later.live_share < 0.5
    assert (
        later.live_bytes
        == sum(len(data) for name, data in FILES.items() if name[:2] in {"f5", "f6"}) + 10 + 12
    )
    other = make_lake("two", remote=shared).directory("v1").summary()
    assert other.local_files == 1  # the empty one
    assert other.extensions == summary.extensions
    # Without its packs as well: what a pack says of its files counts as no waste.
    assert (other.live_share, other.pack_bytes) == (1.0, summary.pack_bytes)
    other = make_lake("three", remote=shared).directory("v2").summary()
    assert later.live_share * 0.95 < other.live_share <= later.live_share


def test_equal_contents_count_once_in_packs(lake, tmp_path):
    fill(tmp_path / "same", {f"{n}.txt": b"the same" for n in range(50)})
    add(lake, tmp_path / "same", "same")
    summary = lake.directory("same").summary()
    assert (summary.packs, summary.pack_bytes, summary.live_bytes) == (1, 8, 8)
    assert (summary.extensions[0].files, summary.extensions[0].bytes) == (50, 400)
