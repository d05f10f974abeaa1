"""Views and proofs of many objects at once: the same as one by one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.format.digest import Digest
from radops.repository import layout
from radops.repository.objects import views
from radops.repository.objects.catalog import Stamp
from radops.repository.objects.store import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

BODIES = [f"object {number}".encode() for number in range(6)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(FolderBackend(tmp_path / "storage"))
    store.admit([store.stage_bytes(body) for body in BODIES])
    return store


@pytest.fixture(params=["mode protects", "root"])
def protects(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a mode stops this process from writing: then views are links."""
    protects = request.param == "mode protects"
    monkeypatch.setattr(views, "mode_protects", lambda: protects)
    return protects


def wanted(prefix: str = "files/d") -> list[tuple[str, Digest, int]]:
    return [
        (f"{prefix}/{number}.txt", Digest.of(body), len(body)) for number, body in enumerate(BODIES)
    ]


def contents(paths: list[Path | None]) -> list[bytes]:
    return [path.read_bytes() for path in paths if path is not None]


def test_many_views_are_those_made_one_by_one(store: LocalStore, protects: bool) -> None:
    made = store.views(wanted())
    assert contents(made) == BODIES
    for path, (key, digest, _) in zip(made, wanted(), strict=True):
        assert path is not None
        assert store.catalog.checked(key, Stamp.of(path.stat()), digest)
    singles = [store.view(*item) for item in wanted("files/e")]
    for many, single, (_, digest, size) in zip(made, singles, wanted(), strict=True):
        assert many is not None
        assert many.stat().st_mode == single.stat().st_mode
        source = store.object_path(digest)
        assert os.path.samefile(many, source) == os.path.samefile(single, source)
        assert os.path.samefile(many, source) <= protects
        # A link changes the ctime of an object; it is not hashed again for that.
        stamp = Stamp.of(source.stat())
        assert store.is_trusted(digest, (*stamp,))
        assert store.catalog.checked(layout.object_key(digest), stamp, digest)
        assert store.proven(digest, size) == source
    assert list((store.root / "tmp").glob("*.*")) == []


@pytest.mark.usefixtures("protects")
def test_views_that_exist_are_not_made_again(store: LocalStore) -> None:
    before = [path.stat() for path in store.views(wanted()) if path is not None]
    assert [path.stat() for path in store.views(wanted()) if path is not None] == before


@pytest.mark.usefixtures("protects")
def test_what_is_in_the_way_is_left_to_a_single_view(store: LocalStore) -> None:
    files = store.root / "files/d"
    (files / "0.txt").mkdir(parents=True)
    (files / "1.txt").write_text("other bytes")
    made = store.views(wanted())
    assert [path is None for path in made] == [True, True, False, False, False, False]
    assert contents(made) == BODIES[2:]
    for item, body in zip(wanted(), BODIES, strict=True):
        assert store.view(*item).read_bytes() == body
    (kept,) = (store.root / "quarantine").iterdir()
    assert kept.read_text() == "other bytes"


@pytest.mark.usefixtures("protects")
def test_a_name_below_a_file_is_left_to_a_single_view(store: LocalStore) -> None:
    (store.root / "files").mkdir()
    (store.root / "files/d").write_text("a file")
    assert store.views(wanted()) == [None] * len(BODIES)


@pytest.mark.usefixtures("protects")
def test_no_view_is_made_of_an_object_that_changed(store: LocalStore) -> None:
    path = store.object_path(Digest.of(BODIES[3]))
    path.chmod(0o644)
    path.write_bytes(b"x" * len(BODIES[3]))
    store.object_path(Digest.of(BODIES[4])).unlink()
    made = store.views(wanted())
    assert [number for number, one in enumerate(made) if one is None] == [3, 4]


def test_only_what_is_absent_or_bad_is_unverified(tmp_path: Path, store: LocalStore) -> None:
    store.close()
    store = LocalStore(FolderBackend(tmp_path / "storage"))  # remembers nothing but the catalogue
    items = [(digest, size) for _, digest, size in wanted()]
    bad, absent, forgotten, trashed = items[:4]
    path = store.object_path(bad[0])
    path.chmod(0o644)
    path.write_bytes(b"x" * bad[1])
    store.object_path(absent[0]).unlink()
    store.catalog.forget([layout.object_key(forgotten[0])])
    run = "20260101T000000Z-0123456789abcdef"
    store.backend.move(layout.object_key(trashed[0]), f"trash/{run}/{trashed[0].path}")
    assert store.unverified(items) == [bad, absent]
    assert not path.exists()  # in quarantine
    assert store.unverified(items) == [bad, absent]
    for digest, size in items[2:]:
        assert store.is_trusted(digest, (*Stamp.of(store.object_path(digest).stat()),))
        assert store.proven(digest, size) is not None
