"""A real server behind a proxy that fails: what S3 backends survive, and what they say else."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, pattern
from radops.backends.base import Entry
from radops.backends.parts import MIB
from radops.errors import (
    RemoteUnavailableError,
)
from servers.http_faults import (
    Answer,
    Cut,
    Delay,
    DropReply,
    Flip,
    Refuse,
    Reply,
    Stall,
    Truncate,
)
from servers.proxy import FaultProxy, wait_until

if TYPE_CHECKING:
    from radops.backends.s3.backend import S3Backend
    from servers.http_faults import Fault

SIZE = 3 * MIB


PASSING = [Refuse(), Answer(500), Answer(502), Answer(503), Answer(429), DropReply(), Stall(5)]


@pytest.mark.parametrize("fault", [*PASSING, Delay(0.3), Cut(0)], ids=repr)
def test_a_fault_that_passes_is_not_seen(
    proxy: FaultProxy, backend: S3Backend, fault: Fault
) -> None:
    backend.put([("a", b"1")])
    proxy.inject(fault, method="GET")
    with backend.open("a") as reader:
        assert reader.read() == b"1"
    proxy.inject(fault, method="GET")
    assert [entry.key for entry in backend.list("")] == ["a"]
    if not isinstance(fault, Cut):
        proxy.inject(fault, method="HEAD")
        assert backend.stat("a") is not None
        proxy.inject(fault, method="PUT")
        backend.put([("b", b"2")])
        proxy.inject(fault, method="PUT")
        backend.upload("c", 1).write(0, BytesPart(b"3"))
        proxy.inject(fault, method="PUT", skip=1)
        backend.move("b", "d")
        proxy.inject(fault, method="POST")
        backend.delete(["c", "d"])
        assert [entry.key for entry in backend.list("")] == ["a"]


@pytest.mark.parametrize("fault", [*PASSING, Cut(0)], ids=repr)
def test_a_fault_that_stays_is_an_error(
    proxy: FaultProxy, backend: S3Backend, fault: Fault
) -> None:
    backend.put([("a", b"1")])
    proxy.inject(fault, times=None)
    began = time.monotonic()
    with pytest.raises(RemoteUnavailableError) as caught:
        backend.open("a").read()
    assert caught.value.exit_code == 6
    assert caught.value.hint
    with pytest.raises(RemoteUnavailableError):
        list(backend.list(""))
    assert time.monotonic() - began < 60
    assert proxy.count() <= 2 * 7 + 1  # bounded


# Reading


def test_a_read_goes_on_where_it_was_cut(proxy: FaultProxy, backend: S3Backend) -> None:
    data = pattern(SIZE)
    backend.put([("a", data)])
    proxy.reset()
    proxy.inject(Cut(1_000_000), method="GET")
    proxy.inject(Cut(500_000), method="GET")
    with backend.open("a", 100) as reader:
        assert reader.read() == data[100:]
    wait_until(lambda: proxy.count("GET") == 3)  # the proxy notes a request when it is over
    first, second, third = proxy.matching("GET")
    assert first.headers["range"] == "bytes=100-"
    assert "if-match" not in first.headers
    starts = []
    for resumed in (second, third):
        assert resumed.headers["if-match"]
        starts.append(int(resumed.headers["range"].removeprefix("bytes=").partition("-")[0]))
    assert 100 < starts[0] < starts[1]
    assert proxy.bytes_sent() < SIZE + 2 * MIB


def test_a_read_in_pieces_goes_on_where_it_was_cut(proxy: FaultProxy, backend: S3Backend) -> None:
    data = pattern(SIZE)
    backend.put([("a", data)])
    proxy.inject(Cut(SIZE - 1), method="GET")
    pieces = []
    with backend.open("a") as reader:
        while piece := reader.read(77_777):
            pieces.append(piece)
    assert b"".join(pieces) == data


def test_a_read_that_always_breaks_ends(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", pattern(SIZE))])
    proxy.reset()
    proxy.inject(Cut(100), method="GET", times=None)
    with backend.open("a") as reader, pytest.raises(RemoteUnavailableError, match="broke"):
        reader.read()
    assert proxy.count("GET") == 4


def test_a_read_that_gets_ahead_a_little_each_time_comes_to_its_end(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    data = pattern(8 * MIB)
    upload = backend.upload("a", len(data))
    upload.write(0, BytesPart(data[: 5 * MIB]))
    upload.write(1, BytesPart(data[5 * MIB :]))
    upload.commit()
    proxy.inject(Cut(MIB + 100), method="GET", times=None)
    with backend.open("a") as reader:
        assert reader.read() == data


def test_a_stalled_read_is_taken_up_again(proxy: FaultProxy, backend: S3Backend) -> None:
    data = pattern(SIZE)
    backend.put([("a", data)])
    reader = backend.open("a")
    reader.read(10)
    reader.close()
    proxy.inject(Cut(MIB), method="GET")
    proxy.inject(Stall(5), method="GET")
    with backend.open("a") as reader:
        assert reader.read() == data


def test_a_resumed_read_never_mixes_two_objects(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", pattern(SIZE))])
    proxy.inject(Cut(2 * MIB), method="GET")
    reader = backend.open("a")
    reader.read(MIB)
    backend.put([("a", bytes(SIZE))])
    with pytest.raises(RemoteUnavailableError, match="changed"):
        reader.read()


def test_an_object_that_goes_away_while_it_is_read(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", pattern(SIZE))])
    proxy.inject(Cut(2 * MIB), method="GET")
    reader = backend.open("a")
    reader.read(MIB)
    backend.delete(["a"])
    with pytest.raises(RemoteUnavailableError, match="went away"):
        reader.read()


def test_a_range_that_is_too_short_is_not_taken_for_the_end(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    backend.put([("a", pattern(1000))])
    proxy.inject(Truncate(50), method="GET")
    with pytest.raises(RemoteUnavailableError, match="other bytes"):
        backend.open("a", 100, 200)


def test_readers_of_ranges_do_not_check_bytes(proxy: FaultProxy, backend: S3Backend) -> None:
    # S3 has no checksum of a range: callers compare digests.
    backend.put([("a", bytes(1000))])
    proxy.inject(Flip(500), method="GET")
    with backend.open("a", 0, 1000) as reader:
        assert reader.read() == bytes(500) + b"\1" + bytes(499)


@pytest.mark.parametrize("after", [0, 1, 100, 300])
def test_a_listing_that_is_cut_is_no_shorter_listing(
    proxy: FaultProxy, backend: S3Backend, after: int
) -> None:
    backend.put([("a", b"1"), ("b", b"2")])
    proxy.inject(Cut(after), key=r"^\?.*list-type")
    assert [entry.key for entry in backend.list("")] == ["a", "b"]
    proxy.inject(Cut(after), key=r"^\?.*list-type", times=None)
    with pytest.raises(RemoteUnavailableError):
        list(backend.list(""))


@pytest.mark.parametrize("to", [0, 1, 100, 300])
def test_a_listing_that_says_it_is_whole_and_is_not(
    proxy: FaultProxy, backend: S3Backend, to: int
) -> None:
    backend.put([("a", b"1"), ("b", b"2")])
    proxy.inject(Truncate(to), key=r"^\?.*list-type", times=None)
    with pytest.raises(RemoteUnavailableError):
        list(backend.list(""))


_LISTING = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


@pytest.mark.parametrize("date", ["", "yesterday", "1795360883"])
def test_a_clock_that_the_server_does_not_tell_is_not_guessed(
    proxy: FaultProxy, backend: S3Backend, date: str
) -> None:
    headers = (("Date", date),) if date else ()
    proxy.inject(Reply(200, _LISTING, headers), method="GET", times=None)
    with pytest.raises(RemoteUnavailableError, match="what time it is"):
        backend.now()
    with pytest.raises(RemoteUnavailableError, match="what time it is"):
        backend.remove_stale(0)


@pytest.mark.parametrize("modified", ["", "yesterday", "1795360883"])
def test_an_object_without_a_time_is_not_taken_for_an_old_one(
    proxy: FaultProxy, backend: S3Backend, modified: str
) -> None:
    headers = (("Last-Modified", modified),) if modified else ()
    proxy.inject(Reply(200, "12345", headers), method="HEAD", times=None)
    with pytest.raises(RemoteUnavailableError, match="no time"):
        backend.stat("a")
    proxy.reset()
    item = (
        f"<Contents><Key>p/a</Key><Size>5</Size><LastModified>{modified}</LastModified></Contents>"
    )
    body = _LISTING.replace("</ListBucketResult>", f"{item}</ListBucketResult>")
    proxy.inject(Reply(200, body), method="GET", times=None)
    with pytest.raises(RemoteUnavailableError, match="no time"):
        list(backend.list(""))


@pytest.mark.parametrize(
    "modified",
    [
        "Sun, 22 Nov 2026 15:21:23 GMT",
        "Sunday, 22-Nov-26 15:21:23 GMT",
        "Sun Nov 22 15:21:23 2026",
    ],
)
def test_all_forms_of_a_time_are_understood(
    proxy: FaultProxy, backend: S3Backend, modified: str
) -> None:
    proxy.inject(Reply(200, "12345", (("Last-Modified", modified),)), method="HEAD")
    assert backend.stat("a") == Entry("a", 5, 1_795_360_883.0)
    proxy.inject(Reply(200, _LISTING, (("Date", modified),)), method="GET")
    assert backend.now() == 1_795_360_883.0


# The proxy itself


def test_the_proxy_counts(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("objects/a b", b"12345")])
    backend.open("objects/a b").read()
    assert proxy.counts() == {"PUT": 1, "GET": 1}
    assert proxy.count("GET", "^p/objects/a b") == 1
    assert proxy.count("GET", "refs/") == 0
    assert proxy.bytes_sent("objects/") == 5
    (put,) = proxy.matching("PUT")
    assert (put.received, put.status, put.fault) == (5, 200, None)
    proxy.reset()
    assert proxy.count() == 0


def test_a_reset_forgets_what_has_not_ended(proxy: FaultProxy) -> None:
    """As requests of a process that was killed."""
    proxy.inject(Stall(2), method="GET", key="^stalled")
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(b"GET /bucket/stalled HTTP/1.1\r\n\r\n")
        wait_until(lambda: proxy.stalled == 1)
        proxy.reset()
        assert client.recv(1) == b""  # the request has ended
    assert proxy.count() == 0
