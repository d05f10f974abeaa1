"""Options of a remote, on servers that honour them: encryption, names of buckets in hosts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, pattern
from radops import native
from radops.backends.location import RemoteOptions
from radops.backends.parts import MIB
from radops.backends.transfers import Fetch, FetchRanges, Send
from radops.errors import RemoteRefusedError
from servers.fixtures import needs_ceph
from servers.relay import Authority, http_proxy, tls_in_front
from servers.server import DOMAIN, REGION

if TYPE_CHECKING:
    from pathlib import Path

    from radops.backends.s3.backend import S3Backend
    from servers.server import S3Server


def everything(backend: S3Backend, folder: Path, *, copies: bool = True) -> None:
    """Write and read back by every way there is.

    `copies`: whether the server can copy; Ceph 16 cannot copy what is encrypted.
    """
    data = pattern(12 * MIB + 5)
    digest, outline = native.hash_bytes(data)
    source, small, target = folder / "source", folder / "small", folder / "target"
    source.write_bytes(data)
    target.write_bytes(bytes(len(data)))
    backend.put([("a b/\u00e9", b"1")])
    assert backend.create([("b", b"2"), ("b", b"3")]) == [True, False]
    assert backend.create([("b", b"3")]) == [False]
    assert backend.read(["a b/\u00e9", "b", "absent"], 10) == [b"1", b"2", None]
    assert backend.files.send([Send("large", source, len(data), digest, outline)]) == [None]
    spans = [(0, 6), (6, 13)]
    wanted = FetchRanges("large", target, len(data), outline, spans)
    assert backend.files.fetch_ranges([wanted]) == [None]
    assert target.read_bytes() == data
    assert backend.files.fetch([Fetch("b", small, 1, native.hash_bytes(b"2")[0])]) == [None]
    upload = backend.upload("parts", 6 * MIB)
    upload.write(0, BytesPart(data[: 5 * MIB]))
    upload.write(1, BytesPart(data[5 * MIB : 6 * MIB]))
    upload.commit()
    if copies:
        backend.move("parts", "moved")
    else:
        with pytest.raises(RemoteRefusedError, match="does not support"):
            backend.move("parts", "moved")
    moved = "moved" if copies else "parts"
    with backend.open(moved, 5 * MIB - 1, 3) as reader:
        assert reader.read() == data[5 * MIB - 1 : 5 * MIB + 2]
    entry = backend.stat("large")
    assert entry is not None
    assert entry.size == len(data)
    backend.delete(["b", moved, "absent"])
    assert sorted(entry.key for entry in backend.list("")) == ["a b/\u00e9", "large"]


def over_tls(ceph: S3Server, **more: str) -> RemoteOptions:
    assert ceph.tls_endpoint_url is not None
    return RemoteOptions(endpoint_url=ceph.tls_endpoint_url, ca_bundle=ceph.ca_bundle, **more)


@needs_ceph
def test_a_key_of_the_customers_on_Ceph(ceph: S3Server, tmp_path: Path) -> None:  # noqa: N802
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    bucket = ceph.new_bucket()
    options = over_tls(ceph, sse_customer_key_file=str(key))
    everything(ceph.backend(bucket, options=options, part_size=5 * MIB), tmp_path, copies=False)
    without = ceph.backend(bucket, options=over_tls(ceph))
    with pytest.raises(RemoteRefusedError):
        without.read(["large"], 10)


@needs_ceph
def test_a_key_of_a_key_service_on_Ceph(ceph: S3Server, tmp_path: Path) -> None:  # noqa: N802
    options = over_tls(ceph, sse="aws:kms", sse_kms_key_id="the-key")
    bucket = ceph.new_bucket()
    everything(ceph.backend(bucket, options=options, part_size=5 * MIB), tmp_path, copies=False)
    client = ceph.client(endpoint_url=ceph.tls_endpoint_url, verify=ceph.ca_bundle)
    head = client.head_object(Bucket=bucket, Key="large")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == "the-key"


def test_keys_of_the_servers(seaweedfs: S3Server, tmp_path: Path) -> None:
    options = replace(seaweedfs.options, sse="AES256")
    bucket = seaweedfs.new_bucket()
    everything(seaweedfs.backend(bucket, options=options, part_size=5 * MIB), tmp_path)
    for key in ("a b/\u00e9", "large"):
        head = seaweedfs.client().head_object(Bucket=bucket, Key=key)
        assert head["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("name", ["seaweedfs", pytest.param("ceph", marks=needs_ceph, id="Ceph")])
def test_buckets_in_the_names_of_hosts(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    server: S3Server = request.getfixturevalue(name)
    bucket = server.new_bucket()
    address = server.endpoint_url.removeprefix("http://")
    with http_proxy(hosts={f".{DOMAIN}": address}) as (proxy, lines):
        monkeypatch.setenv("http_proxy", f"http://{proxy}")
        options = RemoteOptions(
            endpoint_url=f"http://{DOMAIN}", region=REGION, addressing_style="virtual"
        )
        everything(server.backend(bucket, options=options, part_size=5 * MIB), tmp_path)
    assert lines
    assert all(f" http://{bucket}.{DOMAIN}/" in line for line in lines)


def test_a_bundle_is_trusted_beside_the_systems_certificates(
    monkeypatch: pytest.MonkeyPatch, seaweedfs: S3Server, tmp_path: Path
) -> None:
    (tmp_path / "system").mkdir()
    (tmp_path / "other").mkdir()
    system, other = Authority(tmp_path / "system"), Authority(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(system.bundle))  # where the system's are looked for
    for authority in (system, other):
        with tls_in_front(seaweedfs.endpoint_url, authority) as url:
            options = RemoteOptions(endpoint_url=url, ca_bundle=str(other.bundle))
            backend = seaweedfs.backend(options=options)
            backend.put([("a", b"1")])
            assert backend.read(["a"], 1) == [b"1"]
    with tls_in_front(seaweedfs.endpoint_url, Authority(tmp_path)) as url:
        options = RemoteOptions(endpoint_url=url, ca_bundle=str(other.bundle))
        with pytest.raises(RemoteRefusedError, match="not trusted"):
            seaweedfs.backend(options=options).stat("a")
