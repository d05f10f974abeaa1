"""Directories that were made offline or could not be published, and what sync makes of them."""

from __future__ import annotations

import pytest

from directories.lakes import add, commit_call, content, fill, many, record_of, tree_of
from radops.errors import RemoteUnavailableError, UIDConflictError

FILES = {**many(150), "a.txt": b"a"}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "images"
    fill(path, FILES)
    return path


def test_a_directory_made_offline_is_published(make_lake, shared, folder, tmp_path):
    offline = make_lake("one", remote=shared, offline=True)
    add(offline, folder, "v1")
    (folder / "new.txt").write_bytes(b"new")
    add(offline, folder, "v2")
    offline.close()
    online = make_lake("one", remote=shared)
    report = online.sync()
    assert (report.published, report.conflicts) == (["v1", "v2"], [])
    second = make_lake("two", remote=shared)
    tree_of(second, "v2").write(tmp_path / "out", time=0)
    assert content(tmp_path / "out") == {**FILES, "new.txt": b"new"}
    assert online.sync().published == []
    assert second.verify(remote=True, full=True).ok


def test_one_made_elsewhere_meanwhile_is_adopted_or_a_conflict(make_lake, shared, folder):
    make_lake("one", remote=shared).join()
    offline = make_lake("one", remote=shared, offline=True)
    add(offline, folder, "same")
    add(offline, folder, "other")
    add(offline, folder, "file")
    offline.close()
    second = make_lake("two", remote=shared)
    add(second, folder, "same")
    second.add(folder / "a.txt", "file")
    (folder / "a.txt").write_bytes(b"b")
    add(second, folder, "other")
    online = make_lake("one", remote=shared)
    report = online.sync()
    assert report.adopted == ["same"]
    assert sorted(one.uid for one in report.conflicts) == ["file", "other"]
    assert record_of(second, "same").record_digest == record_of(online, "same").record_digest


def test_a_root_stored_as_a_file_is_not_the_directory(make_lake, shared, folder, tmp_path):
    """A file can hold a root's bytes: the digests are equal, and yet it is something else."""
    lake = make_lake("one", remote=shared)
    added = add(lake, folder, "v1")
    copy = tmp_path / "root"
    copy.write_bytes(lake.session.store.object_path(added.digest).read_bytes())
    with pytest.raises(UIDConflictError):
        lake.add(copy, "v1")
    lake.add(copy, "root")
    with pytest.raises(UIDConflictError):
        add(lake, folder, "root")


def test_what_could_not_be_published_is_kept_and_published_later(make_lake, shared, folder):
    lake = make_lake("one", remote=shared)
    lake.join()
    remote, away = folder.parent / "shared", folder.parent / "away"
    put = lake.session.lake.remote.backend.put

    def unplug(items):
        put(items)
        if remote.exists():
            remote.rename(away)

    lake.session.lake.remote.backend.put = unplug
    with pytest.raises(RemoteUnavailableError, match="kept on this machine"):
        add(lake, folder, "v1")
    away.rename(remote)
    lake.session.lake.remote.backend.put = put
    assert [row.uid for row in lake.out_of_sync() if row.pending] == ["v1"]
    assert lake.purge_local_storage().purged == []
    lake.gc(dry_run=False, grace=0, where="local")
    assert lake.verify().ok
    assert lake.sync().published == ["v1"]
    assert lake.out_of_sync() == []
    assert tree_of(make_lake("two", remote=shared), "v1").read("a.txt") == b"a"


def test_an_update_whose_packs_are_in_the_remote_only_is_published_later(
    make_lake, shared, folder, tmp_path
):
    first = make_lake("one", remote=shared)
    add(first, folder, "v1")
    second = make_lake("two", remote=shared)
    second.directory("v1").fetch_contents()
    fill(tmp_path / "more", {"new.txt": b"new"})
    remote, away = folder.parent / "shared", folder.parent / "away"
    put = second.session.lake.remote.backend.put

    def unplug(items):
        put(items)
        if remote.exists():
            remote.rename(away)

    second.session.lake.remote.backend.put = unplug
    with pytest.raises(RemoteUnavailableError, match="kept on this machine"):
        second.add(tmp_path / "more", "v2", base="v1", update=True)
    second.close()
    away.rename(remote)
    (pack,) = {digest for digest, _ in tree_of(first, "v1").sources()}
    assert not (tmp_path / "two/storage/objects" / pack.path).exists()
    # Without the pack there is nothing to publish it with.
    in_remote = remote / f"objects/{pack.path}"
    in_remote.rename(folder.parent / "pack")
    again = make_lake("two", remote=shared)
    (conflict,) = again.sync().conflicts
    assert "nor in the remote" in conflict.message
    (folder.parent / "pack").rename(in_remote)
    assert again.sync().published == ["v2"]
    assert again.out_of_sync() == []
    third = make_lake("three", remote=shared)
    tree_of(third, "v2").write(tmp_path / "out", time=0)
    assert content(tmp_path / "out") == {**FILES, "new.txt": b"new"}
    assert third.verify(remote=True, full=True).ok


def test_an_update_offline_says_what_it_needs(make_lake, shared, folder, tmp_path):
    add(make_lake("one", remote=shared), folder, "v1")
    second = make_lake("two", remote=shared)
    second.directory("v1").fetch_contents()
    second.close()
    fill(tmp_path / "more", {"new.txt": b"new"})
    offline = make_lake("two", remote=shared, offline=True)
    with pytest.raises(RemoteUnavailableError, match="not on this machine") as caught:
        offline.add(tmp_path / "more", "v2", base="v1", update=True)
    assert caught.value.uid == "v2"
    offline.close()
    online = make_lake("two", remote=shared)
    online.directory("v1").download()
    online.close()
    offline = make_lake("two", remote=shared, offline=True)
    offline.add(tmp_path / "more", "v2", base="v1", update=True)
    assert offline.directory("v2").files == len(FILES) + 1


def test_a_later_add_publishes_what_was_kept(make_lake, shared, folder):
    lake = make_lake("one", remote=shared, offline=True)
    make_lake("other", remote=shared).join()
    lake.close()
    joined = make_lake("three", remote=shared)
    joined.join()
    joined.close()
    offline = make_lake("three", remote=shared, offline=True)
    add(offline, folder, "v1")
    offline.close()
    online = make_lake("three", remote=shared)
    assert add(online, folder, "v1").already_there
    assert online.out_of_sync() == []
    assert tree_of(make_lake("two", remote=shared), "v1").read("a.txt") == b"a"


def test_a_file_and_a_directory_of_one_call_are_one_commit(make_lake, shared, folder, tmp_path):
    """Several outputs, some of them directories; one of two names is lost, and sync restores it."""
    lake = make_lake("one", remote=shared)
    lake.join()
    lake.close()
    offline = make_lake("one", remote=shared, offline=True)
    made = commit_call(offline, folder, b"the file", ["out/a", "out/d", "out/e"])
    assert [record.type for record in made] == ["file", "directory", "directory"]
    assert {record.directories for record in made} == {made[1].directories}
    offline.close()
    online = make_lake("one", remote=shared)
    assert online.sync().published == ["out/a", "out/d", "out/e"]
    second = make_lake("two", remote=shared)
    assert tree_of(second, "out/d").read("a.txt") == b"a"
    assert second.file("out/a").read_bytes() == b"the file"
    assert second.verify(remote=True, full=True).ok
    second.delete("out/d")
    second.gc(dry_run=False, grace=0, where="remote")
    assert tree_of(make_lake("four", remote=shared), "out/e").read("a.txt") == b"a"
