"""What is kept of the last verifies: for display, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from radops.errors import UIDNotFoundError, UsageError
from radops.format import cbor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake


def kept(lake: DataLake) -> list[Path]:
    return sorted((lake.home / "storage").glob("lakes/*/verified/*"))


def damage(lake: DataLake, uid: str) -> None:
    path = lake.session.store.object_path(lake.info(uid).digest)
    path.chmod(0o644)
    path.write_bytes(b"lies" * 50)


def test_the_outcome_of_a_verify_is_kept(lake: DataLake, write: Callable[..., Path]) -> None:
    lake.add(write("a", "true" * 50), "a")
    lake.add(write("b", "also" * 50), "b/c")
    assert lake.last_verifies() == []
    damage(lake, "a")
    report = lake.verify()
    (last,) = lake.last_verifies()
    assert (last.remote, last.quick, last.full, last.targets) == (False, False, True, [])
    assert (last.files, last.objects, last.bytes) == (report.files, report.objects, report.bytes)
    assert last.seconds == report.seconds
    assert last.problems == {one.kind: 1 for one in report.problems}
    assert "bytes" in last.problems


def test_a_verify_of_some_files_does_not_hide_that_of_all(
    lake: DataLake, write: Callable[..., Path]
) -> None:
    lake.add(write("a", "true" * 50), "a")
    lake.add(write("b", "also" * 50), "b/c")
    damage(lake, "a")
    lake.verify()
    for quick in (True, False):
        lake.verify("b/", quick=quick)
    some, everything = lake.last_verifies()
    assert (some.targets, some.target_count, some.quick, some.problems) == (["b/"], 1, False, {})
    assert everything.targets == []
    assert "bytes" in everything.problems
    lake.verify(*["b/c"] * 30)
    some, _ = lake.last_verifies()
    assert (some.targets, some.target_count) == (["b/c"] * 20, 30)


def test_the_remote_has_its_own(
    make_lake: Callable[..., DataLake], shared: str, write: Callable[..., Path]
) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", "true" * 50), "a")
    lake.verify()
    lake.verify(remote=True)
    lake.verify(remote=True, full=True)
    remote, here = lake.last_verifies()
    assert (remote.remote, remote.full, remote.files) == (True, True, 1)
    assert (here.remote, here.full, here.files) == (False, True, 1)
    newcomer = make_lake("newcomer", remote=shared)
    newcomer.verify(remote=True)
    assert [one.remote for one in newcomer.last_verifies()] == [True]


def test_a_verify_that_fails_or_is_stopped_keeps_nothing(
    lake: DataLake, write: Callable[..., Path]
) -> None:
    class Stopped:
        def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
            if label == "verifying":
                raise KeyboardInterrupt

        def advance(self, bytes: int, files: int) -> None: ...  # noqa: A002

        def finish(self) -> None: ...

    lake.add(write("a", "true" * 50), "a")
    lake.verify()
    before = lake.last_verifies()
    damage(lake, "a")
    with pytest.raises(KeyboardInterrupt):
        lake.verify(progress=Stopped())
    with pytest.raises(UIDNotFoundError):
        lake.verify("none")
    with pytest.raises(UsageError):
        lake.verify(quick=True, full=True)
    assert lake.last_verifies() == before


def test_a_lake_that_is_not_here_leaves_nothing_behind(lake: DataLake) -> None:
    lake.verify()
    assert lake.last_verifies() == []
    assert not lake.home.exists()


def altered(**changes: object) -> Callable[[bytes], bytes]:
    return lambda data: cbor.encode({**cbor.decode(data, 1 << 16), **changes})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: b"\xff" * 100_000,
        altered(v=2),
        altered(kind="radops/other"),
        altered(more=1),
        altered(files=-1),
        altered(problems=["<b>"]),
        altered(ended_at="yesterday"),
    ],
)
def test_what_cannot_be_read_counts_as_never(
    lake: DataLake, write: Callable[..., Path], spoil: Callable[[bytes], bytes]
) -> None:
    lake.add(write("a", "true" * 50), "a")
    lake.verify()
    (path,) = kept(lake)
    path.chmod(0o644)
    path.write_bytes(spoil(path.read_bytes()))
    assert lake.last_verifies() == []
    lake.verify()
    assert len(lake.last_verifies()) == 1


def test_it_can_be_removed_and_is_no_finding(lake: DataLake, write: Callable[..., Path]) -> None:
    lake.add(write("a", "true" * 50), "a")
    lake.verify()
    assert lake.verify().ok
    for path in kept(lake):
        path.unlink()
    assert lake.last_verifies() == []
    assert lake.verify().ok
    (path,) = kept(lake)
    path.unlink()
    path.mkdir()  # as if by accident
    assert lake.last_verifies() == []
    assert lake.verify().ok


WRITER = """
import sys
from radops.data_lake import DataLake

lake = DataLake(home=sys.argv[1])
for _ in range(20):
    assert lake.verify(*sys.argv[2:]).ok
"""


def test_of_verifies_at_once_one_is_kept_whole(lake: DataLake, write: Callable[..., Path]) -> None:
    lake.add_many([(write(f"f{number}", f"{number}"), f"f/{number}") for number in range(30)])
    names = [f"f/{number}" for number in range(30)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(lake.home), *names[:count]], env=os.environ
        )
        for count in (1, 30)
    ]
    lake.verify("f/1")
    while any(process.poll() is None for process in processes):
        (last,) = lake.last_verifies()
        assert last.files == last.target_count in (1, 30)
    assert [process.wait() for process in processes] == [0, 0]
    assert [path.name for path in kept(lake)] == ["here-some.cbor"]
