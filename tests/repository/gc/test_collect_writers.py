"""The writers' side of collection: their slot comes soon after they looked, or they look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults import WrapperBackend
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake
from radops.errors import CorruptObjectError
from radops.format.uid import UID
from radops.repository import publish as publish_module
from radops.repository import working_lake
from radops.repository.gc.collect import SAFE_GRACE_SECONDS
from radops.repository.objects.store import LocalStore
from radops.repository.publish import GRACE_SECONDS, publish
from radops.repository.refs.draft import Draft
from repository.bucket import GRACE, HOUR, Bucket

if TYPE_CHECKING:
    from radops.format.digest import Digest

LARGE = b"x" * (1024 * 1024 + 1)


@pytest.fixture
def bucket(monkeypatch) -> Bucket:
    bucket = Bucket()
    monkeypatch.setattr(publish_module, "clock", lambda: bucket.time)
    bucket.add("first")
    return bucket


@pytest.fixture
def store(tmp_path):
    store = LocalStore(FolderBackend(tmp_path / "home"))
    yield store
    store.close()


class Happens(WrapperBackend):
    """Does something once, right before an operation."""

    def __init__(self, inner, name: str, prefix: str, event) -> None:
        super().__init__(inner)
        self._at = (name, prefix)
        self._event = event

    def _do(self, name, key, action):
        if self._event is not None and name == self._at[0] and key.startswith(self._at[1]):
            event, self._event = self._event, None
            event()
        return action()


def write(bucket: Bucket, store: LocalStore, backend, data: bytes = LARGE) -> Digest:
    """Publish one file as `new`."""
    staged = store.stage_bytes(data)
    store.admit([staged])
    record = bucket.record("new", staged.digest, size=staged.size)
    draft = Draft([record], [(staged.digest, staged.size)])
    (outcome,), _ = publish(
        store, bucket.repository(backend), [draft], draft.objects, None, lambda _b, _f: None
    )
    assert outcome.created == {UID("new")}
    return staged.digest


def collect_twice(bucket: Bucket, *, between: float = GRACE) -> None:
    bucket.gc()
    bucket.wait(between)
    bucket.gc()


def test_the_promise_is_half_the_grace() -> None:
    assert SAFE_GRACE_SECONDS == GRACE_SECONDS / 2 == 12 * HOUR


@pytest.mark.parametrize("data", [b"small", LARGE])
def test_a_writer_may_build_on_what_is_being_collected(bucket, store, data: bytes) -> None:
    """The object was there when it looked, and was moved to the trash before its slot."""
    old = bucket.put(data.decode())
    bucket.wait()

    def collected() -> None:
        assert bucket.gc().moved == 1
        bucket.wait(GRACE / 2)  # as slow as a writer may be

    digest = write(bucket, store, Happens(bucket.store, "create", "refs/new", collected), data)
    assert digest == old
    bucket.check()
    for _ in range(3):
        bucket.wait(SAFE_GRACE_SECONDS)
        bucket.gc(grace=SAFE_GRACE_SECONDS)
        bucket.check()
    assert bucket.has_object(digest)


def test_a_writer_that_was_slow_looks_again_before_its_slot(bucket, store) -> None:
    """Its other objects took a day to send; the one it found in place is long gone."""
    bucket.put(LARGE.decode(), outline=True)
    bucket.wait()

    class Slow(WrapperBackend):
        slept = False

        def flush(self) -> None:
            super().flush()
            if not self.slept and bucket.repository().slots.read(UID("new"), 0) is None:
                self.slept = True
                collect_twice(bucket)
                assert not bucket.below("trash/")

    # `flush` ends the sending: the object was seen, then collected and swept.
    digest = write(bucket, store, Slow(bucket.store))
    assert bucket.has_object(digest)
    bucket.check()


def test_a_writer_that_was_late_after_all_sends_again(bucket, store) -> None:
    """A laptop that slept between the last look and the slot."""
    bucket.put(LARGE.decode(), outline=True)
    bucket.wait()
    digest = write(
        bucket,
        store,
        Happens(bucket.store, "create", "refs/new", lambda: collect_twice(bucket)),
    )
    assert bucket.has_object(digest)
    bucket.check()


def test_sending_takes_from_the_local_trash(bucket, store) -> None:
    """A local collection may pass while a large upload runs, which nothing keeps here yet."""
    staged = store.stage_bytes(LARGE)
    store.admit([staged])
    store.backend.move(
        f"objects/{staged.digest.path}",
        f"trash/20261122T000000Z-0123456789abcdef/{staged.digest.path}",
    )
    record = bucket.record("new", staged.digest, size=staged.size)
    draft = Draft([record], [(staged.digest, staged.size)])
    publish(store, bucket.repository(), [draft], draft.objects, None, lambda _b, _f: None)
    bucket.check()
    assert store.has(staged.digest, staged.size)


@pytest.mark.parametrize("data", [b"small", LARGE])
def test_sending_does_without_local_bytes_that_were_purged_since(bucket, store, data) -> None:
    digest = bucket.put(data.decode(), outline=True)
    record = bucket.record("new", digest, size=len(data))
    draft = Draft([record], [(digest, len(data))])
    publish(store, bucket.repository(), [draft], draft.objects, None, lambda _b, _f: None)
    bucket.check()


def test_a_local_commit_brings_back_what_was_collected(tmp_path, monkeypatch) -> None:
    """Between taking a file in and its slot, this process slept for a day."""
    monkeypatch.setenv("RADOPS_HOME", str(tmp_path / "home"))
    lake = DataLake(home=tmp_path / "home")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    lake.add(tmp_path / "a.txt", "a")
    make = working_lake.WorkingLake.make

    def slow(self, *arguments):
        other = DataLake(home=tmp_path / "home")
        assert other.gc(dry_run=False, grace=0).moved == 1
        other.close()
        return make(self, *arguments)

    monkeypatch.setattr(working_lake.WorkingLake, "make", slow)
    lake.add(tmp_path / "b.txt", "b")
    assert lake.file("b").read_text() == "b"

    def slower(self, *arguments):
        other = DataLake(home=tmp_path / "home")
        for _ in range(2):
            other.gc(dry_run=False, grace=0)
        other.close()
        return make(self, *arguments)

    monkeypatch.setattr(working_lake.WorkingLake, "make", slower)
    (tmp_path / "c.txt").write_text("c")
    with pytest.raises(CorruptObjectError, match="was removed before c was committed"):
        lake.add(tmp_path / "c.txt", "c")
    assert not lake.file("c").exists()
    lake.close()
