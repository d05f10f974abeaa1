"""Checks of what people write in the configuration: remotes, options, names, addresses, sizes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.location import RemoteOptions, parse_location
from radops.errors import InvalidConfigError
from radops.sizes import byte_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_CONTEXT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EMAIL = re.compile(r"[^\s@<>\ud800-\udfff]{1,128}@[^\s@<>\ud800-\udfff]{1,253}")


def is_email(text: str) -> bool:
    """Return whether it looks like an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def check_email(email: str, where: str = "email") -> None:
    """Raise `InvalidConfigError` unless it looks like an e-mail address."""
    if not is_email(email):
        raise InvalidConfigError(
            f"{where} is not an e-mail address: {email!r}", hint="use name@example.com"
        )


def check_context_name(name: str) -> None:
    """Raise `InvalidConfigError` unless it can name a context."""
    if not _CONTEXT_NAME.fullmatch(name):
        raise InvalidConfigError(
            f"{name!r} cannot name a context", hint="use up to 64 letters, digits, '-' and '_'"
        )


def check_size(size: str | int, where: str) -> int:
    """Return a number of bytes; raise `InvalidConfigError` unless it is one."""
    count = byte_count(size)
    if count is None or not 0 <= count < 2**63:
        raise InvalidConfigError(f"{where} is {size!r}, not a size", hint='use "10GB", or 0')
    return count


def nearest(word: str, known: Iterable[str], what: str = "keys") -> str:
    """Return a hint that names the known word nearest to this one, or all of them."""
    from difflib import get_close_matches  # noqa: PLC0415 - only when something is wrong

    known = list(known)
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known {what}: {', '.join(known)}"


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
                f"{where}: the folder cannot be found",
                hint="use an absolute path, or file:///folder",
            ) from error
    location = parse_location(url, where)
    return location.url, dict(location.options)


def check_folder(url: str | None, home: Path) -> None:
    """Check that a remote is not the local storage of a home, nor inside it, nor around it.

    Args:
        url: The remote; anything but a folder of this machine passes.
        home: The home that would use it.

    Raises:
        InvalidConfigError: One would remove files of the other.
    """
    # Reading markers brings in the formats, which most commands about the configuration never use.
    from radops.repository.stores import STORAGE, check_apart  # noqa: PLC0415

    location = parse_location(url) if url else None
    folder = Path(location.path) if location is not None and location.scheme == "file" else None
    check_apart(home / STORAGE, folder)


def check_options(values: Mapping[str, str | None], where: str) -> RemoteOptions:
    """Return the options of a remote; `where` comes before the option's name in messages."""
    try:
        return RemoteOptions(**values)
    except InvalidConfigError as error:
        raise InvalidConfigError(f"{where}{error.message}", hint=error.hint) from error
