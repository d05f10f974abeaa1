"""What adding a folder makes, held against the reference, byte for byte."""

from __future__ import annotations

import os
import random
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directories import reference as ref
from directories.homes import Home, entries_of, fill, shown
from privileges import stopped_by_permissions
from radops import native

SEGMENT = st.one_of(
    st.sampled_from(["a", "b", "a-b", "a.b", "a0", "\u00e9", "e\u0301", "A", "x y"]),
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1)
    .filter(lambda name: name not in {".", "..", ".git", ".radopsignore"})
    .filter(lambda name: len(name.encode()) <= 255),
)
PATHS = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from(["file", "run", "link", "folder", "empty"])
DATA = st.integers(0, 5).map(lambda number: b"data %d" % number)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def make(folder: Path, things: dict[str, tuple[str, bytes]]) -> None:
    """Make files, links and folders; what does not fit beside the others is left out."""
    for path, (kind, data) in things.items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if kind == "folder":
                target.mkdir()
            elif kind == "link":
                target.symlink_to("target")
            else:
                with target.open("xb") as file:
                    file.write(b"" if kind == "empty" else data)
                target.chmod(0o755 if kind == "run" else 0o644)
        except OSError:
            continue


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    things=st.dictionaries(PATHS, st.tuples(KINDS, DATA), max_size=25), executables=st.booleans()
)
def test_any_folder_makes_the_bytes_of_the_reference(
    things: dict[str, tuple[str, bytes]], executables: bool, tmp_path_factory: Any
) -> None:
    top = tmp_path_factory.mktemp("any")
    folder, home = top / "folder", Home(top / "home")
    folder.mkdir()
    make(folder, things)
    entries, contents = entries_of(folder, executables=executables)
    tree = ref.build(entries, contents)
    added = home.add(folder, executables=executables, no_ignore=True)
    assert (added.root[0], added.layout[0]) == (tree.root, tree.layout)
    assert {file[1] for file in added.staged} == set(tree.objects)
    reader = home.reader(added)
    assert reader.select(most=100) == [shown(entry) for entry in entries]
    assert reader.check() == len(entries)
    shutil.rmtree(top)


def numbered(count: int, seed: int, size: int = 9000) -> dict[str, bytes]:
    """Return many files, some of them with the same bytes."""
    chance = random.Random(seed)
    return {
        f"{number % 17:02}/{number % 5}/{number:05}.bin": chance.randbytes(chance.randrange(size))
        if number % 10
        else b"the same"
        for number in range(count)
    }


@pytest.fixture(scope="module")
def several(tmp_path_factory: Any) -> tuple[Path, dict[str, bytes], ref.Tree, int]:
    """Return a folder of several pages and packs, and its directory by the reference."""
    folder = tmp_path_factory.mktemp("several")
    files = numbered(6000, 1, 20_000)
    files["large.bin"] = bytes(ref.MIB * 5)
    files["limit.bin"] = bytes(ref.MIB * 4)
    files["over.bin"] = bytes(ref.MIB * 4 + 1)
    fill(folder, files)
    entries, contents = entries_of(folder)
    tree = ref.build(entries, contents)
    assert len(tree.pages) > 1
    assert len(tree.packs) > 2
    return folder, files, tree, len(entries)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_several_pages_and_packs(threads: int, several: Any, home: Home) -> None:
    folder, files, tree, count = several
    scan = native.FolderScan(folder, threads=threads)
    progress = native.Progress()
    added = scan.add(home.path, home.stem(), threads=threads, progress=progress)
    home.admit(added.staged)
    assert (added.root[0], added.layout[0]) == (tree.root, tree.layout)
    large = {ref.digest_of(files["large.bin"]), ref.digest_of(files["over.bin"])}
    assert {file[1] for file in added.staged} == set(tree.objects) | large
    # Packs and large files first, then what names them.
    order = [file[1] for file in added.staged]
    assert order[-2:] == [tree.root, tree.layout]
    assert set(order[-2 - len(tree.layout_pages) : -2]) == set(tree.layout_pages)
    reader = home.reader(added)
    assert reader.check() == count
    assert reader.prove() == (0, [])
    assert {digest for digest, _ in reader.sources()} == large | set(tree.packs)
    assert progress.bytes >= sum(map(len, files.values())) - 8 * 600
    for path in ("00/0/00000.bin", "01/1/00001.bin", "limit.bin"):
        assert reader.read(path) == files[path]
    assert reader.read("large.bin") is None
    assert reader.place("large.bin") == ((ref.digest_of(files["large.bin"]), 5 * ref.MIB), 0)


