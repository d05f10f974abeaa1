"""Where a bucket is and with which keys it is reached.

The plain cases are read here: access keys in the environment or in a profile that holds nothing
unusual. All others (single sign-on, assumed roles, web identity, containers, instances, programs,
dual-stack and FIPS endpoints, other partitions) are botocore's affair. It takes 0.15 s to import,
as long as everything else of a short command.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.location import check_endpoint
from radops.backends.s3.place import Place, addressing_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from radops.backends.location import RemoteOptions
    from radops.backends.s3.chain import Chain
    from radops.backends.s3.place import Keys

DEFAULT_REGION = "us-east-1"
"""What is signed for where no region is known; other providers take any."""

_PLAIN_KEYS = frozenset(
    (
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "ca_bundle",
        "endpoint_url",
        "output",
        "region",
    )
)

# With one of these set, more than a pair of keys decides.
_NOT_PLAIN = (
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)

# Partitions whose hosts are in another domain than amazonaws.com.
_OTHER_PARTITIONS = ("cn-", "us-iso", "eu-iso", "eusc-")


def resolve(options: RemoteOptions, chain: Chain) -> Place:
    """Return where the bucket is.

    Args:
        options: The options in radops' configuration; these come first.
        chain: botocore's view of the rest, for what is not plain.
    """
    plain = _plain(options, os.environ)
    if plain is None:
        endpoint, region, ca_bundle = chain.place()
        credentials = chain.new_keys
    else:
        endpoint, region, ca_bundle, keys = plain
        chain.note(keys)

        def credentials() -> Keys:
            # Where a session token has expired, a login tool may have replaced the keys.
            nonlocal keys
            found = _plain(options, os.environ)
            if found is not None and found[3] != keys:
                keys = found[3]
                chain.renew(keys)
            return keys

    check_endpoint(endpoint)  # of a variable or a profile, perhaps
    style = addressing_style(options.addressing_style, endpoint)
    return Place(endpoint, region or DEFAULT_REGION, style, ca_bundle, credentials)


def _plain(
    options: RemoteOptions, environment: Mapping[str, str]
) -> tuple[str, str | None, str | None, Keys] | None:
    """Return endpoint, region, certificates and keys; None where it is not that simple."""
    if any(environment.get(name) for name in _NOT_PLAIN):
        return None
    name = (
        options.profile or environment.get("AWS_DEFAULT_PROFILE") or environment.get("AWS_PROFILE")
    )
    profile = _profile(name, environment)
    if profile is None:
        return None
    keys = None
    if options.profile is None:
        keys = _keys(
            environment.get("AWS_ACCESS_KEY_ID"),
            environment.get("AWS_SECRET_ACCESS_KEY"),
            environment.get("AWS_SESSION_TOKEN") or environment.get("AWS_SECURITY_TOKEN"),
        )
        if keys is None and any(
            key in environment for key in ("AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN")
        ):
            return None
    if keys is None:
        keys = _keys(
            profile.get("aws_access_key_id"),
            profile.get("aws_secret_access_key"),
            profile.get("aws_session_token"),
        )
    if keys is None:
        return None
    region = options.region or environment.get("AWS_DEFAULT_REGION") or profile.get("region")
    endpoint = (
        options.endpoint_url
        or environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL")
        or profile.get("endpoint_url")
    )
    if not endpoint:
        if region is not None and (region.startswith(_OTHER_PARTITIONS) or "." in region):
            return None
        endpoint = f"https://s3.{region}.amazonaws.com" if region else "https://s3.amazonaws.com"
    ca_bundle = options.ca_bundle or environment.get("AWS_CA_BUNDLE") or profile.get("ca_bundle")
    return endpoint, region, ca_bundle, keys


def _keys(access: str | None, secret: str | None, token: str | None) -> Keys | None:
    return (access, secret, token or None, None) if access and secret else None


def _profile(name: str | None, environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return what the files say of a profile; None if anything in it is unusual, or missing."""
    shared = _sections(environment.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
    config = _sections(environment.get("AWS_CONFIG_FILE", "~/.aws/config"))
    if shared is None or config is None:
        return None
    section = "default" if name in {None, "default"} else f"profile {name}"
    found = [config.get(section), shared.get(name or "default")]
    if name is not None and found == [None, None]:
        return None
    profile: dict[str, str] = {}
    for values in found:
        profile.update(values or {})
    for key, value in profile.items():
        if not (key in _PLAIN_KEYS or key.startswith("cli_")) or "\n" in value:
            return None
    return profile


def _sections(path: str) -> dict[str, dict[str, str]] | None:
    """Return the sections of a file; None if it is there and cannot be read."""
    file = Path(path).expanduser()
    if not file.is_file():
        return {}
    import configparser  # noqa: PLC0415  3 ms, and most machines with keys in the environment have no file

    parser = configparser.RawConfigParser(default_section="\0", strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, configparser.Error):
        return None
    return {" ".join(name.split()): dict(parser[name]) for name in parser.sections()}
