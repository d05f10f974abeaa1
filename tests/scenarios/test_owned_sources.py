"""What belongs to a lake, this one or another, is not taken for a source of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lake.tampering import object_of, slot_of
from radops.errors import UsageError
from radops.lake.folder_files import files_below

if TYPE_CHECKING:
    from radops.data_lake import DataLake


@pytest.fixture
def lakes(make_lake, shared: str, write) -> tuple[DataLake, DataLake]:
    """A lake with a shared folder as its remote, and one that has nothing to do with it."""
    one, other = make_lake("one", remote=shared), make_lake("other")
    one.add(write("a.txt", "content"), "sets/a.txt")
    one.path("sets/a.txt")
    other.add(write("b.txt", "other content"))
    (other.home / "config.toml").write_text('email = "ada@example.com"\n')
    (one.home / "config.toml").write_text('email = "ada@example.com"\n')
    return one, other


def owned_paths(one: DataLake, other: DataLake, remote: Path) -> dict[str, Path]:
    digest = one.info("sets/a.txt").digest
    with one.file("sets/a.txt").open("rb") as file:
        opened = Path(file.name)
    return {
        "object": object_of(one, "sets/a.txt"),
        "opened": opened,
        "view": one.path("sets/a.txt"),
        "record": slot_of(one, "sets/a.txt"),
        "marker": one.home / "storage/radops.cbor",
        "configuration": one.home / "config.toml",
        "object of another": object_of(other, "b.txt"),
        "configuration of another": other.home / "config.toml",
        "remote": remote / "objects" / digest.path,
    }


KINDS = (
    "object", "opened", "view", "record", "marker", "configuration", "object of another",
    "configuration of another", "remote",
)  # fmt: skip


@pytest.mark.parametrize("way", ["plain", "link", "linked folder", "relative"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_move_is_refused(
    lakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, way: str
) -> None:
    one, other = lakes
    path = real = owned_paths(one, other, tmp_path / "shared")[kind]
    if way == "link":
        path = tmp_path / "link"
        path.symlink_to(real)
    elif way == "linked folder":
        (tmp_path / "folder").symlink_to(real.parent, target_is_directory=True)
        path = tmp_path / "folder" / real.name
    elif way == "relative":
        monkeypatch.chdir(real.parent)
        path = Path(real.name)
    before = real.read_bytes()
    for lake in (one, other):
        with pytest.raises(UsageError, match="belongs to"):
            lake.add(path, "taken", move=True)
        with pytest.raises(UsageError, match="belongs to"):
            lake.add_many([(path, "taken")], move=True)
        assert not lake.file("taken").exists()
    assert real.read_bytes() == before
    assert one.verify().ok
    assert other.verify().ok


def test_a_hard_link_of_an_object_is_only_a_name(lakes, tmp_path: Path) -> None:
    one, _ = lakes
    name = tmp_path / "name"
    name.hardlink_to(object_of(one, "sets/a.txt"))
    one.add(name, "again", move=True)
    assert one.file("sets/a.txt").read_bytes() == b"content"
    assert one.verify().ok


def test_an_object_is_known_by_its_inode(lakes) -> None:
    """As where a part of the storage is mounted a second time, without the marker."""
    one, _ = lakes
    path = object_of(one, "sets/a.txt")
    (staged,) = one.session.store.stage_links([path])
    with pytest.raises(UsageError, match="object of this lake"):
        one.session.store.admit([staged])
    assert one.file("sets/a.txt").read_bytes() == b"content"
    assert one.verify().ok


def test_bytes_of_a_lakes_file_can_be_copied_to_another_name(lakes) -> None:
    one, other = lakes
    one.add(one.path("sets/a.txt"), "copy.txt")
    other.add(object_of(one, "sets/a.txt"), "copy.txt")
    assert one.file("copy.txt").read_bytes() == other.file("copy.txt").read_bytes() == b"content"
    for path in (slot_of(one, "sets/a.txt"), one.home / "config.toml"):
        with pytest.raises(UsageError, match="belongs to"):
            one.add(path, "record")


def test_a_folder_that_holds_lakes_gives_only_what_is_not_theirs(lakes, tmp_path: Path) -> None:
    one, _ = lakes
    (one.home / "notes.txt").write_text("a person's own")
    (tmp_path / "config.toml").write_text("some program's")
    (tmp_path / "link.txt").symlink_to(one.path("sets/a.txt"))
    left_out: dict[str, str] = {}
    pairs = list(files_below(str(tmp_path), "all", home=one.home, left_out=left_out.__setitem__))
    assert sorted(uid for _, uid in pairs) == [
        "all/config.toml",
        "all/one/notes.txt",
        "all/outside/a.txt",
        "all/outside/b.txt",
    ]
    assert {Path(path).relative_to(tmp_path).as_posix() for path in left_out} == {
        "link.txt",
        "one/config.toml",
        "one/storage",
        "other/config.toml",
        "other/storage",
        "shared",
    }
    assert all("belongs to" in reason for reason in left_out.values())
    one.add_many(pairs, move=True)
    assert one.verify(remote=True).ok
    for inside in (one.home / "storage", tmp_path / "shared/objects"):
        with pytest.raises(UsageError, match="belongs to"):
            list(files_below(str(inside), "x", home=one.home, left_out=left_out.__setitem__))


def test_the_configuration_of_a_home_not_yet_used(make_lake, write) -> None:
    lake = make_lake("fresh")
    path = write("config.toml", "someone else's")
    lake.home.mkdir()
    (lake.home / "config.toml").write_text("")
    with pytest.raises(UsageError, match="belongs to"):
        lake.add(lake.home / "config.toml", "c", move=True)
    assert lake.add(path, "c").uid == "c"
