"""How to reach a remote: what the configuration says beside its URL."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHOICES = {
    "addressing_style": ("auto", "path", "virtual"),
    "sse": ("AES256", "aws:kms", "aws:kms:dsse"),
}


@dataclass(frozen=True)
class RemoteOptions:
    """Options of an S3 remote; None means what boto3's own configuration says.

    Credentials are no options: they come from boto3's chain and are never stored by radops.

    Raises:
        InvalidConfigError: A value cannot be used; the message names the option.

    """

    endpoint_url: str | None = None
    """The server, such as "https://s3.example.org"; None is Amazon's."""
    region: str | None = None
    """The bucket's region."""
    profile: str | None = None
    """A profile of `~/.aws/config`."""
    ca_bundle: str | None = None
    """A file of certificates to trust instead of the usual ones."""
    addressing_style: str | None = None
    """How the bucket is named in requests: "path", "virtual" or "auto"."""
    sse: str | None = None
    """Encryption at rest: "AES256", "aws:kms" or "aws:kms:dsse"."""
    sse_kms_key_id: str | None = None
    """The key of Amazon's key service to encrypt with."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise InvalidConfigError(
                    f"{name} cannot be {value!r}", hint=f"one of: {', '.join(choices)}"
                )
        if self.endpoint_url is not None:
            _check_endpoint(self.endpoint_url)
        if self.sse_kms_key_id is not None and not (self.sse or "").startswith("aws:kms"):
            raise InvalidConfigError(
                "sse_kms_key_id is given but nothing uses it", hint='set sse to "aws:kms"'
            )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all options."""
        return tuple(field.name for field in fields(cls))

    def merged(self, given: Mapping[str, str]) -> RemoteOptions:
        """Return these options with those given put over them."""
        return replace(self, **given)


def _check_endpoint(url: str) -> None:
    hint = "it looks like https://s3.example.org or http://127.0.0.1:8333"
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        raise InvalidConfigError("endpoint_url is not a URL", hint=hint) from None
    if parts.username is not None or parts.password is not None:
        # Not shown: this may be a password.
        raise InvalidConfigError(
            "endpoint_url holds a user or password",
            hint="credentials belong in ~/.aws/credentials or AWS_* variables",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise InvalidConfigError(f"endpoint_url cannot be {url!r}", hint=hint)
    if parts.query or parts.fragment:
        raise InvalidConfigError("endpoint_url has a query or fragment", hint=hint)
