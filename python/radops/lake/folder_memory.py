"""What is remembered of folders that became directories: which one, and the stats of its files.

One pair of files for each folder, below `lakes/<lake>/folders/` of the home. Both can be lost: the
folder is then read as if for the first time.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import CorruptDataError, LocalStorageError, NewerFormatError
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.uid import UID, check_stored_uid
from radops.lake.directory.checkout_marker import MARKER
from radops.repository.trees.parts import objects_of

if TYPE_CHECKING:
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.session import Session

_KIND = "radops/folder-memory"
_VERSION = 1
_MAX_BYTES = 64 * 1024


class _Seen(NamedTuple):
    """The marker of a folder, which tells a checkout from another one that has its path later."""

    marker: bytes
    """The digest of its bytes; empty for a folder that is no checkout."""
    written: int
    """When it was written, in nanoseconds."""


def _look(folder: Path) -> _Seen:
    """Look at the marker of a folder."""
    try:
        marker = folder / MARKER
        return _Seen(Digest.of(marker.read_bytes()).raw, marker.stat().st_mtime_ns)
    except OSError:
        return _Seen(b"", 0)


class FolderMemory:
    """What is remembered of one folder.

    Args:
        session: The lake.
        folder: The folder.
    """

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._backend = session.storage.without_durability()
        name = Digest.of(os.path.realpath(folder).encode(errors="surrogateescape"))
        self._key = session.lake.local_key(f"folders/{name}")

    @property
    def stats(self) -> Path | None:
        """The file with the stats of its files; None if there is none."""
        path = self._session.storage.path(f"{self._key}.stats")
        return path if path.is_file() else None

    def _read(self) -> tuple[UID, Digest, _Seen | None] | None:
        try:
            raw = self._session.storage.path(f"{self._key}.cbor").read_bytes()
            tree = cbor.decode(raw, _MAX_BYTES)
            if not isinstance(tree, dict) or (tree.get("kind"), tree.get("v")) != (_KIND, _VERSION):
                return None
            uid = check_stored_uid(tree["uid"])
            seen = _Seen(tree["marker"], tree["written"]) if "marker" in tree else None
            return uid, Digest(tree["root"]), seen
        except (OSError, CorruptDataError, NewerFormatError, KeyError, TypeError, ValueError):
            return None

    def base(self) -> tuple[UID, Digest] | None:
        """Return UID and root of the directory that it became last; None if that is not known."""
        read = self._read()
        return None if read is None else read[:2]

    def is_of_this_folder(self) -> bool:
        """Return whether the folder is known to be the one that was remembered.

        Another one may have its path since: a checkout that was renamed, or made by another home.
        """
        read, now = self._read(), _look(self._folder)
        # Earlier versions of radops did not note the marker.
        return read is not None and (read[2] == now or (read[2] is None and not now.marker))

    def knows_marker(self) -> bool:
        """Return whether the marker in the folder has the bytes that it had when remembered.

        Then the marker says nothing about what the folder became since.
        """
        read, now = self._read(), _look(self._folder)
        if read is None or not now.marker:
            return False
        return read[2] is None or read[2].marker == now.marker

    def remember(self, record: FileRecord, stats: bytes | None) -> None:
        """Note which directory the folder became, or was written from; a full disk is no error.

        Args:
            record: The directory's record.
            stats: The stats of its files; None if they are not known.
        """
        if record.layout is None:
            return
        tree = {
            "kind": _KIND,
            "v": _VERSION,
            "uid": record.uid,
            "root": record.digest.raw,
            **_look(self._folder)._asdict(),
        }
        with contextlib.suppress(LocalStorageError):
            if stats is not None:
                self._backend.put([(f"{self._key}.stats", stats)])
            self._backend.put([(f"{self._key}.cbor", cbor.encode(tree))])


def sources_here(session: Session, record: FileRecord) -> list[tuple[Digest, int]]:
    """Return what a directory consists of, as far as local storage has its parts."""
    if record.layout is None:
        return []
    try:
        return objects_of(session.storage, record.digest, record.layout)
    except (CorruptDataError, NewerFormatError, LocalStorageError):
        return []
