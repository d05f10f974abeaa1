"""The trash: objects on their way out of a repository, which may yet come back.

::

    trash/<run>/ab/cdef...    an object that no record kept when that run looked
    trash/<run>/closed        empty; says that the run moves nothing more, as of its own time

A run is named by the time at which it began, by the store's clock, and something random.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from typing import TYPE_CHECKING

from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptObjectError
from radops.format.digest import Digest
from radops.repository import layout

if TYPE_CHECKING:
    from radops.backends.base import Backend, Reader

_RUN = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{16}", re.ASCII)
_TIME = "%Y%m%dT%H%M%SZ"
_CLOSED = "closed"


def new_run(now: float) -> str:
    """Return the name of a run that begins now; no two runs ever have the same.

    Args:
        now: Seconds since the epoch by the store's clock.
    """
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return f"{moment.strftime(_TIME)}-{os.urandom(8).hex()}"


def begun(run: str) -> float | None:
    """Return when a run began, in seconds since the epoch; None for a name that is no run's."""
    match = _RUN.fullmatch(run)
    if match is None:
        return None
    try:
        moment = datetime.datetime.strptime(match[1], _TIME)  # noqa: DTZ007 - see the next line
    except ValueError:
        return None
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def trash_key(run: str, digest: Digest) -> str:
    """Return where a run puts an object."""
    return f"{layout.TRASH}{run}/{digest.path}"


def closed_key(run: str) -> str:
    """Return the key that marks a run as closed."""
    return f"{layout.TRASH}{run}/{_CLOSED}"


def parse_trash_key(key: str) -> tuple[str, Digest | None] | None:
    """Return run and digest of a listed key, None for a key that is not ours.

    The digest is None for the key that closes a run.
    """
    run, _, rest = key[len(layout.TRASH) :].partition("/")
    if begun(run) is None:
        return None
    if rest == _CLOSED:
        return run, None
    digest = parse_path(rest)
    return None if digest is None else (run, digest)


def parse_path(path: str) -> Digest | None:
    """Return the digest of `ab/cdef...`, None for anything that is not exactly that."""
    if path[2:3] != "/":
        return None
    try:
        return Digest.from_hex(path[:2] + path[3:])
    except ValueError:
        return None


def open_object(
    backend: Backend, digest: Digest, start: int = 0, length: int | None = None
) -> Reader:
    """Open an object in `objects/`, or in the trash, from which it may yet come back.

    Raises:
        CorruptObjectError: It is in neither.
    """
    reader = find_object(backend, digest, start, length)
    if reader is None:
        raise CorruptObjectError(f"object {digest} is missing in {backend.url}")
    return reader


def find_object(
    backend: Backend, digest: Digest, start: int = 0, length: int | None = None
) -> Reader | None:
    """Open an object like `open_object`; return None if it is in neither place."""
    try:
        return backend.open(layout.object_key(digest), start, length)
    except KeyNotFoundError:
        for run in backend.list(layout.TRASH, recursive=False):
            with contextlib.suppress(KeyNotFoundError):
                return backend.open(run.key + digest.path, start, length)
    with contextlib.suppress(KeyNotFoundError):  # it came back while we looked
        return backend.open(layout.object_key(digest), start, length)
    return None


def take_back(backend: Backend, digest: Digest) -> bool:
    """Move an object back from the trash into `objects/`; False if it is not there."""
    for run in backend.list(layout.TRASH, recursive=False):
        with contextlib.suppress(KeyNotFoundError):
            backend.move(run.key + digest.path, layout.object_key(digest))
            return True
    return False
