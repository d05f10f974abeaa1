"""Proving directories, here and in the remote, and repairing one side from the other."""

from __future__ import annotations

import os

import pytest

from directories.lakes import LARGE, add, fill, many, record_of, tree_of
from lake.tampering import settle
from radops.format.digest import Digest
from radops.repository.verify import findings

FILES = {**many(200), "large.bin": os.urandom(LARGE), "a.txt": b"a"}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "images"
    fill(path, FILES)
    return path


def flip(path, at=None):
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)
    path.chmod(0o444)


def pack_of(lake, uid):
    """Return the pack of a directory: the source that is not the large file."""
    return next(d for d, size in tree_of(lake, uid).sources() if size != LARGE)


def parts_of(lake, uid):
    """Return every object of a directory."""
    record = record_of(lake, uid)
    tree = tree_of(lake, uid)
    return [record.digest, record.layout, *(d for d, _ in tree.sources())]


def test_a_directory_is_proven_with_all_its_parts(lake, folder):
    add(lake, folder, "v1")
    settle()
    report = lake.verify()
    assert report.ok
    assert (report.files, report.objects) == (1, 4)
    assert report.bytes > sum(map(len, FILES.values())) - 2
    assert lake.verify("v1", quick=True).trusted == 4
    assert lake.verify(full=True).ok


@pytest.mark.parametrize("part", range(4))
def test_damage_of_any_part_is_found_and_repaired_from_the_remote(online, folder, part):
    add(online, folder, "v1")
    digest = parts_of(online, "v1")[part]
    flip(online.session.store.object_path(digest))
    online.session.store.distrust(digest)
    report = online.verify()
    assert [(one.kind, one.uids, one.digest) for one in report.problems] == [
        (findings.BYTES, ("v1",), digest)
    ]
    assert online.verify(repair=True).ok
    assert online.verify().ok


@pytest.mark.parametrize("part", range(4))
def test_a_part_that_is_gone_is_found(lake, folder, part):
    add(lake, folder, "v1")
    digest = parts_of(lake, "v1")[part]
    lake.session.store.object_path(digest).unlink()
    (one,) = lake.verify().problems
    assert (one.kind, one.digest, one.uids) == (findings.MISSING, digest, ("v1",))


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_the_remote_is_repaired_from_here(online, folder, part, how):
    add(online, folder, "v1")
    digest = parts_of(online, "v1")[part]
    path = online.session.lake.remote.backend.path(f"objects/{digest.path}")
    if how == "gone":
        path.unlink()
        kind = findings.MISSING
    else:
        flip(path)
        kind = findings.BYTES
    report = online.verify(remote=True, full=True)
    assert [(one.kind, one.digest) for one in report.problems] == [(kind, digest)]
    assert online.verify(remote=True, full=True, repair=True).ok
    assert online.verify(remote=True, full=True).ok
    assert online.verify("v1", remote=True).ok


def test_what_is_only_in_the_remote_is_no_problem(make_lake, shared, folder):
    add(make_lake("one", remote=shared), folder, "v1")
    second = make_lake("two", remote=shared)
    tree_of(second, "v1").read("a.txt")
    report = second.verify()
    assert report.ok
    assert report.not_local == 1
    (one,) = second.verify(complete=True).problems
    assert one.kind == findings.NOT_LOCAL
    tree_of(second, "v1").fetch()
    assert second.verify(complete=True).ok


def test_a_layout_is_proven_once(lake, folder, monkeypatch):
    add(lake, folder, "v1")
    assert lake.verify().ok
    record = record_of(lake, "v1")
    catalog = lake.session.store.catalog
    assert catalog.is_page_proven(record.digest, record.layout)
    catalog.forget_proofs([(record.digest, record.layout)])
    assert not catalog.is_page_proven(record.digest, record.layout)
    assert lake.verify(full=True).ok
    assert catalog.is_page_proven(record.digest, record.layout)


def place_of(lake, uid, path):
    """Return the pack that holds a file, and the offset in it."""
    (digest, _), offset = tree_of(lake, uid).opened.place(path)
    return Digest(digest), offset


