"""Collecting what nothing keeps: the protocol, one step at a time and with a clock that is set."""

from __future__ import annotations

import pytest

from faults import WRITES, CountingBackend, WrapperBackend
from radops.backends.folder.backend import FolderBackend
from radops.errors import (
    CorruptObjectError,
    CorruptRecordError,
    NewerFormatError,
    RadopsError,
    RemoteRefusedError,
)
from radops.format.cbor import encode
from radops.format.digest import Digest
from radops.format.uid import UID, gone_key, slot_key
from radops.repository.layout import object_key, outline_key
from radops.repository.objects import trash
from radops.repository.objects.store import LocalStore
from repository.bucket import GRACE, HOUR, Bucket


def test_what_nothing_keeps_goes_to_the_trash_and_a_grace_later_for_good(bucket: Bucket) -> None:
    kept, lost = bucket.add("a"), bucket.put("lost")
    bucket.wait()
    first = bucket.gc()
    assert (first.slots, first.candidates, first.moved, first.deleted) == (1, 1, 1, 0)
    assert first.moved_bytes == 4
    assert bucket.has_object(kept)
    assert not bucket.has_object(lost)
    assert bucket.in_trash(lost)
    bucket.wait()
    second = bucket.gc()
    assert (second.candidates, second.moved, second.deleted, second.bytes) == (0, 0, 1, 4)
    assert second.swept == [first.run]
    assert bucket.below("trash/") == []
    assert bucket.has_object(kept)


def test_what_is_younger_than_the_grace_is_left_alone(bucket: Bucket) -> None:
    bucket.add("a")
    bucket.wait()
    young = bucket.put("young")
    assert bucket.gc().candidates == 0
    bucket.wait(GRACE - 1)
    assert bucket.gc().candidates == 0
    assert bucket.has_object(young)
    bucket.wait(1)
    assert bucket.gc().moved == 1


def test_the_trash_waits_a_grace_from_when_its_run_closed(bucket: Bucket) -> None:
    bucket.add("a")
    lost = bucket.put("lost")
    bucket.wait()

    class Slow(WrapperBackend):
        """A move takes five hours: the wait begins after the last of them."""

        def _do(self, name, key, action):
            if name == "move":
                bucket.wait(5 * HOUR)
            return action()

    assert bucket.gc(Slow(bucket.store)).moved == 1
    bucket.wait(GRACE - 1)
    assert bucket.gc().deleted == 0
    assert bucket.in_trash(lost)
    bucket.wait(1)
    assert bucket.gc().deleted == 1


def test_what_is_kept_by_then_comes_back(bucket: Bucket) -> None:
    bucket.add("a")
    digest = bucket.put("b")
    bucket.wait()
    bucket.gc()
    bucket.name("b", digest)
    bucket.check()  # out of the trash
    report = bucket.gc()  # at once: there is no reason to wait
    assert (report.restored, report.deleted) == (1, 0)
    assert bucket.has_object(digest)
    bucket.wait()
    bucket.gc()
    assert bucket.below("trash/") == []
    bucket.check()


def test_what_was_sent_anew_meanwhile_needs_no_coming_back(bucket: Bucket) -> None:
    bucket.add("a")
    digest = bucket.put("b")
    bucket.wait()
    bucket.gc()
    bucket.put("b")
    bucket.name("b", digest)
    report = bucket.gc()
    assert report.restored == 0
    assert not bucket.in_trash(digest)
    bucket.check()


def test_intents_keep_and_tombstones_do_not(bucket: Bucket) -> None:
    bucket.add("first")
    one, two, dead = bucket.put("1"), bucket.put("2"), bucket.add("dead")
    bucket.bury("dead")
    records = bucket.call(("x", one), ("y", two))
    # The primary slot does not exist: an intent of a writer that is still at work, or was killed.
    assert bucket.repository().slots.create([(UID("y"), 0, records[1].raw)]) == [True]
    bucket.wait()
    assert bucket.gc().moved == 1
    assert bucket.has_object(one)
    assert bucket.has_object(two)
    assert bucket.in_trash(dead)


