"""Reading, comparing, writing and rebuilding directories, held against brute force."""

from __future__ import annotations

import fnmatch
import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directories import reference as ref
from directories.homes import Home, entries_of, fill, shown
from radops import native
from radops.errors import InvalidUIDError
from radops.format.pattern import match

TIME = 1_700_000_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: Any) -> tuple[Home, Path, native.TreeReader, list[ref.Entry]]:
    """Return a home with a directory of several pages, and the folder that it was made of."""
    top = tmp_path_factory.mktemp("many")
    home, folder = Home(top / "home"), top / "folder"
    chance = random.Random(1)
    files = {}
    for number in range(9000):
        name = f"{number:05}.{'jpg' if number % 3 else 'txt'}"
        files[f"{number % 7}/{number % 11}/{name}"] = chance.randbytes(number % 50)
    fill(folder, files)
    (folder / "7/empty").mkdir(parents=True)
    (folder / "7/link").symlink_to("../0/0/00000.txt")
    reader = home.reader(home.add(folder))
    assert reader.pages > 2
    return home, folder, reader, entries_of(folder)[0]


def everything(reader: native.TreeReader, *patterns: str, most: int = 700) -> list[Any]:
    found: list[Any] = []
    while True:
        after = found[-1][0] if found else ""
        more = reader.select(list(patterns), after=after, most=most)
        found += more
        if len(more) < most:
            return found


def test_entries_are_found(many: Any) -> None:
    _, _, reader, entries = many
    assert everything(reader) == [shown(entry) for entry in entries]
    for entry in entries[::97]:
        assert reader.find(entry.path) == shown(entry)
    for path in ("", "0", "0/0", "9", "0/0/00000", "0/0/00000.txt/x", "\U0010ffff"):
        assert reader.find(path) is None
    assert reader.select(most=0) == []


@pytest.mark.parametrize("what", ["root", "layout"])
def test_what_no_root_or_layout_can_be_is_not_read(what: str, tmp_path: Path) -> None:
    """A record can name any object: one of terabytes must be neither fetched nor read."""
    home, folder = Home(tmp_path / "home"), tmp_path / "folder"
    fill(folder, {"a": b"1"})
    huge, added = (bytes(32), 1 << 42), home.add(folder)
    with pytest.raises(native.TreeFormatError, match="more than"):
        native.TreeReader(home.path, *((huge,) if what == "root" else (added.root, huge)))


@pytest.mark.parametrize(
    ("pattern", "regex"),
    [
        ("3/*/*.jpg", r"3/[^/]*/[^/]*\.jpg"),
        ("3", r"3/.*"),
        ("3/", r"3/.*"),
        ("3/1", r"3/1/.*"),
        ("**/0001?.txt", r"(.*/)?0001[^/]\.txt"),
        ("*", r".*"),
        ("[12]/*/*5*", r"[12]/[^/]*/[^/]*5[^/]*"),
        ("7/**", r"7/.*"),
        ("nothing/*", r"nothing"),
        ("{3,4}/*", r"\{3,4\}/.*"),
    ],
)
def test_patterns(pattern: str, regex: str, many: Any) -> None:
    _, _, reader, entries = many
    wanted = [entry.path for entry in entries if re.fullmatch(regex, entry.path)]
    assert [entry[0] for entry in everything(reader, pattern)] == wanted


