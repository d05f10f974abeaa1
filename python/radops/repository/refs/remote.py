"""The remote side of a lake: whose it is, and whether it can be written to safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.backends.base import KeyNotFoundError
from radops.errors import ForeignLakeError, RemoteUnavailableError, UnsafeRemoteError
from radops.format.marker import Marker, decode_marker, new_marker
from radops.repository import layout
from radops.repository.refs.repository import Repository

if TYPE_CHECKING:
    from radops.backends.base import Backend

_MAX_MARKER_BYTES = 64 * 1024


def read_marker(backend: Backend) -> Marker | None:
    """Return the marker of the lake on a backend, None if there is no lake yet.

    Raises:
        NewerFormatError: A later version of radops made the lake, or gave it a feature that
            readers must know.
        CorruptRecordError: The marker does not decode.
    """
    try:
        with backend.open(layout.MARKER, 0, _MAX_MARKER_BYTES) as reader:
            raw = reader.read(_MAX_MARKER_BYTES)
    except KeyNotFoundError:
        return None
    marker = decode_marker(raw)
    marker.check_read()
    return marker


def ensure_marker(backend: Backend, lake_id: str) -> Marker:
    """Return the marker on a backend, making one with `lake_id` if there is none.

    If several processes do so at once, one wins, and all get its marker.
    """
    if (marker := read_marker(backend)) is None:
        backend.create([(layout.MARKER, new_marker(bytes.fromhex(lake_id)).raw)])
        backend.flush()
        marker = read_marker(backend)
        if marker is None:
            raise UnsafeRemoteError(f"what is written to {backend.url} cannot be read back")
    return marker


def probe(backend: Backend, marker: Marker) -> None:
    """Make sure that the backend honours create-if-absent, by the marker's own bytes.

    Raises:
        UnsafeRemoteError: It does not; two writers could overwrite each other's files.
    """
    if backend.create([(layout.MARKER, marker.raw)]) != [False]:
        raise UnsafeRemoteError(
            f"{backend.url} ignores create-if-absent (If-None-Match), so radops does not write"
            " to it",
            hint="two writers could overwrite each other's files; use a server that honours it",
        )


class Remote(Repository):
    """The remote repository of one lake.

    Args:
        backend: Where.
        lake_id: The lake it must be.
        originator: Who writes, for tombstones.
        known: Whether this home found the lake there before.
        probed: Whether this home found it to honour create-if-absent before.
        identity: Distinguishes it from other remotes of the lake; None for its URL.
    """

    def __init__(
        self,
        backend: Backend,
        lake_id: str,
        *,
        originator: str,
        known: bool = False,
        probed: bool = False,
        identity: str | None = None,
    ) -> None:
        super().__init__(backend, originator=originator)
        self.lake_id = lake_id
        self.identity = identity or backend.url
        self.is_foreign = False
        """Whether another lake was found there since this one was opened."""
        self._known = known
        self._probed = probed
        self._writable = False

    def is_met(self) -> bool:
        """Return whether this lake was found there; the remote is asked again until it was.

        Where it was empty at first, what it holds now can be of another lake.
        """
        if not self._known and (marker := read_marker(self.backend)) is not None:
            self._known = marker.lake_id == self.lake_id
            self.is_foreign = not self._known
        return self._known

    def check(self) -> Marker | None:
        """Read the marker again; None if there is no lake yet.

        Raises:
            ForeignLakeError: It is another lake's.
        """
        marker = read_marker(self.backend)
        if marker is not None and marker.lake_id != self.lake_id:
            raise foreign(self.backend.url, marker.lake_id, self.lake_id)
        self._known = self._known or marker is not None
        return marker

    def begin(self) -> None:
        """Make the lake if there is none, even where there once was one."""
        ensure_marker(self.backend, self.lake_id)

    def prepare_write(self) -> None:
        """Before the first write of a process check whose lake it is; of a home, probe it.

        Raises:
            ForeignLakeError: It is another lake's.
            RemoteUnavailableError: There was a lake, and now there is none: nothing must be
                written to the folder on which a share was mounted.
            NewerFormatError: The lake has a feature that writers must know.
            UnsafeRemoteError: It ignores create-if-absent.
        """
        if self._writable:
            return
        if self._known:
            marker = read_marker(self.backend)
        else:
            marker = ensure_marker(self.backend, self.lake_id)
        if marker is None:
            raise RemoteUnavailableError(
                f"{self.backend.url} held this lake before, and now there is none",
                hint="is the share mounted? To start a new lake there: radops config setup",
            )
        if marker.lake_id != self.lake_id:
            raise foreign(self.backend.url, marker.lake_id, self.lake_id)
        marker.check_write()
        if not self._probed:
            probe(self.backend, marker)
        self.backend.include([layout.MARKER])
        self._writable = self._probed = self._known = True


def foreign(url: str, found: str, expected: str) -> ForeignLakeError:
    """Make the error for a remote that holds another lake."""
    return ForeignLakeError(
        f"{url} holds another lake ({found[:8]}…) than this context ({expected[:8]}…)",
        hint="lakes are never mixed: make a context of its own for it, with"
        " radops config create-context",
    )