def test_a_name_made_again_keeps_its_own_bytes_only(bucket: Bucket) -> None:
    old = bucket.add("a", "old")
    bucket.bury("a")
    new = bucket.put("new")
    bucket.name("a", new, number=1)
    bucket.wait()
    bucket.gc()
    assert bucket.in_trash(old)
    assert bucket.has_object(new)


def test_the_hint_that_a_slot_is_gone_is_not_believed(bucket: Bucket) -> None:
    """It is only a hint for listings; here it would cost a file."""
    digest = bucket.add("a")
    bucket.store.put([(gone_key(slot_key(UID("a"), 0)), b"")])
    bucket.wait()
    assert bucket.gc().candidates == 0
    assert bucket.has_object(digest)


def test_a_tombstone_gets_the_hint_that_listings_want(bucket: Bucket) -> None:
    """The process that deleted was interrupted between the two."""
    bucket.add("a")
    bucket.bury("a")
    assert bucket.gc(dry_run=True).slots == 1
    assert len(bucket.below("refs/")) == 1
    bucket.gc()
    assert bucket.below("refs/") == ["refs/a.radops", "refs/a.radops-gone"]


def test_outlines_follow_their_objects(bucket: Bucket) -> None:
    bucket.add("a")
    text = "x" * (1024 * 1024 + 1)
    kept, lost = bucket.put(text + "1", outline=True), bucket.put(text + "2", outline=True)
    bucket.name("kept", kept)
    bucket.wait()
    bucket.gc()
    assert bucket.below("outlines/") == sorted([outline_key(kept), outline_key(lost)])
    bucket.wait()
    bucket.gc()
    assert bucket.below("outlines/") == [outline_key(kept)]


def test_an_outline_without_its_object_goes(bucket: Bucket) -> None:
    """A sweep that was interrupted between the two leaves one."""
    bucket.add("a")
    known = bucket.put("b", outline=True)
    bucket.name("b", known)
    missing = Digest.of(b"a kept object that is missing: verify tells of it, and repairs it")
    bucket.name("c", missing)
    lost, young = Digest.of(b"lost"), Digest.of(b"young")
    bucket.store.put([(outline_key(lost), b""), (outline_key(missing), b"")])
    bucket.wait()
    bucket.store.put([(outline_key(young), b"")])
    assert bucket.gc().outlines == 1
    assert bucket.below("outlines/") == sorted(map(outline_key, (known, missing, young)))


def test_it_touches_nothing_that_it_does_not_know(bucket: Bucket) -> None:
    bucket.add("a")
    strange = [
        "objects/readme.txt",
        "objects/AB/" + "cd" * 31,
        "objects/ab/" + "cd" * 30,
        "objects/ab/" + "cd" * 32,
        "outlines/x",
        "trash/mine/ab/" + "cd" * 31,
        "trash/20261122T000000Z-0123456789abcdef/notes.txt",
        "quarantine/x",
        "pack/x",
        "backup.tar",
    ]
    bucket.store.put([(key, b"") for key in strange])
    bucket.wait(10 * GRACE)
    bucket.gc()
    bucket.wait(10 * GRACE)
    bucket.gc()
    assert set(strange) <= set(bucket.keys)


# -- when it stops -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"garbage", CorruptRecordError),
        (b"", CorruptRecordError),
        (encode({"kind": "radops/record", "v": 2}), NewerFormatError),
        (encode({"kind": "radops/pack", "v": 1}), NewerFormatError),
    ],
)
def test_a_slot_that_it_cannot_read_stops_it_before_anything_is_moved(
    bucket: Bucket, raw: bytes, error: type[Exception]
) -> None:
    bucket.add("a")
    bucket.put("lost")
    bucket.wait()
    bucket.gc()
    bucket.put("more")
    bucket.wait()
    bucket.store.put([(slot_key(UID("b"), 0), raw)])
    before = bucket.store.snapshot()
    with pytest.raises(error):
        bucket.gc()
    assert bucket.store.snapshot() == before


def test_a_slot_that_answers_for_another_name_stops_it(bucket: Bucket) -> None:
    record = bucket.record("A", bucket.put("x"))
    bucket.store.put([(slot_key(UID("a"), 0), record.raw)])
    bucket.wait()
    with pytest.raises(CorruptRecordError, match="answers with the record"):
        bucket.gc()


