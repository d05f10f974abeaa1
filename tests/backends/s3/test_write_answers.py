"""Answers of status 200 that are errors: to commits, to copies and to deletions of many keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, pattern
from backends.s3_answers import error, within
from radops.backends.parts import MIB
from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError
from servers.http_faults import Reply

if TYPE_CHECKING:
    from radops.backends.s3.backend import S3Backend
    from servers.proxy import FaultProxy


def two_parts(backend: S3Backend, data: bytes) -> object:
    upload = backend.upload("a", len(data))
    upload.write(0, BytesPart(data[: 5 * MIB]))
    upload.write(1, BytesPart(data[5 * MIB :]))
    return upload


@pytest.mark.parametrize("code", ["InternalError", "SlowDown", "ServiceUnavailable"])
def test_an_error_in_the_answer_to_a_commit(
    proxy: FaultProxy, backend: S3Backend, code: str
) -> None:
    data = pattern(6 * MIB)
    upload = two_parts(backend, data)
    proxy.inject(Reply(200, f"\n\n{error(code)}"), method="POST", times=2)
    upload.commit()
    with backend.open("a") as reader:
        assert reader.read() == data


@pytest.mark.parametrize(
    "body", [error("AccessDenied"), error("InternalError"), "", "<html>ok</html>", "  ", "<Error"]
)
def test_a_commit_that_is_never_answered_with_a_success(
    proxy: FaultProxy, backend: S3Backend, body: str
) -> None:
    upload = two_parts(backend, pattern(6 * MIB))
    proxy.inject(Reply(200, body), method="POST", times=None)
    with within(60), pytest.raises((RemoteUnavailableError, RemoteRefusedError)):
        upload.commit()
    proxy.reset()
    assert backend.stat("a") is None
    upload.abort()


def test_an_error_in_the_answer_to_a_copy(proxy: FaultProxy, backend: S3Backend) -> None:
    backend.put([("a", b"1")])
    proxy.inject(Reply(200, error("InternalError")), method="PUT")
    backend.move("a", "b")
    assert [entry.key for entry in backend.list("")] == ["b"]
    for body in ("", "<html/>", error("AccessDenied")):
        proxy.inject(Reply(200, body), method="PUT", times=None)
        with pytest.raises(RadopsError):
            backend.move("b", "c")
        proxy.reset()
        assert [entry.key for entry in backend.list("")] == ["b"]


def test_an_object_of_the_same_size_is_not_taken_for_the_upload_that_was_lost(
    proxy: FaultProxy, backend: S3Backend
) -> None:
    """As when a damaged object is replaced, and its new upload is collected meanwhile."""
    old, new = bytes(6 * MIB), pattern(6 * MIB)
    two_parts(backend, old).commit()
    upload = two_parts(backend, new)
    proxy.inject(Reply(404, error("NoSuchUpload")), method="POST")
    with pytest.raises(RemoteUnavailableError):
        upload.commit()
    with backend.open("a") as reader:
        assert reader.read() == old


def deleted(**codes: str) -> Reply:
    errors = "".join(
        f"<Error><Key>p/{key}</Key><Code>{code}</Code><Message>said</Message></Error>"
        for key, code in codes.items()
    )
    return Reply(200, f"<DeleteResult>{errors}</DeleteResult>")


@pytest.mark.parametrize("code", ["InternalError", "SlowDown", "ServiceUnavailable"])
def test_keys_whose_deletion_failed_are_deleted_again(
    proxy: FaultProxy, backend: S3Backend, code: str
) -> None:
    backend.put([("a", b"1"), ("b", b"2"), ("c", b"3")])
    proxy.inject(deleted(a=code, c=code), method="POST")
    proxy.inject(deleted(c=code), method="POST")
    backend.delete(["a", "b", "c"])
    first, second, third = proxy.matching("POST")
    assert first.received > second.received > third.received  # only what failed
    proxy.inject(deleted(a=code, b="NoSuchKey"), method="POST", times=None)
    with within(60), pytest.raises(RemoteUnavailableError, match=code):
        backend.delete(["a", "b"])


def test_a_key_that_may_not_be_deleted(proxy: FaultProxy, backend: S3Backend) -> None:
    proxy.inject(deleted(a="SlowDown", b="AccessDenied"), method="POST", times=None)
    with pytest.raises(RemoteRefusedError, match="access denied"):
        backend.delete(["a", "b"])
    assert proxy.count("POST") == 1
