"""`DataLake.gc`: the remote and the home of real lakes."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from backends.bodies import BytesPart
from faults import Crash, CrashingBackend
from lakes import folder, storage
from radops.backends.base import Entry
from radops.backends.parts import MIB
from radops.data_lake import File, file_creator
from radops.errors import (
    CorruptDataError,
    CorruptRecordError,
    ForeignLakeError,
    NewerFormatError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UsageError,
)
from radops.format import cbor
from radops.format.marker import new_marker
from radops.repository.gc.collect import GRACE_SECONDS, collect
from radops.repository.gc.target import Target
from radops.repository.objects import trash
from repository.bucket import silent
from servers.fixtures import needs_ceph

LARGE = b"x" * (1024 * 1024 + 1)
DAY = 24 * 3600.0


@file_creator(name="tests.shout")
def shout(f: File, output_uid: str, text: str = "") -> File:
    out = File(output_uid)
    out.write_text(f.read_text().upper())
    return out


def objects(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "objects").rglob("*") if path.is_file())


def age(*roots: Path, seconds: float = 2 * DAY) -> None:
    """Make everything below look as old as that."""
    then = time.time() - seconds
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file() and not path.name.startswith("catalog"):
                os.utime(path, (then, then))


def everything(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith("catalog")
    }


def test_a_deleted_file_goes_from_the_remote_and_from_here(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", LARGE))
    lake.add(write("b", b"b"))
    lake.delete("a")
    age(folder(shared), storage(lake))
    plan = lake.gc()
    assert (plan.dry_run, plan.candidates, plan.moved, plan.runs) == (True, 2, 2, [])
    assert len(objects(folder(shared))) == len(objects(storage(lake))) == 2
    first = lake.gc(dry_run=False)
    assert (first.moved, first.deleted, len(first.runs)) == (2, 0, 2)
    assert first.remote.moved == first.local.moved == 1
    age(folder(shared), storage(lake))
    second = lake.gc(dry_run=False)
    assert (second.deleted, second.bytes) == (2, 2 * len(LARGE))
    for root in (folder(shared), storage(lake)):
        assert not list(root.glob("trash/*"))
        assert not list(root.rglob("outlines/*/*"))
        assert objects(root) == [lake.info("b").digest.hex[2:]]
    assert lake.file("b").read_bytes() == b"b"
    assert make_lake("two", remote=shared).file("b").read_bytes() == b"b"


def test_by_default_a_day_is_left_alone_and_nothing_is_done(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.delete("a")
    assert lake.gc().candidates == 0
    assert lake.gc().grace == GRACE_SECONDS == DAY
    age(folder(shared), storage(lake), seconds=DAY + 60)
    before = everything(folder(shared)), everything(storage(lake))
    assert lake.gc().candidates == 2
    assert (everything(folder(shared)), everything(storage(lake))) == before


def test_what_is_needed_in_any_lake_of_the_home_stays(make_lake, shared, write) -> None:
    one = make_lake(remote=shared)
    one.add(write("a", b"both"))
    (one.home / "config.toml").write_text("[contexts.alone]\n")
    alone = make_lake(context="alone")
    alone.add(write("b", b"both"), "mine")
    one.delete("a")
    report = one.gc(dry_run=False, grace=0)
    assert (report.remote.moved, report.local.moved) == (1, 0)
    assert alone.file("mine").read_bytes() == b"both"


def test_where(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.delete("a")
    report = lake.gc(grace=0, where="local")
    assert (report.remote, report.local.candidates) == (None, 1)
    report = lake.gc(grace=0, where="remote")
    assert (report.remote.candidates, report.local) == (1, None)
    with pytest.raises(UsageError, match="where"):
        lake.gc(where="here")
    with pytest.raises(UsageError, match="without a remote"):
        make_lake("two").gc(where="remote")
    for grace in (-1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="grace"):
            lake.gc(grace=grace)
    apart = make_lake(remote=shared, offline=True).gc(grace=0)
    assert (apart.remote, apart.local.candidates) == (None, 1)


def test_a_home_or_remote_that_was_never_used(make_lake, shared) -> None:
    lake = make_lake(remote=shared)
    assert lake.gc().places == []
    assert lake.gc(dry_run=False).places == []
    assert not list(folder(shared).iterdir())


def test_pending_results_keep_their_bytes(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    away = folder(shared).with_name("away")

    @file_creator(name="tests.away")
    def leave(f: File) -> File:
        out = File()
        out.write_text(f.read_text() + "made")
        folder(shared).rename(away)
        return out

    with lake.use(), pytest.raises((RemoteUnavailableError, RemoteRefusedError)):
        leave(File("a"))
    away.rename(folder(shared))
    lake = make_lake(remote=shared)
    age(storage(lake))
    assert lake.gc(dry_run=False).local.moved == 0
    assert lake.sync().published


def test_calls_that_are_objects_of_their_own_are_kept(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    with lake.use():
        shout(File("a"), output_uid="out", text="long " * 20_000)
    assert len(objects(folder(shared))) == 3
    assert lake.gc(dry_run=False, grace=0).moved == 0
    two = make_lake("two", remote=shared)
    assert two.info("out").call.params["text"].startswith("long")


# -- when it stops ---------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["remote", "local"])
def test_an_unknown_feature_stops_it(make_lake, shared, write, side: str) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.delete("a")
    marker = (folder(shared) if side == "remote" else storage(lake)) / "radops.cbor"
    tree = cbor.decode(marker.read_bytes())
    marker.unlink()
    marker.write_bytes(cbor.encode({**tree, "gc": ["packs"]}))
    with pytest.raises(NewerFormatError, match="packs"):
        lake.gc(dry_run=False, grace=0, where=side)
    # Readers and writers need not know of it.
    lake.add(write("b", b"b"))
    assert len(objects(folder(shared))) == 2


def test_a_record_that_does_not_decode_stops_it(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.add(write("b", b"b"))
    lake.delete("a")
    path = folder(shared) / "refs/b.radops"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    before = everything(folder(shared))
    with pytest.raises(CorruptRecordError) as caught:
        lake.gc(dry_run=False, grace=0)
    assert caught.value.uid == "b"
    assert "verify" in caught.value.hint
    assert everything(folder(shared)) == before


def test_a_remote_whose_names_are_lost_is_left_alone(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    shutil.rmtree(folder(shared) / "refs")
    with pytest.raises(RadopsError, match="no names at all"):
        lake.gc(dry_run=False, grace=0)
    assert len(objects(folder(shared))) == 1


def test_another_lakes_remote_is_left_alone(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.delete("a")
    marker = folder(shared) / "radops.cbor"
    marker.unlink()
    marker.write_bytes(new_marker().raw)
    # It was right when the lake was opened: the marker is read again.
    with pytest.raises(ForeignLakeError):
        lake.gc(dry_run=False, grace=0)
    assert len(objects(folder(shared))) == 1


def test_a_pending_result_that_does_not_decode_stops_it(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.delete("a")
    place = storage(lake) / "lakes" / lake.lake_id / "pending"
    place.mkdir()
    (place / "x.radops").write_bytes(b"garbage")
    with pytest.raises(CorruptDataError):
        lake.gc(dry_run=False, grace=0, where="local")
    assert len(objects(storage(lake))) == 1


# -- leftovers ----------------------------------------------------------------------------------


def test_what_interrupted_commands_left_is_cleared(make_lake, shared, write) -> None:
    lake = make_lake(remote=shared)
    lake.add(write("a", b"a"))
    lake.add(write("b", b"b"))
    lake.file("a").path()
    lake.file("b").path()
    lake.delete("b")
    view = storage(lake) / "lakes" / lake.lake_id / "files" / "b"
    view.write_bytes(b"b")  # as another machine has it, which only heard of the delete
    tmp = storage(lake) / "tmp"
    (tmp / "partial-x").write_bytes(b"half")
    (tmp / "gc-x").mkdir()
    (tmp / "gc-x" / "00").write_bytes(b"x")
    (tmp / "locks").mkdir(exist_ok=True)
    (tmp / "locks" / "ab").touch()
    (tmp / "notes.txt").write_text("not ours")
    bad = storage(lake) / "quarantine" / "x"
    bad.parent.mkdir()
    bad.write_bytes(b"bad")
    lease = folder(shared) / "leases/k/1"
    lease.parent.mkdir(parents=True)
    lease.touch()
    assert lake.gc(dry_run=False).local.leftovers == 0
    age(storage(lake), folder(shared))
    os.utime(tmp / "gc-x", (0, 0))
    plan = lake.gc()
    assert (plan.local.leftovers, plan.leases) == (3, 1)
    report = lake.gc(dry_run=False)
    assert report.local.leftovers == 4  # with the lock
    assert report.leases == 1
    assert sorted(path.name for path in tmp.iterdir()) == ["locks", "notes.txt"]
    assert not view.exists()
    assert bad.exists()
    assert lake.file("a").path().read_bytes() == b"a"


def test_temporary_files_of_running_processes_stay(make_lake, write) -> None:
    """A training that opened its output first may write it days later."""
    lake = make_lake()
    lake.add(write("a", b"a"))
    with lake.file("late").open("w") as out:
        age(storage(lake))
        lake.gc(dry_run=False)
        out.write("late")
    assert lake.file("late").read_text() == "late"


# -- stopping anywhere ---------------------------------------------------------------------------


def test_local_collection_may_stop_anywhere(make_lake, write) -> None:
    places = 0
    for after in range(100):
        lake = make_lake(f"home-{after}")
        for name in ("a", "b", "c", "d"):
            lake.add(write(name, name.encode()))
        lake.delete("a")
        lake.delete("b")
        session = lake.session

        def round_(backend, session=session) -> None:
            collect(
                Target(
                    backend,
                    lambda: [one.local for one in session.all_lakes()],
                    pending=True,
                    forget=session.store.forget,
                ),
                grace=0,
                dry_run=False,
                scratch=session.store.root / "tmp",
                stages=silent,
            )

        crashed = 0
        backend = CrashingBackend(session.storage, after=after)
        try:
            for _ in range(2):
                round_(backend)
        except Crash:
            crashed = 1
            places += 1
        assert lake.file("c").read_bytes() == b"c"
        for _ in range(3):
            round_(session.storage)
            assert lake.file("d").read_bytes() == b"d"
        assert len(objects(storage(lake))) == 2
        assert not list(storage(lake).glob("trash/*"))
        if not crashed:
            break
    else:
        pytest.fail("it never ended")
    assert places >= 8


# -- a real server -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["SeaweedFS", pytest.param("Ceph", marks=needs_ceph)])
def test_on_a_server(make_lake, request, write, kind: str) -> None:
    server = request.getfixturevalue(kind.lower())
    bucket = server.new_bucket()
    url = f"s3://{bucket}?endpoint_url={server.endpoint_url}"
    lake, two = make_lake(remote=url), make_lake("two", remote=url)
    lake.add(write("a", LARGE))
    lake.add(write("b", b"b"))
    lake.delete("a")
    backend = lake.session.lake.remote.backend
    upload = backend.upload("objects/ab/" + "cd" * 31, 65 * 1024 * 1024)
    # Of another program, in a bucket whose top is the lake.
    other = server.backend(bucket, "logs", part_size=5 * MIB).upload("objects/x", 6 * MIB)
    time.sleep(1.1)  # the server's clock tells whole seconds
    first = lake.gc(dry_run=False, grace=0, where="remote")
    assert (first.moved, first.uploads) == (1, 1)
    upload.abort()
    for number, part in enumerate((5 * MIB, MIB)):
        other.write(number, BytesPart(bytes(part)))
    other.commit()
    # The object, and the key that says when the run was over.
    trashed = [entry.key for entry in backend.list("trash/")]
    assert len(trashed) == 2
    two.add(write("c", b"c"))
    time.sleep(1.1)
    second = lake.gc(dry_run=False, grace=0, where="remote")
    assert (second.moved, second.deleted, second.bytes) == (0, 1, len(LARGE))
    kinds = {entry.key.partition("/")[0] for entry in backend.list("")}
    assert kinds == {"logs", "objects", "refs", "radops.cbor"}
    assert two.file("b").read_bytes() == b"b"


def test_on_a_server_readers_find_what_is_in_the_trash(make_lake, seaweedfs, write) -> None:
    bucket = seaweedfs.new_bucket()
    url = f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}"
    lake, two = make_lake(remote=url), make_lake("two", remote=url)
    run = trash.new_run(0)
    for name, data in (("large", LARGE), ("small", b"s")):
        lake.add(write(name, data))
        digest = lake.info(name).digest
        backend = lake.session.lake.remote.backend
        backend.move(f"objects/{digest.path}", trash.trash_key(run, digest))
    assert two.file("large").read_bytes() == LARGE
    assert two.file("small").read_bytes() == b"s"
    # Just copied, and not closed: the process that does it may not have deleted the original yet.
    assert lake.gc(dry_run=False, where="remote").restored == 0
    backend.put([(trash.closed_key(run), b"")])
    assert lake.gc(dry_run=False, where="remote").restored == 2
    assert isinstance(backend.stat(f"objects/{digest.path}"), Entry)
