"""What the sources of an add are: files that may be taken, and URLs taken apart."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from radops.backends.location import RemoteOptions
from radops.errors import LocalStorageError, MissingFileError, UsageError
from radops.redact import strip_url
from radops.repository.objects.writers import check_no_writer
from radops.repository.stores import Owners

if TYPE_CHECKING:
    from radops.repository.stores import Store

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(source: str) -> bool:
    """Return whether a source is a URL rather than a path."""
    return _URL.match(source) is not None


def local_source(source: str | os.PathLike[str]) -> Path | None:
    """Return the path that a source means; None for a URL of another machine."""
    text = os.fspath(source)
    if not is_url(text):
        return Path(text)
    parts = urlsplit(text)
    if parts.scheme.lower() != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"{strip_url(text)} is not on this machine")
    return Path(unquote(parts.path))


class SourceChecks:
    """Checks of the files of one add; remembers what it found of their folders.

    Args:
        home: The home in use.
        move: Whether the files are to be removed from their places.
    """

    def __init__(self, home: Path, *, move: bool) -> None:
        self._owners = Owners(home)
        self._move = move

    def check(self, path: Path) -> int:
        """Return the size of a file that is to be added.

        Raises:
            MissingFileError: It is not there.
            UsageError: It is a folder or no file at all (a device, a pipe), or it belongs to a
                lake. Objects and views may be copied: their bytes can get another name.
            LocalStorageError: It cannot be read.
            FileChangedError: It is to be moved, and a process has it open for writing.
        """
        text = os.fspath(path)
        try:
            status = os.lstat(text)
            is_link = stat.S_ISLNK(status.st_mode)
            if is_link:
                status = os.stat(text)  # noqa: PTH116 - there may be very many
        except FileNotFoundError as error:
            raise MissingFileError(f"there is no file {path}") from error
        except OSError as error:
            raise LocalStorageError(f"{path}: {error.strerror}") from error
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(
                f"{path} is a folder",
                hint="as one directory: radops datalake add DIR UID; each file under its own UID:"
                " radops datalake add --each DIR PREFIX",
            )
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is not a regular file")
        if not os.access(text, os.R_OK):
            raise LocalStorageError(f"{path}: permission denied")
        owner = self._owners.owner(text, is_link=is_link)
        if owner is not None and (self._move or not self._owners.content_owner(text)):
            raise owned_source(text, owner)
        if self._move:
            check_no_writer(path)
        return status.st_size


def owned_source(path: str, owner: Store) -> UsageError:
    """Return the error for a source that belongs to a lake."""
    return UsageError(f"{path} belongs to {owner}", hint="add only files from outside of any lake")


def name_of(source: str | os.PathLike[str]) -> str:
    """Return the file name of a path or URL: the UID where none is given."""
    text = os.fspath(source)
    if not is_url(text):
        name = Path(text).name
    elif text[:5].lower() == "s3://":
        name = split_s3(text).key.rpartition("/")[2]
        if "?" in name:  # no UID, and no message repeats it: it may be a query with a token
            name = ""
    else:
        last = urlsplit(text).path.rpartition("/")[2]
        name = unquote(last).rpartition("/")[2]
    if not name:
        raise UsageError(
            f"{strip_url(text)} has no file name that can be a UID", hint="give a UID as well"
        )
    return name


class S3Url(NamedTuple):
    """An object in a bucket, as a source."""

    bucket_url: str
    """The bucket, with options."""
    key: str
    """Exactly as it is written: nothing is decoded, and `#` and `?` are part of it."""


def split_s3(url: str) -> S3Url:
    """Return the source that `s3://bucket/key` names; options such as `?region=...` may follow."""
    bucket, _, key = url[len("s3://") :].partition("/")
    rest, mark, query = key.rpartition("?")
    names = {pair.partition("=")[0] for pair in query.split("&")}
    if mark and names <= set(RemoteOptions.names()):
        return S3Url(f"s3://{bucket}?{query}", rest)
    return S3Url(f"s3://{bucket}", key)


def recorded_source(source: str) -> str:
    """Return a source as it goes into a record: of a URL without user, password and query."""
    if not is_url(source):
        return source
    if source[:5].lower() == "s3://":
        where = split_s3(source)
        bucket = strip_url(where.bucket_url.partition("?")[0])
        return strip_url(f"{bucket}/{quote(where.key, safe=_PLAIN)}")
    return strip_url(source)


# Characters of a key that stay as they are in a record, beside letters, digits and `-._~`.
_PLAIN = "/:@!$&'()*+,;="
