"""What only the remote has, verifying the remote itself, and accidents between the two."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lake.tampering import MIB, flip, in_folder, kinds, noise, object_of, overwrite, slot_of
from radops.data_lake import DataLake, File, file_creator
from radops.errors import CorruptObjectError, RemoteUnavailableError
from radops.repository.verify import remote_objects

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy


@file_creator(name="tests.upper")
def upper(f: File, output_uid: str | None = None) -> File:
    out = File(output_uid) if output_uid else File()
    out.write_text(f.read_text().upper())
    return out


@pytest.fixture
def lake(make_lake, shared: str):
    """A lake with a shared folder behind it, the current one."""
    lake = make_lake(remote=shared)
    with lake.use():
        yield lake


# -- what is not here ------------------------------------------------------------------------------


def test_what_only_the_remote_has_is_counted_and_with_complete_a_finding(
    make_lake, lake: DataLake, shared: str, write
) -> None:
    for uid in ("sets/a", "sets/b", "sets/c"):
        lake.add(write("x", uid), uid)
    lake.delete_local("sets/b")
    report = lake.verify()
    assert (report.ok, report.files, report.not_local) == (True, 2, 1)
    report = lake.verify("sets/", complete=True)
    assert [(one.kind, one.uids) for one in report.findings] == [("not-local", ("sets/b",))]
    assert "download sets/b" in report.findings[0].hint

    other = make_lake("other", remote=shared)  # knows nothing yet
    assert (other.verify().ok, other.verify().files, other.verify().not_local) == (True, 0, 3)
    assert other.verify("sets/").not_local == 3
    assert other.verify("sets/a").not_local == 1
    assert kinds(other.verify(complete=True)) == ["not-local"] * 3
    assert kinds(other.verify("**/[ab]", complete=True)) == ["not-local"] * 2
    other.download("sets/")
    assert other.verify(complete=True).ok


def test_what_it_never_heard_of_is_counted_unless_it_is_quick(
    make_lake, lake: DataLake, shared: str, write
) -> None:
    lake.add(write("a", b"one"), "sets/a")
    make_lake("other", remote=shared).add(write("b", b"two"), "sets/b")
    for targets in ((), ("sets/",), ("sets/*",)):
        report = lake.verify(*targets)
        assert (report.files, report.not_local, report.not_local_known) == (1, 1, True)
        report = lake.verify(*targets, quick=True)
        assert (report.files, report.not_local, report.not_local_known) == (1, 0, False)
    report = lake.verify("sets/a")
    assert (report.not_local, report.not_local_known) == (0, True)
    report = make_lake(remote=shared, offline=True).verify()
    assert (report.ok, report.not_local, report.not_local_known) == (True, 0, False)
    assert make_lake("alone").verify().not_local_known


def test_verifying_this_machine_needs_no_remote(lake: DataLake, shared: str, write) -> None:
    lake.add(write("a", b"one"), "sets/a")
    lake.add(write("b", b"two"), "sets/b")
    lake.delete_local("sets/b")
    shutil.rmtree(in_folder(shared, ""))
    for targets in ((), ("sets/",), ("sets/a",), ("sets/b",)):
        report = lake.verify(*targets)
        assert (report.ok, report.not_local_known) == (
            True,
            targets[:1] in (("sets/a",), ("sets/b",)),
        )


def test_bytes_that_are_here_only_must_be_here(make_lake, shared: str, write) -> None:
    lake = make_lake(remote=shared, offline=True)
    lake.add(write("a", b"one"), "a")
    object_of(lake, "a").unlink()
    assert kinds(lake.verify()) == ["missing"]
    online = make_lake(remote=shared)
    (finding,) = online.verify(repair=True).findings
    assert (finding.kind, finding.repaired) == ("missing", False)


def test_without_its_catalogue_a_machine_asks_what_the_remote_has(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    lake.delete_local("a")
    lake.close()
    (lake.home / "storage" / "catalog.sqlite").unlink()
    assert (lake.verify().ok, lake.verify().not_local) == (True, 1)


# -- the remote itself -----------------------------------------------------------------------------


def test_a_whole_remote(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "sets/a")
    lake.add(write("big", noise(3 * MIB)), "big")
    upper(File("sets/a"), output_uid="sets/b")
    lake.add(write("c", b"gone"), "c")
    lake.delete("c")
    for options in ({}, {"full": True}):
        report = lake.verify(remote=True, **options)
        assert (kinds(report), report.files, report.objects) == ([], 3, 4)
    assert lake.verify("sets/", remote=True).files == 2
    assert lake.verify("sets/b", remote=True, full=True).files == 1


def test_what_is_wrong_in_the_remote_is_found_and_mended_from_here(
    lake: DataLake, shared: str, write
) -> None:
    for uid in ("a", "b", "sets/c", "e"):
        lake.add(write("x", uid * 7), uid)
    lake.add(write("big", noise(3 * MIB)), "big")
    upper(File("a"), output_uid="d")
    lake.add(write("f", b"gone"), "f")
    lake.delete("f")

    in_folder(shared, lake.info("a").digest).unlink()
    overwrite(in_folder(shared, lake.info("b").digest), b"longer than it was")
    flip(in_folder(shared, "refs/sets/c.radops"), 0)
    flip(in_folder(shared, lake.info("big").digest), 2 * MIB + 5)
    outline = in_folder(shared, f"outlines/{lake.info('big').digest.path}")
    outline.chmod(0o644)
    with outline.open("ab") as file:
        file.write(b"x")
    shutil.rmtree(in_folder(shared, "edges"))
    in_folder(shared, "refs/sets.radops").unlink()
    in_folder(shared, "refs/f.radops-gone").unlink()
    in_folder(shared, "refs/e.radops-gone").touch()

    found = {(one.kind, *one.uids) for one in lake.verify(remote=True).findings}
    assert found == {
        ("missing", "a"),
        ("size", "b"),
        ("record", "sets/c"),
        ("outline", "big"),
        ("edge", "d"),
        ("slot", "e"),
        ("slot", "f"),
    }
    report = lake.verify(remote=True, full=True, repair=True)
    assert [one.repair for one in report.problems] == []
    assert ("bytes", "big") in {(one.kind, *one.uids) for one in report.findings}
    assert report.bytes_sent == 7 + 7 + 3 * MIB
    second = lake.verify(remote=True, full=True, repair=True)
    assert {(one.kind, *one.uids) for one in second.findings} == {("folder", "sets")}
    assert lake.verify(remote=True, full=True).ok


def test_wrong_bytes_in_the_remote_come_with_their_ranges(
    lake: DataLake, shared: str, write
) -> None:
    lake.add(write("big", noise(3 * MIB)), "big")
    flip(in_folder(shared, lake.info("big").digest), MIB)
    assert lake.verify(remote=True).ok  # sizes only
    (finding,) = lake.verify(remote=True, full=True).findings
    assert (finding.kind, finding.ranges) == ("bytes", ((MIB, 2 * MIB),))


def test_a_full_check_that_was_killed_goes_on(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        lake.add(write(str(number), f"{number}"), str(number))
    read, done = remote_objects._read, []

    def dying(check, item, count):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(item)
        return read(check, item, count)

    monkeypatch.setattr(remote_objects, "_read", dying)
    monkeypatch.setattr(remote_objects, "SMALL_OBJECT", 0)  # each is read by a call of its own
    with pytest.raises(KeyboardInterrupt):
        lake.verify(remote=True, full=True)
    monkeypatch.undo()
    report = lake.verify(remote=True, full=True)
    assert (report.ok, report.resumed, report.objects) == (True, 5, 12)
    assert lake.verify(remote=True, full=True).resumed == 0  # a new run reads all


def test_strays_in_a_bucket_are_found_and_left_alone(lake: DataLake, shared: str, write) -> None:
    lake.add(write("a", b"one"), "a")
    stray = in_folder(shared, "objects/readme.txt")
    stray.write_text("mine")
    (finding,) = lake.verify(remote=True, repair=True).findings
    assert (finding.kind, finding.repaired, finding.path) == ("stray", False, "objects/readme.txt")
    assert stray.exists()


# -- accidents between the two ---------------------------------------------------------------------


def test_a_replaced_object_of_the_remote_is_never_served(
    make_lake, lake: DataLake, shared: str, write
) -> None:
    lake.add(write("a", b"one"), "a")
    lake.add(write("big", noise(3 * MIB)), "big")
    overwrite(in_folder(shared, lake.info("a").digest), b"0ne")
    flip(in_folder(shared, lake.info("big").digest), MIB)
    other = make_lake("other", remote=shared)
    for uid in ("a", "big"):
        with pytest.raises(CorruptObjectError):
            other.path(uid)
    assert not list((other.home / "storage").glob("objects/*/*"))
    assert lake.verify(remote=True, full=True, repair=True).ok
    assert other.path("a").read_bytes() == b"one"
    assert other.path("big").read_bytes() == noise(3 * MIB)


def test_an_old_backup_of_the_remote_over_newer_machines(
    lake: DataLake, shared: str, write, tmp_path: Path
) -> None:
    lake.add(write("old", b"old"), "old")
    lake.add(write("dead", b"dead"), "dead")
    remote = in_folder(shared, "")
    shutil.copytree(remote, tmp_path / "backup")
    lake.add(write("new", b"new"), "new")
    upper(File("new"), output_uid="made")
    lake.delete("dead")
    shutil.rmtree(remote)
    (tmp_path / "backup").rename(remote)

    assert lake.path("made").read_text() == "NEW"
    assert lake.verify().ok
    found = {(one.kind, *one.uids) for one in lake.verify(remote=True).findings}
    assert found == {
        ("rolled-back", "new"),
        ("rolled-back", "made"),
        ("rolled-back", "dead"),
    }
    report = lake.verify(remote=True, repair=True)
    assert [one.uids for one in report.problems] == [("dead",)]  # to delete is for people
    assert kinds(lake.verify(remote=True)) == ["rolled-back"]
    assert lake.upstream("made") == ["new"]


def test_a_replaced_record_of_the_remote(make_lake, lake: DataLake, shared: str, write) -> None:
    lake.add(write("a", b"one"), "a")
    slot = in_folder(shared, "refs/a.radops")
    elsewhere = make_lake("elsewhere")
    elsewhere.add(write("b", b"two"), "a")
    slot.unlink()
    shutil.copy(slot_of(elsewhere, "a"), slot)
    found = [(one.kind, *one.uids) for one in lake.verify(remote=True).findings]
    assert ("replaced", "a") in found
    assert lake.path("a").read_bytes() == b"one"


def test_a_remote_that_goes_away_during_repair(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.add(write("a", b"one"), "a")
    lake.add(write("b", b"two"), "b")
    overwrite(object_of(lake, "a"), b"0ne")
    overwrite(object_of(lake, "b"), b"tw0")
    tries = []

    def gone(*_args: object) -> None:
        tries.append(1)
        raise RemoteUnavailableError("the remote cannot be reached")

    lake.session.lake.remote.backend.open = gone
    report = lake.verify(repair=True)
    assert [one.repaired for one in report.findings] == [False, False]
    assert len(tries) == 1


# -- over a real server ----------------------------------------------------------------------------


def test_one_byte_flipped_costs_one_block(make_lake, faulty_seaweedfs: FaultProxy, write) -> None:
    bucket = faulty_seaweedfs.server.new_bucket()
    direct = make_lake(remote=faulty_seaweedfs.server.url(bucket, "lake"))
    direct.add(write("big", noise(24 * MIB)), "big")
    lake = make_lake(remote=faulty_seaweedfs.as_server.url(bucket, "lake"))
    flip(object_of(lake, "big"), 12 * MIB)
    (finding,) = lake.verify().findings
    assert finding.ranges == ((12 * MIB, 13 * MIB),)
    faulty_seaweedfs.reset()
    assert lake.verify(repair=True).ok
    assert [r.sent for r in faulty_seaweedfs.matching() if r.key] == [MIB]
    assert sum(request.received for request in faulty_seaweedfs.matching()) == 0
    assert lake.verify().ok
    assert lake.verify(remote=True).ok


@pytest.mark.slow
def test_one_byte_flipped_in_a_gibibyte_costs_one_block(lake: DataLake, tmp_path: Path) -> None:
    path = tmp_path / "big"
    piece = noise(16 * MIB)
    with path.open("wb") as file:
        for number in range(64):
            file.write(number.to_bytes(8, "big") + piece[8:])
    lake.add(path, "big", move=True)
    flip(object_of(lake, "big"), 512 * MIB + 5)
    (finding,) = lake.verify().findings
    assert finding.ranges == ((512 * MIB, 513 * MIB),)
    backend = lake.session.lake.remote.backend
    opened, lengths = backend.open, []

    def counting(key, start=0, length=None):
        lengths.append(length)
        return opened(key, start, length)

    backend.open = counting
    assert lake.verify(repair=True).ok
    assert sum(lengths) <= 2 * MIB
    assert lake.verify().ok


def test_verifying_a_bucket(make_lake, faulty_seaweedfs: FaultProxy, write) -> None:
    server = faulty_seaweedfs.as_server
    bucket = server.new_bucket()
    lake = make_lake(remote=server.url(bucket, "lake"))
    for number in range(20):
        lake.add(write("x", f"{number}"), f"sets/{number}")
    lake.add(write("big", noise(3 * MIB)), "big")
    assert lake.verify(remote=True, full=True).ok
    key = f"lake/objects/{lake.info('big').digest.path}"
    server.client().put_object(Bucket=bucket, Key=key, Body=noise(3 * MIB, 2))
    assert lake.verify(remote=True).ok
    (finding,) = lake.verify(remote=True, full=True).findings
    assert (finding.kind, finding.ranges) == ("bytes", ((0, 3 * MIB),))
    assert lake.verify(remote=True, full=True, repair=True).ok
    assert lake.verify(remote=True, full=True).ok
