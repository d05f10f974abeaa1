"""Collectors that stop in the middle, and several at once."""

from __future__ import annotations

import pytest

from faults import Crash, CrashingBackend, FailingBackend, WrapperBackend
from radops.errors import (
    RadopsError,
)
from radops.format.digest import Digest
from repository.bucket import GRACE, HOUR, Bucket


def crashing_everywhere(make, act) -> int:
    """Stop after every write in turn, look, and do it again; return at how many places."""
    for after in range(1000):
        bucket = make()
        try:
            act(bucket, CrashingBackend(bucket.store, after=after))
        except Crash:
            bucket.check()
            act(bucket, bucket.store)
            bucket.check()
            yield bucket
        else:
            bucket.check()
            yield bucket
            return


def littered() -> Bucket:
    bucket = Bucket()
    for number in range(3):
        bucket.add(f"kept-{number}")
        bucket.put(f"lost-{number}")
    bucket.wait()
    return bucket


def test_a_collection_may_stop_anywhere() -> None:
    places = 0
    for bucket in crashing_everywhere(littered, lambda bucket, backend: bucket.gc(backend)):
        places += 1
        assert len(bucket.below("objects/")) == 3
        # Whatever broke off where: two graces later nothing is left of it.
        for _ in range(3):
            bucket.wait()
            bucket.gc()
            bucket.check()
        assert bucket.below("trash/") == []
        assert len(bucket.below("objects/")) == 3
    assert places >= 7  # three deletes to try, three moves, and the close


def test_a_sweep_may_stop_anywhere() -> None:
    def swept() -> Bucket:
        bucket = littered()
        text = "x" * (1024 * 1024 + 1)
        bucket.put(text, outline=True)
        bucket.put(text + "y", outline=True)
        bucket.wait()
        bucket.gc()
        bucket.wait()
        bucket.name("back", Digest.of(b"lost-0"))
        bucket.name("large", Digest.of(text.encode()))
        return bucket

    places = 0
    for bucket in crashing_everywhere(swept, lambda bucket, backend: bucket.gc(backend)):
        places += 1
        for _ in range(3):
            bucket.wait()
            bucket.gc()
            bucket.check()
        assert bucket.below("trash/") == []
        assert len(bucket.below("objects/")) == 5
        assert len(bucket.below("outlines/")) == 1
    assert places >= 9


def test_a_run_that_broke_off_is_taken_over_a_grace_later(bucket: Bucket) -> None:
    bucket.add("a")
    lost = [bucket.put(f"lost-{number}") for number in range(3)]
    bucket.wait()
    with pytest.raises(Crash):
        bucket.gc(CrashingBackend(bucket.store, after=5))  # between two moves
    (left,) = [digest for digest in lost if bucket.has_object(digest)]
    # It may still be at work as far as anyone can tell: only what it did not move is moved.
    report = bucket.gc()
    assert report.moved == 1
    assert bucket.in_trash(left)
    bucket.wait(GRACE - HOUR)
    assert bucket.gc().moved == 0
    bucket.wait(HOUR)
    report = bucket.gc()
    assert (report.moved, report.deleted) == (2, 1)
    bucket.wait()
    assert bucket.gc().deleted == 2
    assert bucket.below("trash/") == []


def test_a_collector_that_slept_through_a_sweep_loses_nothing(bucket: Bucket) -> None:
    """It read the slots, slept for days, and moves what writers have found in place since.

    It is swept after another grace only: a run is not old before it is closed.
    """
    bucket.add("a")
    digest = bucket.put("b")
    other = bucket.put("c")
    bucket.wait()

    class Sleepy(WrapperBackend):
        asleep = False

        def move(self, source, target):
            if not self.asleep:
                self.asleep = True
                bucket.wait(3 * GRACE)
                # Another collector comes along and does both of its rounds.
                bucket.gc()
                bucket.wait()
                bucket.gc()
                bucket.put("b")
                # A writer finds its object in place, and is about to write its slot.
                assert bucket.has_object(digest)
            return super().move(source, target)

    bucket.gc(Sleepy(bucket.store))
    assert not bucket.has_object(digest)
    report = bucket.gc()
    assert report.deleted == 0
    bucket.wait(GRACE / 2 - 1)
    bucket.name("b", digest)  # just in time
    bucket.check()
    for _ in range(3):
        bucket.wait()
        bucket.gc()
        bucket.check()
    assert not bucket.has_object(other)


def test_two_collectors_at_once_do_each_thing_once(bucket: Bucket) -> None:
    for number in range(4):
        bucket.add(f"kept-{number}")
        bucket.put(f"lost-{number}")
    bucket.wait()

    class Overtaken(WrapperBackend):
        done = False

        def _do(self, name, key, action):
            if name == "move" and not self.done:
                self.done = True
                assert bucket.gc().moved == 4
            return action()

    assert bucket.gc(Overtaken(bucket.store)).moved == 0
    bucket.wait()
    bucket.name("back", Digest.of(b"lost-0"))

    class OvertakenSweep(WrapperBackend):
        done = False

        def _do(self, name, key, action):
            if name == "stat" and not self.done:
                self.done = True
                assert bucket.gc().restored == 1
            return action()

    assert bucket.gc(OvertakenSweep(bucket.store)).restored == 0
    bucket.check()
    assert len(bucket.below("objects/")) == 5
    assert bucket.below("trash/") == []


def test_a_remote_that_fails_in_the_middle_is_collected_by_the_next_try(bucket: Bucket) -> None:
    for at in range(1, 40):
        bucket = littered()
        try:
            bucket.gc(FailingBackend(bucket.store, at=at))
        except RadopsError:
            bucket.check()
        else:
            break
        for _ in range(3):
            bucket.gc()
            bucket.wait()
        assert bucket.below("trash/") == []
        assert len(bucket.below("objects/")) == 3
    else:
        pytest.fail("it never ended")