def test_patterns_are_those_of_names(tmp_path: Path) -> None:
    """One rule for all patterns: this one in Rust, that of names of the lake in Python."""
    names = [
        "a", "b", "ab", "a-b", "a^b", "a,b", "{a}", "x{y", "é", "猫.jpg", "A", "t/a", "t/ab",
        "t/b/c", "t/.h", "t/u/a", "t/u/é", "[z]", "a[b", "a\nb",
    ]  # fmt: skip
    home, folder = Home(tmp_path / "home"), tmp_path / "folder"
    fill(folder, dict.fromkeys(names, b"1"))
    reader = home.reader(home.add(folder))
    chance = random.Random(7)
    parts = [
        "a", "b", "t", "/", "*", "**", "?", ".", "-", ",", "{", "}", "é", "猫", "[a]", "[!a]",
        "[^é]", "[à-ü]", "[a-b]", "[{]", "[+-9]", "[[]", "[", "[]a]",
    ]  # fmt: skip
    for _ in range(3000):
        pattern = "".join(chance.choices(parts, k=chance.randint(1, 4)))
        try:
            expected = {
                name
                for name in names
                if any(match(pattern.rstrip("/"), above) for above in (name, *parents(name)))
            }
        except InvalidUIDError:
            if "]" in re.sub(r"\[[!^]?\]?[^\]/]*\]", "", pattern):
                continue  # alone it is an error in names, which cannot have it, but not in paths
            with pytest.raises(ValueError, match="a "):
                reader.select([pattern])
            continue
        assert {found[0] for found in reader.select([pattern])} == expected, pattern


def parents(path: str) -> list[str]:
    return [path[:at] for at, letter in enumerate(path) if letter == "/"]


def test_several_patterns_name_each_entry_once(many: Any) -> None:
    _, _, reader, entries = many
    found = [
        entry[0] for entry in everything(reader, "3/1/*", "3/**", "1/*/*.txt", "3/1/00003.jpg")
    ]
    wanted = [
        entry.path
        for entry in entries
        if entry.path.startswith("3/") or fnmatch.fnmatch(entry.path, "1/*/*.txt")
    ]
    assert found == wanted
    with pytest.raises(ValueError, match=r"\[a"):
        reader.select(["[a"])


def test_folders_are_listed(many: Any) -> None:
    _, folder, reader, _ = many
    for inner in ("", "3", "3/1", "7"):
        names = sorted(
            f"{path.name}/" if path.is_dir() and os.listdir(path) else path.name
            for path in (folder / inner).iterdir()
        )
        found: list[Any] = []
        while more := reader.children(inner, after=found[-1][0] if found else "", most=50):
            found += more
        assert sorted(name for name, _ in found) == names
        assert len(found) == len(names)
    assert reader.children("nothing") == []
    assert dict(reader.children("7"))["empty"][1] == ref.FOLDER


def test_pages_that_are_not_here_are_named(many: Any, tmp_path: Path) -> None:
    home, _, reader, _ = many
    other = Home(tmp_path / "home")

    def bring(objects: list[tuple[bytes, int]]) -> None:
        for digest, _ in objects:
            other.object(digest).parent.mkdir(exist_ok=True)
            shutil.copy(home.object(digest), other.object(digest))

    root, layout = tops(home)
    with pytest.raises(native.MissingObjectsError) as missing:
        native.TreeReader(other.path, root)
    assert missing.value.args == ([root],)
    bring([root, layout])
    there = native.TreeReader(other.path, root, layout)
    with pytest.raises(native.MissingObjectsError):
        there.find("3/1/00003.jpg")
    needed = there.missing(["3/1/"])
    assert 0 < len(needed) < len(there.parts())
    bring(needed)
    assert there.missing(["3/1/"]) == []
    assert everything(there, "3/1") == everything(reader, "3/1")
    bring(there.missing())
    assert there.check() == reader.entries
    packs = there.needed(["3/1"])
    with pytest.raises(native.MissingObjectsError) as missing:
        there.write(tmp_path / "out", ["3/1"], time=TIME)
    assert set(missing.value.args[0]) <= set(packs)
    bring(packs)
    assert there.write(tmp_path / "out2", ["3/1"], time=TIME)[0] > 0


def tops(home: Home) -> list[tuple[bytes, int]]:
    """Return the root and the layout in a home with one directory."""
    found = {}
    for path in (home.path / "objects").glob("*/*"):
        data = path.read_bytes()
        for kind in (b"radops/directory", b"radops/layout"):
            if kind + b"e" in data[:40] or kind + b"d" in data[:40]:
                found[kind] = (ref.digest_of(data), len(data))
    return [found[b"radops/directory"], found[b"radops/layout"]]


