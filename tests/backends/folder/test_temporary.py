"""Temporary files: which are leftovers, and whose they are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from radops.backends.folder import temporary
from radops.backends.folder.backend import FolderBackend
from radops.backends.process import in_file_name, this_process
from radops.errors import UsageError

needs_identity = pytest.mark.skipif(not this_process(), reason="the system does not name processes")


@pytest.fixture
def home(tmp_path: Path) -> FolderBackend:
    backend = FolderBackend(tmp_path / "store")
    backend.put([("a", b"1")])
    return backend


def maker_that_ended() -> str:
    program = (
        "from radops.backends.process import in_file_name, this_process\n"
        "print(in_file_name(this_process()))"
    )
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


@needs_identity
def test_remove_stale(home: FolderBackend) -> None:
    tmp = home.root / "tmp"
    now, old = time.time(), time.time() - 7200
    gone, mine = maker_that_ended(), in_file_name(this_process())
    host = temporary.host_name()
    elsewhere = f"{gone.split('.')[0]}.1.{gone.split('.', 2)[2]}"  # another PID namespace
    names = {
        f"{gone}.00ff-1": (now, True),
        f"{mine}.00ff-2": (old, False),  # is being written
        f"{mine}.00ff-3": (old - 1e6, True),
        f"{elsewhere}.00ff-4": (old, False),
        f"{elsewhere}.00ff-5": (old - 1e6, True),
        f"{host}.1999999.00ff-6": (old, False),  # of an earlier version: whose, is not known
        f"{host}.1999999.00ff-7": (old - 1e6, True),
        "partial-abc": (old - 1e6, False),  # not made here
        f"partial-{64 * 'a'}.{gone}.00ff-8": (old, False),  # the next download takes it up
    }
    for name, (modified, _) in names.items():
        (tmp / name).touch()
        os.utime(tmp / name, (modified, modified))
    folder = tmp / f"{gone}.00ff-9"  # where `staged()` lets a writer write
    folder.mkdir()
    (folder / "table.parquet").touch()
    assert home.remove_stale(86_400) == 5
    assert set(os.listdir(tmp)) == {name for name, (_, goes) in names.items() if not goes}


def test_temporary_names_tell_who_made_them() -> None:
    names = temporary.TemporaryNames()
    (first,), others = names.take(1), names.take(2)
    assert len({first, *others}) == 3
    expected = in_file_name(this_process()) or f"{temporary.host_name()}.{os.getpid()}"
    assert temporary.maker_of(first) == expected
    assert temporary.maker_of(f"partial-{64 * 'a'}.{first}") == expected
    assert temporary.maker_of("partial-abc") is None
    assert temporary.is_ours(first)
    assert temporary.is_ours(f"/home/tmp/{first}")
    assert temporary.is_ours("train.csv")
    # The name of another process can begin with ours.
    assert not temporary.is_ours(f"{expected}1.{first.rpartition('.')[2]}")
    assert not temporary.is_over(first)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_neither_removes_nor_publishes_what_its_parent_began(
    home: FolderBackend,
) -> None:
    (path,) = home.new_temporaries(1)
    path.write_bytes(b"of the parent")
    upload = home.upload("b", 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            temporary.discard(str(path))
            upload.abort()
            try:
                home.adopt([(path, "c")])
            except UsageError:
                status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert path.read_bytes() == b"of the parent"
    assert home.stat("c") is None
    upload.abort()
    home.adopt([(path, "c")])
    assert os.listdir(home.root / "tmp") == []
