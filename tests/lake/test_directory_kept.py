"""Files of directories that are objects of their own: what stays of them, and what goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from directories.lakes import LARGE, fill, tree_of
from directories.parts import FILES, SMALL, chosen, has, notes
from lake.test_directory_verify import flip
from lake.test_gc import DAY, age
from lakes import folder as folder_of
from lakes import storage
from radops.errors import CorruptObjectError
from radops.format.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake


@pytest.fixture
def shared_lake(make_lake: Callable[..., DataLake], shared: str, tmp_path: Path) -> DataLake:
    """A machine with a remote that a test may change, which has none of the files."""
    fill(tmp_path / "images", FILES)
    writer = make_lake("writer", remote=shared)
    writer.add(tmp_path / "images", "v1")
    writer.close()
    lake = make_lake("reader", remote=shared)
    lake.directory("v1").fetch_contents()
    return lake


def test_wrong_bytes_of_the_remote_are_named_and_never_kept(
    shared_lake: DataLake, shared: str
) -> None:
    tree = tree_of(shared_lake, "v1")
    (pack, _), offset = tree.opened.place("f0/000007.bin")
    path = folder_of(shared) / f"objects/{Digest(pack).path}"
    flip(path, offset + 5)
    with pytest.raises(CorruptObjectError, match=r"f0/000007\.bin") as error:
        shared_lake.directory("v1").download("f0")
    assert error.value.uid == "v1"
    assert not has(shared_lake, SMALL["f0/000007.bin"])
    flip(path, offset + 5)
    shared_lake.directory("v1").download("f0")
    assert dict(shared_lake.directory("v1").read("f0/*.bin")) == chosen("f0")


def test_wrong_bytes_in_a_pack_here_are_replaced(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    directory.download()
    (pack, _), offset = tree_of(shared_lake, "v1").opened.place("f0/000007.bin")
    flip(shared_lake.session.store.object_path(Digest(pack)), offset + 5)
    assert directory["f0/000007.bin"].read_bytes() == SMALL["f0/000007.bin"]


def test_damage_is_found_named_and_repaired(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    directory.download("f0", "g/large.bin")
    before = shared_lake.verify()
    assert before.ok
    assert before.bytes >= sum(map(len, chosen("f0").values())) + LARGE
    digest = Digest.of(SMALL["f0/000007.bin"])
    flip(shared_lake.session.store.object_path(digest))
    (one,) = shared_lake.verify().problems
    assert (one.digest, one.uids, one.inner) == (digest, ("v1",), ("v1/f0/000007.bin",))
    report = shared_lake.verify(repair=True)
    assert report.ok
    assert report.bytes_fetched == 100_000
    assert "out of its pack" in str(report.findings[0].repair)
    assert shared_lake.verify().ok
    assert has(shared_lake, SMALL["f0/000007.bin"])


def collect(lake: DataLake) -> None:
    """Collect what nothing keeps, until it is gone."""
    for _ in range(2):
        age(storage(lake))
        lake.gc(where="local", dry_run=False)


def test_a_collection_keeps_it_as_long_as_the_directory(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    directory.download("f0")
    unused = shared_lake.session.store.stage_bytes(b"unused")
    shared_lake.session.store.admit([unused])
    collect(shared_lake)
    assert not has(shared_lake, b"unused")
    assert all(has(shared_lake, data) for data in chosen("f0").values())
    assert len(notes(shared_lake)) == 1
    directory.delete()
    collect(shared_lake)
    assert not any(has(shared_lake, data) for data in SMALL.values())
    assert notes(shared_lake) == []


def test_a_collection_removes_what_is_here_as_packs_too(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    directory.download("f0")
    directory.download()
    collect(shared_lake)
    assert not any(has(shared_lake, data) for data in chosen("f0").values())
    assert dict(directory.read("f0/*.bin")) == chosen("f0")


def test_a_damaged_note_costs_a_fetch_and_no_more(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    directory.download("f0")
    (note,) = notes(shared_lake)
    flip(note)
    collect(shared_lake)
    assert not any(has(shared_lake, data) for data in chosen("f0").values())
    directory.download("f0")
    collect(shared_lake)
    assert all(has(shared_lake, data) for data in chosen("f0").values())


def test_it_goes_with_the_local_bytes(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    for remove in (directory.delete_local, shared_lake.purge_local_storage):
        directory.download("f0", "g/large.bin")
        directory.path("f0")
        assert len(notes(shared_lake)) == 1
        remove()
        assert not list((storage(shared_lake) / "objects").rglob("*/*"))
        assert notes(shared_lake) == []


def test_it_stays_where_another_directory_uses_it(shared_lake: DataLake, tmp_path: Path) -> None:
    (tmp_path / "images/f0/000000.bin").unlink()
    shared_lake.add(tmp_path / "images", "v2")
    shared_lake.delete_local("v2")
    for uid in ("v1", "v2"):
        shared_lake.directory(uid).download("f0")
    shared_lake.delete_local("v1")
    both = {path: data for path, data in chosen("f0").items() if path != "f0/000000.bin"}
    assert all(has(shared_lake, data) for data in both.values())
    assert not has(shared_lake, SMALL["f0/000000.bin"])
    shared_lake.delete_local("v2")
    assert not any(has(shared_lake, data) for data in SMALL.values())


def test_it_stays_while_the_remote_has_no_pack(shared_lake: DataLake, shared: str) -> None:
    shared_lake.directory("v1").download("f0")
    (pack, _), _ = tree_of(shared_lake, "v1").opened.place("f0/000007.bin")
    (folder_of(shared) / f"objects/{Digest(pack).path}").unlink()
    report = shared_lake.purge_local_storage()
    assert "v1" in report.kept
    assert all(has(shared_lake, data) for data in chosen("f0").values())


def test_what_was_not_used_for_long_goes_first(shared_lake: DataLake) -> None:
    directory = shared_lake.directory("v1")
    directory.download("f0")
    store = shared_lake.session.store
    age(storage(shared_lake), seconds=9 * DAY)
    for path in list(chosen("f0"))[:3]:
        store.usage.flush()
        store.catalog.note_uses([(Digest.of(SMALL[path]), time.time())])
    shared_lake.purge_local_storage(older_than=5 * DAY)
    left = [path for path in chosen("f0") if has(shared_lake, SMALL[path])]
    assert left == list(chosen("f0"))[:3]


def test_views_of_files_in_a_directory_stay_as_long_as_it_does(
    lake: DataLake, tmp_path: Path
) -> None:
    """A program that runs for days has their paths."""
    fill(tmp_path / "images", FILES)
    for uid in ("sets/v1", "sets/v2"):
        lake.add(tmp_path / "images", uid)
    inner = ("f0/000007.bin", "g/large.bin")
    paths = {
        uid: [lake.directory(uid)[one].path() for one in inner] for uid in ("sets/v1", "sets/v2")
    }
    lake.delete("sets/v2")
    age(storage(lake))
    lake.gc(dry_run=False)
    for path, one in zip(paths["sets/v1"], inner, strict=True):
        assert path.read_bytes() == FILES[one]
    assert not any(path.exists() for path in paths["sets/v2"])
