"""The one place where errors of botocore become errors of radops.

Every error means one of four things: the key is not there; trying again helps
(`RemoteUnavailableError`); trying again does not help (`RemoteRefusedError`, with what to do);
or it is a mistake in radops and goes out as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore import exceptions as boto

from radops.backends.base import KeyNotFoundError
from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        "NoSuchUpload",  # someone collected our upload; a new one succeeds
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
_EXPIRED_HINT = "get new temporary credentials (for single sign-on: `aws sso login`)"

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
    # The answer to a HEAD has no body, so these may also mean keys that are wrong.
    "Forbidden": ("access denied", _KEYS_OR_RIGHTS_HINT),
    "403": ("access denied", _KEYS_OR_RIGHTS_HINT),
    "AllAccessDisabled": ("access denied", _RIGHTS_HINT),
    "AccountProblem": ("there is a problem with the account", "ask who runs the store"),
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

_UNAVAILABLE = (
    boto.ConnectionError,  # also: no route, refused, unknown host, connect timeout, proxy
    boto.HTTPClientError,  # also: read timeout, connection closed
    boto.IncompleteReadError,
    boto.ChecksumError,
    boto.FlexibleChecksumError,
)

# A sign in the text of a TLS error, what happened, what to do about it.
_TLS_REFUSALS = (
    (
        "certificate",
        "the server's certificate is not trusted",
        "set ca_bundle to the file of your organisation's certificates",
    ),
    (
        "wrong_version_number",
        "the server does not speak TLS",
        "endpoint_url may have to begin with http://",
    ),
)

_CLIENT_REFUSALS = (
    (
        (
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.CredentialRetrievalError,
            boto.UnknownCredentialError,
            boto.NoAuthTokenError,
            boto.TokenRetrievalError,
            boto.MetadataRetrievalError,
            boto.RefreshWithMFAUnsupportedError,
            boto.SSOError,  # also: not logged in, token expired
        ),
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile with credentials",
    ),
    ((boto.ProfileNotFound,), "check `profile` and AWS_PROFILE against ~/.aws/config"),
    ((boto.NoRegionError,), "set `region`"),
)


def code_of(error: BaseException | None) -> str:
    """Return the code in a server's answer, such as "NoSuchKey"; "" where there is none."""
    if not isinstance(error, boto.ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: BaseException | None) -> int:
    """Return the HTTP status of a server's answer; 0 where there is none."""
    if not isinstance(error, boto.ClientError):
        return 0
    metadata: Any = error.response.get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))


def translate(
    error: boto.BotoCoreError | boto.ClientError,
    where: str,
    *,
    key: str | None = None,
    secrets: Iterable[str] = (),
) -> RadopsError | KeyNotFoundError:
    """Return what an error means.

    Args:
        error: What botocore raised.
        where: The store, for the message.
        key: The key that was asked for, when an absent key is possible.
        secrets: Texts that no message may hold.

    """
    translated = (
        _of_answer(error, where, key)
        if isinstance(error, boto.ClientError)
        else _of_client(error, where)
    )
    if isinstance(translated, RadopsError):
        message = redact(translated.message, secrets)
        translated = type(translated)(message, hint=translated.hint)
    return translated


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return the text without secrets, signatures and session tokens."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return re.sub(r"(?i)(signature|token|credential)=[^&\s\"']+", r"\1=***", text)


def _of_answer(
    error: boto.ClientError, where: str, key: str | None
) -> RadopsError | KeyNotFoundError:
    code = code_of(error)
    if code in ABSENT and key is not None:
        return KeyNotFoundError(key)
    said = str(error.response.get("Error", {}).get("Message", ""))
    return of_code(code, said, where, status_of(error))


def of_code(code: str, said: str, where: str, status: int = 0) -> RadopsError:
    """Return what a server's code, message and HTTP status mean; absent keys aside."""
    said = _line(said)
    detail = ": ".join(part for part in (code, said) if part) or f"HTTP {status}"
    if code in TRANSIENT or status in {408, 429} or (status >= 500 and status != 501):
        return RemoteUnavailableError(f"{where} keeps failing ({detail})", hint="try again later")
    what, hint = _REFUSALS.get(code) or _REFUSALS.get(str(status), ("the store refused", None))
    return RemoteRefusedError(f"{where}: {what} ({detail})", hint=hint)


def _of_client(error: boto.BotoCoreError, where: str) -> RadopsError:
    said = _line(str(error))
    if isinstance(error, boto.SSLError):
        for sign, what, hint in _TLS_REFUSALS:
            if sign in said.lower():
                return RemoteRefusedError(f"{where}: {what} ({said})", hint=hint)
    if isinstance(error, boto.ProxyConnectionError):
        # Nothing of what it says: the proxy's URL can hold a password.
        return RemoteUnavailableError(
            f"{where} cannot be reached through the proxy", hint="check HTTPS_PROXY and HTTP_PROXY"
        )
    if isinstance(error, _UNAVAILABLE):
        return RemoteUnavailableError(
            f"{where} cannot be reached ({said})",
            hint="check the network and endpoint_url, then try again",
        )
    for kinds, hint in _CLIENT_REFUSALS:
        if isinstance(error, kinds):
            return RemoteRefusedError(f"{where}: {said}", hint=hint)
    return RemoteRefusedError(f"{where}: {said}", hint="check the configuration of the remote")


def _line(text: str) -> str:
    """Return the first line, not too long: servers send whole pages."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"