def test_one_folder_by_many_ways_has_one_root(folder: Path, home: Home, tmp_path: Path) -> None:
    fill(folder, numbered(3000, 2))
    first = home.add(folder)
    base = home.reader(first)
    # Some files change, some move, some go, some come.
    chance = random.Random(3)
    for path in sorted(folder.rglob("*.bin")):
        what = chance.random()
        if what < 0.05:
            path.write_bytes(chance.randbytes(5000))
        elif what < 0.1:
            path.rename(path.with_suffix(".moved"))
        elif what < 0.15:
            path.unlink()
    (folder / "new").write_bytes(b"new")
    entries, contents = entries_of(folder)
    tree = ref.build(entries, contents)
    plain = Home(tmp_path / "plain").add(folder)
    assert (plain.root[0], plain.layout[0]) == (tree.root, tree.layout)
    stats = tmp_path / "stats"
    stats.write_bytes(first.stats)
    added = home.add(folder, [base], stats)
    assert added.root == plain.root
    assert added.reused
    reader = home.reader(added)
    assert reader.check() == len(entries)
    assert reader.prove() == (0, [])
    written = sum(size for _, _, size, _ in added.staged)
    assert written < 0.4 * plain.bytes
    assert {found for found, _ in reader.sources()} >= {found for found, _ in added.reused}


def test_files_as_they_were_are_not_read_again(folder: Path, home: Home, tmp_path: Path) -> None:
    files = numbered(500, 4)
    fill(folder, files)
    old = time.time() - 100
    first = home.add(folder)
    assert first.read == 500
    stats = tmp_path / "stats"
    stats.write_bytes(first.stats)
    base = [home.reader(first)]
    # What changed just now may change again without its stat telling.
    time.sleep(0.1)
    second = home.add(folder, base, stats)
    stats.write_bytes(second.stats)
    assert second.root == first.root
    assert second.layout == first.layout
    third = home.add(folder, base, stats)
    assert (third.read, third.root, third.layout) == (0, first.root, first.layout)
    # Same size and time of modification; the time of the change tells.
    victim = folder / "01/1/00001.bin"
    os.utime(victim, (old, old))
    stats.write_bytes(home.add(folder, base, stats).stats)
    victim.write_bytes(bytes(len(files["01/1/00001.bin"])))
    os.utime(victim, (old, old))
    fourth = home.add(folder, base, stats)
    assert fourth.read == 1
    assert fourth.root != first.root
    # Damaged stats are no stats.
    stats.write_bytes(third.stats[:-1] + b"?")
    assert home.add(folder, base, stats).read == 500


def test_large_files_that_are_here_are_not_read_again(
    folder: Path, home: Home, tmp_path: Path
) -> None:
    fill(folder, {"large": bytes(5 * ref.MIB), "small": b"1"})
    time.sleep(0.1)
    first = home.add(folder)
    stats = tmp_path / "stats"
    stats.write_bytes(first.stats)
    again = home.add(folder, [home.reader(first)], stats)
    large = (ref.digest_of(bytes(5 * ref.MIB)), 5 * ref.MIB)
    assert again.read == 0
    assert large in again.reused
    assert large[0] not in {file[1] for file in again.staged}
    home.object(large[0]).unlink()
    assert large[0] in {file[1] for file in home.add(folder, [home.reader(first)], stats).staged}


