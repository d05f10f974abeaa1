"""Checksums in headers, and stores that refuse them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from backends.bodies import pattern
from radops import native
from radops.backends.parts import MIB
from radops.backends.transfers import Send
from radops.errors import RemoteRefusedError
from servers.http_faults import Answer, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.backends.s3.backend import S3Backend
    from servers.faulty_connection import Request
    from servers.http_faults import Fault
    from servers.proxy import FaultProxy


def reply(status: int, code: str, message: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")


REFUSALS = [
    Answer(501, "NotImplemented"),
    Answer(400, "NotImplemented"),
    Answer(411, "MissingContentLength"),
    Answer(400, "MissingContentLength"),
    reply(501, "NotImplemented", "Header 'x-amz-checksum-crc32' with value '1' not implemented"),
    reply(400, "InvalidArgument", "x-amz-checksum-crc32 is not supported"),
    reply(400, "InvalidRequest", "X-Amz-Checksum-Algorithm: unknown header"),
]


def has_checksum(request: Request) -> bool:
    return any(name.startswith("x-amz-checksum") for name in request.headers)


@pytest.fixture
def backend(faulty_seaweedfs: FaultProxy) -> S3Backend:
    return faulty_seaweedfs.backend(part_size=5 * MIB)


@pytest.fixture
def refuse(
    faulty_seaweedfs: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Fault], list[Request]]:
    """Have every request refused that has a checksum; the function's answer lists the refused."""
    refused: list[Request] = []
    fault_for = faulty_seaweedfs.fault_for
    lock = threading.Lock()

    def begin(fault: Fault) -> list[Request]:
        def choose(request: Request) -> Fault | None:
            other = fault_for(request)
            if not has_checksum(request):
                return other
            with lock:
                refused.append(request)
            return fault

        monkeypatch.setattr(faulty_seaweedfs, "fault_for", choose)
        return refused

    return begin


@pytest.mark.parametrize("fault", REFUSALS, ids=repr)
def test_a_store_that_refuses_checksums_gets_none_any_more(
    backend: S3Backend,
    faulty_seaweedfs: FaultProxy,
    refuse: Callable[[Fault], list[Request]],
    fault: Fault,
) -> None:
    refused = refuse(fault)
    backend.put([("a", b"1")])
    assert len(refused) == 1
    assert faulty_seaweedfs.count("PUT") == 2
    # What was learnt is remembered.
    backend.put([("a", b"2"), ("b", b"3")])
    assert backend.create([("c", b"4"), ("a", b"5")]) == [True, False]
    backend.delete(["b", "absent"])
    assert len(refused) == 1
    assert faulty_seaweedfs.count("PUT") == 6
    assert backend.read(["a", "b", "c"], 10) == [b"2", None, b"4"]


@pytest.mark.parametrize("fault", REFUSALS, ids=repr)
def test_large_files_go_to_a_store_that_refuses_checksums(
    backend: S3Backend, refuse: Callable[[Fault], list[Request]], fault: Fault, tmp_path: Path
) -> None:
    refused = refuse(fault)
    data = pattern(12 * MIB + 5)
    path = tmp_path / "large"
    path.write_bytes(data)
    digest, outline = native.hash_bytes(data)
    items = [Send(key, path, len(data), digest, outline) for key in ("a", "b")]
    assert backend.files is not None
    assert backend.files.send(items[:1]) == [None]
    assert [request.method for request in refused] == ["POST"]  # the upload's beginning
    assert backend.files.send(items[1:]) == [None]
    assert len(refused) == 1
    with backend.open("b") as reader:
        assert reader.read() == data


@pytest.mark.parametrize("fault", [Answer(501, "NotImplemented"), Answer(400, "InvalidArgument")])
def test_a_refusal_for_another_reason_is_not_remembered(
    backend: S3Backend, faulty_seaweedfs: FaultProxy, fault: Answer
) -> None:
    faulty_seaweedfs.inject(fault, method="PUT", times=2)
    for _ in range(2):
        try:
            backend.put([("a", b"1")])
        except RemoteRefusedError:
            continue
        break
    faulty_seaweedfs.reset()
    backend.put([("a", b"1")])
    (put,) = faulty_seaweedfs.matching("PUT")
    assert has_checksum(put)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_refused_request_without_a_checksum_says_nothing_of_them(
    backend: S3Backend, faulty_seaweedfs: FaultProxy, method: str
) -> None:
    backend.put([("a", b"1")])
    faulty_seaweedfs.inject(Answer(501, "NotImplemented"), method=method)
    with pytest.raises(RemoteRefusedError):
        backend.read(["a"], 10) if method == "GET" else backend.stat("a")
    assert faulty_seaweedfs.count(method) == 1
    assert backend.read(["a"], 10) == [b"1"]
    faulty_seaweedfs.reset()
    backend.put([("a", b"2")])
    (put,) = faulty_seaweedfs.matching("PUT")
    assert has_checksum(put)
