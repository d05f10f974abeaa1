"""What directories keep: pages, layouts, source lists, packs and large files, and no more."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from directories import reference as ref
from faults import WrapperBackend
from radops.errors import CorruptObjectError, NewerFormatError
from radops.format.build import Contents, build_import
from radops.format.digest import Digest
from radops.format.record import tombstone
from radops.format.uid import UID
from radops.repository.gc.collect import collect
from radops.repository.gc.target import Target
from radops.repository.layout import object_key
from repository.bucket import GRACE, THEN, Bucket, silent


def tree(number: int, pages: int = 3) -> ref.Tree:
    """Return a directory of several pages, or of one, with a pack for each thousand files."""
    entries, contents = [], {}
    for index in range(4000 * pages if pages > 1 else 10):
        data = b"%d of %d" % (index, number)
        entry = ref.file(f"{index // 1000:02}/{index:05}", data)
        entries.append(entry)
        contents[entry.digest] = data
    large = bytes([number]) * (4 * ref.MIB + 1)
    entries.append(ref.file("large", large))
    found = ref.build(entries, contents)
    found.put(large)
    assert (len(found.pages) > 1) == (pages > 1)
    return found


@dataclasses.dataclass
class Trees:
    """A bucket, and directories that are put there."""

    bucket: Bucket

    def put(self, tree: ref.Tree) -> None:
        items = [(object_key(Digest(digest)), data) for digest, data in tree.objects.items()]
        self.bucket.store.put(items)

    def name(self, uid: str, tree: ref.Tree) -> None:
        record = build_import(
            uid=UID(uid),
            digest=Digest(tree.root),
            size=len(tree.objects[tree.root]),
            source="folder",
            created_at=THEN,
            originator="ada@example.org",
            radops_version="0.1.0",
            directory=Contents(Digest(tree.layout), 1, 1),
        )
        assert self.bucket.repository().slots.create([(UID(uid), 0, record.raw)]) == [True]

    def add(self, uid: str, tree: ref.Tree) -> None:
        self.put(tree)
        self.name(uid, tree)

    def lost(self, tree: ref.Tree) -> set[bytes]:
        """Return objects that are not in `objects/`."""
        return {digest for digest in tree.objects if not self.bucket.has_object(Digest(digest))}

    def bury(self, uid: str) -> None:
        slots = self.bucket.repository().slots
        record = slots.read(UID(uid), 0)
        slots.replace([(UID(uid), 0, tombstone(record.raw, THEN, "ada@example.org"))])


@pytest.fixture
def trees() -> Trees:
    return Trees(Bucket())


@pytest.mark.parametrize("pages", [1, 3])
def test_everything_that_a_directory_consists_of_is_kept(pages: int, trees: Trees) -> None:
    kept, lost = tree(1, pages), tree(2, pages)
    trees.add("a", kept)
    trees.put(lost)
    trees.bucket.wait()
    report = trees.bucket.gc()
    assert trees.lost(kept) == set()
    assert trees.lost(lost) == set(lost.objects)
    assert report.moved == len(lost.objects)
    trees.bucket.wait()
    assert trees.bucket.gc().deleted == len(lost.objects)
    assert trees.lost(kept) == set()
    # A deleted directory keeps nothing.
    trees.bury("a")
    trees.bucket.wait()
    assert trees.bucket.gc().moved == len(kept.objects)


def test_what_two_directories_share_stays_for_the_other(trees: Trees) -> None:
    first = tree(1)
    second = ref.Tree(**{**dataclasses.asdict(first), "objects": dict(first.objects)})
    trees.add("a", first)
    trees.add("b", second)
    trees.bury("a")
    trees.bucket.wait()
    assert trees.bucket.gc().moved == 0
    assert trees.lost(second) == set()


def test_roots_and_lists_are_read_once_and_pages_never(trees: Trees) -> None:
    found = tree(1)
    for uid in ("a", "b", "c"):
        trees.add(uid, found)
    trees.bucket.wait()
    opened = []

    class Watching(WrapperBackend):
        def _do(self, name: str, key: str, action: Any) -> Any:
            if name == "open" and key.startswith("objects/"):
                opened.append(key)
            return action()

    trees.bucket.gc(Watching(trees.bucket.store))
    wanted = [found.root, found.layout, *found.lists]
    assert sorted(opened) == sorted(object_key(Digest(digest)) for digest in wanted)


@pytest.mark.parametrize("part", ["root", "layout", "lists"])
@pytest.mark.parametrize("how", ["missing", "wrong", "newer"])
def test_a_directory_that_cannot_be_read_stops_the_collection(
    part: str, how: str, trees: Trees
) -> None:
    found = tree(1)
    trees.add("a", found)
    trees.bucket.put("lost")
    victim = getattr(found, part)
    key = object_key(Digest(victim[0] if part == "lists" else victim))
    before = trees.bucket.store.snapshot()
    error: Any = CorruptObjectError
    if how == "missing":
        trees.bucket.store.delete([key])
    elif how == "wrong":
        trees.bucket.store.put([(key, b"wrong")])
    elif part == "root":
        newer = ref.encode({"kind": "radops/directory", "v": 2})
        trees.put(ref.Tree(objects={ref.digest_of(newer): newer}))
        trees.name("b", ref.Tree(ref.digest_of(newer), found.layout, {ref.digest_of(newer): newer}))
        error = NewerFormatError
    else:
        return
    trees.bucket.wait()
    with pytest.raises(error):
        trees.bucket.gc()
    assert trees.bucket.below("trash/") == []
    assert before.keys() - trees.bucket.store.snapshot().keys() <= {key}


def test_a_layout_of_another_directory_stops_the_collection(trees: Trees) -> None:
    first, second = tree(1), tree(2)
    trees.put(first)
    trees.put(second)
    trees.name("a", ref.Tree(first.root, second.layout, first.objects))
    trees.bucket.wait()
    with pytest.raises(CorruptObjectError, match="no layout of"):
        trees.bucket.gc()


def test_what_is_in_the_trash_is_still_followed_and_comes_back(trees: Trees) -> None:
    found = tree(1)
    trees.put(found)
    trees.bucket.add("other")
    trees.bucket.wait()
    assert trees.bucket.gc().moved == len(found.objects)
    trees.name("a", found)
    assert trees.bucket.gc().restored == len(found.objects)
    assert trees.lost(found) == set()


def test_in_a_home_a_confirmed_directory_need_not_be_here(trees: Trees) -> None:
    found = tree(1)
    trees.add("a", found)
    store = trees.bucket.store
    lost = trees.bucket.put("lost")
    store.delete([object_key(Digest(found.layout))])
    trees.bucket.wait()

    def gc(*, confirmed: bool) -> Any:
        asked: list[Any] = []

        def answer(slot: str, record: Digest) -> bool:
            asked.append((slot, record))
            return confirmed

        place = Target(store, lambda: [trees.bucket.repository()], pending=False, confirmed=answer)
        report = collect(
            place, grace=GRACE, dry_run=False, scratch=trees.bucket.scratch, stages=silent
        )
        record = trees.bucket.repository().slots.read(UID("a"), 0)
        assert asked == [("refs/a.radops", record.record_digest)]
        return report

    with pytest.raises(CorruptObjectError, match="missing"):
        gc(confirmed=False)
    gc(confirmed=True)
    assert trees.bucket.in_trash(lost)
    # Its record keeps what it names itself, and no more.
    assert trees.bucket.has_object(Digest(found.root))
    assert not trees.bucket.has_object(Digest(found.packs[0]))
