"""Where the results of calls were last seen: hints that save a search and can be lost."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops.errors import LocalStorageError
from radops.format.uid import parse_uid

if TYPE_CHECKING:
    from radops.backends.folder.backend import FolderBackend
    from radops.format.digest import Digest
    from radops.format.uid import UID
    from radops.repository.working_lake import WorkingLake

# Each is some hundred bytes; a loop over more calls than that reads the files again.
_MOST_IN_MEMORY = 65_536


class CallHints:
    """The first output of each call that this machine has seen, in memory and in a small file.

    Args:
        storage: Local storage.
    """

    def __init__(self, storage: FolderBackend) -> None:
        self._storage = storage
        self._known: dict[Digest, UID] = {}

    def find(self, lake: WorkingLake, key: Digest) -> list[UID]:
        """Return where the first output of a call was last seen; nothing if that is not known."""
        known = self._known.get(key)
        if known is not None:
            return [known]
        path = self._storage.path(_hint_key(lake, key))
        try:
            uid = parse_uid(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        self._keep(key, uid)
        return [uid]

    def note(self, lake: WorkingLake, key: Digest, uid: UID) -> None:
        """Note where the first output of a call is; a disk that cannot be written to is fine."""
        with contextlib.suppress(LocalStorageError):
            self._storage.without_durability().put([(_hint_key(lake, key), uid.encode())])
        self._keep(key, uid)

    def _keep(self, key: Digest, uid: UID) -> None:
        if len(self._known) >= _MOST_IN_MEMORY:
            self._known.clear()
        self._known[key] = uid


def _hint_key(lake: WorkingLake, key: Digest) -> str:
    return lake.local_key(f"calls/{key.path}")