def test_findings_name_the_files_that_are_hit(lake, folder):
    add(lake, folder, "v1")
    (folder / "a.txt").write_bytes(b"other")
    add(lake, folder, "v2")
    pack, offset = place_of(lake, "v1", "f3/000003.bin")
    flip(lake.session.store.object_path(pack), offset + 5)
    lake.session.store.distrust(pack)
    (one,) = lake.verify().problems
    # A pack of one block has no outline to say which of its bytes are wrong.
    assert one.digest == pack
    assert one.inner_count >= 2
    assert {one.partition("/")[0] for one in one.inner} >= {"v1"}
    lake.session.store.object_path(pack).unlink()
    lost = lake.verify().problems
    assert {one.digest for one in lost} == {pack}
    lost = [one for one in lost if one.kind in {findings.MISSING, findings.DANGLING}]
    assert {one.inner_count for one in lost} == {2 * len(many(200)) + 1}
    assert len(lost[0].inner) == findings.MOST_INNER


def test_only_files_in_wrong_spans_are_named(lake, tmp_path):
    files = {f"{n:02}.bin": os.urandom(300_000) for n in range(10)}
    fill(tmp_path / "few", files)
    add(lake, tmp_path / "few", "few")
    pack, offset = place_of(lake, "few", "05.bin")
    flip(lake.session.store.object_path(pack), offset + 5)
    lake.session.store.distrust(pack)
    (one,) = lake.verify().problems
    hit = {name for name in files if place_of(lake, "few", name)[1] // 2**20 <= 1} - set()
    assert "few/05.bin" in one.inner
    assert len(one.inner) == one.inner_count < len(files)
    assert set(one.inner) <= {f"few/{name}" for name in hit}


def test_a_damaged_page_is_told_by_the_paths_that_it_lists(lake, tmp_path):
    fill(tmp_path / "many", {f"{n:05}": b"%d" % (n % 50) for n in range(20_000)})
    add(lake, tmp_path / "many", "many")
    pages = tree_of(lake, "many").opened.parts()
    record = record_of(lake, "many")
    first = Digest(pages[0][0])
    assert first != record.digest
    flip(lake.session.store.object_path(first))
    lake.session.store.distrust(first)
    (one,) = lake.verify().problems
    assert "entries of many, from the first up to 0" in one.message
    assert 512 <= one.inner_count <= 8192


def test_the_remote_names_files_too(online, folder):
    add(online, folder, "v1")
    pack, offset = place_of(online, "v1", "f3/000003.bin")
    flip(online.session.lake.remote.backend.path(f"objects/{pack.path}"), offset)
    (one,) = online.verify(remote=True, full=True).problems
    assert "v1/f3/000003.bin" in one.inner


@pytest.mark.parametrize("how", ["trailer", "bytes", "gone"])
def test_a_pack_is_made_again_of_files_at_hand(lake, folder, how):
    """The files are in the pack of another version, and in a read-only folder."""
    add(lake, folder, "v1")
    lost = pack_of(lake, "v1")
    (folder / "more.txt").write_bytes(b"more")
    lake.add(folder, "v2", base=())
    assert pack_of(lake, "v2") != lost
    path = lake.session.store.object_path(lost)
    if how == "gone":
        path.unlink()
    else:
        flip(path, path.stat().st_size - 40 if how == "trailer" else 100)
    lake.session.store.distrust(lost)
    report = lake.verify(repair=True)
    assert report.ok, report.findings
    assert [one.repair for one in report.findings] == ["made again from files on this machine"]
    assert lake.verify(full=True).ok


def test_a_pack_is_made_again_of_a_read_only_folder(lake, folder):
    add(lake, folder, "v1")
    lake.directory("v1").path()
    lost = pack_of(lake, "v1")
    lake.session.store.object_path(lost).unlink()
    assert lake.verify(repair=True).ok
    assert lake.verify().ok
    assert lake.directory("v1")["a.txt"].read_bytes() == b"a"


def test_a_pack_of_which_files_are_nowhere_is_not_repaired(lake, folder):
    add(lake, folder, "v1")
    lost = pack_of(lake, "v1")
    path = lake.session.store.object_path(lost)
    flip(path, 100)
    lake.session.store.distrust(lost)
    (one,) = lake.verify(repair=True).problems
    assert "there is no remote to fetch it from" in (one.repair or "")


def test_a_pack_of_the_remote_is_made_again_here(online, folder):
    add(online, folder, "v1")
    lost = pack_of(online, "v1")
    (folder / "more.txt").write_bytes(b"more")
    online.add(folder, "v2", base=())
    online.session.store.object_path(lost).unlink()
    online.session.lake.remote.backend.path(f"objects/{lost.path}").unlink()
    assert online.verify(remote=True, repair=True).ok
    assert online.verify(remote=True, full=True).ok
