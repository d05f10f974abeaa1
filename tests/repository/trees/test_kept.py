"""Notes of files that are kept as objects of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from radops.backends.folder.backend import FolderBackend
from radops.format.digest import Digest
from radops.repository.layout import KEPT, object_key
from radops.repository.trees.kept import KeptFiles, keep, kept_files

if TYPE_CHECKING:
    from pathlib import Path

ROOT, OTHER = Digest.of(b"root"), Digest.of(b"other")
PACK, SECOND = (Digest.of(b"pack"), 4), (Digest.of(b"second"), 1 << 33)


def files(*names: bytes) -> list[tuple[bytes, int]]:
    return [(Digest.of(name).raw, len(name)) for name in names]


@pytest.fixture
def backend(tmp_path: Path) -> FolderBackend:
    return FolderBackend(tmp_path / "storage")


def noted(backend: FolderBackend, root: Digest) -> dict[object, set[tuple[bytes, int]]]:
    return {one.pack: {(d.raw, size) for d, size in one} for one in kept_files(backend, root)}


def keys(backend: FolderBackend) -> list[str]:
    return [entry.key for entry in backend.list(KEPT)]


def test_notes_of_one_pack_become_one(backend: FolderBackend) -> None:
    keep(backend, ROOT, PACK, files(b"a", b"bb"))
    keep(backend, ROOT, SECOND, files(b"d"))
    keep(backend, OTHER, PACK, files(b"e"))
    before = keys(backend)
    keep(backend, ROOT, PACK, files(b"bb", b"a", b"a"))
    assert sorted(keys(backend)) == sorted(before)
    keep(backend, ROOT, PACK, files(b"ccc"))
    assert noted(backend, ROOT) == {PACK: set(files(b"a", b"bb", b"ccc")), SECOND: set(files(b"d"))}
    assert noted(backend, OTHER) == {PACK: set(files(b"e"))}
    assert len(keys(backend)) == 3


@pytest.mark.parametrize("cut", [0, 10, 39, 40, 75, -1])
def test_damaged_notes_count_as_none(backend: FolderBackend, cut: int) -> None:
    keep(backend, ROOT, PACK, files(b"a", b"bb"))
    (key,) = keys(backend)
    path = backend.path(key)
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:cut] if cut >= 0 else data[:-1] + bytes([data[-1] ^ 1]))
    assert noted(backend, ROOT) == {}
    assert list(KeptFiles(backend).needed([ROOT])) == []
    keep(backend, ROOT, PACK, files(b"a"))
    assert noted(backend, ROOT) == {PACK: set(files(b"a"))}


def test_files_are_needed_without_their_pack_only(backend: FolderBackend) -> None:
    keep(backend, ROOT, PACK, files(b"a", b"bb"))
    keep(backend, ROOT, SECOND, files(b"d"))
    backend.put([(object_key(one), b"") for one in (SECOND[0], Digest.of(b"bb"), Digest.of(b"d"))])
    kept = KeptFiles(backend)
    assert set(kept.needed([OTHER, ROOT, ROOT])) == {Digest.of(b"a"), Digest.of(b"bb")}
    assert kept.drop_rest(time.time() + 60, dry_run=False) == 0
    assert len(keys(backend)) == 2


def test_notes_that_nothing_asks_for_go_when_they_are_old(backend: FolderBackend) -> None:
    keep(backend, ROOT, PACK, files(b"a"))
    keep(backend, OTHER, PACK, files(b"b"))
    backend.put([(f"{KEPT}stranger/file", b""), (object_key(Digest.of(b"a")), b"a")])
    kept = KeptFiles(backend)
    list(kept.needed([ROOT]))
    assert kept.drop_rest(time.time() - 60, dry_run=False) == 0
    assert kept.drop_rest(time.time() + 60, dry_run=True) == 1
    assert noted(backend, OTHER) != {}
    assert kept.drop_rest(time.time() + 60, dry_run=False) == 1
    assert noted(backend, OTHER) == {}
    assert noted(backend, ROOT) != {}
    backend.delete([object_key(Digest.of(b"a"))])
    kept = KeptFiles(backend)
    assert list(kept.needed([ROOT])) == []
    assert kept.drop_rest(time.time() + 60, dry_run=False) == 1
    assert keys(backend) == [f"{KEPT}stranger/file"]
