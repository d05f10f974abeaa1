"""A real server behind a proxy that fails: writing, deleting and moving."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, pattern
from radops.backends.base import MOVE_SECONDS, KeyNotFoundError
from radops.backends.parts import MIB
from radops.backends.s3 import backend as s3_backend
from radops.backends.s3.client import Timeouts
from radops.errors import (
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UnsafeRemoteError,
)
from servers.fixtures import needs_ceph
from servers.http_faults import (
    Answer,
    CutUpload,
    DropReply,
    FlipUpload,
    IgnoreIfNoneMatch,
    Refuse,
    Reply,
    Stall,
    StallUpload,
)
from servers.proxy import FaultProxy

if TYPE_CHECKING:
    from radops.backends.s3.backend import S3Backend
    from servers.http_faults import Fault
    from servers.server import S3Server


@pytest.mark.parametrize("size", [MIB, 12 * MIB])
@pytest.mark.parametrize(
    "fault", [CutUpload(700_000), FlipUpload(700_000), Refuse(), DropReply(), Stall(5)], ids=repr
)
def test_an_upload_survives(proxy: FaultProxy, backend: S3Backend, size: int, fault: Fault) -> None:
    data = pattern(size)
    upload = backend.upload("a", size)
    proxy.inject(fault, method="PUT")
    for number in range(-(-size // upload.part_size)):
        start = number * upload.part_size
        part = BytesPart(data[start : start + upload.part_size])
        try:
            upload.write(number, part)
        except RemoteUnavailableError:
            # Bytes that were damaged on the way are refused by the server, which is no failure
            # of the connection: botocore does not send them again by itself.
            assert isinstance(fault, FlipUpload)
            assert backend.stat("a") is None
            upload.write(number, part)
    upload.commit()
    with backend.open("a") as reader:
        assert reader.read() == data


def test_a_server_that_takes_a_part_slowly_is_waited_for(proxy: FaultProxy) -> None:
    # More than all the buffers between hold, so that sending it has to wait.
    data = pattern(24 * MIB)
    timeouts = Timeouts(connect=5, read=0.5, transfer=60)
    bucket = proxy.server.new_bucket()
    backend = proxy.backend(bucket, timeouts=timeouts, part_size=24 * MIB)
    proxy.inject(StallUpload(after=700_000, seconds=2), method="PUT", times=None)
    backend.upload("a", len(data)).write(0, BytesPart(data))
    with proxy.server.backend(bucket).open("a") as reader:
        assert reader.read() == data


class SlowPart(BytesPart):
    """A part that takes its time, as on a slow line."""

    def read(self, size: int = -1, /) -> bytes:
        time.sleep(0.35)
        return super().read(size)


@pytest.mark.slow
def test_a_part_that_took_long_is_sent_again_when_its_connection_breaks(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    data = pattern(2 * MIB)
    proxy.inject(CutUpload(len(data) - 100), method="PUT")
    backend.upload("a", len(data)).write(0, SlowPart(data))
    assert proxy.count("PUT") == 2
    with backend.open("a") as reader:
        assert reader.read() == data


def test_a_server_that_takes_a_part_and_never_answers_is_given_up(
    proxy: FaultProxy, backend: S3Backend, timeouts: Timeouts
) -> None:
    proxy.inject(Stall(), method="PUT", times=None)
    began = time.monotonic()
    with pytest.raises(RemoteUnavailableError):
        backend.upload("a", MIB).write(0, BytesPart(pattern(MIB)))
    # One retry begins after a timeout, none after that.
    assert time.monotonic() - began < 4 * timeouts.transfer + 20


def test_damaged_bytes_are_never_stored(proxy: FaultProxy, backend: S3Backend) -> None:
    proxy.inject(FlipUpload(3), method="PUT", times=None)
    for call in (backend.put, backend.create):
        with pytest.raises(RadopsError):
            call([("a", b"12345")])
    proxy.reset()
    assert backend.stat("a") is None


def test_a_commit_whose_reply_was_lost(proxy: FaultProxy, backend: S3Backend) -> None:
    data = pattern(6 * MIB)
    upload = backend.upload("a", len(data))
    upload.write(0, BytesPart(data[: 5 * MIB]))
    upload.write(1, BytesPart(data[5 * MIB :]))
    proxy.inject(DropReply(), method="POST")
    upload.commit()
    upload.abort()
    with backend.open("a") as reader:
        assert reader.read() == data


@needs_ceph
def test_a_commit_whose_reply_was_lost_on_Ceph(ceph: S3Server) -> None:  # noqa: N802
    with FaultProxy(ceph) as proxy:
        test_a_commit_whose_reply_was_lost(proxy, proxy.backend(part_size=5 * MIB))


def test_a_commit_of_an_upload_that_was_collected(proxy: FaultProxy, backend: S3Backend) -> None:
    upload = backend.upload("a", 6 * MIB)
    upload.write(0, BytesPart(bytes(5 * MIB)))
    upload.write(1, BytesPart(bytes(MIB)))
    time.sleep(2.1)
    assert backend.remove_stale(1) == 1
    with pytest.raises(RemoteUnavailableError):
        upload.commit()
    assert backend.stat("a") is None


def test_abort_does_not_hide_the_error_that_led_to_it(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    upload = backend.upload("a", 6 * MIB)
    proxy.inject(Answer(503), times=None)
    upload.abort()


def test_a_create_whose_reply_was_lost(proxy: FaultProxy, backend: S3Backend) -> None:
    proxy.inject(DropReply(), method="PUT")
    # botocore tries again and finds the key. Callers compare the stored bytes.
    assert backend.create([("a", b"mine")]) == [False]
    with backend.open("a") as reader:
        assert reader.read() == b"mine"


@needs_ceph
def test_a_create_whose_reply_was_lost_on_Ceph(ceph: S3Server) -> None:  # noqa: N802
    with FaultProxy(ceph) as proxy:
        test_a_create_whose_reply_was_lost(proxy, proxy.backend())


def test_a_create_waits_for_a_conflict_to_end(proxy: FaultProxy, backend: S3Backend) -> None:
    proxy.inject(Answer(409, "ConditionalRequestConflict"), method="PUT", times=3)
    assert backend.create([("a", b"1")]) == [True]
    assert proxy.count("PUT") == 4


def test_a_conflict_that_does_not_end(proxy: FaultProxy, backend: S3Backend) -> None:
    proxy.inject(Answer(409, "ConditionalRequestConflict"), method="PUT", times=None)
    began = time.monotonic()
    with pytest.raises(RemoteUnavailableError, match="keep creating the same keys"):
        backend.create([("a", b"1")])
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("server", ["seaweedfs", pytest.param("ceph", marks=needs_ceph, id="Ceph")])
def test_a_server_that_ignores_the_condition(request: pytest.FixtureRequest, server: str) -> None:
    with FaultProxy(request.getfixturevalue(server)) as proxy:
        backend = proxy.backend()
        proxy.inject(IgnoreIfNoneMatch(), method="PUT", times=None)
        # How a probe finds out: its own bytes again, and no "exists".
        assert backend.create([("a", b"1")]) == [True]
        assert backend.create([("a", b"1")]) == [True]


def test_a_server_that_does_not_know_the_condition(proxy: FaultProxy, backend: S3Backend) -> None:
    proxy.inject(Answer(501, "NotImplemented"), method="PUT", times=None)
    with pytest.raises(UnsafeRemoteError, match="If-None-Match") as caught:
        backend.create([("a", b"1")])
    assert caught.value.exit_code == 7
    with pytest.raises(RemoteRefusedError):
        backend.put([("a", b"1")])


# Deleting


@pytest.mark.parametrize(
    "fault", [Answer(501, "NotImplemented"), Answer(405, "MethodNotAllowed")], ids=repr
)
def test_a_server_that_deletes_one_at_a_time(
    proxy: FaultProxy, backend: S3Backend, fault: Fault
) -> None:
    backend.put([("a", b"1"), ("b", b"2"), ("c", b"3")])
    proxy.inject(fault, method="POST", times=None)
    backend.delete(["a", "b", "not there"])
    assert [entry.key for entry in backend.list("")] == ["c"]
    assert proxy.count("DELETE") == 3


def test_errors_in_the_reply_to_a_batch(proxy: FaultProxy, backend: S3Backend) -> None:
    def reply(code: str) -> None:
        error = f"<Error><Key>p/a</Key><Code>{code}</Code><Message>said</Message></Error>"
        body = f"<DeleteResult>{error}</DeleteResult>"
        proxy.inject(Reply(200, body), method="POST")

    reply("NoSuchKey")
    backend.delete(["a", "b"])
    reply("AccessDenied")
    with pytest.raises(RemoteRefusedError, match="access denied"):
        backend.delete(["a", "b"])
    reply("SlowDown")  # the keys are deleted again
    backend.delete(["a", "b"])


# Moving


def test_a_move_that_stops_in_the_middle_leaves_both(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", b"1")])
    proxy.inject(Answer(503), method="DELETE", times=None)
    with pytest.raises(RemoteUnavailableError):
        backend.move("a", "b")
    proxy.reset()
    for key in ("a", "b"):
        with backend.open(key) as reader:
            assert reader.read() == b"1"
    backend.move("a", "b")
    assert [entry.key for entry in backend.list("")] == ["b"]


def test_a_move_of_a_machine_that_slept_deletes_nothing(
    backend: S3Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have settled what it copied by then, and need the original."""
    backend.put([("a", b"1")])
    times = iter([0.0, MOVE_SECONDS + 1, 0.0, MOVE_SECONDS - 1])
    monkeypatch.setattr(s3_backend, "clock", lambda: next(times))
    with pytest.raises(RemoteUnavailableError, match="is not deleted"):
        backend.move("a", "b")
    assert sorted(entry.key for entry in backend.list("")) == ["a", "b"]
    backend.move("a", "b")
    assert [entry.key for entry in backend.list("")] == ["b"]


def test_a_source_that_goes_away_before_it_is_copied(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", b"1")])
    proxy.inject(Answer(404, "NoSuchKey"), method="PUT")
    with pytest.raises(KeyNotFoundError):
        backend.move("a", "b")
