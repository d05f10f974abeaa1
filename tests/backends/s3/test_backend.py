"""What only S3 has, over both servers where they may differ."""

from __future__ import annotations

import socket
import time
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from backends.bodies import BytesPart, pattern
from backends.contract_base import ODD_NAMES
from radops.backends.base import Entry, KeyNotFoundError
from radops.backends.location import RemoteOptions
from radops.backends.parts import MIB
from radops.backends.s3.backend import S3Backend
from radops.backends.s3.client import Timeouts
from radops.backends.s3.listing import list_uploads
from radops.backends.s3.place import addressing_style
from radops.errors import (
    InvalidConfigError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UsageError,
)
from servers.fixtures import needs_ceph
from servers.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.server import S3Server

PROMISED = 20
"""Seconds within which what cannot be reached is given up."""


@pytest.fixture(params=["SeaweedFS", pytest.param("Ceph", marks=needs_ceph)])
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(request.param.lower())
    return found


def everything(backend: S3Backend) -> dict[str, Callable[[], object]]:
    """One call of each operation that asks the server."""
    return {
        "stat": lambda: backend.stat("a"),
        "open": lambda: backend.open("a"),
        "open nothing": lambda: backend.open("a", 0, 0),
        "list": lambda: list(backend.list("")),
        "put": lambda: backend.put([("a", b"1")]),
        "create": lambda: backend.create([("a", b"1")]),
        "upload one": lambda: backend.upload("a", 1).write(0, BytesPart(b"1")),
        "upload many": lambda: backend.upload("a", 200 * MIB),
        "move": lambda: backend.move("a", "b"),
        "delete": lambda: backend.delete(["a"]),
        "delete many": lambda: backend.delete(["a", "b"]),
        "now": backend.now,
        "remove stale": lambda: backend.remove_stale(1),
    }


# What the server refuses


def test_a_missing_bucket(server: S3Server) -> None:
    backend = server.backend("no-such-bucket")
    for name, call in everything(backend).items():
        if server.name == "SeaweedFS" and name.startswith(("put", "create", "upload")):
            continue  # it makes the bucket
        with pytest.raises(RemoteRefusedError, match="no such bucket") as caught:
            call()
        assert caught.value.exit_code == 7, name
        assert "bucket" in (caught.value.hint or "")