def test_rules_leave_files_out(folder: Path, home: Home) -> None:
    rules = b"# rules\n*.log\n!keep.log\nbuild/\nout/*\n"
    fill(folder, {".radopsignore": rules})
    for path in [
        ".DS_Store", "._a", "a/Thumbs.db", ".ipynb_checkpoints/b", "build/x/y", "build/z",
        "keep.log", "no.log", "a/b.txt", ".radops-checkout", "a/.radops-checkout", "out/1", "out/2",
        "a/.radops-unfinished-1",
    ]:  # fmt: skip
        fill(folder, {path: b"1"})
    scan = native.FolderScan(folder, exclude=["b.*"])
    added = home.add(folder, exclude=["b.*"])
    reader = home.reader(added)
    assert [entry[0] for entry in reader.select()] == [
        ".radopsignore", "a/.radops-checkout", "keep.log", "out",
    ]  # fmt: skip
    assert reader.find("out")[1] == ref.FOLDER
    assert (scan.left_out, scan.rules) == (11, 9)
    everything = home.reader(home.add(folder, no_ignore=True))
    assert everything.entries == 14
    with pytest.raises(ValueError, match=r"exclude, pattern 1"):
        native.FolderScan(folder, exclude=["a{b"])


def test_an_excluded_link_or_git_folder_is_no_reason_to_refuse(folder: Path, home: Home) -> None:
    fill(folder, {"a": b"1", ".git/config": b""})
    (folder / "out").symlink_to("/etc/passwd")
    with pytest.raises(native.FolderRefusedError) as refused:
        home.add(folder)
    assert refused.value.args[0] == [("outside", 1, ["out"]), ("git", 1, [".git"])]
    assert home.add(folder, exclude=[".git/", "out"]).files == 1


