"""Parts of a check: ranges, the worklist, the journal, partial downloads of other processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from faults import CorruptingBackend, flip_last
from radops.backends.folder.backend import FolderBackend
from radops.backends.memory import MemoryBackend
from radops.errors import CorruptObjectError
from radops.format.digest import Digest
from radops.native import BLOCK_SIZE, hash_bytes
from radops.repository import layout
from radops.repository.objects.catalog import Catalog, Stamp
from radops.repository.objects.store import LocalStore
from radops.repository.transfer.download import fetch
from radops.repository.verify.findings import block_ranges, differing_blocks
from radops.repository.verify.journal import Journal
from radops.repository.verify.records import Needs
from radops.repository.verify.worklist import BATCH, View, Worklist
from reliability.figures import report

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = Digest.of(b"1"), Digest.of(b"2")


def test_ranges_of_neighbours_are_merged_and_end_with_the_object() -> None:
    size = 5 * BLOCK_SIZE + 3
    assert block_ranges([], size) == ()
    assert block_ranges([0, 1, 3, 5], size) == (
        (0, 2 * BLOCK_SIZE),
        (3 * BLOCK_SIZE, 4 * BLOCK_SIZE),
        (5 * BLOCK_SIZE, size),
    )


def test_differing_blocks_of_outlines_of_any_length() -> None:
    good = bytes(96)
    assert differing_blocks(good, good) == []
    assert differing_blocks(good[:32] + b"x" + good[33:], good) == [1]
    assert differing_blocks(good[:40], good) == [1, 2]
    assert differing_blocks(b"", good) == [0, 1, 2]
    assert differing_blocks(good + b"more", good) == []


def test_a_worklist_has_each_object_once_with_the_size_that_somebody_knows() -> None:
    work = Worklist()
    assert work.add_file("b")
    assert not work.add_file("b")
    work.add_object(ONE, -1, "b")
    work.add_object(ONE, 7, "a")
    work.add_object(ONE, -1, "c")
    work.add_view(View("files/a", "a", ONE, 7))
    assert work.totals() == (14, 2)
    assert list(work.objects()) == [[(ONE, 7)]]
    assert list(work.views()) == [[View("files/a", "a", ONE, 7)]]
    assert work.users(ONE) == ("a", "b", "c")
    assert (work.size(ONE), work.size(TWO)) == (7, None)
    work.close()


def test_a_worklist_comes_in_batches() -> None:
    work = Worklist()
    for number in range(2 * BATCH + 1):
        work.add_object(Digest.of(str(number).encode()), 1, "a")
    sizes = [len(batch) for batch in work.objects()]
    assert sizes == [BATCH, BATCH, 1]
    work.close()


def test_what_a_record_needs_comes_back_from_the_catalogue() -> None:
    for needs in (
        Needs("a", 0, ONE, TWO, 2**40, (), ()),
        Needs("b/c", 0, ONE, TWO, 0, (ONE, TWO), ("x/ü", "y")),
    ):
        assert Needs.decode(needs.encode(), needs.uid, needs.record) == needs


def test_a_journal_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "lakes" / "journal"
    first = Journal(path, "here")
    first.add(ONE, 5, 1.25)
    first.close()
    with path.open("ab") as file:
        file.write(f"{TWO} 5 1.2".encode())
    second = Journal(path, "here")
    assert list(second.entries()) == [(ONE, 5, 1.25)]
    second.add(TWO, 6, 2.0)
    second.close()
    assert (TWO, 6, 2.0) in list(Journal(path, "here").entries())
    assert list(Journal(path, "elsewhere").entries()) == []
    second.finish()
    assert not path.exists()


def test_an_old_journal_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal", "here")
    journal.add(ONE, 5, 1.0)
    journal.close()
    now = time.time()
    for later in (8 * 24 * 3600, -60):  # also one from the future: the clock was set back
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert list(journal.entries()) == []


def test_a_check_in_the_instant_of_the_change_is_not_trusted(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    fine, coarse = Stamp(1, 10**18, 10**18 + 1, 7), Stamp(1, 10**18, 10**18, 7)
    for stamp, checked, trusted in (
        (fine, 10**18, False),
        (fine, 10**18 + 1 + 50_000_000, False),
        (fine, 10**18 + 2 + 50_000_000, True),
        # Times in whole seconds, which can be two apart.
        (coarse, 10**18 + 2_050_000_000, False),
        (coarse, 10**18 + 2_050_000_001, True),
    ):
        catalog.remember([("a", stamp, ONE)], checked)
        assert catalog.checked("a", stamp, ONE, strict=True) is trusted
        assert catalog.checked("a", stamp, ONE)
    for other in (stamp._replace(size=2), stamp._replace(ctime_ns=1), stamp._replace(inode=8)):
        assert not catalog.checked("a", other, ONE)
    catalog.close()


def test_numbers_beyond_those_of_the_catalogue(tmp_path: Path) -> None:
    """Some file systems number files with all 64 bits, and take any year for a time."""
    catalog = Catalog(tmp_path / "catalog.sqlite")
    stamps = [
        Stamp(1, 10**18, 10**18, 2**64 - 7),
        Stamp(1, 2**64 + 5, 10**18, 2**63),
        Stamp(1, -(2**64), 10**18, 7),
    ]
    catalog.remember([(str(n), stamp, ONE) for n, stamp in enumerate(stamps)], 2 * 10**18)
    for number, stamp in enumerate(stamps):
        assert catalog.checked(str(number), stamp, ONE)
        assert not catalog.checked(str(number), stamp._replace(inode=8), ONE)
    catalog.close()


def stocked(data: bytes) -> tuple[MemoryBackend, Digest]:
    remote = MemoryBackend()
    digest, outline = hash_bytes(data)
    remote.put(
        [
            (layout.object_key(Digest(digest)), data),
            (layout.outline_key(Digest(digest)), outline),
        ]
    )
    return remote, Digest(digest)


def test_a_partial_file_that_was_finished_just_before_a_kill(tmp_path: Path) -> None:
    data = os.urandom(3 * BLOCK_SIZE)
    remote, digest = stocked(data)
    store = LocalStore(FolderBackend(tmp_path))
    partial = tmp_path / "tmp" / f"partial-{digest}"
    partial.parent.mkdir()
    partial.write_bytes(data)
    partial.chmod(0o444)
    fetched: list[int] = []
    fetch(store, remote, [(digest, len(data))], lambda size, _files: fetched.append(size))
    assert sum(fetched) == 0
    assert store.object_path(digest).read_bytes() == data
    store.close()


def test_a_download_begins_with_the_good_blocks_of_a_bad_copy(tmp_path: Path) -> None:
    data = os.urandom(4 * BLOCK_SIZE + 9)
    remote, digest = stocked(data)
    store = LocalStore(FolderBackend(tmp_path))
    bad = tmp_path / "quarantine" / f"{digest}.00"
    bad.parent.mkdir()
    bad.write_bytes(b"x" + data[1 : 3 * BLOCK_SIZE])
    fetched: list[int] = []
    fetch(store, remote, [(digest, len(data))], lambda size, _files: fetched.append(size))
    assert sum(fetched) == 2 * BLOCK_SIZE + 9
    assert store.object_path(digest).read_bytes() == data
    assert not bad.exists()
    store.close()


@pytest.mark.parametrize("size", [9, 3 * BLOCK_SIZE])
def test_what_arrives_wrong_is_asked_for_once_more_and_then_an_error(
    tmp_path: Path, size: int
) -> None:
    data = os.urandom(size)
    remote, digest = stocked(data)
    store = LocalStore(FolderBackend(tmp_path))
    always = CorruptingBackend(remote, "objects/", flip_last)
    with pytest.raises(CorruptObjectError):
        fetch(store, always, [(digest, size)], lambda _size, _files: None)
    assert not store.object_path(digest).exists()
    once = CorruptingBackend(remote, "objects/", flip_last, times=1)
    fetch(store, once, [(digest, size)], lambda _size, _files: None)
    assert store.object_path(digest).read_bytes() == data
    store.close()


_ADD_MANY = """
import sys
from pathlib import Path
from radops.data_lake import DataLake
folder, number = Path(sys.argv[1]), int(sys.argv[2])
lake = DataLake(home=folder / "home")
source = folder / "source"
source.mkdir()
for index in range(number):
    (source / str(index)).write_bytes(index.to_bytes(8, "big") * 512)
lake.add_many((source / str(index), f"set/{index}") for index in range(number))
"""

_VERIFY_MANY = """
import sys
from pathlib import Path
from radops.data_lake import DataLake
def peak():  # of this program; ru_maxrss includes the parent's
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
folder, number = Path(sys.argv[1]), int(sys.argv[2])
lake = DataLake(home=folder / "home")
before = peak()
report = lake.verify()
assert report.ok and report.files == number, report
print(before, peak(), report.seconds)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the memory of a process")
def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    number = int(os.environ.get("RADOPS_SOAK_FILES") or 10_000)
    environment = {**os.environ, "RADOPS_EMAIL": "ada@example.com", "HOME": str(tmp_path)}

    def run(program: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", program, tmp_path, str(number)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    run(_ADD_MANY)
    before, peak, seconds = map(float, run(_VERIFY_MANY).split())
    report("memory of verify", files=number, peak_mib=round(peak), seconds=round(seconds, 1))
    assert peak - before < 80
    assert peak < 300
