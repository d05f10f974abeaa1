"""Remotes as people write them into the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.location import parse_location
from radops.backends.options import RemoteOptions
from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTION_KEYS = RemoteOptions.names()


def split_remote(url: str, where: str = "the remote") -> tuple[str, dict[str, str]]:
    """Check a remote's URL and return it bare, with the options its query gave.

    Args:
        url: `s3://bucket/prefix?endpoint_url=...`, `file:///folder`, or an absolute path.
        where: What to call it in messages, which never repeat a URL that may hold a secret.

    Raises:
        InvalidConfigError: It cannot be one: the message says why.
    """
    if url.startswith(("/", "~")):
        try:
            url = Path(url).expanduser().absolute().as_uri()
        except (RuntimeError, UnicodeEncodeError) as error:
            raise InvalidConfigError(
                f"{where}: there is no such folder", hint="use an absolute path, or file:///folder"
            ) from error
    location = parse_location(url, where)
    return location.url, dict(location.options)


def check_options(values: Mapping[str, str | None], where: str) -> RemoteOptions:
    """Return the options of a remote; `where` comes before the option's name in messages."""
    try:
        return RemoteOptions(**values)
    except InvalidConfigError as error:
        raise InvalidConfigError(f"{where}{error.message}", hint=error.hint) from error
