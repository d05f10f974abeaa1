from __future__ import annotations

import inspect
import string

import pytest
from botocore import exceptions as boto

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.backends.s3 import chain_errors
from radops.backends.s3.errors import TRANSIENT, redact, translate
from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError

WHERE = "s3://bucket/prefix"


def an(kind: type[boto.BotoCoreError]) -> boto.BotoCoreError:
    """Make an error, whatever its message needs."""
    names = [name for _, name, _, _ in string.Formatter().parse(kind.fmt) if name]
    values = dict.fromkeys(names, "value")
    if kind is boto.WaiterError:
        values["last_response"] = "value"
    return kind(**values)


KINDS = sorted(
    (
        kind
        for _, kind in inspect.getmembers(boto, inspect.isclass)
        if issubclass(kind, boto.BotoCoreError)
    ),
    key=lambda kind: kind.__name__,
)

# Every other error of botocore is about what a person configured, or a mistake of ours: trying
# again does not help. A new one of botocore's that belongs here shows as a failure.
AGAIN = {
    "ChecksumError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "EndpointConnectionError",
    "FlexibleChecksumError",
    "HTTPClientError",
    "IncompleteReadError",
    "ProxyConnectionError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "SSLError",
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_of_botocore_is_translated(kind: type[boto.BotoCoreError]) -> None:
    translated = chain_errors.translate(an(kind), WHERE)
    expected = RemoteUnavailableError if kind.__name__ in AGAIN else RemoteRefusedError
    assert type(translated) is expected
    assert WHERE in str(translated)
    assert translated.hint


def answer(code: str, status: int, message: str = "said") -> native.S3Error:
    return native.S3Error("answer", message, status, code, "")


@pytest.mark.parametrize(
    ("code", "status", "kind", "says"),
    [
        ("NoSuchBucket", 404, RemoteRefusedError, "no such bucket"),
        ("AccessDenied", 403, RemoteRefusedError, "access denied"),
        ("403", 403, RemoteRefusedError, "access denied"),
        ("WeirdNewDenial", 403, RemoteRefusedError, "access denied"),
        ("SignatureDoesNotMatch", 403, RemoteRefusedError, "secret key is wrong"),
        ("InvalidAccessKeyId", 403, RemoteRefusedError, "access key is not known"),
        ("ExpiredToken", 400, RemoteRefusedError, "expired"),
        ("RequestTimeTooSkewed", 403, RemoteRefusedError, "clock"),
        ("PermanentRedirect", 301, RemoteRefusedError, "region"),
        ("AuthorizationHeaderMalformed", 400, RemoteRefusedError, "region"),
        ("400", 400, RemoteRefusedError, "bad request"),
        ("NotImplemented", 501, RemoteRefusedError, "not support"),
        ("WeirdNewCode", 418, RemoteRefusedError, "WeirdNewCode"),
        ("WeirdNewCode", 0, RemoteRefusedError, "WeirdNewCode"),
        ("SlowDown", 503, RemoteUnavailableError, "SlowDown"),
        ("InternalError", 500, RemoteUnavailableError, "InternalError"),
        ("WeirdNewCode", 502, RemoteUnavailableError, "WeirdNewCode"),
        ("", 504, RemoteUnavailableError, "HTTP 504|said"),
        ("429", 429, RemoteUnavailableError, "429"),
        ("RequestTimeout", 400, RemoteUnavailableError, "RequestTimeout"),
        ("BadDigest", 400, RemoteUnavailableError, "BadDigest"),
        ("NoSuchUpload", 404, RemoteUnavailableError, "NoSuchUpload"),
    ],
)
def test_answers(code: str, status: int, kind: type[RadopsError], says: str) -> None:
    translated = translate(answer(code, status), WHERE, key="a")
    assert type(translated) is kind
    with pytest.raises(kind, match=says):
        raise translated


def test_a_refusal_without_a_body_may_be_about_keys_or_rights() -> None:
    hint = getattr(translate(answer("403", 403), WHERE, key="a"), "hint", "")
    assert "access keys" in hint
    assert "rights" in hint


@pytest.mark.parametrize("code", ["NoSuchKey", "404", "NotFound", "NoSuchVersion"])
def test_an_absent_key(code: str) -> None:
    assert isinstance(translate(answer(code, 404), WHERE, key="a"), KeyNotFoundError)
    refused = translate(answer(code, 404), WHERE)
    assert isinstance(refused, RemoteRefusedError)
    assert "endpoint_url" in (refused.hint or "")


@pytest.mark.parametrize("code", sorted(TRANSIENT))
def test_transient_codes_win_over_the_status(code: str) -> None:
    assert isinstance(translate(answer(code, 400), WHERE), RemoteUnavailableError)


@pytest.mark.parametrize(("kind", "says"), [("certificate", "ca_bundle"), ("no-tls", "http://")])
def test_tls(kind: str, says: str) -> None:
    translated = translate(native.S3Error(kind, "said", 0, "", ""), WHERE)
    assert isinstance(translated, RemoteRefusedError)
    assert says in (translated.hint or "")


@pytest.mark.parametrize(
    ("code", "message", "permission"),
    [
        (
            "AccessDenied",
            (
                "User: arn:aws:iam::1:user/x is not authorized to perform: kms:GenerateDataKey on"
                " resource arn:aws:kms:eu-west-1:1:key/k because no identity-based policy allows it"
            ),
            "kms:GenerateDataKey",
        ),
        (
            "AccessDenied",
            "User: arn:aws:iam::1:user/x is not authorized to perform: s3:PutObject on resource",
            "s3:PutObject",
        ),
    ],
)
def test_a_permission_that_is_missing_is_named(code: str, message: str, permission: str) -> None:
    translated = translate(answer(code, 403, message), WHERE)
    assert isinstance(translated, RemoteRefusedError)
    assert permission in (translated.hint or "")
    assert "expired" not in (translated.hint or "")


def test_no_secret_is_shown() -> None:
    error = answer("Odd", 400, "you sent hunter2 and Signature=abc&x-amz-security-token=def")
    translated = translate(error, WHERE, secrets=["hunter2", ""])
    assert "hunter2" not in str(translated)
    assert "abc" not in str(translated)
    assert "def" not in str(translated)
    proxy = boto.ProxyConnectionError(proxy_url="http://user:hunter2@proxy", error="refused")
    assert "hunter2" not in str(chain_errors.translate(proxy, WHERE))
    assert redact("nothing", [""]) == "nothing"
    echoed = translate(answer("hunter2", 400, "odd"), WHERE, secrets=["hunter2"])
    assert "hunter2" not in str(echoed)


@pytest.mark.parametrize("kind", ["answer", "connect"])
def test_a_short_secret_does_not_hide_the_name_of_the_store(kind) -> None:
    where = "s3://test-bucket/lake"
    error = answer("AccessDenied", 403, "you sent test") if kind == "answer" else (
        native.S3Error(kind, "test", 0, "", "")
    )  # fmt: skip
    said = str(translate(error, where, secrets=["test", "e"]))
    assert where in said
    assert "(test" not in said
    assert "sent test" not in said


def test_a_page_of_html_becomes_a_line() -> None:
    translated = translate(answer("Odd", 400, "<html>\n" * 1000), WHERE)
    assert len(str(translated)) < 300
    assert "\n" not in str(translated)