@pytest.mark.parametrize("which", ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])
def test_wrong_credentials(server: S3Server, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    bucket = server.new_bucket()
    monkeypatch.setenv(which, "not-the-right-one")
    with FaultProxy(server) as proxy:
        backend = proxy.backend(bucket)
        for name, call in everything(backend).items():
            proxy.reset()
            with pytest.raises(RemoteRefusedError) as caught:
                call()
            assert caught.value.exit_code == 7, name
            assert caught.value.hint
            assert "not-the-right-one" not in f"{caught.value} {caught.value.hint}"
            assert server.secret_key not in f"{caught.value} {caught.value.hint}"
            assert proxy.count() == 1, name  # it was not tried again


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(RemoteRefusedError, match="credentials") as caught:
        seaweedfs.backend(bucket).stat("a")
    assert "AWS_ACCESS_KEY_ID" in (caught.value.hint or "")


def test_no_such_profile(s3_environment: None) -> None:
    backend = S3Backend("bucket", options=RemoteOptions(profile="nobody"))
    with pytest.raises(RemoteRefusedError, match="nobody") as caught:
        backend.stat("a")
    assert "profile" in (caught.value.hint or "")


def test_no_such_ca_bundle(s3_environment: None) -> None:
    options = RemoteOptions(endpoint_url="https://127.0.0.1:1", ca_bundle="/no/such/file")
    with pytest.raises(InvalidConfigError, match="ca_bundle"):
        S3Backend("bucket", options=options).stat("a")


# What cannot be reached


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, so that nobody else comes to listen to it, and refuses connections."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_a_closed_port(s3_environment: None, closed_port: int) -> None:
    options = RemoteOptions(endpoint_url=f"http://127.0.0.1:{closed_port}")
    backend = S3Backend("bucket", options=options)
    for call in everything(backend).values():
        began = time.monotonic()
        with pytest.raises(RemoteUnavailableError, match="cannot be reached") as caught:
            call()
        assert caught.value.exit_code == 6
        assert time.monotonic() - began < PROMISED


def test_a_host_that_does_not_exist(s3_environment: None) -> None:
    options = RemoteOptions(endpoint_url="http://no-such-host.invalid")
    with pytest.raises(RemoteUnavailableError, match="cannot be reached"):
        S3Backend("bucket", options=options).stat("a")


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The URL of a server that lets connections come about and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_never_answers(s3_environment: None, black_hole: str) -> None:
    # One retry begins after a timeout, none after that. By the default timeouts this makes
    # 2 x 8 s and the pause between, which is a second at most: within the 20 s promised.
    timeouts = Timeouts(connect=0.5, read=0.5, transfer=0.5)
    assert 2 * max(Timeouts().read, Timeouts().connect) + 2 < PROMISED
    options = RemoteOptions(endpoint_url=black_hole)
    backend = S3Backend("bucket", options=options, timeouts=timeouts)
    calls = everything(backend)
    for name in ("stat", "list", "create", "upload one"):
        began = time.monotonic()
        with pytest.raises(RemoteUnavailableError) as caught:
            calls[name]()
        assert caught.value.exit_code == 6
        assert time.monotonic() - began < 2 * Timeouts().read


def test_a_server_that_cannot_be_connected_to(s3_environment: None) -> None:
    # A full backlog: the kernel drops what comes after it, as a firewall does.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        options = RemoteOptions(endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        timeouts = Timeouts(connect=0.5, read=0.5)
        began = time.monotonic()
        with pytest.raises(RemoteUnavailableError):
            S3Backend("bucket", options=options, timeouts=timeouts).stat("a")
        assert time.monotonic() - began < 2 * Timeouts().connect
        for filler in fillers:
            filler.close()


# What it can do beside the contract


def test_presigned_url(server: S3Server) -> None:
    backend = server.backend(prefix="p")
    for key in ["a", *(f"o/{name}" for name in ODD_NAMES)]:
        backend.put([(key, key.encode())])
        with urllib.request.urlopen(backend.presigned_url(key, 60)) as response:
            assert response.read() == key.encode()
    url = backend.presigned_url("a", 604_800, filename="träin 1.csv")
    with urllib.request.urlopen(url) as response:
        assert response.headers["Content-Disposition"].endswith("''tr%C3%A4in%201.csv")
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["604800"]
    assert server.secret_key not in url
    for seconds in (0, -1, 604_801):
        with pytest.raises(UsageError):
            backend.presigned_url("a", seconds)


def test_remove_stale(server: S3Server) -> None:
    bucket = server.new_bucket()
    backend = server.backend(bucket, "ours", part_size=5 * MIB)
    other = server.backend(bucket, "others", part_size=5 * MIB)
    stale = [backend.upload(f"a b/{name}", 6 * MIB) for name in range(3)]
    stale[0].write(0, BytesPart(bytes(5 * MIB)))
    kept = other.upload("x", 6 * MIB)
    assert backend.remove_stale(3600) == 0
    time.sleep(2.1)  # servers give whole seconds
    assert backend.remove_stale(1) == 3
    assert backend.remove_stale(1) == 0
    with pytest.raises(RemoteUnavailableError):
        stale[0].write(1, BytesPart(bytes(MIB)))
    for upload in stale:
        upload.abort()
    kept.write(0, BytesPart(bytes(5 * MIB)))
    kept.write(1, BytesPart(bytes(MIB)))
    kept.commit()
    assert other.stat("x") is not None


def test_a_large_object_is_copied_in_parts(server: S3Server) -> None:
    backend = server.backend(prefix="a b")
    data = pattern(12 * MIB)
    upload = backend.upload("x +y", len(data))
    upload.write(0, BytesPart(data))
    entry = backend.stat("x +y")
    assert entry is not None

    def copied(source: Entry) -> None:
        with backend._clients.client(source.key) as client:
            base = backend._base
            client.copy(base + source.key, f"{base}z", source.size, most_at_once=6 * MIB)

    copied(entry)
    with backend.open("z") as reader:
        assert reader.read() == data
    with pytest.raises((KeyNotFoundError, RadopsError)):
        copied(Entry("not there", 12 * MIB, 0.0))
    assert list(list_uploads(backend._clients, backend._base)) == []


@needs_ceph
def test_foreign_keys_on_Ceph(ceph: S3Server) -> None:  # noqa: N802
    """Whatever others put into a bucket can be listed and deleted, and leads nowhere."""
    server = ceph
    bucket = server.new_bucket()
    backend = server.backend(bucket, "p")
    keys = ["../../etc/passwd", "/abs", "a//b", "a/./b", "..", "a\\b", "new\nline", "cr\rx", "é"]
    client = server.client()
    for key in [*keys, "folder/"]:
        client.put_object(Bucket=bucket, Key=f"p/{key}", Body=b"1")
    client.put_object(Bucket=bucket, Key="p", Body=b"outside")
    client.put_object(Bucket=bucket, Key="p/", Body=b"")
    found = [entry.key for entry in backend.list("")]
    assert sorted(found) == sorted(keys)
    for key in found:
        with backend.open(key) as reader:
            assert reader.read() == b"1"
    backend.delete(found)
    assert list(backend.list("")) == []
    assert client.head_object(Bucket=bucket, Key="p")["ContentLength"] == 7


@needs_ceph
class TestCephOverTLS:
    @pytest.fixture
    def backend(self, ceph: S3Server) -> S3Backend:
        assert ceph.tls_endpoint_url is not None
        options = RemoteOptions(endpoint_url=ceph.tls_endpoint_url, ca_bundle=ceph.ca_bundle)
        return ceph.backend(options=options, part_size=5 * MIB)

    def test_reads_and_writes(self, backend: S3Backend) -> None:
        # Ceph 16 does not understand botocore's own checksums over TLS.
        backend.put([("a", b"1"), ("b", b"2")])
        assert backend.create([("a", b"2"), ("c", b"3")]) == [False, True]
        for size in (0, MIB, 12 * MIB):
            data = pattern(size)
            upload = backend.upload("big", size)
            for number in range(max(1, -(-size // upload.part_size))):
                start = number * upload.part_size
                upload.write(number, BytesPart(data[start : start + upload.part_size]))
            upload.commit()
            with backend.open("big") as reader:
                assert reader.read() == data
        backend.delete(["a", "b", "big"])
        assert [entry.key for entry in backend.list("")] == ["c"]

    def test_an_unknown_certificate(self, ceph: S3Server) -> None:
        backend = ceph.backend(options=RemoteOptions(endpoint_url=ceph.tls_endpoint_url))
        with pytest.raises(RemoteRefusedError, match="certificate is not trusted") as caught:
            backend.stat("a")
        assert "ca_bundle" in (caught.value.hint or "")

    def test_no_tls_at_all(self, ceph: S3Server) -> None:
        url = ceph.endpoint_url.replace("http:", "https:")
        with pytest.raises(RemoteRefusedError, match="does not speak TLS"):
            ceph.backend(options=RemoteOptions(endpoint_url=url)).stat("a")


# What requests look like


def test_encryption_is_asked_for(faulty_seaweedfs: FaultProxy) -> None:
    proxy = faulty_seaweedfs
    options = RemoteOptions(
        endpoint_url=proxy.endpoint_url, sse="aws:kms", sse_kms_key_id="the-key"
    )
    backend = proxy.backend(options=options)

    def attempt(call: Callable[[], object]) -> None:
        with suppress(RadopsError):  # not every server can do it
            call()

    attempt(lambda: backend.put([("a", b"1")]))
    attempt(lambda: backend.create([("b", b"1")]))
    attempt(lambda: backend.upload("c", 1).write(0, BytesPart(b"1")))
    attempt(lambda: backend.upload("d", 65 * MIB))
    seen = [request for request in proxy.matching() if request.method in {"PUT", "POST"}]
    assert len({request.key for request in seen}) == 4
    for request in seen:
        assert request.headers["x-amz-server-side-encryption"] == "aws:kms"
        assert request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "the-key"


def test_every_body_has_a_checksum(faulty_seaweedfs: FaultProxy) -> None:
    proxy = faulty_seaweedfs
    backend = proxy.backend(part_size=5 * MIB)
    backend.put([("a", b"1")])
    backend.create([("b", b"1")])
    upload = backend.upload("c", 6 * MIB)
    upload.write(0, BytesPart(bytes(5 * MIB)))
    upload.write(1, BytesPart(bytes(MIB)))
    upload.commit()
    backend.upload("d", 1).write(0, BytesPart(b"1"))
    puts = proxy.matching("PUT")
    assert len(puts) == 5
    for request in puts:
        assert "x-amz-checksum-crc32" in request.headers
        assert "expect" not in request.headers  # asking first costs a round trip


def test_one_request_for_each_operation(faulty_seaweedfs: FaultProxy) -> None:
    proxy = faulty_seaweedfs
    backend = proxy.backend(prefix="p")
    backend.put([("a", b"1")])
    backend.create([("b", b"1")])
    backend.create([("a", b"1")])
    backend.open("a").read()
    backend.open("a", 0, 10).read()
    backend.stat("a")
    backend.delete(["b"])
    list(backend.list(""))
    seen = [(request.method, request.key) for request in proxy.matching()]
    assert seen == [
        ("PUT", "p/a"),
        ("PUT", "p/b"),
        ("PUT", "p/a"),
        ("GET", "p/a"),
        ("GET", "p/a"),
        ("HEAD", "p/a"),
        ("DELETE", "p/b"),
        ("GET", ""),
    ]


def test_style_of_addresses() -> None:
    for endpoint, style, expected in [
        (None, None, "auto"),
        ("https://s3.eu-west-1.amazonaws.com", None, "auto"),
        ("https://minio.example.org", None, "path"),
        ("https://minio.example.org", "virtual", "virtual"),
        (None, "path", "path"),
    ]:
        assert addressing_style(style, endpoint) == expected
