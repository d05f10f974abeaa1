"""From errors of botocore, which finds credentials and endpoints, to errors of radops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import exceptions as boto

from radops.backends.s3.errors import redact
from radops.errors import RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.errors import RadopsError

_UNAVAILABLE = (
    boto.ConnectionError,  # also: no route, refused, unknown host, connect timeout, proxy
    boto.HTTPClientError,  # also: read timeout, connection closed, TLS
    boto.IncompleteReadError,
    boto.ChecksumError,
    boto.FlexibleChecksumError,
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


def translate(error: boto.BotoCoreError, where: str, secrets: Iterable[str] = ()) -> RadopsError:
    """Return what an error of botocore means.

    Args:
        error: What botocore raised.
        where: The store, for the message.
        secrets: Texts that no message may hold.

    """
    said = redact(" ".join(str(error).split())[:200], secrets)
    if isinstance(error, boto.ProxyConnectionError):
        # Nothing of what it says: the proxy's URL can hold a password.
        return RemoteUnavailableError(
            f"{where}: the service that gives credentials cannot be reached through the proxy",
            hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
        )
    if isinstance(error, _UNAVAILABLE):
        return RemoteUnavailableError(
            f"{where}: the service that gives credentials cannot be reached ({said})",
            hint="check the network, then try again",
        )
    for kinds, hint in _CLIENT_REFUSALS:
        if isinstance(error, kinds):
            return RemoteRefusedError(f"{where}: {said}", hint=hint)
    return RemoteRefusedError(f"{where}: {said}", hint="check the configuration of the remote")
