"""What is wanted of packs that are not here, and files of packs that are objects of their own."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from directories import reference as ref
from directories.homes import Home, fill
from radops import native

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "a/1": b"one" * 1000,
    "a/2": b"two" * 500,
    "a/same": b"one" * 1000,
    "b/3": b"three",
    "b/none": b"",
    "large": bytes(5 * ref.MIB),
}


class Lost(Home):
    """A home with a directory of one pack and one large file, and whose files are put aside."""

    def __init__(self, path: Path, folder: Path) -> None:
        super().__init__(path)
        fill(folder, FILES)
        (folder / "link").symlink_to("a/1")
        self.tree = self.reader(self.add(folder))
        place = self.tree.place("a/1")
        assert place is not None
        self.pack = place[0]

    def own(self, data: bytes) -> Path:
        """Put a file of the directory into the home as an object of its own."""
        path = self.object(ref.digest_of(data))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path


@pytest.fixture
def home(tmp_path: Path) -> Lost:
    return Lost(tmp_path / "home", tmp_path / "folder")


def taken(*files: bytes) -> int:
    """Return what files take in a pack: their bytes and their lines in the trailer."""
    return sum(len(ref.encode([ref.digest_of(one), len(one)])) + len(one) for one in files)


def test_nothing_is_lacking_where_all_is_here(home: Lost) -> None:
    assert home.tree.lacking() == home.tree.lacking(["a"], first=True) == []


def test_what_is_lacking_counts_each_content_once(home: Lost) -> None:
    home.object(home.pack[0]).unlink()
    one, two, three = FILES["a/1"], FILES["a/2"], FILES["b/3"]
    assert home.tree.lacking(["a"], first=True) == [(home.pack, 1, len(one), taken(one))]
    assert home.tree.lacking(["b", "link"]) == [(home.pack, 1, 5, taken(three))]
    assert home.tree.lacking(["a"]) == [(home.pack, 2, len(one + two), taken(one, two))]
    ((_, files, size, whole),) = home.tree.lacking()
    assert (files, size) == (3, len(one + two + three))
    # A tail of 16 bytes, and the head of a list.
    assert whole == home.pack[1] - 17
    home.own(one)
    assert home.tree.lacking(["a"]) == [(home.pack, 1, len(two), taken(two))]
    home.own(two)
    assert home.tree.lacking(["a"]) == []


def test_large_files_are_lacking_as_a_whole(home: Lost) -> None:
    place = home.tree.place("large")
    assert place is not None
    home.object(place[0][0]).unlink()
    assert home.tree.lacking() == [(place[0], 1, 5 * ref.MIB, 5 * ref.MIB)]


def test_files_are_found_in_their_packs(home: Lost) -> None:
    def placed(*patterns: str) -> list[tuple[int, int, int, bytes]]:
        *numbers, digests = home.tree.placed([(bytes(32), 1), home.pack], list(patterns))
        columns = [array("I", one) for one in numbers]
        rows = zip(*columns, strict=True)
        return [(*row, digests[at * 32 : at * 32 + 32]) for at, row in enumerate(rows)]

    one, two, three = FILES["a/1"], FILES["a/2"], FILES["b/3"]
    rows = [(1, 0, 3000), (1, 3000, 1500), (1, 4500, 5)]
    named = [(*row, ref.digest_of(data)) for row, data in zip(rows, (one, two, three), strict=True)]
    assert placed() == named
    assert placed("a/same", "b") == [named[0], named[2]]
    assert placed("link", "b/none", "large") == []


def test_files_are_read_from_objects_of_their_own(home: Lost, tmp_path: Path) -> None:
    home.object(home.pack[0]).unlink()
    with pytest.raises(native.MissingObjectsError):
        home.tree.read("a/1")
    own = home.own(FILES["a/1"])
    home.own(FILES["a/2"])
    assert home.tree.read("a/same") == FILES["a/1"]
    home.tree.write(tmp_path / "out", ["a"], time=1)
    assert (tmp_path / "out/a/2").read_bytes() == FILES["a/2"]
    assert home.tree.summary()[3] == (5, 2 * 3000 + 1500 + 5 * ref.MIB)
    # Where the pack is not here, no layout is proven by them.
    with pytest.raises(native.MissingObjectsError):
        home.tree.prove()
    own.write_bytes(bytes(3000))
    with pytest.raises(native.MissingObjectsError) as missing:
        home.tree.read("a/1")
    assert missing.value.args == ([home.pack],)


def test_a_damaged_pack_is_made_good_by_them(home: Lost) -> None:
    path = home.object(home.pack[0])
    path.chmod(0o644)
    path.write_bytes(bytes(home.pack[1]))
    with pytest.raises(native.BadSliceError):
        home.tree.read("a/1")
    home.own(FILES["a/1"])
    assert home.tree.read("a/1") == FILES["a/1"]