def test_everything_that_is_refused_is_found_at_once(folder: Path, tmp_path: Path) -> None:
    fill(folder, {f"deep/{number:02}": b"1" for number in range(3)})
    for number in range(15):
        os.mkfifo(folder / f"fifo{number:02}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
    Path(os.fsdecode(os.fsencode(folder) + b"/b\xffd")).write_bytes(b"1")
    (folder / "up").symlink_to("../x")
    (folder / "deep/fine").symlink_to("../fifo00")
    (folder / "deep/dots").symlink_to("a/../b")
    long = folder
    for _ in range(5):
        long = long / ("x" * 210)
        long.mkdir()
    with pytest.raises(native.FolderRefusedError) as refused:
        native.FolderScan(folder)
    groups = {reason: (count, names) for reason, count, names in refused.value.args[0]}
    assert groups["special"][0] == 16
    assert groups["special"][1] == [f"fifo{number:02}" for number in range(10)]
    assert groups["not-utf8"] == (1, ["b\ufffdd"])
    assert groups["outside"] == (2, ["deep/dots", "up"])
    assert groups["too-long"] == (1, ["/".join(["x" * 210] * 5)])
    assert set(groups) == {"special", "not-utf8", "outside", "too-long"}


def test_links_are_followed_where_that_is_wanted(folder: Path, home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    fill(outside, {"file": b"1", "sub/inner": b"2"})
    fill(folder, {"a/b": b"3"})
    (folder / "a/stays").symlink_to("b")
    (folder / "file").symlink_to(outside / "file")
    (folder / "tree").symlink_to(outside / "sub")
    reader = home.reader(home.add(folder, follow_links=True))
    kinds = {entry[0]: entry[1] for entry in reader.select()}
    assert kinds == {"a/b": 0, "a/stays": 2, "file": 0, "tree/inner": 0}
    assert reader.read("tree/inner") == b"2"
    (folder / "loop").symlink_to(folder)
    (folder / "nothing").symlink_to("/nonexistent/file")
    with pytest.raises(native.FolderRefusedError) as refused:
        home.add(folder, follow_links=True)
    assert refused.value.args[0] == [("dangling", 2, ["loop", "nothing"])]


def change(path: Path) -> None:
    path.write_bytes(b"changed")


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def appear(path: Path) -> None:
    (path.parent / "appeared").write_bytes(b"1")


@pytest.mark.parametrize("meddle", [change, grow, Path.unlink, replace_by_link, appear])
@pytest.mark.parametrize("size", [100, 5 * ref.MIB])
def test_what_changes_meanwhile_is_refused(
    meddle: Any, size: int, folder: Path, home: Home
) -> None:
    fill(folder, {"a/1": b"1" * size, "a/2": b"2", "b/3": b"3"})
    scan = native.FolderScan(folder)
    meddle(folder / "a/1")
    with pytest.raises(native.FolderRefusedError) as refused:
        scan.add(home.path, home.stem())
    assert {reason for reason, _, _ in refused.value.args[0]} == {"changed"}
    assert list((home.path / "tmp").iterdir()) == []


@stopped_by_permissions
def test_unreadable_files_are_refused(folder: Path, home: Home) -> None:
    fill(folder, {"a": b"1", "b": b"2"})
    (folder / "a").chmod(0)
    with pytest.raises(native.FolderRefusedError) as refused:
        home.add(folder)
    assert refused.value.args[0] == [("unreadable", 1, ["a"])]


def test_a_call_can_be_stopped(folder: Path, home: Home) -> None:
    fill(folder, numbered(2000, 5, 40_000))
    progress = native.Progress()
    scan = native.FolderScan(folder)
    threading.Timer(0.01, progress.cancel).start()
    with pytest.raises(InterruptedError):
        while True:
            scan.add(home.path, home.stem(), progress=progress)
    # Only what the finished calls made may be left, and those were not taken: remove it.
    progress = native.Progress()
    progress.cancel()
    before = len(list((home.path / "tmp").iterdir()))
    with pytest.raises(InterruptedError):
        scan.add(home.path, home.stem(), progress=progress)
    assert len(list((home.path / "tmp").iterdir())) == before


def test_no_folder_is_no_directory(folder: Path, home: Home) -> None:
    with pytest.raises(FileNotFoundError):
        native.FolderScan(folder / "nothing")
    fill(folder, {"file": b"1"})
    with pytest.raises(NotADirectoryError):
        native.FolderScan(folder / "file")
    empty = folder / "empty"
    empty.mkdir()
    added = home.add(empty)
    assert (added.entries, added.files, added.bytes) == (0, 0, 0)
    assert home.reader(added).select() == []


def test_packs_of_a_hundred_versions_stay_few_and_mostly_needed(folder: Path, home: Home) -> None:
    chance = random.Random(6)
    files = {f"{number % 40}/{number:05}": chance.randbytes(4096) for number in range(4000)}
    fill(folder, files)
    reader = home.reader(home.add(folder))
    sent = changed = 0
    paths = sorted(files)
    for version in range(100):
        for path in chance.sample(paths, 40):
            files[path] = chance.randbytes(4096)
            (folder / path).write_bytes(files[path])
            changed += 4096
        added = home.add(folder, [reader])
        reader = home.reader(added)
        sent += sum(size for _, digest, size, _ in added.staged if is_pack(home, digest))
        if version % 10 == 9:
            held: dict[bytes, int] = {}
            for path, data in files.items():
                (pack, _), _ = reader.place(path)
                held[pack] = held.get(pack, 0) + len(data)
            assert len(held) <= 24
            for digest, live in held.items():
                packed = native.decode_pack(home.object(digest).read_bytes())
                assert live * 4 >= sum(size for _, size in packed)
    assert reader.prove() == (0, [])
    # Changes of 160 KB a version make small packs, and all but 16 of them have to be packed again:
    # once. Where the changes of a version make a pack of their own, at most 1.5 times as much is
    # sent: see `directory/versions.rs`, which counts that for directories that are too large here.
    assert sent <= 2.2 * changed


def is_pack(home: Home, digest: bytes) -> bool:
    return home.object(digest).read_bytes().endswith(b"radopsPK")
