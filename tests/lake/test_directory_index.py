"""Files of a directory by number: where it was added, and on a machine that has nothing of it."""

from __future__ import annotations

import itertools
import os
import re
import struct
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from directories.lakes import LARGE, fill, many
from radops.data_lake import DataLake, Directory
from radops.errors import ConflictError, CorruptObjectError, UsageError
from radops.repository.objects.reader import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from radops.format.digest import Digest
    from radops.lake.directory.index import FileIndex
    from radops.repository.trees.entries import Entry

# More than one page.
FILES = {**many(4000, size=40), "f3/large.bin": os.urandom(LARGE), "f5/empty.bin": b""}
PATHS = sorted(FILES)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and a remote to which the directory was added, in the folder with it."""
    base = tmp_path_factory.mktemp("index")
    fill(base / "images", FILES)
    with closing(DataLake(home=base / "first", remote=(base / "shared").as_uri())) as lake:
        (base / "shared").mkdir()
        lake.add(base / "images", "images")
    return base


@pytest.fixture
def first(base: Path) -> Iterator[DataLake]:
    """The lake that the directory was added to."""
    with closing(DataLake(home=base / "first", remote=(base / "shared").as_uri())) as lake:
        yield lake


@pytest.fixture
def second(base: Path, tmp_path: Path) -> Iterator[DataLake]:
    """The same on another machine."""
    with closing(DataLake(home=tmp_path / "second", remote=(base / "shared").as_uri())) as lake:
        yield lake


def index_of(lake: DataLake, *patterns: str) -> FileIndex:
    return Directory("images", lake=lake).index(*patterns)


def held(lake: DataLake) -> int:
    """Return the bytes of all objects on this machine."""
    root = lake.session.store.root / "objects"
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def test_numbers_follow_the_paths(second: DataLake) -> None:
    for patterns in ((), ("**",), ("f3",), ("**/*0.bin", "f5/**")):
        check_numbers(second, patterns)


def check_numbers(second: DataLake, patterns: tuple[str, ...]) -> None:
    index = index_of(second, *patterns)
    wanted = [file.inner for file in Directory("images", lake=second).glob(*patterns)]
    assert [file.path for file in index] == wanted
    assert len(index) == len(wanted)
    assert index.bytes == sum(len(FILES[path]) for path in wanted)
    assert len(index.pages) > 1
    assert index[0].path == wanted[0]
    assert index[-1].path == wanted[-1]
    for start, stop in itertools.pairwise([0, 1, 700, len(index) // 2, len(index) + 5]):
        assert [file.path for file in index.between(start, stop)] == wanted[start:stop]
    with pytest.raises(IndexError, match="no file"):
        index[len(index)]


def test_all_files_are_numbered_without_reading_a_page(second: DataLake) -> None:
    assert len(index_of(second)) == len(FILES)
    assert held(second) < 20_000  # root and layout; each page is larger


def test_bytes_are_read_here_and_elsewhere(first: DataLake, second: DataLake) -> None:
    for lake, here in ((first, True), (second, False)):
        index = index_of(lake)
        files = index.between(1000, 3500)
        assert index.are_local(files) is here
        before = held(lake)
        read = index.read([*files[::-1], *files[:3]])
        assert read == [FILES[file.path] for file in [*files[::-1], *files[:3]]]
        assert index.read([]) == []
        # Nothing but tables of contents is kept.
        assert held(lake) - before < 2_000_000
        large = [index[PATHS.index("f3/large.bin")], index[PATHS.index("f5/empty.bin")]]
        assert index.read(large) == [FILES["f3/large.bin"], b""]


def test_plain_listings_have_the_same_files(second: DataLake) -> None:
    directory = Directory("images", lake=second)
    check_listings(directory, ("", "f3", "/f3/", "nothing", "f"))
    assert [name for name, _, _ in directory.rows("f5", base="x/")] == [
        f"x/{path}" for path in PATHS if path.startswith("f5/")
    ]


def test_plain_listings_have_links_and_empty_folders(
    make_lake: Callable[..., DataLake], tmp_path: Path
) -> None:
    top = tmp_path / "linked"
    fill(top, {"a/1.txt": b"one", "a/b/2.txt": b"two", "a*/[x]/3.txt": b"three"})
    (top / "empty").mkdir()
    (top / "to-file").symlink_to("a/1.txt")
    (top / "a" / "to-folder").symlink_to("b")
    lake = make_lake()
    lake.add(top, "linked")
    directory = Directory("linked", lake=lake)
    check_listings(directory, ("", "a", "a/b", "a*", "a*/[x]", "empty", "to-file"))
    assert directory.scan_rows()[0] == ["a*", "a", "empty"]
    assert [name for name, _, _ in directory.scan_rows()[1]] == ["to-file"]


def check_listings(directory: Directory, folders: tuple[str, ...]) -> None:
    for folder in folders:
        below = [(one.inner, one.size, one.digest().raw) for one in directory.below(folder)]
        assert list(directory.rows(folder)) == below
        names, files = directory.scan(folder)
        shown = [(one.name, one.size, one.digest().raw) for one in files]
        assert directory.scan_rows(folder) == (names, shown)


def test_stretches_are_read_here_and_elsewhere(first: DataLake, second: DataLake) -> None:
    large = PATHS.index("f3/large.bin")
    for lake, here in ((first, True), (second, False)):
        index = index_of(lake)
        for start, stop in ((0, 1), (1000, 3500), (large - 2, large + 3), (5, 5)):
            stretch = index.stretch(start, stop)
            wanted = PATHS[start:stop]
            assert [stretch.path(number) for number in range(len(stretch))] == wanted
            assert stretch.bytes == sum(len(FILES[path]) for path in wanted)
            assert stretch.is_local is (here or not wanted)
            assert index.read(stretch.entries()) == [FILES[path] for path in wanted]
            assert split(index.read_all(stretch), len(wanted)) == [FILES[path] for path in wanted]
            for number, path in enumerate(wanted):
                data = FILES[path]
                packed = here and path not in {"f3/large.bin", "f5/empty.bin"}
                assert stretch.read(number) == (data if packed else None)
                assert stretch.is_right(number, data)
                assert not stretch.is_right(number, data + b"1")
        assert list(index.paths()) == PATHS


def split(data: bytes, count: int) -> list[bytes]:
    """Return the files that were read as one."""
    starts = struct.unpack_from(f"<{count + 1}Q", data)
    assert starts[0] == 8 * (count + 1)
    assert starts[-1] == len(data)
    return [data[start:end] for start, end in itertools.pairwise(starts)]


def test_very_many_small_files_are_fetched_by_few_requests(
    second: DataLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(second)
    stretch = index.stretch(0, 3500)
    requests: list[int] = []
    read_span = ObjectReader.read_span

    def counted(reader: ObjectReader, digest: Digest, size: int, start: int, end: int) -> bytes:
        requests.append(end - start)
        return read_span(reader, digest, size, start, end)

    monkeypatch.setattr(ObjectReader, "read_span", counted)
    index.read_all(stretch)
    assert len(requests) == 1
    assert sum(requests) < 1.1 * stretch.bytes


def test_a_stretch_is_not_taken_from_a_damaged_pack(small: DataLake) -> None:
    stretch = index_of(small).stretch(0, 20)
    data = [stretch.read(number) for number in range(20)]
    wrong = data[4]
    assert wrong is not None
    damage(small.session.store.root, wrong)
    assert [stretch.read(number) for number in range(20)] == [*data[:4], None, *data[5:]]


def test_what_tells_of_some_files_is_fetched_in_one_batch(second: DataLake) -> None:
    index = index_of(second, "f3/**", "f5/**")
    index.prepare([(0, 3), (len(index) - 2, len(index))])
    before = held(second)
    assert before < 600_000
    index.stretch(0, 3)
    index.stretch(len(index) - 2, len(index))
    index.prepare([(0, 2)])
    assert held(second) == before


@pytest.fixture
def small(make_lake: Callable[..., DataLake], tmp_path: Path, shared: str) -> DataLake:
    """A lake with a small directory."""
    fill(tmp_path / "images", many(20, size=500))
    lake = make_lake("first", remote=shared)
    lake.add(tmp_path / "images", "images")
    return lake


def test_wrong_bytes_raise_with_the_path(
    small: DataLake, make_lake: Callable[..., DataLake], tmp_path: Path, shared: str
) -> None:
    index = index_of(make_lake("second", remote=shared))
    files = index.between(10, 20)
    whole = index_of(small).read(files)
    damage(tmp_path / "shared", whole[4])
    with pytest.raises(CorruptObjectError, match=files[4].path) as caught:
        index.read(files)
    assert caught.value.uid == "images"
    assert index.read(files[:4]) == whole[:4]
    with pytest.raises(CorruptObjectError, match=files[4].path) as caught:
        index.read_all(index.stretch(10, 20))
    assert caught.value.uid == "images"
    assert split(index.read_all(index.stretch(10, 14)), 4) == whole[:4]


def test_what_arrived_wrong_is_read_again(
    small: DataLake,
    make_lake: Callable[..., DataLake],
    shared: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = index_of(make_lake("second", remote=shared))
    read_span = ObjectReader.read_span
    times: list[int] = []

    def torn(reader: ObjectReader, digest: Digest, size: int, start: int, end: int) -> bytes:
        data = read_span(reader, digest, size, start, end)
        times.append(len(data))
        return data[: len(data) // 2] if len(times) == 1 else data

    monkeypatch.setattr(ObjectReader, "read_span", torn)
    whole = index_of(small).read(index.between(0, 20))
    assert split(index.read_all(index.stretch(0, 20)), 20) == whole
    assert len(times) > 1


def test_bytes_that_stay_wrong_are_not_read_for_ever(small: DataLake) -> None:
    stretch = index_of(small).stretch(0, 20)
    times: list[int] = []

    def read(files: Sequence[Entry]) -> list[bytes]:
        times.append(len(files))
        assert len(times) < 10
        return [b"x"] * len(files)

    with pytest.raises(CorruptObjectError, match=re.escape(stretch.path(0))):
        stretch.read_all(Directory("images", lake=small)._open(), read)
    assert len(times) == 1


def damage(remote: Path, data: bytes) -> None:
    """Change one bit of a file wherever the remote holds it."""
    found = [path for path in (remote / "objects").rglob("*") if path.is_file()]
    holding = [path for path in found if data in path.read_bytes()]
    assert holding
    for path in holding:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(data, bytes([data[0] ^ 1]) + data[1:]))


def test_another_directory_under_the_name_is_not_taken_for_it(
    small: DataLake, tmp_path: Path
) -> None:
    index = index_of(small)
    small.delete("images")
    next((tmp_path / "images" / "f3").iterdir()).unlink()
    small.add(tmp_path / "images", "images")
    renewed = Directory("images", lake=small)
    assert len(renewed.index()) == 19
    index._open_directory = renewed._open  # as after it was unpickled in another process
    with pytest.raises(ConflictError, match="another directory"):
        index.between(0, 1)


def test_a_pattern_that_is_none_is_refused(first: DataLake) -> None:
    with pytest.raises(UsageError, match="pattern"):
        index_of(first, "a[")