def test_a_slot_that_is_listed_but_not_there_stops_it(bucket: Bucket) -> None:
    bucket.add("a")
    bucket.put("lost")
    bucket.wait()

    class Forgetful(WrapperBackend):
        def open(self, key, start=0, length=None):
            return super().open("nothing" if key.startswith("refs/") else key, start, length)

    with pytest.raises(CorruptRecordError, match="listed"):
        bucket.gc(Forgetful(bucket.store))
    assert bucket.below("trash/") == []


def test_objects_without_any_name_are_not_touched(bucket: Bucket) -> None:
    """More likely the names were lost than that all of this is garbage."""
    digest = bucket.put("x")
    assert bucket.gc().moved == 0  # young: nothing is at stake
    bucket.wait()
    with pytest.raises(RadopsError, match="no names at all") as caught:
        bucket.gc()
    assert caught.value.hint
    assert bucket.has_object(digest)
    # One name that was deleted is a name all the same.
    bucket.add("a")
    bucket.bury("a")
    assert bucket.gc().moved == 1


def test_an_empty_lake_has_nothing_to_collect(bucket: Bucket) -> None:
    report = bucket.gc()
    assert (report.slots, report.moved, report.run) == (0, 0, None)
    assert bucket.keys == []


def test_a_server_that_forbids_deleting_says_so_before_anything_is_done(bucket: Bucket) -> None:
    bucket.add("a")
    bucket.put("lost")
    bucket.wait()
    before = bucket.store.snapshot()

    class Guarded(WrapperBackend):
        def delete(self, keys):
            raise RemoteRefusedError("no")

        def move(self, source, target):  # a copy, and a delete that is refused
            with self.inner.open(source) as reader:
                self.inner.put([(target, reader.read())])
            self.delete([source])

    with pytest.raises(RemoteRefusedError):
        bucket.gc(Guarded(bucket.store))
    assert bucket.store.snapshot() == before


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(bucket: Bucket) -> None:
    bucket.add("a")
    bucket.put("gone")
    back = bucket.put("back")
    bucket.wait()
    bucket.gc()
    bucket.name("back", back)
    bucket.put("lost")
    bucket.wait()
    counting = CountingBackend(bucket.store)
    plan = bucket.gc(counting, dry_run=True)
    assert WRITES.isdisjoint(counting.counts())
    assert (plan.candidates, plan.moved, plan.restored, plan.deleted) == (1, 1, 1, 1)
    assert plan.run is None
    done = bucket.gc()
    assert (done.candidates, done.moved, done.restored, done.deleted) == (1, 1, 1, 1)
    assert done.bytes == plan.bytes == 4


# -- readers -------------------------------------------------------------------------------------


def test_readers_find_in_the_trash_what_may_come_back(bucket: Bucket) -> None:
    bucket.add("a")
    digest = bucket.put("b")
    bucket.wait()
    bucket.gc()
    with trash.open_object(bucket.store, digest, 0, 100) as reader:
        assert reader.read() == b"b"
    assert bucket.repository().read_object(digest) == b"b"
    # Whether something is in place is asked of `objects/` alone.
    assert not bucket.repository().has_object(digest, 1)
    with pytest.raises(CorruptObjectError, match="missing"):
        bucket.repository().read_object(Digest.of(b"never was"))


def test_local_readers_take_it_back(tmp_path) -> None:
    store = LocalStore(FolderBackend(tmp_path))
    staged = store.stage_bytes(b"hello")
    store.admit([staged])
    digest = staged.digest
    store.backend.move(object_key(digest), trash.trash_key(trash.new_run(0), digest))
    assert not store.has(digest, 5)
    assert store.proven(digest, 5) == store.object_path(digest)
    assert store.has(digest, 5)
    store.close()


def test_runs_have_names_that_tell_their_time() -> None:
    run = trash.new_run(1_763_817_663.9)
    assert trash.begun(run) == 1_763_817_663
    assert trash.new_run(0) != trash.new_run(0)
    upper = "20261122T000000Z-0123456789ABCDEF"  # a name that was drawn may have no letters
    assert trash.begun(upper.replace("ABCDEF", "abcdef"))
    for name in ("", "x", "20261322T000000Z-0123456789abcdef", run + "0", upper):
        assert trash.begun(name) is None
