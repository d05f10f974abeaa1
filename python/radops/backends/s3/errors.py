"""From errors of the S3 client to errors of radops.

Every error means one of four things: the key is not there; trying again helps
(`RemoteUnavailableError`); trying again does not help (`RemoteRefusedError`, with what to do);
or it is a mistake in radops and goes out as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from radops.backends.base import KeyNotFoundError
from radops.errors import (
    CorruptObjectError,
    InvalidConfigError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops import native

ABSENT = frozenset(("NoSuchKey", "NoSuchVersion", "NotFound", "404"))
"""Codes of a key that is not there. The answer to a HEAD has no body, so only "404"."""

TRANSIENT = frozenset(
    (
        "BadDigest",  # damaged on the way, as are the next three
        "IncompleteBody",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "InternalError",
        "NoSuchUpload",  # a collector removed the upload; a new one succeeds
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    )
)
"""Codes after which trying again helps, whatever the status."""

_KEYS_HINT = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, and endpoint_url"
_RIGHTS_HINT = "a reader needs the rights to get and list, a writer also to put and abort uploads"
_KEYS_OR_RIGHTS_HINT = f"check the access keys or the profile, and the rights: {_RIGHTS_HINT}"
_REGION_HINT = "set `region` to the bucket's region, and check endpoint_url"
_KMS_HINT = "check sse_kms_key_id, and that you may use it (kms:GenerateDataKey, kms:Decrypt)"
_EXPIRED_HINT = "get new temporary credentials (for single sign-on: `aws sso login`)"

# Amazon names what is not allowed: "... is not authorized to perform: kms:GenerateDataKey on ...".
_PERMISSION = re.compile(r"perform: ([A-Za-z0-9-]+:[A-Za-z]+)|\b(kms:[A-Za-z]+)")

# Code: what happened, what to do about it.
_REFUSALS = {
    "NoSuchBucket": (
        "there is no such bucket",
        "check the bucket's name and endpoint_url, or create it",
    ),
    "404": (
        "there is no such bucket, or no S3 server",
        "check endpoint_url and the bucket's name",
    ),
    "InvalidBucketName": ("the bucket's name is not allowed", "check the bucket's name"),
    "AccessDenied": ("access denied", _RIGHTS_HINT),
    "KMS.DisabledException": ("the encryption key is disabled", _KMS_HINT),
    "KMS.KMSInvalidStateException": ("the encryption key cannot be used now", _KMS_HINT),
    "KMS.NotFoundException": ("there is no such encryption key", _KMS_HINT),
    # The answer to a HEAD has no body, so these may also mean keys that are wrong.
    "Forbidden": ("access denied", _KEYS_OR_RIGHTS_HINT),
    "403": ("access denied", _KEYS_OR_RIGHTS_HINT),
    "AllAccessDisabled": ("access denied", _RIGHTS_HINT),
    "AccountProblem": ("there is a problem with the account", "ask the operator of the store"),
    "UnauthorizedAccess": ("access denied", _RIGHTS_HINT),
    "401": ("not authorised", _KEYS_HINT),
    "SignatureDoesNotMatch": ("the secret key is wrong", _KEYS_HINT),
    "InvalidAccessKeyId": ("the access key is not known there", _KEYS_HINT),
    "InvalidSecurity": ("the credentials are not valid", _KEYS_HINT),
    "ExpiredToken": ("the credentials have expired", _EXPIRED_HINT),
    "InvalidToken": ("the session token is not valid", _EXPIRED_HINT),
    "TokenRefreshRequired": ("the credentials have expired", _EXPIRED_HINT),
    "RequestExpired": ("the request has expired", "set this machine's clock"),
    "RequestTimeTooSkewed": (
        "this machine's clock and the server's are too far apart",
        "set this machine's clock",
    ),
    "AuthorizationHeaderMalformed": ("the region is wrong", _REGION_HINT),
    "IllegalLocationConstraintException": ("the region is wrong", _REGION_HINT),
    "PermanentRedirect": ("the bucket is in another region", _REGION_HINT),
    "TemporaryRedirect": ("the bucket is in another region", _REGION_HINT),
    "301": ("the bucket is in another region", _REGION_HINT),
    "307": ("the bucket is in another region", _REGION_HINT),
    # The answer to a HEAD has no body that would say which.
    "400": ("bad request", "the credentials may have expired, or the region may be wrong"),
    "EntityTooLarge": ("the object is larger than the store allows", None),
    "InvalidObjectState": ("the object is archived", "restore it from the archive first"),
    "QuotaExceeded": ("the bucket's quota is used up", "make room or raise the quota"),
    "InsufficientCapacity": ("the store is full", "make room there"),
    "NotImplemented": ("the store does not support what is needed", "use another store"),
    "501": ("the store does not support what is needed", "use another store"),
}

_NETWORK_HINT = "check the network and endpoint_url, then try again"

# Kind of error: whether trying again helps, what happened ({} is the client's text, {key} the key
# or host concerned), what to do about it.
_FAILURES = {
    "connect": (True, "{where} cannot be reached ({text})", _NETWORK_HINT),
    "connection": (True, "{where} cannot be reached ({text})", _NETWORK_HINT),
    "timeout": (True, "{where} cannot be reached ({text})", _NETWORK_HINT),
    # Nothing of what it says: the proxy's URL can hold a password.
    "proxy": (
        True,
        "{where} cannot be reached through the proxy",
        "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    ),
    "interrupted": (
        True,
        "the connection broke while {key} was read from {where}",
        "try again later",
    ),
    "nonsense": (True, "{where}: {text}", "try again later"),
    "changed": (True, "{where}: {text}", "try again later"),
    "certificate": (
        False,
        "{where}: the server's certificate is not trusted ({text})",
        "set ca_bundle to the file of your organisation's certificates",
    ),
    "no-tls": (
        False,
        "{where}: the server does not speak TLS ({text})",
        "endpoint_url may have to begin with http://",
    ),
    "not-s3": (
        False,
        "{where}: {text}",
        "check endpoint_url; a proxy or another web server may have answered",
    ),
    "no-ranges": (False, "{where} ignores ranges of bytes", "use another store"),
    "region": (False, "{where}: the bucket is in the region {key}", _REGION_HINT),
    "redirect": (
        False,
        "{where}: the server sends its clients to another host, {key}",
        "nothing was sent there; check endpoint_url",
    ),
}


def translate(
    error: native.S3Error,
    where: str,
    *,
    key: str | None = None,
    secrets: Iterable[str] = (),
) -> Exception:
    """Return what an error means.

    Args:
        error: What the client raised.
        where: The store, for the message.
        key: The key that was asked for, when an absent key is possible.
        secrets: Texts that no message may hold.

    """
    kind, raw, status, code, concerned = error.args
    # Only the text of the answer is searched: the name of the store is the user's own, and a short
    # secret may occur in it by chance.
    text = redact(raw, secrets)
    if kind == "absent" or (kind == "answer" and key is not None and _is_absent(code, status)):
        return KeyNotFoundError(concerned if key is None else key)
    if kind == "answer":
        known = code in TRANSIENT or code in _REFUSALS
        return of_code(code if known else redact(code, secrets), text, where, status)
    if kind == "wrong-file":
        return CorruptObjectError(f"{raw}; it was not sent", hint="radops datalake verify --repair")
    if kind == "wrong-bytes":
        return CorruptObjectError(f"{where}: {raw}")
    if kind in _FAILURES:
        again, message, hint = _FAILURES[kind]
        message = message.format(where=where, text=_line(text), key=concerned)
        return (RemoteUnavailableError if again else RemoteRefusedError)(message, hint=hint)
    return InvalidConfigError(f"the remote cannot be used: {_line(text)}")


def status_of(error: BaseException | None) -> int:
    """Return the HTTP status of the answer that led to an error of radops; 0 where there is none.

    Args:
        error: The error, or its cause.
    """
    return _fields(error)[2]


def code_of(error: BaseException | None) -> str:
    """Return the code in the answer, such as "NoSuchKey"; "" where there is none."""
    return _fields(error)[3]


def _fields(error: BaseException | None) -> tuple[str, str, int, str, str]:
    if error is None or len(error.args) != 5:
        return "", "", 0, "", ""
    return error.args


def _is_absent(code: str, status: int) -> bool:
    return status == 404 and code in ABSENT


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return the text without secrets, signatures and session tokens."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return re.sub(r"(?i)(signature|token|credential)=[^&\s\"']+", r"\1=***", text)


def of_code(code: str, said: str, where: str, status: int = 0) -> RadopsError:
    """Return what a server's code, message and HTTP status mean; absent keys aside."""
    said = _line(said)
    detail = ": ".join(part for part in (code, said) if part) or f"HTTP {status}"
    if code in TRANSIENT or status in {408, 429} or (status >= 500 and status != 501):
        return RemoteUnavailableError(f"{where} keeps failing ({detail})", hint="try again later")
    what, hint = _REFUSALS.get(code) or _REFUSALS.get(str(status), ("the store refused", None))
    missing = _PERMISSION.search(said)
    if missing:
        hint = (
            f"the permission {missing[1] or missing[2]} is missing: ask the operator of the store"
        )
    return RemoteRefusedError(f"{where}: {what} ({detail})", hint=hint)


def _line(text: str) -> str:
    """Return the first line, not too long: servers send whole pages."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"