# ------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize("threads", [1, 3])
def test_a_folder_is_written_as_it_was(many: Any, threads: int, tmp_path: Path) -> None:
    _, folder, reader, entries = many
    progress = native.Progress()
    out = tmp_path / "out"
    written = reader.write(out, time=TIME, threads=threads, progress=progress)
    assert written == (reader.entries, reader.bytes)
    assert progress.files == reader.files
    assert entries_of(out) == entries_of(folder)
    for path in [out, *out.rglob("*")]:
        assert path.lstat().st_mtime == TIME
        if not path.is_symlink():
            assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() else 0o644)
    with pytest.raises(FileExistsError):
        reader.write(out, time=TIME)
    assert reader.write(tmp_path / "some", ["3/1", "7/link"], time=TIME)[0] == sum(
        entry.path.startswith("3/1/") or entry.path == "7/link" for entry in entries
    )


def test_modes_are_those_that_were_wanted(tmp_path: Path) -> None:
    home, folder, out = Home(tmp_path / "home"), tmp_path / "folder", tmp_path / "out"
    fill(folder, {"a/run": b"1", "a/data": b"2", "large": bytes(5 * ref.MIB)})
    (folder / "a/run").chmod(0o700)
    reader = home.reader(home.add(folder, executables=True))
    reader.write(out, time=TIME, file_mode=0o444, executable_mode=0o555, folder_mode=0o555)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in [out, *out.rglob("*")]}
    assert modes == {"out": 0o555, "a": 0o555, "run": 0o555, "data": 0o444, "large": 0o444}
    assert (out / "large").read_bytes() == bytes(5 * ref.MIB)
    for path in (out, out / "a"):
        path.chmod(0o755)


def test_wrong_bytes_are_never_written(tmp_path: Path) -> None:
    home, folder = Home(tmp_path / "home"), tmp_path / "folder"
    fill(folder, {"a": b"11111111", "b": b"22222222", "large": bytes(5 * ref.MIB)})
    added = home.add(folder)
    reader = home.reader(added)
    (pack, size), offset = reader.place("b")
    path = home.object(pack)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    assert reader.read("a") == b"11111111"
    with pytest.raises(native.BadSliceError) as bad:
        reader.read("b")
    assert bad.value.args == ("b", pack, size)
    assert reader.prove() == (1, [("b", (pack, size))])
    with pytest.raises(native.BadSliceError):
        reader.write(tmp_path / "out", time=TIME)
    assert not (tmp_path / "out/b").exists() or (tmp_path / "out/b").read_bytes() == b""
    large, _ = reader.place("large")
    home.object(large[0]).chmod(0o644)
    home.object(large[0]).write_bytes(b"1" + bytes(5 * ref.MIB - 1))
    with pytest.raises(native.DamagedObjectError):
        reader.write(tmp_path / "out2", ["large"], time=TIME)
    home.object(added.layout[0]).chmod(0o644)
    home.object(added.layout[0]).write_bytes(bytes(added.layout[1]))
    with pytest.raises(native.DamagedObjectError):
        home.reader(added)


