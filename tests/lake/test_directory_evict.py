"""Making room on this machine: bytes of directories that the remote has, and no others."""

from __future__ import annotations

import logging
import os

import pytest

from directories.lakes import LARGE, add, content, fill, many, tree_of
from lake.test_gc import age
from lakes import storage
from radops.data_lake import DataLake
from radops.errors import CorruptObjectError, LocalStorageError, RadopsError
from radops.lake.leaving import Leaving
from radops.repository import working_lake

FILES = {**many(200), "large.bin": os.urandom(LARGE)}


def objects_of(lake):
    return {
        path.parent.name + path.name
        for path in (lake.session.store.root / "objects").rglob("*")
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "images"
    fill(path, FILES)
    return path


def test_everything_of_a_directory_goes_and_comes_back(online, folder):
    add(online, folder, "v1")
    assert online.delete_local("v1") == ["v1"]
    assert objects_of(online) == set()
    assert tree_of(online, "v1").read("large.bin") == FILES["large.bin"]
    tree_of(online, "v1").fetch()
    assert online.purge_local_storage().purged == ["v1"]
    assert objects_of(online) == set()


def test_what_another_directory_here_uses_stays(online, folder, caplog):
    add(online, folder, "v1")
    (folder / "new.txt").write_bytes(b"new")
    add(online, folder, "v2")
    before = {digest.hex for digest, _ in tree_of(online, "v2").sources()}
    with caplog.at_level(logging.WARNING):
        assert online.delete_local("v1") == ["v1"]
    assert "other directories here use" in caplog.text
    assert before <= objects_of(online)
    assert tree_of(online, "v2").absent() == []
    online.delete_local("v2")
    assert objects_of(online) == set()


def test_nothing_of_an_unpublished_directory_goes(make_lake, shared, folder):
    offline = make_lake("one", remote=shared, offline=True)
    add(offline, folder, "v1")
    offline.close()
    online = make_lake("one", remote=shared)
    before = objects_of(online)
    with pytest.raises(LocalStorageError, match="not in a remote"):
        online.delete_local("v1")
    assert online.purge_local_storage().kept == ["v1"]
    assert objects_of(online) == before


def test_packs_that_an_unpublished_version_shares_stay(make_lake, shared, folder):
    first = make_lake("one", remote=shared)
    add(first, folder, "v1")
    first.close()
    offline = make_lake("one", remote=shared, offline=True)
    (folder / "new.txt").write_bytes(b"new")
    add(offline, folder, "v2")
    needed = {digest.hex for digest, _ in tree_of(offline, "v2").sources()}
    offline.close()
    online = make_lake("one", remote=shared)
    online.purge_local_storage()
    assert needed <= objects_of(online)
    online.sync()
    online.purge_local_storage()
    assert objects_of(online) == set()
    assert tree_of(online, "v2").read("new.txt") == b"new"


def test_parts_stay_as_long_as_a_pack_of_theirs(online, folder):
    add(online, folder, "v1")
    pack = min(tree_of(online, "v1").sources(), key=lambda one: one[1])[0]
    online.session.lake.remote.backend.delete([f"objects/{pack.path}"])
    report = online.purge_local_storage()
    assert "v1" in report.kept
    tree = tree_of(online, "v1")
    assert pack.hex in objects_of(online)
    assert {tree.root.hex, tree.layout.hex} <= objects_of(online)


def test_what_was_fetched_to_look_into_a_directory_goes_before_any_file(
    make_lake, shared, folder, tmp_path
):
    first = make_lake("one", remote=shared)
    fill(tmp_path / "other", many(3000, size=10, seed=1))
    add(first, tmp_path / "other", "other")
    add(first, folder, "v1")
    second = make_lake("two", remote=shared)
    tree_of(second, "v1").fetch()
    second.add(folder / "large.bin", "file")
    packs = objects_of(second)
    assert len(tree_of(second, "other").select(most=5000)) == 3000  # looked at last
    pages = objects_of(second) - packs
    assert len(pages) > 2
    sizes = {digest: object_size(second, digest) for digest in pages}
    before = second.purge_local_storage(dry_run=True).size_before
    report = second.purge_local_storage(max_size=before - sum(sizes.values()))
    assert report.purged == ["other"]
    assert objects_of(second) == packs
    assert second.directory("other").ls() == [f"f{n}/" for n in range(7)]
    # All the rest goes before what says where it is.
    second.purge_local_storage(max_size=0)
    assert objects_of(second) == set()


def object_size(lake, digest):
    return (lake.session.store.root / "objects" / digest[:2] / digest[2:]).stat().st_size


def test_readers_get_the_right_bytes_whatever_is_purged_meanwhile(make_lake, shared, folder):
    """Another process purges just after each fetch: pages, packs and large files are gone again."""
    add(make_lake("one", remote=shared), folder, "v1")
    reading = make_lake("two", remote=shared)
    purging = DataLake(home=reading.home, remote=shared)
    reader = reading.session.lake.reader
    fetch, purges = reader.fetch, 0

    def then_purge(objects, count):
        nonlocal purges
        fetch(objects, count)
        if purges < 5:
            purges += 1
            purging.purge_local_storage()

    reader.fetch = then_purge
    tree = tree_of(reading, "v1")
    assert {one.path: tree.read(one.path) for one in tree.each()} == FILES
    assert purges == 5
    purging.purge_local_storage()
    purges = 0
    assert dict(reading.directory("v1").read()) == FILES
    assert purges > 0
    purging.close()


def test_a_purge_in_the_middle_of_writing_a_folder_is_loud(make_lake, shared, folder, tmp_path):
    """A folder that is written is whole, or it is an error: never with other bytes."""
    add(make_lake("one", remote=shared), folder, "v1")
    reading = make_lake("two", remote=shared)
    reader = reading.session.lake.reader
    fetch = reader.fetch

    def then_purge(objects, count):
        fetch(objects, count)
        reading.purge_local_storage()

    reader.fetch = then_purge
    with pytest.raises(CorruptObjectError, match="removed as fast as they come"):
        reading.directory("v1").download(to=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    reader.fetch = fetch
    reading.directory("v1").download(to=tmp_path / "out")
    found = content(tmp_path / "out")
    del found[".radops-checkout"]
    assert found == FILES


def download(directory):
    directory.download()


def read_all(directory):
    assert dict(directory.read()) == MANY


def read_large(directory):
    assert directory["large.bin"].read_bytes() == MANY["large.bin"]


# Of two pages, so that a source list names the packs and large files.
MANY = {
    **{f"tiny/{number:05}": b"%d" % number for number in range(1300)},
    "large.bin": os.urandom(LARGE),
}


@pytest.mark.parametrize("bring", [download, read_all, read_large], ids=lambda one: one.__name__)
def test_what_was_fetched_of_many_pages_is_known_as_its_own(make_lake, shared, tmp_path, bring):
    """A collection leaves it, and all of it goes to make room."""
    fill(tmp_path / "many", MANY)
    adding = make_lake("one", remote=shared)
    adding.add(tmp_path / "many", "v1")
    lake = make_lake("two", remote=shared)
    bring(lake.directory("v1"))
    before = objects_of(lake)
    assert before & {digest.hex for digest, _ in tree_of(adding, "v1").sources()}
    age(storage(lake))
    assert lake.gc(where="local", dry_run=False).local.candidates == 0
    assert objects_of(lake) == before
    assert lake.purge_local_storage().purged == ["v1"]
    assert objects_of(lake) == set()


@pytest.mark.parametrize("way", ["purge", "delete", "purge to a size"])
@pytest.mark.parametrize("moment", ["looked", "moved", "removed"])
def test_packs_that_a_version_made_meanwhile_shares_stay(
    make_lake, shared, folder, monkeypatch, way, moment
):
    """A login node makes room while another one, that is offline, adds a new version."""
    online = make_lake("one", remote=shared)
    add(online, folder, "v1")
    offline = make_lake("one", remote=shared, offline=True)
    (folder / "new.txt").write_bytes(b"new")
    outcome = []

    def make_version(now):
        if now == moment and not outcome:
            outcome.append("begun")
            try:
                add(offline, folder, "v2")
            except RadopsError as error:
                outcome.append(error)
            else:
                outcome.append("made")

    move, finish, remove = Leaving.move, Leaving.finish, Leaving._remove

    def moving(leaving, objects):
        make_version("looked")
        return move(leaving, objects)

    def finishing(leaving):
        make_version("moved")
        return finish(leaving)

    def removing(leaving, some):
        answer = remove(leaving, some)
        make_version("removed")
        return answer

    monkeypatch.setattr(Leaving, "move", moving)
    monkeypatch.setattr(Leaving, "finish", finishing)
    monkeypatch.setattr(Leaving, "_remove", removing)
    if way == "purge":
        online.purge_local_storage()
    elif way == "delete":
        online.delete_local("v1")
    else:
        online.purge_local_storage(max_size=0)
    monkeypatch.undo()

    assert not (storage(online) / "trash").exists()
    assert outcome[0] == "begun"
    if outcome[1] == "made":
        # The only copy of v2, whatever becomes of v1.
        assert online.verify("v2").ok
        other = make_lake("two", remote=shared)
        other.delete("v1")
        online.sync()
        tree = tree_of(make_lake("three", remote=shared), "v2")
        assert {path: tree.read(path) for path in [*FILES, "new.txt"]} == {
            **FILES,
            "new.txt": b"new",
        }
    else:
        assert moment == "removed", outcome[1]


def test_a_version_whose_packs_go_just_before_its_commit_is_an_error(
    make_lake, shared, folder, monkeypatch
):
    online = make_lake("one", remote=shared)
    add(online, folder, "v1")
    offline = make_lake("one", remote=shared, offline=True)
    (folder / "new.txt").write_bytes(b"new")
    commit = working_lake.commit

    def late(*given):
        assert online.purge_local_storage().purged == ["v1"]
        return commit(*given)

    monkeypatch.setattr(working_lake, "commit", late)
    with pytest.raises(RadopsError, match="not on this machine"):
        add(offline, folder, "v2")