def test_nothing_outside_is_written_whatever_stands_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that the file system does not tell from another is found by its inode."""
    home, folder, out = Home(tmp_path / "home"), tmp_path / "folder", tmp_path / "out"
    # Many files, so that the other process has time.
    fill(folder, {f"{number:05}": b"%d" % number for number in range(3000)})
    fill(folder, {"zz/file": b"1"})
    reader = home.reader(home.add(folder))
    pid = os.fork()
    if pid == 0:
        while not out.exists():
            pass
        (out / "zz").symlink_to(tmp_path)
        os._exit(0)
    try:
        with pytest.raises(FileExistsError) as taken:
            reader.write(out, time=TIME, threads=1)
    finally:
        os.waitpid(pid, 0)
    assert taken.value.filename == str(out / "zz")
    assert taken.value.filename2 == "zz"
    assert not (tmp_path / "file").exists()


# ------------------------------------------------------------------------------ comparing


TREES = st.dictionaries(
    st.sampled_from([f"{a}{b}" for a in ("", "x/", "x-", "y/z/") for b in "abcdef"]),
    st.integers(1, 4),
    max_size=12,
)


def difference(left: dict[str, int], right: dict[str, int]) -> tuple[Any, ...]:
    """Return what differs, by brute force."""
    added = sorted((right.keys() - left.keys()), key=str.encode)
    removed = sorted((left.keys() - right.keys()), key=str.encode)
    changed = sorted(path for path in left.keys() & right.keys() if left[path] != right[path])
    moved = []
    for path in list(added):
        before = [old for old in removed if left[old] == right[path]]
        if before:
            moved.append((before[0], path))
            removed.remove(before[0])
            added.remove(path)
    return added, removed, changed, moved


def differs(left: native.TreeReader, right: native.TreeReader) -> tuple[Any, ...]:
    added, removed, changed, moved = native.diff_trees(left, right)
    assert all(old[0] == new[0] and old != new for old, new in changed)
    return (
        [entry[0] for entry in added],
        [entry[0] for entry in removed],
        [old[0] for old, _ in changed],
        [(old[0], new[0]) for old, new in moved],
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees=st.tuples(TREES, TREES))
def test_small_directories_are_compared(
    trees: tuple[dict[str, int], dict[str, int]], tmp_path_factory: Any
) -> None:
    top = tmp_path_factory.mktemp("diff")
    home = Home(top / "home")
    readers = []
    for number, tree in enumerate(trees):
        folder = top / str(number)
        folder.mkdir()
        fill(folder, {path: b"%d" % content for path, content in tree.items()})
        readers.append(home.reader(home.add(folder)))
    assert differs(*readers) == difference(*trees)
    assert differs(readers[0], readers[0]) == ([], [], [], [])
    shutil.rmtree(top)


def test_only_pages_that_differ_are_needed(many: Any, tmp_path: Path) -> None:
    home, folder, reader, _ = many
    copy = tmp_path / "folder"
    shutil.copytree(folder, copy, symlinks=True)
    (copy / "3/3/00003.txt").write_bytes(b"changed")
    (copy / "0/new").write_bytes(b"new")
    (copy / "5/5/00005.jpg").rename(copy / "5/5/moved")
    other = Home(tmp_path / "home")
    added = other.add(copy)
    there = other.reader(added)
    found = differs(reader, there)
    assert found == (["0/new"], [], ["3/3/00003.txt"], [("5/5/00005.jpg", "5/5/moved")])
    alone = Home(tmp_path / "alone")
    for home_of, names in ((home, tops(home)[:1]), (other, [added.root])):
        for digest, _ in names:
            alone.object(digest).parent.mkdir(exist_ok=True)
            shutil.copy(home_of.object(digest), alone.object(digest))
    left = native.TreeReader(alone.path, tops(home)[0])
    right = native.TreeReader(alone.path, added.root)
    missing = native.missing_to_diff_trees(left, right)
    assert len(missing) < len(reader.parts())
    for digest, _ in missing:
        source = home if home.object(digest).exists() else other
        alone.object(digest).parent.mkdir(exist_ok=True)
        shutil.copy(source.object(digest), alone.object(digest))
    assert differs(left, right) == found


# ------------------------------------------------------------------------------ rebuilding


def test_a_layout_is_made_again_from_the_packs(many: Any) -> None:
    home, _, reader, _ = many
    root, layout = tops(home)
    bare = native.TreeReader(home.path, root)
    found, staged, lost, names = bare.rebuild(reader.sources(), home.stem())
    assert (found, lost, names) == (layout, 0, [])
    assert layout[0] in {file[1] for file in staged}
    assert root[0] in {file[1] for file in staged}
    home.admit(staged)
    some = reader.sources()[1:]
    found, staged, lost, names = bare.rebuild(some, home.stem())
    assert (found, staged) == (None, [])
    assert lost > 0
    assert len(names) == min(10, lost)
    assert list((home.path / "tmp").iterdir()) == []
